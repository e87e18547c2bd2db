import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import mlx.core as mx
import pytest

from app.worker import kvfiles
from app.worker.kvfiles import PrefixFiles
from app.worker.quantising import dequantise, groups_of, quantise
from app.worker.segmentfile import Layers, read_record
from app.worker.segments import ROWS
from tests.worker.shelf import HANGS, Reports, Rows, about, files_of, matches, open_files, save, size_of

LINE = list(range(100, 1300))
SYSTEM, DOCUMENT = 40, 700


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "prefixes"


@pytest.fixture
def reports() -> Reports:
    return Reports()


@pytest.fixture
def files(root: Path, reports: Reports) -> Iterator[PrefixFiles]:
    """8 bits, as people have it."""
    files = open_files(root, report=reports)
    yield files
    reports.go.set()
    files.close()


@pytest.fixture
def exact_files(tmp_path: Path) -> Iterator[PrefixFiles]:
    files = open_files(tmp_path / "exact", exact=True)
    yield files
    files.close()


def always(*layers: tuple[mx.array, mx.array]) -> Callable[[int, int], Layers]:
    """A cache of these layers, whole whatever is asked for."""
    return lambda _start, _stop: list(layers)


# what comes back ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
def test_exact_rows_come_back_bit_for_bit_after_a_restart(root: Path, dtype: mx.Dtype) -> None:
    rows = Rows(dtype=dtype)
    first = open_files(root, exact=True)
    save(first, LINE, rows=rows)
    first.close()
    second = open_files(root, exact=True)
    found = second.find([*LINE, 7], 1)
    assert found.rows == len(LINE)
    assert found.lossless
    assert matches(second.read(found, 0), LINE, 0, len(LINE), rows)
    second.close()


@pytest.mark.parametrize("dtype", [mx.float32, mx.float16, mx.bfloat16])
@pytest.mark.parametrize("width", [32, 64, 80, 128])
def test_eight_bits_come_back_within_half_a_step(dtype: mx.Dtype, width: int) -> None:
    mx.random.seed(0)
    scales = mx.exp(mx.random.normal((3, 50, 1)) * 4)  # heads of very different sizes, as in real caches
    rows = (mx.random.normal((3, 50, width)) * scales + 3 * scales).astype(dtype)
    back = dequantise(*quantise(rows), dtype=dtype)
    assert back.shape == rows.shape
    assert back.dtype == dtype
    grouped = rows.astype(mx.float32).reshape(3, 50, groups_of(width), -1)
    reach = grouped.max(axis=-1) - grouped.min(axis=-1)
    rounding = {mx.float32: 2**-22, mx.float16: 2**-11, mx.bfloat16: 2**-8}[dtype] * mx.abs(grouped).max(axis=-1)
    error = mx.abs(back.astype(mx.float32).reshape(grouped.shape) - grouped).max(axis=-1)
    assert mx.all(error <= reach / 510 * 1.001 + rounding).item()


def test_numbers_that_are_all_equal_come_back_as_they_are() -> None:
    rows = mx.array([[[0.0] * 64, [-1234.5] * 64, [3e-38] * 64]])
    assert mx.array_equal(dequantise(*quantise(rows), dtype=mx.float32), rows).item()


def test_eight_bits_err_less_than_mlx_does() -> None:
    mx.random.seed(0)
    rows = mx.random.normal((4, 256, 128)).astype(mx.bfloat16)
    theirs = mx.dequantize(*mx.quantize(rows, group_size=64, bits=8), group_size=64, bits=8)
    ours = dequantise(*quantise(rows), dtype=mx.bfloat16)
    assert mx.square((ours - rows).astype(mx.float32)).mean() < mx.square((theirs - rows).astype(mx.float32)).mean()


@pytest.mark.parametrize("stop", [1, ROWS - 1, ROWS, ROWS + 1, len(LINE)])
@pytest.mark.parametrize("start", [0, 1, 300, ROWS, 1000])
def test_any_stretch_can_be_read(exact_files: PrefixFiles, start: int, stop: int) -> None:
    save(exact_files, LINE)
    found = exact_files.find([*LINE[:stop], 7, 8, 9], 1)
    assert found.rows == stop
    if start < stop:
        assert matches(exact_files.read(found, start), LINE, start, stop)


def test_eight_bits_are_half_of_sixteen(files: PrefixFiles, exact_files: PrefixFiles) -> None:
    save(files, LINE)
    save(exact_files, LINE)
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, len(LINE))
    assert not files.find(LINE, 1).lossless
    assert 0.5 < files.stored.size / exact_files.stored.size < 0.6


