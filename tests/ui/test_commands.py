"""THE command table: unique, free of keys that belong to the system, and every row works."""

from collections import Counter
from collections.abc import Callable

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtPrintSupport import QPrintDialog
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget

from app.chat.changes import LedgerChanged, StoredChanged
from app.core.messages import Role, State
from app.core.protocol import Stored
from app.ui.commands import COMMANDS, MENUS, Command, title_of
from app.ui.deletion import DeleteQuestion
from app.ui.frame import LEAST_SIZE
from app.ui.keylist import PADDING, TITLE
from app.ui.transcript.answer import Answer
from app.ui.transcript.foot import Foot
from app.ui.transcript.paper import Paper
from app.ui.transcript.waiting import WaitingLine
from app.ui.window import Window
from tests.ui import samples, stage
from tests.ui.conftest import Open
from tests.ui.hands import ALT, CONTROL, SHIFT, click, press, write

RESERVED = ("Ctrl+H", "Ctrl+M", "Ctrl+Tab", "Ctrl+Space", "Ctrl+`", "Ctrl+Alt+D", "Ctrl+Alt+Esc", "Ctrl+Shift+Q")
"""Keys of macOS, as Qt writes them there."""


FILES_ASKED: list[str] = []
"""Names that were offered for files."""


def _note_file(_parent: QWidget, _title: str, name: str, *_kinds: str) -> tuple[str, str]:
    FILES_ASKED.append(name)
    return "", ""


Outcome = Callable[[Window, stage.StageDesk], object]
OUTCOMES: dict[str, Outcome] = {
    "chat.new": lambda _w, d: d.told == [("new_session",)] and d.conversation.session is None,
    "chat.send": lambda w, d: d.told == [] and w.composer.text() == "",  # nothing is written
    "chat.stop": lambda _w, d: d.told == [("stop",)],
    "chat.answer_now": lambda _w, d: d.told == [("answer_now",)],
    "thought.steer": lambda w, d: d.told == [] and w.composer.text() == "",  # nothing is written
    "chat.resume": lambda _w, d: d.told == [("resume",)],
    "chat.retry": lambda _w, d: d.told == [("retry",)],
    "thought.fork": lambda w, d: d.told == [] and (w.transcript.place_in_thought() is not None) == w.can_fork,
    "chat.delete": lambda w, d: (
        d.told == [] and (w.findChild(DeleteQuestion) is not None) == (d.conversation.session is not None)
    ),
    "thought.budget": lambda w, _d: [one.isVisible() for one in w.composer.thinking.findChildren(QMenu)] == [True],
    "chat.keep_thoughts": lambda w, d: d.told == [("set_keep_thoughts", True)] and w.desk.keeps_thoughts,
    "question.edit": lambda w, _d: (
        w.edited == next((one.id for one in w.desk.conversation.messages[-2:-1]), None)
        if not w.running
        else w.edited is None
    ),
    "chat.next": lambda _w, d: d.told[0][0] == "open_session" and d.told[0][1] in (d.sessions[0].id, d.sessions[1].id),
    "chat.previous": lambda _w, d: d.told == [("open_session", d.sessions[-1].id)],
    "copy.answer": lambda w, _d: clipboard() == newest(w, "text"),
    "copy.thought": lambda w, _d: clipboard() == newest(w, "reasoning"),
    "thought.toggle": lambda w, _d: (
        sum(isinstance(turn, Answer) and turn.touched for turn in w.transcript.turns) == w.has_thought
    ),
    "copy.both": lambda w, _d: not w.has_thought or clipboard().startswith("> "),
    "copy.code": lambda w, _d: w.transcript.code_in_reach() is None or clipboard() in newest(w, "text"),
    "chat.save": lambda w, _d: w.can_find == (FILES_ASKED != []),
    "chat.print": lambda w, _d: w.can_find == (w.transcript.findChild(Paper) is not None),
    "find.open": lambda w, _d: w.transcript.find_bar.field.hasFocus() == w.can_find,
    "find.next": lambda w, _d: w.transcript.find_bar.isVisible() == w.can_find,
    "find.previous": lambda w, _d: w.transcript.find_bar.isVisible() == w.can_find,
    "thought.steps": lambda w, _d: (menu_of(w, "Steps of the thought") is not None) == w.has_thought,
    "text.larger": lambda w, d: d.preferences["text_size"] == 110 and w.transcript.setting.scale == 1.1,
    "text.smaller": lambda w, d: d.preferences["text_size"] == 90 and w.transcript.setting.scale == 0.9,
    "text.normal": lambda w, d: d.preferences["text_size"] == 100 and w.transcript.setting.scale == 1.0,
    "view.wrap": lambda w, d: d.preferences["wrap_code"] is False and not w.transcript.setting.wrap,
    "view.numbers": lambda w, d: d.preferences["number_code"] is True and w.transcript.setting.numbers,
    "view.contrast": lambda w, d: d.preferences["high_contrast"] is True and w.theme.tokens["ink"] == "#000000",
    "view.sidebar": lambda w, d: not w.sidebar.isVisible() and d.preferences["sidebar"] is False,
    "view.focus_composer": lambda w, _d: w.composer.editor.hasFocus(),
    "view.system": lambda _w, d: d.preferences["theme"] == "system",
    "view.light": lambda w, d: d.preferences["theme"] == "light" and not w.theme.dark,
    "view.dark": lambda w, d: d.preferences["theme"] == "dark" and w.theme.dark,
    "model.choose": lambda w, _d: w.switcher.isVisible() and w.switcher.filter.hasFocus(),
    "model.library": lambda w, _d: w.in_library and w.library.isVisible() and not w.dock.isVisible(),
    "model.folder": lambda w, d: d.told == [("add_folder", "/models/other")] and w.in_library,
    "model.starter": lambda _w, d: d.told == [("load_model", "")],
    "engine.restart": lambda _w, d: d.told == [("restart_engine",)],
    "engine.free": lambda _w, d: d.told == [("free_memory",)],
    "prefixes.drop": lambda _w, d: d.told == [("drop_prefixes",)],
    "version.previous": lambda _w, d: d.told == [],  # there is one
    "version.next": lambda _w, d: d.told == [],
    "help.keys": lambda w, _d: w._keys.isVisible(),
    "app.quit": lambda w, _d: not w.isVisible(),
}


