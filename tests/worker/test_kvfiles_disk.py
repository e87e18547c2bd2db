"""What goes wrong around the saved prefixes: damage, budgets, clocks, full disks, other processes, crashes."""

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.errors import Failure
from app.worker import kvfiles, prefixfolder
from tests.fixtures.models import REPOSITORY
from tests.worker.shelf import HANGS, Reports, Rows, about, files_of, matches, open_files, save, size_of

LINE = list(range(100, 700))
OTHER = list(range(3000, 3600))
HOUR = 3600


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "prefixes"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kvfiles, "RETRY_SECONDS", 0.02)


def child(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """A process of its own that saves prefixes."""
    head = "import os, sys\nfrom pathlib import Path\nfrom tests.worker.shelf import *\nroot = Path(sys.argv[1])\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code, *map(str, arguments)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def children() -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that end with the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def age(file: Path, seconds: float) -> None:
    """Let a file look as if it was used so long ago."""
    then = time.time() - seconds
    os.utime(file, (then, then))


# damage ------------------------------------------------------------------------------------------


def cut(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def cut_by_a_byte(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 1)


def cut_in_the_header(file: Path) -> None:
    os.truncate(file, 200)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def lengthen(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"\0" * 64)


def zero(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def scribble_over_the_length(file: Path) -> None:
    file.write_bytes(b"\xff" * 8 + file.read_bytes()[8:])


def change_an_id(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b",150,", b",151,"))


def change_the_start(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'\\"start\\":0', b'\\"start\\":1'))


def change_the_geometry(file: Path) -> None:
    content = file.read_bytes()
    assert b'\\"layers\\":2,\\"heads\\":2' in content
    file.write_bytes(content.replace(b'\\"layers\\":2,\\"heads\\":2', b'\\"layers\\":1,\\"heads\\":4'))


def change_the_format(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b'\\"format\\":1', b'\\"format\\":9'))


def write_nonsense(file: Path) -> None:
    said = b'{"__metadata__": {"record": "{}", "check": 7}}'
    file.write_bytes(struct.pack("<Q", len(said)) + said)


HEADER_DAMAGE = [
    cut,
    cut_by_a_byte,
    cut_in_the_header,
    empty,
    lengthen,
    zero,
    scribble_over_the_length,
    change_an_id,
    change_the_start,
    change_the_geometry,
    change_the_format,
    write_nonsense,
]


def flip_a_bit_of_the_rows(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1000] ^= 4
    file.write_bytes(content)


@pytest.mark.parametrize("damage", HEADER_DAMAGE)
def test_a_damaged_file_is_not_known_after_a_restart(root: Path, damage: Callable[[Path], None]) -> None:
    files = open_files(root)
    save(files, LINE)
    save(files, OTHER)
    files.close()
    file = next(one for one in files_of(root) if b",150," in one.read_bytes())
    damage(file)
    files = open_files(root)
    assert files.find(LINE, 1).rows == 0
    assert files.find(OTHER, 1).rows == len(OTHER)
    assert not file.exists()
    assert files.stored.size == size_of(root)
    assert files.stored.failure is None
    save(files, LINE)
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, len(LINE))
    files.close()


@pytest.mark.parametrize("damage", [*HEADER_DAMAGE, flip_a_bit_of_the_rows, Path.unlink])
def test_a_file_damaged_while_it_is_known_is_a_miss(root: Path, damage: Callable[[Path], None]) -> None:
    files = open_files(root)
    save(files, LINE, shared=(100,))
    (file,) = root.glob("*/shared-0-*")
    damage(file)
    found = files.find(LINE, 1)
    assert found.rows == len(LINE)
    assert files.read(found, 0) is None
    assert files.find(LINE, 1).rows == 0
    assert files_of(root) == []
    assert files.read(found, 0) is None
    save(files, LINE)
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, len(LINE))
    files.close()


def test_damage_at_the_end_leaves_the_beginning(root: Path) -> None:
    files = open_files(root, exact=True)
    save(files, LINE)
    (file,) = root.glob("*/1-512-*")
    flip_a_bit_of_the_rows(file)
    assert files.read(files.find(LINE, 1), 0) is None
    found = files.find(LINE, 1)
    assert found.rows == 512
    assert matches(files.read(found, 0), LINE, 0, 512)
    files.close()