def test_neither_padding_nor_rows_that_were_cut_off_are_saved(root: Path) -> None:
    files = open_files(root, exact=True)
    rows = Rows()
    cache = rows.cache(LINE[:300])
    for layer in cache:
        layer.trim(200)

    def take(start: int, stop: int) -> list[tuple[mx.array, mx.array]]:
        layers = [layer.keys_and_values() for layer in cache]
        return [(keys[:, :, start:stop], values[:, :, start:stop]) for keys, values in layers]

    assert not files.write(LINE[:100], take, session=1)
    files.close()
    (file,) = files_of(root)
    numbers = 2 * 2 * 100 * 2 * 64
    assert numbers * 2 < file.stat().st_size < numbers * 2 + 4096


def test_rows_can_be_read_before_the_disk_has_them(files: PrefixFiles, reports: Reports) -> None:
    reports.go.clear()
    files.write(LINE[:10], Rows().of(LINE[:10]), session=9)
    assert reports.held.wait(HANGS)  # the writing thread stands still now
    take = Rows().of(LINE)
    while files.write(LINE, take, session=1):
        pass
    found = files.find(LINE, 1)
    assert found.rows == files.saved(LINE, 1) == len(LINE)
    assert about(files.read(found, 0), LINE, 0, len(LINE))
    assert not files.flush(0)


# what is written ---------------------------------------------------------------------------------


def test_only_new_rows_are_written(files: PrefixFiles, root: Path) -> None:
    rows = Rows()
    save(files, LINE[:600], rows=rows)
    before, written = set(files_of(root)), files.stored.written_today
    rows.asked.clear()
    save(files, LINE[:650], rows=rows)
    assert rows.asked == [(600, 650)]
    (new,) = set(files_of(root)) - before
    assert files.stored.written_today - written == new.stat().st_size
    assert new.stat().st_size < size_of(root) / 8
    rows.asked.clear()
    save(files, LINE[:650], rows=rows)
    assert rows.asked == []


def test_a_line_is_cut_at_its_shared_stretches_and_at_so_many_rows(files: PrefixFiles) -> None:
    steps = save(files, LINE, shared=(SYSTEM, DOCUMENT))
    assert steps == [SYSTEM, SYSTEM + ROWS, DOCUMENT, len(LINE)]
    assert all(end - start <= ROWS for start, end in zip([0, *steps], steps, strict=False))


def test_a_document_is_stored_once_for_two_chats(files: PrefixFiles, root: Path) -> None:
    save(files, LINE, session=1, shared=(SYSTEM, DOCUMENT))
    one = size_of(root)
    other = [*LINE[:DOCUMENT], *range(5000, 5100)]
    rows = Rows()
    assert files.find(other, 2).rows == DOCUMENT
    save(files, other, session=2, shared=(SYSTEM, DOCUMENT), rows=rows)
    assert rows.asked == [(DOCUMENT, len(other))]
    assert size_of(root) - one < one / 6
    assert about(files.read(files.find(other, 2), 0), other, 0, len(other))


def test_what_is_not_shared_belongs_to_its_chat_alone(files: PrefixFiles) -> None:
    save(files, LINE, session=1, shared=(SYSTEM,))
    assert files.find(LINE, 1).rows == len(LINE)
    assert files.find(LINE, 2).rows == SYSTEM
    assert files.find(LINE, None).rows == SYSTEM


def test_no_chat_needs_what_belongs_to_another(files: PrefixFiles, root: Path) -> None:
    """What was private is saved again where it turns out to be shared."""
    save(files, LINE, session=1)
    save(files, LINE, session=2, shared=(DOCUMENT,))
    records = {record.key: record for record in map(read_record, files_of(root))}
    for record in records.values():
        above = records.get(record.parent)
        assert above is None or above.session in (None, record.session)
    files.forget([1])
    assert files.find(LINE, 2).rows == len(LINE)
    assert about(files.read(files.find(LINE, 2), 0), LINE, 0, len(LINE))