def menu_of(window: Window, name: str) -> QMenu | None:
    """The menu of that name that is open."""
    menus = [menu for menu in window.transcript.findChildren(QMenu) if menu.isVisible()]
    return next((menu for menu in menus if menu.accessibleName() == name), None)


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
    monkeypatch.setattr(QFileDialog, "getSaveFileName", staticmethod(_note_file))
    monkeypatch.setattr(QPrintDialog, "exec", lambda *_: 0)
    FILES_ASKED.clear()
    assert row.id in OUTCOMES
    desk.told.clear()
    row.run(window)
    assert OUTCOMES[row.id](window, desk)


def test_a_command_out_of_place_does_nothing(window: Window) -> None:
    window.run_command("chat.stop")
    window.run_command("chat.answer_now")
    window.run_command("no.such.command")
    assert window.desk.told == []  # type: ignore[attr-defined]


def enabled(window: Window, command: str) -> bool:
    return window.actions_by_id[command].isEnabled()


def test_what_goes_on_with_an_answer_is_in_place_only_where_the_desk_says_so(
    window: Window, desk: stage.StageDesk
) -> None:
    stage.folded(desk)
    assert not any(enabled(window, one) for one in ("chat.resume", "chat.answer_now", "thought.steer"))
    stage.paused(desk)
    assert [enabled(window, one) for one in ("chat.resume", "chat.answer_now", "thought.steer")] == [True, True, False]
    write("Go on differently.")
    assert enabled(window, "thought.steer")
    stage.interrupted(desk)
    assert [enabled(window, one) for one in ("chat.resume", "chat.answer_now", "thought.steer")] == [True, False, False]


def test_memory_is_freed_only_where_a_model_takes_it_and_nothing_runs(window: Window, desk: stage.StageDesk) -> None:
    stage.folded(desk)
    assert enabled(window, "engine.free")
    stage.thinking(desk)
    assert not enabled(window, "engine.free")
    desk.running.clear()
    stage.resting(desk)
    assert not enabled(window, "engine.free")


def test_keeping_thoughts_is_a_switch_of_the_chat(window: Window, desk: stage.StageDesk) -> None:
    stage.folded(desk)
    action = window.actions_by_id["chat.keep_thoughts"]
    assert action.isCheckable()
    assert not action.isChecked()
    action.trigger()
    assert desk.told[-1] == ("set_keep_thoughts", True)
    assert action.isChecked()
    action.trigger()
    assert desk.told[-1] == ("set_keep_thoughts", False)
    assert not action.isChecked()