def test_rows_of_another_shape_are_a_miss(root: Path) -> None:
    files = open_files(root)
    save(files, LINE[:200], rows=Rows(heads=2))
    save(files, LINE, rows=Rows(heads=1))
    assert files.read(files.find(LINE, 1), 0) is None
    assert files.find(LINE, 1).rows == 200
    files.close()


def test_files_of_another_model_are_not_read(root: Path) -> None:
    first = open_files(root, "aaaa")
    save(first, LINE)
    first.close()
    shutil.copytree(root / "aaaa", root / "bbbb")  # as a mixed-up backup might
    second = open_files(root, "bbbb")
    assert second.find(LINE, 1).rows == 0
    assert list((root / "bbbb").iterdir()) == []
    assert second.stored.size == size_of(root) > 0
    second.close()


def test_a_file_that_says_it_is_another_chats_is_not_read(root: Path) -> None:
    files = open_files(root)
    save(files, LINE[:100], session=1)
    files.close()
    (file,) = files_of(root)
    file.rename(file.with_name(file.name.replace("1-0-", "2-0-")))
    files = open_files(root)
    assert files.find(LINE, 1).rows == files.find(LINE, 2).rows == 0
    files.close()


def test_files_that_are_not_ours_stay(root: Path) -> None:
    files = open_files(root)
    save(files, LINE)
    files.close()
    strange = [root / "notes.txt", root / "f00d" / "notes.txt", root / "f00d" / "1-0-abc.safetensors"]
    for file in strange:
        file.write_text("mine")
    (root / "f00d" / f"1-0-{'0' * 32}.safetensors").mkdir()
    files = open_files(root)
    assert files.find(LINE, 1).rows == len(LINE)
    files.sweep([])
    files.clear()
    assert all(file.read_text() == "mine" for file in strange)
    assert files.stored.failure is None
    files.close()


def test_what_hangs_on_a_lost_file_is_deleted(root: Path) -> None:
    files = open_files(root)
    save(files, LINE)
    files.close()
    (first,) = root.glob("*/1-0-*")
    first.unlink()
    files = open_files(root)
    assert files.find(LINE, 1).rows == 0
    assert files_of(root) == []
    files.close()


# the budget --------------------------------------------------------------------------------------


def test_what_was_used_longest_ago_leaves_first(root: Path) -> None:
    lines = [[number, *LINE[:100]] for number in range(1, 7)]
    files = open_files(root)
    save(files, lines[0])
    one = size_of(root)
    files.close()
    files = open_files(root, budget=4 * one + 100)
    for line in lines[1:4]:
        save(files, line)
    assert files.read(files.find(lines[0], 1), 0) is not None  # used: the second is the oldest now
    for line in lines[4:]:
        save(files, line)
        assert size_of(root) == files.stored.size <= 4 * one + 100
    assert [files.find(line, 1).rows for line in lines] == [101, 0, 0, 101, 101, 101]
    files.close()


