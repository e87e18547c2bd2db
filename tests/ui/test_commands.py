"""THE command table: unique, free of keys that belong to the system, and every row works."""

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QFileDialog

from app.ui.commands import COMMANDS, MENUS, Command, title_of
from app.ui.window import Window
from tests.ui import stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, press

RESERVED = ("Ctrl+H", "Ctrl+M", "Ctrl+Tab", "Ctrl+Space", "Ctrl+`", "Ctrl+Alt+D", "Ctrl+Alt+Esc", "Ctrl+Shift+Q")
"""Keys of macOS, as Qt writes them there."""


def test_ids_are_unique() -> None:
    assert [row for row, count in Counter(row.id for row in COMMANDS).items() if count > 1] == []


def test_keys_are_unique() -> None:
    keys = Counter(QKeySequence(key).toString() for row in COMMANDS for key in row.keys)
    assert [key for key, count in keys.items() if count > 1 or not key] == []


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.id)
def test_no_key_belongs_to_the_mac(row: Command) -> None:
    # On Linux the tables's Control key is written as Ctrl, which is Command on a Mac.
    keys = {key for key in row.keys if not (row.id.startswith("chat.") and "Tab" in key)}
    assert keys.isdisjoint(RESERVED)
    assert "Ctrl+Q" not in keys or row.id == "app.quit"


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.id)
def test_texts_are_tidy(row: Command) -> None:
    title = row.title()
    assert title
    assert title == title.strip()
    assert row.menu in MENUS
    assert title_of(row.id) == title


@pytest.mark.parametrize(
    "scene", [stage.empty, stage.folded, stage.thinking, stage.failed], ids=lambda one: one.__name__
)
@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.id)
def test_every_row_runs(row: Command, scene: object, open_window: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = stage.StageDesk()
    window = open_window(desk)
    scene(desk)  # type: ignore[operator]
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", staticmethod(lambda *_: "/models/other"))
    row.run(window)


def test_a_command_out_of_place_does_nothing(window: Window) -> None:
    window.run_command("chat.stop")
    window.run_command("chat.answer_now")
    window.run_command("no.such.command")
    assert window.desk.told == []  # type: ignore[attr-defined]


def test_the_list_of_keys_takes_the_next_key_and_gives_the_keyboard_back(window: Window, desk: stage.StageDesk) -> None:
    stage.thinking(desk)
    press(Qt.Key.Key_Slash, CONTROL)
    assert window._keys.isVisible()
    press(Qt.Key.Key_Escape)
    assert not window._keys.isVisible()
    assert desk.told == []
    assert window.composer.editor.hasFocus()