def test_a_chat_may_branch_in_the_middle_of_a_segment(exact_files: PrefixFiles) -> None:
    branches = [LINE, [*LINE[:300], *range(4000, 4100)], [*LINE[:301], *range(6000, 6800)]]
    rows = Rows()
    for line in branches:
        save(exact_files, line, rows=rows)
    assert rows.asked == [(0, 512), (512, 1024), (1024, 1200), (300, 400), (301, 813), (813, 1101)]
    for line in branches:
        found = exact_files.find([*line, 3], 1)
        assert found.rows == len(line)
        assert matches(exact_files.read(found, 0), line, 0, len(line))
        assert matches(exact_files.read(found, 290), line, 290, len(line))


def test_rows_with_fixed_edges_are_kept_exactly_whatever_the_setting(files: PrefixFiles) -> None:
    save(files, LINE, shared=(SYSTEM,), canonical=640)
    found = files.find(LINE, 1, exact=True)
    assert (found.rows, found.lossless) == (640, True)
    assert matches(files.read(found, 0), LINE, 0, 640)
    whole = files.find(LINE, 1)
    assert (whole.rows, whole.lossless) == (len(LINE), False)
    assert matches(files.read(whole, 0), LINE, 0, len(LINE)) is False
    assert about(files.read(whole, 0), LINE, 0, len(LINE))


def test_rows_with_fixed_edges_are_saved_beside_rounded_ones(files: PrefixFiles) -> None:
    save(files, LINE)
    assert files.find(LINE, 1, exact=True).rows == 0
    assert files.saved(LINE, 1) == len(LINE)
    assert files.saved(LINE, 1, canonical=640) == 0
    save(files, LINE, canonical=640)
    assert files.find(LINE, 1, exact=True).rows == 640
    assert files.find(LINE[:640], 1).lossless
    assert files.find(LINE, 1).rows == len(LINE)


def test_exact_files_are_not_read_as_if_their_edges_were_fixed(exact_files: PrefixFiles) -> None:
    save(exact_files, LINE)
    assert exact_files.find(LINE, 1).lossless
    assert exact_files.find(LINE, 1, exact=True).rows == 0


def test_rounded_rows_are_not_read_by_who_wants_them_exact(root: Path) -> None:
    rounding = open_files(root)
    save(rounding, LINE)
    rounding.close()
    exact = open_files(root, exact=True)
    assert exact.find(LINE, 1).rows == 0
    save(exact, LINE)
    assert matches(exact.read(exact.find(LINE, 1), 0), LINE, 0, len(LINE))
    exact.close()


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_rows_that_are_not_finite_are_not_saved(root: Path, wrong: float, exact: bool) -> None:
    for dtype in (mx.float32, mx.float16, mx.bfloat16):
        files = open_files(root, exact=exact)
        good = mx.ones((1, 2, 20, 64), dtype)
        bad = mx.where(mx.arange(20)[:, None] == 13, mx.array(wrong, dtype), good)
        assert not files.write(LINE[:20], always((good, good), (good, bad)), session=1)
        assert files.find(LINE, 1).rows == 0
        assert files.stored.failure is None
        files.close()
    assert files_of(root) == []


def test_a_cache_whose_layers_differ_is_not_saved(files: PrefixFiles) -> None:
    narrow, wide = mx.ones((1, 2, 20, 64)), mx.ones((1, 2, 20, 128))
    assert not files.write(LINE[:20], always((narrow, narrow), (wide, wide)), session=1)
    assert not files.write(LINE[:20], always((narrow, narrow.astype(mx.float16))), session=1)
    assert files.find(LINE, 1).rows == 0
    assert files.stored.failure is None


def test_keys_and_values_may_be_of_different_width(exact_files: PrefixFiles) -> None:
    keys, values = mx.random.normal((1, 2, 20, 96)), mx.random.normal((1, 2, 20, 64))
    exact_files.write(LINE[:20], always((keys, values)), session=1)
    ((read_keys, read_values),) = exact_files.read(exact_files.find(LINE, 1), 0) or []
    assert mx.array_equal(read_keys, keys).item()
    assert mx.array_equal(read_values, values).item()


def test_where_the_disk_cannot_follow_no_work_is_done(
    files: PrefixFiles, reports: Reports, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kvfiles, "QUEUE_BYTES", 1)
    monkeypatch.setattr(kvfiles, "QUEUE_PATIENCE", 0)
    reports.go.clear()
    rows = Rows()
    take = rows.of(LINE)
    assert files.write(LINE, take, session=1)
    assert reports.held.wait(HANGS)
    assert files.write(LINE, take, session=1)
    rows.asked.clear()
    assert files.write(LINE, take, session=1)
    assert rows.asked == []
    reports.go.set()
    assert files.flush(HANGS)
    save(files, LINE, rows=rows)
    assert files.find(LINE, 1).rows == len(LINE)