def test_deleting_saved_prefixes_says_how_much_was_freed(window: Window, desk: stage.StageDesk) -> None:
    assert not enabled(window, "prefixes.drop")
    desk.stored = Stored(1_240_000_000, 10_000_000_000, 340_000_000)
    desk.say(StoredChanged())
    assert enabled(window, "prefixes.drop")
    window.run_command("prefixes.drop")
    assert desk.told == [("drop_prefixes",)]
    desk.stored = Stored(0, 10_000_000_000, 340_000_000)
    desk.say(StoredChanged())
    assert window.composer.hint == "1.2 GB of disk freed"
    assert not enabled(window, "prefixes.drop")


def test_versions_are_stepped_through(window: Window, desk: stage.StageDesk) -> None:
    stage.versions(desk)
    shown = desk.conversation.messages[-1].id
    ids = desk.conversation.siblings(shown)
    assert ids.index(shown) == 1
    press(Qt.Key.Key_Right, CONTROL | ALT)
    press(Qt.Key.Key_Left, CONTROL | ALT)
    assert desk.told == [("show_branch", ids[2]), ("show_branch", ids[0])]


def test_the_list_of_keys_fits_into_the_smallest_window(open_window: Open, desk: stage.StageDesk) -> None:
    window = open_window(desk, LEAST_SIZE)
    window.show_keys()
    columns, rows, high = window._keys._share_out()
    assert high >= 22
    assert columns * rows >= sum(bool(row.keys) for row in COMMANDS)
    assert TITLE + rows * high + 2 * PADDING <= window._keys.height()


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
    assert [one.objectName() for one in menu.actions()] == [
        "model.choose",
        "model.library",
        "model.folder",
        "model.starter",
        "engine.restart",
        "engine.free",
        "prefixes.drop",
    ]
    menu.actions()[3].trigger()
    menu.close()
    assert ("load_model", "") in desk.told


@pytest.mark.parametrize("folder", ["/models/broken", ""])
def test_a_chosen_model_that_fails_offers_the_starter(folder: str, open_window: Open, desk: stage.StageDesk) -> None:
    desk.preferences["model"] = folder
    stage.trouble(desk)
    card = open_window(desk).dock.card
    assert [one.text() for one in card.buttons][1:] == (["Use the starter model"] if folder else [])
    assert all(one.isVisible() for one in card.buttons)
    if folder:
        click(card.buttons[1])
        assert desk.told == [("load_model", "")]


def ask_to_delete(window: Window) -> DeleteQuestion:
    press(Qt.Key.Key_Backspace, CONTROL | SHIFT)
    question = window.findChild(DeleteQuestion)
    assert question
    return question


def test_a_chat_is_deleted_only_after_a_yes(window: Window, desk: stage.StageDesk) -> None:
    stage.folded(desk)
    number = desk.sessions[0].id
    question = ask_to_delete(window)
    assert desk.sessions[0].title in question.text()
    assert question.defaultButton() is question.keep
    click(question.keep)
    assert desk.told == []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    click(ask_to_delete(window).delete)
    assert desk.told == [("delete_session", number)]


def test_the_thinking_budget_is_chosen_with_keys_alone(window: Window, desk: stage.StageDesk) -> None:
    press(Qt.Key.Key_E, CONTROL | SHIFT)
    menu = window.composer.thinking.findChild(QMenu)
    assert menu
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert desk.told == [("set_chat_budget", 500)]


def test_an_answer_of_another_process_cannot_be_stopped_here(window: Window, desk: stage.StageDesk) -> None:
    question = samples.ask(desk.sessions[0].id, "Why?")
    reply = samples.answer(question, "It is", "Half a thought", State.RUNNING)
    desk.put(desk.sessions[0], [question, reply])
    assert not enabled(window, "chat.stop")
    write("next")
    assert not window.composer.button.isEnabled()
    press(Qt.Key.Key_Escape)
    press(Qt.Key.Key_Return)
    assert [one for one in desk.told if one[0] != "set_draft"] == []
    waiting = window.findChild(WaitingLine)
    assert waiting
    assert waiting.accessibleName() == "Another process writes this answer"


def test_a_full_context_offers_a_new_chat_and_to_leave_thoughts_out(window: Window, desk: stage.StageDesk) -> None:
    stage.cut(desk)
    desk.allow(resume=False, answer_now=False)
    foot = window.findChild(Foot)
    assert foot
    assert [one.text() for one in foot.buttons] == ["New chat"]
    desk.keeps_thoughts = True
    desk.say(LedgerChanged())
    assert [one.text() for one in foot.buttons] == ["Leave earlier thoughts out", "New chat"]
    desk.told.clear()
    click(foot.buttons[0])
    assert desk.told == [("set_keep_thoughts", False)]
    assert [one.text() for one in foot.buttons] == ["New chat"]
    click(foot.buttons[0])
    assert desk.told[-1] == ("new_session",)
