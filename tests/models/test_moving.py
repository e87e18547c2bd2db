"""Moving all models: what is there before and after, however it ends."""

import errno
import os
import subprocess
from pathlib import Path

import pytest

from app.core.fetching import Completed, Move, Progress, Refused
from app.models import moving
from app.models.record import Record, hold, write_record
from tests.models.fetching import Run

CONTENT = {"config.json": b"{}", "model.safetensors": os.urandom(300_000), "model.safetensors.1234abcd.part": b"part"}


def add_model(models: Path, name: str = "maker/Model") -> Path:
    folder = models / name
    folder.mkdir(parents=True)
    for file, content in CONTENT.items():
        (folder / file).write_bytes(content)
    write_record(folder, Record(name, "c" * 40, []))
    return folder


def assert_there(folder: Path) -> None:
    found = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".lemma")}
    assert found == CONTENT
    assert (folder / ".lemma.json").is_file()


def test_on_one_disk_folders_are_renamed_and_everything_else_stays(tmp_path: Path) -> None:
    source, target = tmp_path / "from", tmp_path / "to"
    before = (add_model(source) / "model.safetensors").stat().st_ino
    add_model(source, "maker/Other")
    (source / "maker" / "holiday").mkdir()
    assert Run(Move(str(source), str(target))).last() == Completed(str(target))
    assert_there(target / "maker/Model")
    assert_there(target / "maker/Other")
    assert (target / "maker/Model/model.safetensors").stat().st_ino == before
    assert sorted(path.name for path in source.rglob("*")) == ["holiday", "maker"]


@pytest.mark.parametrize("target", ["from", "from/inside", "from/../from/inside"])
def test_a_target_in_the_source_is_refused(tmp_path: Path, target: str) -> None:
    add_model(tmp_path / "from")
    last = Run(Move(str(tmp_path / "from"), str(tmp_path / target))).last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "UsageError"
    assert_there(tmp_path / "from/maker/Model")


@pytest.mark.parametrize(("source", "target"), [("none", "to"), ("from", "none/to")])
def test_a_folder_that_is_not_there_is_told(tmp_path: Path, source: str, target: str) -> None:
    add_model(tmp_path / "from")
    last = Run(Move(str(tmp_path / source), str(tmp_path / target))).last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "DiskAbsent"
    assert_there(tmp_path / "from/maker/Model")


def test_a_model_that_is_being_downloaded_is_not_moved(tmp_path: Path) -> None:
    folder = add_model(tmp_path / "from")
    with hold(folder) as held:
        assert held
        last = Run(Move(str(tmp_path / "from"), str(tmp_path / "to"))).last()
    assert isinstance(last, Refused)
    assert "under way" in last.failure.message
    assert_there(folder)


def forbid_renames(monkeypatch: pytest.MonkeyPatch) -> None:
    """As between two disks."""
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.is_dir():
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)


class Killed(BaseException):
    """As if the process were killed."""


def test_interrupted_at_any_moment_nothing_is_lost_and_a_second_move_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forbid_renames(monkeypatch)
    calls = ("open", "replace", "unlink", "rmdir", "mkdir")
    moment, last = 0, False
    while not last:
        moment += 1
        source, target = tmp_path / f"from{moment}", tmp_path / f"to{moment}"
        add_model(source)
        with monkeypatch.context() as patch:
            left = [moment]
            for name in calls:
                patch.setattr(Path, name, _dying(getattr(Path, name), left))
            try:
                moving.move(Move(str(source), str(target), spare=0), lambda _report: None)
                last = True
            except Killed:
                pass
        for file, content in CONTENT.items():
            copies = [folder / "maker/Model" / file for folder in (source, target)]
            assert any(path.is_file() and path.read_bytes() == content for path in copies), (moment, file)
        records = [folder for folder in (source, target) if (folder / "maker/Model/.lemma.json").is_file()]
        assert records, moment
        moving.move(Move(str(source), str(target), spare=0), lambda _report: None) if source.exists() else None
        assert_there(target / "maker/Model")
        assert not list(source.rglob("model.safetensors"))
    assert moment > 15


def _dying(call: object, left: list[int]) -> object:
    def dying(*words: object, **options: object) -> object:
        left[0] -= 1
        if not left[0]:
            raise Killed
        return call(*words, **options)  # type: ignore[operator]

    return dying


def test_another_copy_at_the_target_is_not_overwritten(tmp_path: Path) -> None:
    source, target = add_model(tmp_path / "from"), add_model(tmp_path / "to")
    (target / "model.safetensors").write_bytes(b"of another time")
    last = Run(Move(str(tmp_path / "from"), str(tmp_path / "to"))).last()
    assert isinstance(last, Refused)
    assert "another copy" in last.failure.message
    assert_there(source)
    assert (target / "model.safetensors").read_bytes() == b"of another time"


def test_progress_ends_at_all_bytes(tmp_path: Path) -> None:
    add_model(tmp_path / "from")
    run = Run(Move(str(tmp_path / "from"), str(tmp_path / "to")))
    run.last()
    told = [report for report in run.reports if isinstance(report, Progress)]
    assert told[-1].done == told[-1].total > 300_000


def test_killed_with_minus_nine_it_can_be_repeated(tmp_path: Path) -> None:
    """The process itself, killed as soon as it tells of its first byte."""
    for number in range(30):
        add_model(tmp_path / "from", f"maker/Model{number}")
    run = Run(Move(str(tmp_path / "from"), str(tmp_path / "to")))
    run.wait_for(lambda report: isinstance(report, Progress))
    run.kill()
    found = subprocess.run(["find", str(tmp_path), "-name", ".lemma.json"], capture_output=True, check=True)
    assert found.stdout.count(b"\n") == 30
    assert isinstance(Run(Move(str(tmp_path / "from"), str(tmp_path / "to"))).last(), Completed)
    for number in range(30):
        assert_there(tmp_path / "to" / f"maker/Model{number}")


def test_nothing_is_moved_while_one_of_the_models_is_being_downloaded(tmp_path: Path) -> None:
    first, last = add_model(tmp_path / "from", "maker/A"), add_model(tmp_path / "from", "maker/B")
    with hold(last):
        said = Run(Move(str(tmp_path / "from"), str(tmp_path / "to"))).last()
    assert isinstance(said, Refused)
    assert str(last) in said.failure.message
    assert_there(first)
    assert_there(last)