def test_a_use_is_remembered_over_a_restart(root: Path) -> None:
    files = open_files(root)
    for line in (LINE, OTHER):
        save(files, line)
    whole = size_of(root)
    files.close()
    for file in files_of(root):
        age(file, HOUR)
    files = open_files(root)
    assert files.read(files.find(LINE, 1), 0) is not None
    files.close()
    files = open_files(root, "bbbb", budget=whole // 2)  # also where another model is in use
    files.close()
    files = open_files(root)
    assert files.find(LINE, 1).rows == len(LINE)
    assert files.find(OTHER, 1).rows == 0
    files.close()


def test_the_budget_holds_where_everything_else_still_waits(root: Path) -> None:
    files = open_files(root)
    save(files, LINE[:512])
    budget = size_of(root) * 3 // 2
    files.close()
    shutil.rmtree(root)
    reports = Reports()
    files = open_files(root, budget=budget, report=reports)
    reports.go.clear()
    files.write(LINE[:512], Rows().of(LINE[:512]), session=1)
    assert reports.held.wait(HANGS)
    files.write(OTHER[:512], Rows().of(OTHER[:512]), session=2)
    files.write(LINE, Rows().of(LINE), session=1)  # the beginning is needed now
    reports.go.set()
    assert files.flush(HANGS)
    assert size_of(root) == files.stored.size <= budget
    assert files.find(LINE, 1).rows == len(LINE)
    assert files.find(OTHER, 2).rows == 0
    files.close()


def test_a_line_leaves_from_its_end(root: Path) -> None:
    files = open_files(root)
    save(files, LINE)
    whole = size_of(root)
    (last,) = root.glob("*/1-512-*")
    files.close()
    for file in files_of(root):
        age(file, HOUR)
    files = open_files(root, budget=whole)
    save(files, OTHER[:10])
    assert files.find(LINE, 1).rows == 512
    assert not last.exists()
    files.close()


def test_the_budget_holds_for_all_models_together(root: Path) -> None:
    for number, fingerprint in enumerate(("aaaa", "bbbb", "cccc")):
        files = open_files(root, fingerprint)
        save(files, LINE)
        files.close()
        for file in (root / fingerprint).glob("*.safetensors"):
            age(file, HOUR * (10 - number))
    three = size_of(root)
    files = open_files(root, "dddd", budget=three)
    save(files, LINE)
    assert size_of(root) == files.stored.size <= three
    assert [len(list((root / name).glob("*.safetensors"))) for name in ("aaaa", "bbbb", "cccc", "dddd")] == [0, 2, 2, 2]
    files.close()


def test_other_models_lines_leave_from_their_end_too(root: Path) -> None:
    files = open_files(root, "aaaa")
    save(files, LINE)
    size = size_of(root)
    files.close()
    files = open_files(root, "bbbb", budget=size)
    save(files, LINE[:5])
    files.close()
    files = open_files(root, "aaaa")
    assert files.find(LINE, 1).rows == 512
    files.close()


def test_the_budget_is_checked_at_the_start(root: Path) -> None:
    files = open_files(root)
    for number in range(1, 6):
        save(files, [number, *LINE])
    whole = size_of(root)
    files.close()
    reports = Reports()
    files = open_files(root, "bbbb", budget=whole // 2, report=reports)
    assert 0 < size_of(root) <= whole // 2
    assert reports.heard[0].size == size_of(root)
    files.close()


def test_what_is_larger_than_the_budget_is_not_written(root: Path) -> None:
    files = open_files(root, budget=50_000)
    rows = Rows()
    save(files, LINE[:60], session=1)
    kept = files_of(root)
    assert not files.write(OTHER, rows.of(OTHER), session=2)
    assert files.flush(HANGS)
    assert files_of(root) == kept
    assert files.stored.failure is None
    files.close()


def test_a_line_does_not_push_out_its_own_beginning(root: Path) -> None:
    files = open_files(root)
    save(files, LINE[:512])
    size = size_of(root)
    files.close()
    files = open_files(root, budget=size + 10_000)
    save(files, LINE)
    assert files.find(LINE, 1).rows == 512
    save(files, LINE[:520])
    assert files.find(LINE, 1).rows == 520
    assert size_of(root) <= size + 10_000
    files.close()


def test_without_a_budget_nothing_is_kept_and_nothing_made(root: Path) -> None:
    files = open_files(root, budget=0)
    assert not files.write(LINE, Rows().of(LINE), session=1)
    files.forget([1])
    files.sweep([])
    files.clear()
    files.close()
    assert not root.exists()
    files = open_files(root)
    save(files, LINE)
    files.close()
    files = open_files(root, budget=0)
    assert files_of(root) == []
    assert files.find(LINE, 1).rows == 0
    files.close()


# clocks ------------------------------------------------------------------------------------------


def test_clocks_that_jump_never_let_the_cache_grow(root: Path) -> None:
    files = open_files(root)
    lines = [[number, *LINE[:100]] for number in range(1, 7)]
    for line in lines[:4]:
        save(files, line)
    four = size_of(root)
    files.close()
    for file, when in zip(files_of(root), (0, 4e9, 1.0, 2e10), strict=True):
        os.utime(file, (when, when))
    files = open_files(root, budget=four + 100)
    assert all(files.find(line, 1).rows == 101 for line in lines[:4])
    for line in lines[4:]:
        save(files, line)
        assert size_of(root) == files.stored.size <= four + 100
        assert files.find(line, 1).rows == 101
    assert files.stored.failure is None
    files.close()
    assert all(file.stat().st_mtime <= time.time() + 1 for file in files_of(root))  # the future is forgotten


def test_bytes_written_today_survive_a_restart(root: Path) -> None:
    files = open_files(root, "aaaa")
    save(files, LINE)
    written = files.stored.written_today
    assert written == size_of(root)
    files.clear()
    files.close()
    files = open_files(root, "bbbb")
    assert files.stored.written_today == written
    save(files, LINE)
    assert files.stored.written_today == written + size_of(root)
    files.close()


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"day": "1999-12-31", "written": 10**9}),
        json.dumps({"day": "2999-12-31", "written": 10**9}),
        json.dumps({"day": time.strftime("%Y-%m-%d"), "written": -5}),
        json.dumps({"day": 7}),
        "",
        "\x00\xff",
        "[" * 10_000,
    ],
)
def test_another_day_and_a_damaged_counter_begin_at_nothing(root: Path, content: str) -> None:
    root.mkdir(parents=True)
    (root / "written.json").write_text(content, encoding="latin-1")
    files = open_files(root)
    assert files.stored.written_today == 0
    save(files, LINE)
    assert files.stored.written_today == size_of(root)
    files.close()


