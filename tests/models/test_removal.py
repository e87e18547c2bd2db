"""Downloaded models are deleted, nothing else ever, and whether to the Trash is known before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.errors import DiskAbsent, StoreFailed
from app.models.record import Record, RecordedFile, hold, write_record
from app.models.removal import discard, has_trash, remove
from tests.models.folders import write_model

REMOVE = """
import sys
from pathlib import Path
from app.models.removal import has_trash, remove
folder, root = map(Path, sys.argv[1:])
assert has_trash(folder)
remove(folder, root, trash=True)
"""


def test_a_model_goes_to_the_trash_with_everything_in_it(tmp_path: Path) -> None:
    root, home = tmp_path / "models", tmp_path / "home"
    home.mkdir()
    folder = write_model(root / "a/b")
    # where the Trash is is settled when its library is imported, hence a process with a home of its own
    environment = {key: value for key, value in os.environ.items() if key != "XDG_DATA_HOME"} | {"HOME": str(home)}
    subprocess.run([sys.executable, "-c", REMOVE, folder, root], check=True, env=environment, timeout=60)
    assert not folder.exists()
    assert not folder.parent.exists(), "an owner's empty folder goes with its last model"
    trashed = {file.name for file in home.rglob("b/*")}
    assert {"config.json", "model.safetensors"} <= trashed


def test_without_a_trash_a_model_is_gone_for_good(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models/a/b")
    write_model(tmp_path / "models/a/c")
    remove(folder, tmp_path / "models", trash=False)
    assert [each.name for each in (tmp_path / "models/a").iterdir()] == ["c"]


def test_what_a_mac_puts_into_folders_does_not_keep_an_owner(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "models/a/b")
    (tmp_path / "models/a/.DS_Store").write_bytes(b"x")
    remove(folder, tmp_path / "models", trash=False)
    assert not (tmp_path / "models/a").exists()


@pytest.mark.parametrize("place", ["elsewhere/a/b", "models/b", "models/a/b/c", "models/../elsewhere/a/b"])
def test_what_lies_elsewhere_is_not_deleted(tmp_path: Path, place: str) -> None:
    (tmp_path / "models").mkdir()
    write_model(tmp_path / "elsewhere/a/b")
    folder = write_model(tmp_path / place)
    with pytest.raises(StoreFailed, match="not deleted"):
        remove(folder, tmp_path / "models", trash=False)
    assert (folder / "config.json").exists()


def test_of_a_link_only_the_link_is_deleted(tmp_path: Path) -> None:
    target = write_model(tmp_path / "theirs")
    (tmp_path / "models/a").mkdir(parents=True)
    (tmp_path / "models/a/b").symlink_to(target, target_is_directory=True)
    remove(tmp_path / "models/a/b", tmp_path / "models", trash=False)
    assert not (tmp_path / "models/a/b").exists()
    assert (target / "model.safetensors").exists()


def test_behind_an_owner_that_is_a_link_nothing_is_deleted(tmp_path: Path) -> None:
    target = write_model(tmp_path / "theirs/b")
    (tmp_path / "models").mkdir()
    (tmp_path / "models/a").symlink_to(tmp_path / "theirs", target_is_directory=True)
    with pytest.raises(StoreFailed):
        remove(tmp_path / "models/a/b", tmp_path / "models", trash=False)
    assert (target / "model.safetensors").exists()


def test_a_model_on_a_disk_that_is_away_is_told_to_be_absent(tmp_path: Path) -> None:
    with pytest.raises(DiskAbsent):
        remove(tmp_path / "models/a/b", tmp_path / "models", trash=False)


def test_a_model_that_another_process_writes_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.removal.PATIENCE", 0.1)
    folder = write_model(tmp_path / "models/a/b")
    with hold(folder) as ours:
        assert ours
        with pytest.raises(StoreFailed, match="another window or terminal"):
            remove(folder, tmp_path / "models", trash=False)
    assert (folder / "model.safetensors").exists()


def test_a_download_that_was_given_up_is_gone_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "models/a/b"
    folder.mkdir(parents=True)
    (folder / "model.safetensors.abababab.part").write_bytes(bytes(1000))
    write_record(folder, Record("a/b", "c0ffee", [RecordedFile("model.safetensors", 2000, sha256="ab" * 32)]))
    discard(folder, tmp_path / "models")
    assert not folder.parent.exists()
    discard(folder, tmp_path / "models")  # once more is no error


def test_a_folder_beside_the_home_has_a_trash_and_none_that_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert has_trash(tmp_path)
    assert not has_trash(tmp_path / "absent")
