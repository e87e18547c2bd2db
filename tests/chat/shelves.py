"""Desks whose library finds nothing of the person who runs the tests, and a hub on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.chat.changes import Noticed
from app.chat.shelf import Shelf
from app.chat.shelfrow import Presence, ShelfRow
from app.core.errors import Failure
from tests.chat.desks import Scene, scene
from tests.hub import Hub
from tests.models.fetching import environment

MODEL = "tests/Model-4bit"


@contextmanager
def library(folder: Path, **script: Any) -> Iterator["Library"]:
    """A desk on `folder/data` of which the library has looked at the disk; `start` its engine, or not."""
    with scene(folder, **{"start": False, **script}) as stage:
        found = Library(stage)
        found.look()
        yield found


class Library:
    """The library of a scene."""

    def __init__(self, stage: Scene) -> None:
        self.stage = stage

    @property
    def shelf(self) -> Shelf:
        return self.stage.desk.shelf

    def look(self) -> None:
        self.shelf.looked = False
        self.shelf.open()
        self.stage.until(lambda: self.shelf.looked)

    def row(self, key: str) -> ShelfRow:
        row = self.shelf.row(key)
        assert row, f"there is no {key} in {[each.key for each in self.shelf.rows]}"
        return row

    def until(self, key: str, presence: Presence) -> ShelfRow:
        """Wait for a row to be in that state."""
        self.stage.until(
            lambda: (row := self.shelf.row(key)) and row.presence is presence, f"not {presence}: {self.shelf.row(key)}"
        )
        return self.row(key)

    def notice(self) -> Failure:
        """Wait for a word to the person, and take it."""
        self.stage.until(lambda: self.stage.notices)
        said = self.stage.notices[0]
        self.stage.changes[:] = [change for change in self.stage.changes if not isinstance(change, Noticed)]
        return said


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one small model, in an empty home."""
    home = tmp_path / "home"
    home.mkdir()
    with Hub() as made, environment(made, tmp_path / "hf", HOME=str(home), XDG_CACHE_HOME=str(home / ".cache")):
        made.add_model(MODEL, 300_000, 200_000)
        yield made


@pytest.fixture
def empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without models."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home