# a disk that does not do what it should ----------------------------------------------------------


def assert_off(failure: Failure | None, word: str) -> None:
    assert failure is not None
    assert word in failure.message
    assert failure.hint


def test_a_full_disk_turns_saving_off_until_there_is_room(
    root: Path, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    reports = Reports()
    files = open_files(root, report=reports)
    save(files, LINE[:50])
    monkeypatch.setattr(prefixfolder, "LEAST_FREE", 10**18)
    take = Rows().of(LINE)
    files.write(LINE, take, session=1)
    assert files.flush(HANGS)
    assert_off(files.stored.failure, "full")
    assert not files.write(LINE, take, session=1)
    assert files.find(LINE, 1).rows == files.saved(LINE, 1) == 50
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, 50)
    files.forget([7])
    monkeypatch.setattr(prefixfolder, "LEAST_FREE", 0)
    reports.wait_for(lambda stored: stored.failure is None)
    save(files, LINE)
    assert files.find(LINE, 1).rows == len(LINE)
    files.close()


def test_a_full_disk_at_the_start_leaves_what_is_there(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = open_files(root)
    save(files, LINE)
    files.close()
    monkeypatch.setattr(prefixfolder, "LEAST_FREE", 10**18)
    files = open_files(root)
    assert_off(files.stored.failure, "full")
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, len(LINE))
    assert not files.write(OTHER, Rows().of(OTHER), session=1)
    files.forget([1])
    assert files_of(root) == []
    files.close()