# deleting ----------------------------------------------------------------------------------------


def test_the_prefixes_of_a_deleted_chat_are_gone(files: PrefixFiles, root: Path) -> None:
    shared = (SYSTEM, DOCUMENT)
    other = [*LINE[:DOCUMENT], *range(5000, 5100)]
    save(files, LINE, session=1, shared=shared)
    save(files, other, session=2, shared=shared)
    files.forget([1])
    assert files.find(LINE, 1).rows == DOCUMENT
    assert [file.name for file in files_of(root) if file.name.startswith("1-")] == []
    assert files.find(other, 2).rows == len(other)
    files.forget([2, 3])
    assert files.find(other, 2).rows == 0
    assert files_of(root) == []
    assert files.stored.size == 0


def test_a_deleted_chat_is_gone_from_other_models_folders(root: Path) -> None:
    for fingerprint in ("aaaa", "bbbb"):
        files = open_files(root, fingerprint)
        save(files, LINE, session=1, shared=(SYSTEM,))
        save(files, [*LINE[:SYSTEM], 1, 2, 3], session=2, shared=(SYSTEM,))
        files.close()
    files = open_files(root, "cccc")
    files.forget([1])
    assert {file.name.split("-")[0] for file in files_of(root)} == {"shared", "2"}
    assert files.stored.size == size_of(root) > 0
    files.forget([2])
    assert files_of(root) == []
    assert files.stored.size == 0
    files.close()


def test_what_belongs_to_no_chat_is_swept(root: Path) -> None:
    for fingerprint in ("aaaa", "bbbb"):
        files = open_files(root, fingerprint)
        for session in (1, 2, 3):
            line = [session, *LINE]
            save(files, line, session=session, shared=(1 + SYSTEM,))
        save(files, [9, *LINE], session=9, shared=(1 + len(LINE),))  # shared by nobody yet
        if fingerprint == "bbbb":
            files.sweep([2, 3])
            for session in (1, 9):
                assert files.find([session, *LINE], session).rows == 0
            for session in (2, 3):
                assert files.find([session, *LINE], session).rows == 1 + len(LINE)
            assert files.stored.size == size_of(root)
        files.close()
    records = [read_record(file) for file in files_of(root)]
    assert {record.ids[0] for record in records if record.start == 0} == {2, 3}
    assert {record.session for record in records} == {None, 2, 3}
    assert {record.fingerprint for record in records} == {"aaaa", "bbbb"}


def test_a_chat_that_is_deleted_while_it_is_saved_leaves_nothing(
    files: PrefixFiles, reports: Reports, root: Path
) -> None:
    reports.go.clear()
    files.write(LINE[:10], Rows().of(LINE[:10]), session=9)
    assert reports.held.wait(HANGS)
    take = Rows().of(LINE)
    while files.write(LINE, take, session=1):
        pass
    forgetting = threading.Thread(target=files.forget, args=([1],))
    forgetting.start()
    while files.find(LINE, 1).rows:
        pass
    reports.go.set()
    forgetting.join()
    assert files.flush(HANGS)
    assert {file.name.split("-")[0] for file in files_of(root)} == {"9"}


def test_everything_can_be_deleted(root: Path) -> None:
    other = open_files(root, "bbbb")
    save(other, LINE)
    other.close()
    files = open_files(root, "aaaa")
    save(files, LINE)
    files.clear()
    assert files_of(root) == []
    assert files.stored.size == 0
    assert files.find(LINE, 1).rows == 0
    save(files, LINE)
    assert files.find(LINE, 1).rows == len(LINE)
    files.close()


# several threads ---------------------------------------------------------------------------------


def test_another_thread_may_ask_at_any_time(files: PrefixFiles) -> None:
    over, wrong = threading.Event(), []

    def ask() -> None:
        while not over.is_set():
            found = files.find(LINE, 1)
            if found.rows != (found.links[-1].end if found.links else 0) or not 0 <= found.rows <= len(LINE):
                wrong.append(found)
            files.saved(LINE, 1)
            assert files.stored.size >= 0

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for _ in range(10):
            save(files, LINE[:600], shared=(SYSTEM,))
            files.forget([1])
    finally:
        over.set()
        asker.join()
    assert wrong == []


def test_the_folder_is_for_the_user_alone(files: PrefixFiles, root: Path) -> None:
    save(files, LINE)
    for path in (root, *root.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
