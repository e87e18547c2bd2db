"""THE command table: unique, free of keys that belong to the system, and every row works."""

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtWidgets import QFileDialog

from app.core.messages import Role
from app.ui.commands import COMMANDS, MENUS, Command, title_of
from app.ui.transcript.thought import ThoughtPane
from app.ui.window import Window
from tests.ui import stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, click, press

RESERVED = ("Ctrl+H", "Ctrl+M", "Ctrl+Tab", "Ctrl+Space", "Ctrl+`", "Ctrl+Alt+D", "Ctrl+Alt+Esc", "Ctrl+Shift+Q")
"""Keys of macOS, as Qt writes them there."""


Outcome = Callable[[Window, stage.StageDesk], object]
OUTCOMES: dict[str, Outcome] = {
    "chat.new": lambda _w, d: d.told == [("new_session",)] and d.conversation.session is None,
    "chat.send": lambda w, d: d.told == [] and w.composer.text() == "",  # nothing is written
    "chat.stop": lambda _w, d: d.told == [("stop",)],
    "chat.answer_now": lambda _w, d: d.told == [("answer_now",)],
    "chat.retry": lambda _w, d: d.told == [("retry",)],
    "chat.next": lambda _w, d: d.told[0][0] == "open_session" and d.told[0][1] in (d.sessions[0].id, d.sessions[1].id),
    "chat.previous": lambda _w, d: d.told == [("open_session", d.sessions[-1].id)],
    "copy.answer": lambda w, _d: clipboard() == newest(w, "text"),
    "copy.thought": lambda w, _d: clipboard() == newest(w, "reasoning"),
    "thought.toggle": lambda w, _d: sum(pane.touched for pane in w.findChildren(ThoughtPane)) == w.has_thought,
    "view.sidebar": lambda w, d: not w.sidebar.isVisible() and d.preferences["sidebar"] is False,
    "view.focus_composer": lambda w, _d: w.composer.editor.hasFocus(),
    "view.system": lambda _w, d: d.preferences["theme"] == "system",
    "view.light": lambda w, d: d.preferences["theme"] == "light" and not w.theme.dark,
    "view.dark": lambda w, d: d.preferences["theme"] == "dark" and w.theme.dark,
    "model.choose": lambda _w, d: d.told == [("load_model", "/models/other")],
    "model.starter": lambda _w, d: d.told == [("load_model", "")],
    "engine.restart": lambda _w, d: d.told == [("restart_engine",)],
    "help.keys": lambda w, _d: w._keys.isVisible(),
    "app.quit": lambda w, _d: not w.isVisible(),
}


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def newest(window: Window, what: str) -> str:
    answers = [message for message in window.desk.conversation.messages if message.role is Role.ASSISTANT]
    return next((str(getattr(one, what)) for one in reversed(answers) if getattr(one, what)), "")


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
    assert row.id in OUTCOMES
    desk.told.clear()
    row.run(window)
    assert OUTCOMES[row.id](window, desk)


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


def test_without_a_menu_bar_everything_is_in_the_menu_of_the_header(window: Window, desk: stage.StageDesk) -> None:
    click(window.header.menu)
    assert window.menu.isVisible()
    offered = {one.objectName() for menu in window.menus.values() for one in menu.actions()}
    assert offered == {row.id for row in COMMANDS}
    assert [one.menu() for one in window.menu.actions()] == list(window.menus.values())
    window.menu.close()


@pytest.mark.parametrize("card", [True, False])
def test_the_model_chip_opens_the_models_menu(card: bool, open_window: Open, desk: stage.StageDesk) -> None:
    if not card:
        stage.trouble(desk)
    window = open_window(desk)
    click(window.header.model)
    menu = window.menus["model"]
    assert menu.isVisible()
    assert [one.objectName() for one in menu.actions()] == ["model.choose", "model.starter", "engine.restart"]
    menu.actions()[1].trigger()
    menu.close()
    assert ("load_model", "") in desk.told


@pytest.mark.parametrize("folder", ["/models/broken", ""])
def test_a_chosen_model_that_fails_offers_the_starter(folder: str, open_window: Open, desk: stage.StageDesk) -> None:
    desk.preferences["model"] = folder
    stage.trouble(desk)
    card = open_window(desk).dock.card
    assert card._button.isVisible()
    assert card._second.isVisible() == bool(folder)
    if folder:
        click(card._second)
        assert desk.told == [("load_model", "")]