def test_a_write_that_breaks_off_is_no_error(root: Path, children: list["subprocess.Popen[str]"]) -> None:
    """Files of that process cannot become longer: write() itself fails in the middle."""
    children.append(
        child(
            """
import resource
files = open_files(root)
save(files, list(range(50)))
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
line = list(range(600))
files.write(line, Rows().of(line), session=1)
assert files.flush(HANGS)
print(files.stored.failure.message)
print(files.find(line, 1).rows, files.write(line, Rows().of(line), session=1))
files.close()
""",
            root,
        )
    )
    out, _ = children[0].communicate(timeout=HANGS)
    assert out.splitlines() == ["The disk is too full to save prefixes.", "50 False"]
    assert [file.name[:4] for file in (root / "f00d").iterdir()] == ["1-0-"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of four megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if not mounted or mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_small_disk_is_filled_and_used_again(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    monkeypatch.setattr(prefixfolder, "LEAST_FREE", 0)
    reports = Reports()
    root = small_disk / "prefixes"
    files = open_files(root, report=reports)
    for number in range(1, 40):
        line = [number, *LINE]
        if files.stored.failure:
            break
        save(files, line)
    assert_off(reports.wait_for(lambda stored: stored.failure is not None).failure, "full")
    assert files.find([1, *LINE], 1).rows == len(LINE) + 1
    assert list(root.glob("*/*.partial")) == []
    files.clear()
    reports.wait_for(lambda stored: stored.failure is None)
    save(files, LINE)
    assert about(files.read(files.find(LINE, 1), 0), LINE, 0, len(LINE))
    files.close()


def test_a_folder_that_cannot_be_made_turns_saving_off_until_it_can(root: Path, impatient: None) -> None:
    root.parent.mkdir()
    root.write_text("in the way")
    reports = Reports()
    files = open_files(root, report=reports)
    assert_off(files.stored.failure, "prefixes")
    assert not files.write(LINE, Rows().of(LINE), session=1)
    assert files.find(LINE, 1).rows == files.saved(LINE, 1) == 0
    files.forget([1])
    files.sweep([])
    files.clear()
    assert root.read_text() == "in the way"
    root.unlink()
    reports.wait_for(lambda stored: stored.failure is None)
    save(files, LINE)
    assert files.find(LINE, 1).rows == len(LINE)
    files.close()


def test_a_folder_that_is_deleted_by_hand_is_made_again(root: Path, impatient: None) -> None:
    reports = Reports()
    files = open_files(root, report=reports)
    save(files, LINE)
    shutil.rmtree(root)
    assert files.read(files.find(LINE, 1), 0) is None
    files.write(OTHER, Rows().of(OTHER), session=1)
    assert files.flush(HANGS)
    reports.wait_for(lambda stored: stored.failure is None)
    save(files, OTHER)
    assert files.find(OTHER, 1).rows == len(OTHER)
    assert files.stored.size == size_of(root)
    files.close()


# other processes ---------------------------------------------------------------------------------


def test_a_second_process_leaves_the_folder_to_the_first(
    root: Path, children: list["subprocess.Popen[str]"], impatient: None
) -> None:
    children.append(
        child(
            """
files = open_files(root)
save(files, list(range(600)))
print("ready", flush=True)
sys.stdin.read()
""",
            root,
        )
    )
    output = children[0].stdout
    assert output is not None
    assert output.readline() == "ready\n"
    before = files_of(root)
    reports = Reports()
    files = open_files(root, report=reports)
    assert_off(files.stored.failure, "Another engine")
    line = list(range(600))
    assert not files.write(line, Rows().of(line), session=2)
    assert files.find(line, 1).rows == files.saved(line, 1) == 0
    files.forget([1])
    files.sweep([])
    files.clear()
    assert files_of(root) == before
    children[0].kill()
    reports.wait_for(lambda stored: stored.failure is None)
    assert files.find(line, 1).rows == len(line)
    files.forget([1])
    assert files_of(root) == []
    files.close()


def test_a_killed_process_leaves_a_folder_that_can_be_used(root: Path, children: list["subprocess.Popen[str]"]) -> None:
    """Killed at any moment, in the middle of writing too, and again and again in one folder."""
    chance = random.Random(3)
    for turn in range(3):
        children.append(
            child(
                """
files = open_files(root, budget=3_000_000)
first = int(sys.argv[2])
for number in range(first, first + 1000):
    line = [number, *range(600)]
    take = Rows().of(line)
    while files.write(line, take, session=number, shared=(100,)):
        pass
    print(number, flush=True)
""",
                root,
                turn * 1000,
            )
        )
        output = children[-1].stdout
        assert output is not None
        for _ in range(chance.randrange(1, 12)):
            assert output.readline()
        children[-1].send_signal(signal.SIGKILL)
        children[-1].wait()
        files = open_files(root, budget=3_000_000)
        assert files.stored.failure is None
        assert list(root.glob("*/*.partial")) == []
        assert size_of(root) == files.stored.size <= 3_000_000
        known = 0
        for number in range(turn * 1000, turn * 1000 + 12):
            line = [number, *range(600)]
            found = files.find(line, number)
            if found.rows:
                known += 1
                assert about(files.read(found, 0), line, 0, found.rows)
        assert known
        files.close()


def test_what_a_crash_left_half_written_is_removed(root: Path) -> None:
    files = open_files(root)
    save(files, LINE[:100])
    files.close()
    (file,) = files_of(root)
    left = file.with_name(file.name + ".partial")
    left.write_bytes(b"half")
    theirs = root / "f00d" / "thesis.partial"
    theirs.write_bytes(b"mine")
    files = open_files(root)
    assert not left.exists()
    assert theirs.read_bytes() == b"mine"
    assert files.find(LINE, 1).rows == 100
    files.close()
