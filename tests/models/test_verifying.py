"""Comparing the files of a model with what the hub said of them."""

import hashlib
import os
from pathlib import Path

import msgspec

from app.core.fetching import Completed, FileCondition, Progress, Refused, Stage, Verified, Verify
from app.models import verifying
from app.models.record import Record, RecordedFile, read_record, write_record
from tests.hub import Hub
from tests.models.fetching import Run, assert_whole, fetch

REPOSITORY = "maker/Model-4bit"
SHARD, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SIZE = 500_000


def verify(folder: Path) -> dict[str, FileCondition]:
    last = Run(Verify(str(folder))).last()
    assert isinstance(last, Verified)
    assert last.folder == str(folder)
    return {file.name: file.condition for file in last.files}


def test_a_whole_model_is_found_whole_and_that_is_remembered(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    fetch(REPOSITORY, tmp_path / "model").last()
    asked = len(hub.asked)
    run = Run(Verify(str(tmp_path / "model")))
    last = run.last()
    assert isinstance(last, Verified)
    assert {file.condition for file in last.files} == {FileCondition.WHOLE}
    assert sum(file.size for file in last.files) == 2 * SIZE + 440
    told = [report for report in run.reports if isinstance(report, Progress)]
    assert told[-1] == Progress(Stage.CHECKING, 2 * SIZE + 440, 2 * SIZE + 440, told[-1].rate, told[-1].seconds)
    assert len(hub.asked) == asked
    record = read_record(tmp_path / "model")
    assert record is not None
    assert record.verified is not None


def test_a_damaged_file_is_found_and_a_download_mends_only_that(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    fetch(REPOSITORY, tmp_path / "model").last()
    damage(tmp_path / "model" / SHARD)
    (tmp_path / "model" / "tokenizer.json").unlink()
    (tmp_path / "model" / "README.md").write_bytes(b"shorter")
    conditions = verify(tmp_path / "model")
    assert conditions.pop(SHARD) == conditions.pop("README.md") == FileCondition.DAMAGED
    assert conditions.pop("tokenizer.json") == FileCondition.MISSING
    assert set(conditions.values()) == {FileCondition.WHOLE}
    record = read_record(tmp_path / "model")
    assert record is not None
    assert record.verified is None
    hub.sent.clear()
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert (hub.sent[SHARD], hub.sent[SECOND]) == (SIZE, 0)


def test_a_download_of_a_model_that_was_whole_believes_no_times(hub: Hub, tmp_path: Path) -> None:
    """Whoever asks for it again has a reason, and a disk that rots changes no times."""
    hub.add_model(REPOSITORY, SIZE, SIZE)
    fetch(REPOSITORY, tmp_path / "model").last()
    damage(tmp_path / "model" / SHARD)
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")


def damage(path: Path) -> None:
    found = path.stat()
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(b"rot")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def test_files_of_the_hugging_face_cache_are_compared_by_the_names_of_their_blobs(tmp_path: Path) -> None:
    """As huggingface_hub lays them: a link to a file that is named by its sha256, or by git's name if it is small."""
    home = tmp_path / "models--maker--Model"
    snapshot = home / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (home / "blobs").mkdir()
    large, small = b"weights" * 1000, b"{}"
    names = {
        "model.safetensors": (large, hashlib.sha256(large).hexdigest()),
        "config.json": (small, hashlib.sha1(b"blob 2\0{}").hexdigest()),
        "tokenizer.json": (b"rotten", hashlib.sha1(b"blob 5\0sound").hexdigest()),
    }
    for name, (content, blob) in names.items():
        (home / "blobs" / blob).write_bytes(content)
        (snapshot / name).symlink_to(f"../../blobs/{blob}")
    (snapshot / "gone.json").symlink_to(f"../../blobs/{'e' * 40}")
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert verify(snapshot) == {
        "model.safetensors": FileCondition.WHOLE,
        "config.json": FileCondition.WHOLE,
        "tokenizer.json": FileCondition.DAMAGED,
        "gone.json": FileCondition.MISSING,
    }
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_files_of_which_nothing_is_known_are_read_and_left_open(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    assert verify(tmp_path / "model") == {"config.json": FileCondition.UNKNOWN}


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    last = Run(Verify(str(tmp_path / "none"))).last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "DiskAbsent"


def test_what_was_found_is_not_noted_of_another_version_that_came_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    one = RecordedFile("config.json", 2, sha256=hashlib.sha256(b"{}").hexdigest())
    before = Record("maker/Model", "c" * 40, [one], finished=1.0)
    for after in (
        msgspec.structs.replace(before, commit="d" * 40),
        msgspec.structs.replace(before, files=[msgspec.structs.replace(one, sha256="e" * 64)]),
        msgspec.structs.replace(before, files=[]),
    ):
        write_record(tmp_path, before)
        verifying.verify(tmp_path, lambda _report, after=after: write_record(tmp_path, after))  # type: ignore[misc]
        assert read_record(tmp_path) == after
    write_record(tmp_path, before)
    kept = msgspec.structs.replace(before, wanted=False)
    verifying.verify(tmp_path, lambda _report: write_record(tmp_path, kept))
    record = read_record(tmp_path)
    assert record is not None
    assert record.verified is not None
    assert not record.wanted
