"""A real worker is asked once and ended."""

import shutil
from pathlib import Path

import psutil
import pytest

from app.core.errors import ModelMissing, ModelUnsafe
from app.engine.probe import describe_engine, examine_model


def test_the_engine_describes_the_machine(tmp_path: Path) -> None:
    described = describe_engine(tmp_path / "worker.log")
    assert described
    assert described.machine.limit > 0


def test_the_card_of_a_folder(tiny_magistral: Path, tmp_path: Path) -> None:
    card = examine_model(tmp_path / "worker.log", tmp_path, tiny_magistral)
    assert (card.release, card.bits, card.group_size, card.thinking) == ("magistral", 4, 64, "control")
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def test_a_refusal_is_raised_as_what_it_is(tiny_magistral: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing):
        examine_model(tmp_path / "worker.log", tmp_path, tmp_path / "nowhere")
    folder = Path(shutil.copytree(tiny_magistral, tmp_path / "model"))
    (folder / "SYSTEM_PROMPT.txt").unlink()
    (folder / "SYSTEM_PROMPT.txt").symlink_to("/etc/hostname")
    with pytest.raises(ModelUnsafe, match="leads out"):
        examine_model(tmp_path / "worker.log", tmp_path, folder)
