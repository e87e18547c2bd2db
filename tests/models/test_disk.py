"""Full, absent and read-only disks, and links that lead out of the folder."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.errors import DiskAbsent, DiskFull, StoreFailed
from app.core.fetching import Completed, Fetch, Move, Progress, Refused, Stage
from app.models.disk import explain
from app.models.part import Part
from app.models.record import PART, RecordedFile, read_record
from app.models.tally import Tally
from tests.hub import Fault, Hub
from tests.models.fetching import Run, assert_whole, fetch

REPOSITORY = "maker/Model-4bit"
SHARD = "model-00001-of-00001.safetensors"
SIZE, CUT = 3_000_000, 1_000_000
ROOM = 5_000_000
MOUNT = "mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of five megabytes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        not Path("/proc/mounts").exists()
        or subprocess.run([*MOUNT, str(disk)], check=False, capture_output=True).returncode
    ):
        pytest.skip("only root can mount a small disk here")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def refused(run: Run) -> tuple[str, str]:
    last = run.last()
    assert isinstance(last, Refused)
    return last.failure.kind, last.failure.message


def test_too_little_room_is_told_with_the_amount_before_a_byte_comes(hub: Hub, small_disk: Path) -> None:
    hub.add_model(REPOSITORY, 9_000_000)
    kind, said = refused(fetch(REPOSITORY, small_disk / "model", spare=2_000_000))
    assert kind == "DiskFull"
    assert any(f"{size} MB more" in said for size in (7, 6)), said
    assert not hub.sent[SHARD]


def test_what_is_there_counts_as_room(hub: Hub, small_disk: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.faults[SHARD] = [Fault(cut=CUT, stall=True)]
    run = fetch(REPOSITORY, small_disk / "model", spare=0)
    run.wait_for(lambda report: isinstance(report, Progress) and report.done > CUT)
    run.kill()
    (small_disk / "ballast").write_bytes(bytes(ROOM - SIZE - 300_000))
    assert isinstance(fetch(REPOSITORY, small_disk / "model", spare=100_000).last(), Completed)
    assert hub.sent[SHARD] == SIZE


@pytest.mark.parametrize("spare", [0, 500_000])
def test_a_disk_that_others_fill_meanwhile_stops_it_and_the_part_stays(hub: Hub, small_disk: Path, spare: int) -> None:
    """Found by the look at the disk every second, or by the write itself where it comes first."""
    hub.add_model(REPOSITORY, SIZE)
    if spare:  # nothing comes any more, so that only the look can find it
        hub.faults[SHARD] = [Fault(cut=CUT, stall=True)]
    else:
        hub.faults[SHARD] = [Fault(cut=CUT), Fault(cut=0, stall=True)]
    run = fetch(REPOSITORY, small_disk / "model", spare=spare)
    run.wait_for(lambda report: isinstance(report, Progress) and report.done > CUT)
    (small_disk / "ballast").write_bytes(bytes(ROOM - CUT - 300_000))
    if not spare:
        hub.released.set()
    kind, said = refused(run)
    assert kind == "DiskFull"
    assert "MB more" in said
    (part,) = (small_disk / "model").glob(f"*{PART}")
    there = part.stat().st_size
    assert there >= CUT
    (small_disk / "ballast").unlink()
    hub.sent.clear()
    assert isinstance(fetch(REPOSITORY, small_disk / "model", spare=0).last(), Completed)
    assert_whole(hub, REPOSITORY, small_disk / "model")
    assert hub.sent[SHARD] == SIZE - there


def test_a_write_that_finds_the_disk_full_is_told_the_same_way(small_disk: Path) -> None:
    """In this process, since the look at the disk comes before most writes."""
    root = os.open(small_disk, os.O_RDONLY)
    file = RecordedFile(SHARD, 2 * ROOM, sha256="0" * 64)
    tally = Tally(Stage.FETCHING, file.size)
    with Part(small_disk, root, file, tally) as part, pytest.raises(DiskFull, match=r"\d MB more"):
        _fill(part)
    os.close(root)
    assert (small_disk / file.part).stat().st_size == part.size == file.size - tally.left > ROOM * 0.9


def _fill(part: Part) -> None:
    while True:
        part.append(bytes(100_000))


def test_a_disk_that_cannot_be_written_is_told_plainly(hub: Hub, small_disk: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    (small_disk / "model").mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for folder in ("model", "other"):
        kind, said = refused(fetch(REPOSITORY, small_disk / folder))
        assert kind == "StoreFailed"
        assert "cannot be written: Read-only file system" in said
    assert not hub.sent


def test_a_folder_whose_disk_is_not_connected_is_told_and_not_made(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    folder = tmp_path / "External" / "model"
    assert refused(fetch(REPOSITORY, folder))[0] == "DiskAbsent"
    assert not folder.parent.exists()


def test_a_folder_that_is_a_file_is_told(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    (tmp_path / "model").write_text("mine")
    assert refused(fetch(REPOSITORY, tmp_path / "model"))[0] == "StoreFailed"
    assert (tmp_path / "model").read_text() == "mine"


def test_nothing_is_written_through_a_link_that_lies_in_the_folder(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model(REPOSITORY, SIZE)
    outside = [tmp_path / name for name in ("one", "two", "three", "four")]
    for path in outside:
        path.write_text("mine")
    folder = tmp_path / "model"
    folder.mkdir()
    part = RecordedFile(SHARD, SIZE, sha256=repository.tag(SHARD)[0]).part
    (folder / part).symlink_to(outside[0])
    (folder / "tokenizer.json").symlink_to(outside[1])
    (folder / SHARD).symlink_to(outside[2])
    (folder / RecordedFile("README.md", 10, git=repository.tag("README.md")[1]).part).hardlink_to(outside[3])
    assert isinstance(fetch(REPOSITORY, folder).last(), Completed)
    assert [path.read_text() for path in outside] == ["mine"] * 4
    assert not [path for path in folder.iterdir() if path.is_symlink()]
    assert_whole(hub, REPOSITORY, folder)


@pytest.mark.parametrize("name", [".lemma.json", ".lemma.lock"])
def test_the_record_and_the_lock_follow_no_links_either(hub: Hub, tmp_path: Path, name: str) -> None:
    hub.add_model(REPOSITORY, SIZE)
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / name).symlink_to(tmp_path / "outside")
    fetch(REPOSITORY, tmp_path / "model").last()
    assert (tmp_path / "outside").read_text() == "mine"


def test_a_pipe_in_the_place_of_a_part_does_not_hang_it(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model(REPOSITORY, SIZE)
    (tmp_path / "model").mkdir()
    os.mkfifo(tmp_path / "model" / RecordedFile(SHARD, SIZE, sha256=repository.tag(SHARD)[0]).part)
    os.mkfifo(tmp_path / "model" / "tokenizer.json")
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")


def test_models_are_not_moved_where_there_is_no_room_for_them(hub: Hub, tmp_path: Path, small_disk: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, 3_000_000)
    (tmp_path / "models").mkdir()
    assert isinstance(fetch(REPOSITORY, tmp_path / "models" / "model").last(), Completed)
    kind, said = refused(Run(Move(str(tmp_path / "models"), str(small_disk / "models"), spare=0)))
    assert kind == "DiskFull"
    assert "2 MB more" in said
    assert_whole(hub, REPOSITORY, tmp_path / "models" / "model")
    assert not list((small_disk / "models").iterdir())


def test_models_move_to_another_disk_byte_for_byte(hub: Hub, tmp_path: Path, small_disk: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    models = tmp_path / "models"
    (models / "maker").mkdir(parents=True)
    (models / "notes.txt").write_text("mine")
    assert isinstance(fetch(REPOSITORY, models / "maker" / "model").last(), Completed)
    before = read_record(models / "maker" / "model")
    run = Run(Move(str(models), str(small_disk / "models"), spare=0))
    assert run.last() == Completed(str(small_disk / "models"))
    (small_disk / "models/maker/model/.lemma.lock").touch()
    assert_whole(hub, REPOSITORY, small_disk / "models/maker/model")
    assert read_record(small_disk / "models/maker/model") == before
    assert [path.name for path in models.iterdir()] == ["notes.txt"]
    assert any(isinstance(report, Progress) and report.done == report.total > SIZE for report in run.reports)
    asked = len(hub.asked)
    assert isinstance(Run(Fetch(REPOSITORY, str(small_disk / "models/maker/model"), spare=0)).last(), Completed)
    assert not [path for _host, path, _token in hub.asked[asked:] if "safetensors" in path]


def test_a_worn_disk_is_not_taken_for_one_that_is_not_connected(tmp_path: Path) -> None:
    error = OSError(errno.EIO, "Input/output error")
    there, gone = explain(error, tmp_path), explain(error, tmp_path / "none")
    assert isinstance(there, StoreFailed)
    assert "Input/output error" in there.message
    assert isinstance(gone, DiskAbsent)
