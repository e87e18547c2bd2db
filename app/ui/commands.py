"""THE command table: everything a person can do, once, with its words, its menu and its keys.

Menus, shortcuts, tooltips and the buttons of cards are made from these rows.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu

from app.core.text import _

if TYPE_CHECKING:
    from app.ui.window import Window

CONTROL = "Meta" if sys.platform == "darwin" else "Ctrl"
"""The key named Control on the keyboard; Qt's "Ctrl" is Command on a Mac."""


def always(_window: "Window") -> bool:
    """For commands that are never out of place."""
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One row. The title is a function, so that it speaks the language of the moment."""

    id: str
    title: Callable[[], str]
    menu: str
    keys: tuple[str, ...]
    run: Callable[["Window"], None]
    enabled: Callable[["Window"], bool] = always
    local: bool = False
    """The keys belong to one control, which handles them itself; menus only mention them."""
    checked: Callable[["Window"], bool] | None = None
    """Whether what it switches is on; None for what is no switch."""
    role: QAction.MenuRole = QAction.MenuRole.NoRole


COMMANDS: tuple[Command, ...] = (
    Command("chat.new", lambda: _("New chat"), "chat", ("Ctrl+N", "Ctrl+Shift+O"), lambda w: w.start_chat()),
    Command("chat.send", lambda: _("Send"), "chat", ("Return",), lambda w: w.send(), lambda w: w.can_send, local=True),
    Command(
        "chat.stop", lambda: _("Stop"), "chat", ("Esc", "Ctrl+."), lambda w: w.desk.stop(), lambda w: w.can_stop_here
    ),
    Command(
        "chat.answer_now",
        lambda: _("Answer now"),
        "chat",
        ("Ctrl+Return", "Ctrl+Enter"),
        lambda w: w.desk.answer_now(),
        lambda w: w.desk.can_answer_now,
    ),
    Command(
        "thought.steer",
        lambda: _("Correct the thought"),
        "chat",
        ("Ctrl+Shift+Return", "Ctrl+Shift+Enter"),
        lambda w: w.steer(),
        lambda w: w.can_steer,
    ),
    Command(
        "chat.resume",
        lambda: _("Continue the answer"),
        "chat",
        ("Ctrl+Alt+Return", "Ctrl+Alt+Enter"),
        lambda w: w.desk.resume(),
        lambda w: w.desk.can_resume,
    ),
    Command("chat.retry", lambda: _("Try again"), "chat", ("Ctrl+R",), lambda w: w.desk.retry(), lambda w: w.can_retry),
    Command(
        "thought.fork",
        lambda: _("Think again from here"),
        "chat",
        ("Ctrl+Shift+R",),
        lambda w: w.fork_thought(),
        lambda w: w.can_fork,
    ),
    Command(
        "thought.budget",
        lambda: _("Thinking budget…"),
        "chat",
        ("Ctrl+Shift+E",),
        lambda w: w.choose_budget(),
    ),
    Command(
        "chat.keep_thoughts",
        lambda: _("Keep earlier thoughts in this chat"),
        "chat",
        (),
        lambda w: w.desk.set_keep_thoughts(not w.desk.keeps_thoughts),
        checked=lambda w: w.desk.keeps_thoughts,
    ),
    Command(
        "chat.next",
        lambda: _("Next chat"),
        "chat",
        (f"{CONTROL}+Tab", "Ctrl+Shift+]"),
        lambda w: w.step_chat(1),
        lambda w: w.has_chats,
    ),
    Command(
        "chat.previous",
        lambda: _("Previous chat"),
        "chat",
        (f"{CONTROL}+Shift+Tab", "Ctrl+Shift+["),
        lambda w: w.step_chat(-1),
        lambda w: w.has_chats,
    ),
    Command(
        "chat.delete",
        lambda: _("Delete this chat"),
        "chat",
        ("Ctrl+Shift+Backspace",),
        lambda w: w.delete_chat(),
        lambda w: w.desk.conversation.session is not None,
    ),
    Command(
        "chat.save", lambda: _("Save the chat as a PDF…"), "chat", (), lambda w: w.save_chat(), lambda w: w.can_find
    ),
    Command("chat.print", lambda: _("Print…"), "chat", ("Ctrl+P",), lambda w: w.print_chat(), lambda w: w.can_find),
    Command(
        "question.edit",
        lambda: _("Edit the question"),
        "edit",
        ("Up",),
        lambda w: w.edit_question(),
        lambda w: w.can_edit,
        local=True,
    ),
    Command(
        "copy.answer",
        lambda: _("Copy the answer"),
        "edit",
        ("Ctrl+Shift+C",),
        lambda w: w.copy_answer(),
        lambda w: w.has_answer,
    ),
    Command(
        "copy.thought",
        lambda: _("Copy the thought"),
        "edit",
        ("Ctrl+Alt+C",),
        lambda w: w.copy_thought(),
        lambda w: w.has_thought,
    ),
    Command(
        "copy.both",
        lambda: _("Copy the thought and the answer"),
        "edit",
        (),
        lambda w: w.copy_both(),
        lambda w: w.has_thought,
    ),
    Command(
        "copy.code",
        lambda: _("Copy the code"),
        "edit",
        ("Ctrl+Shift+K",),
        lambda w: w.copy_code(),
        lambda w: w.has_code,
    ),
    Command("find.open", lambda: _("Find…"), "edit", ("Ctrl+F",), lambda w: w.open_find(), lambda w: w.can_find),
    Command(
        "find.next", lambda: _("Next hit"), "edit", ("Ctrl+G", "F3"), lambda w: w.find_next(1), lambda w: w.can_find
    ),
    Command(
        "find.previous",
        lambda: _("Previous hit"),
        "edit",
        ("Ctrl+Shift+G", "Shift+F3"),
        lambda w: w.find_next(-1),
        lambda w: w.can_find,
    ),
    Command(
        "thought.toggle",
        lambda: _("Show or hide the thought"),
        "view",
        ("Ctrl+T",),
        lambda w: w.toggle_thought(),
        lambda w: w.has_thought,
    ),
    Command(
        "thought.steps",
        lambda: _("Steps of the thought…"),
        "view",
        ("Ctrl+Shift+T",),
        lambda w: w.show_steps(),
        lambda w: w.has_thought,
    ),
    Command(
        "version.previous",
        lambda: _("Previous version"),
        "view",
        ("Ctrl+Alt+Left",),
        lambda w: w.step_version(-1),
        lambda w: w.has_version(-1),
    ),
    Command(
        "version.next",
        lambda: _("Next version"),
        "view",
        ("Ctrl+Alt+Right",),
        lambda w: w.step_version(1),
        lambda w: w.has_version(1),
    ),
    Command("view.sidebar", lambda: _("Show or hide the chats"), "view", ("Ctrl+B",), lambda w: w.toggle_sidebar()),
    Command("view.focus_composer", lambda: _("Go to the message"), "view", ("Shift+Esc",), lambda w: w.go_to_message()),
    Command("text.larger", lambda: _("Larger text"), "view", ("Ctrl++", "Ctrl+="), lambda w: w.resize_text(1)),
    Command("text.smaller", lambda: _("Smaller text"), "view", ("Ctrl+-",), lambda w: w.resize_text(-1)),
    Command("text.normal", lambda: _("Text as it was made"), "view", ("Ctrl+0",), lambda w: w.resize_text(0)),
    Command(
        "view.wrap",
        lambda: _("Wrap long lines of code"),
        "view",
        (),
        lambda w: w.switch_look("wrap_code", to=not w.transcript.setting.wrap),
        checked=lambda w: w.transcript.setting.wrap,
    ),
    Command(
        "view.numbers",
        lambda: _("Number lines of code"),
        "view",
        (),
        lambda w: w.switch_look("number_code", to=not w.transcript.setting.numbers),
        checked=lambda w: w.transcript.setting.numbers,
    ),
    Command(
        "view.contrast",
        lambda: _("High contrast"),
        "view",
        (),
        lambda w: w.switch_look("high_contrast", to=not w.theme.contrast),
        checked=lambda w: w.theme.contrast,
    ),
    Command("view.system", lambda: _("Appearance of the system"), "view", (), lambda w: w.choose_theme("system")),
    Command("view.light", lambda: _("Light appearance"), "view", (), lambda w: w.choose_theme("light")),
    Command("view.dark", lambda: _("Dark appearance"), "view", (), lambda w: w.choose_theme("dark")),
    Command("model.choose", lambda: _("Choose a model…"), "model", ("Ctrl+L",), lambda w: w.choose_model()),
    Command("model.library", lambda: _("All models…"), "model", ("Ctrl+Shift+L",), lambda w: w.toggle_library()),
    Command("model.folder", lambda: _("Add a model folder…"), "model", (), lambda w: w.choose_folder()),
    Command("model.starter", lambda: _("Use the starter model"), "model", (), lambda w: w.desk.load_model("")),
    Command("engine.restart", lambda: _("Restart the engine"), "model", (), lambda w: w.desk.restart_engine()),
    Command(
        "engine.free",
        lambda: _("Free memory"),
        "model",
        (),
        lambda w: w.desk.free_memory(),
        lambda w: w.can_free,
    ),
    Command(
        "prefixes.drop",
        lambda: _("Delete what was saved for reading faster"),
        "model",
        (),
        lambda w: w.drop_prefixes(),
        lambda w: w.has_prefixes,
    ),
    Command("help.keys", lambda: _("Keys"), "help", ("Ctrl+/",), lambda w: w.show_keys()),
    Command(
        "app.quit",
        lambda: _("Quit"),
        "chat",
        ("Ctrl+Q",),
        lambda w: w.quit(),
        role=QAction.MenuRole.QuitRole,
    ),
)

MENUS: dict[str, Callable[[], str]] = {
    "chat": lambda: _("Chat"),
    "edit": lambda: _("Edit"),
    "view": lambda: _("View"),
    "model": lambda: _("Model"),
    "help": lambda: _("Help"),
}


def title_of(command_id: str) -> str:
    """The words of a command; empty for an id that no row has."""
    return next((row.title() for row in COMMANDS if row.id == command_id), "")


def hint_of(command_id: str) -> str:
    """The words of a command and its first key as this system writes it, for a tooltip."""
    return add_key(title_of(command_id), command_id)


def add_key(words: str, command_id: str) -> str:
    """Words and the first key of the command they stand for."""
    return f"{words}  {key_of(command_id)}".rstrip()


def key_of(command_id: str) -> str:
    """A command's first key as this system writes it."""
    row = next(row for row in COMMANDS if row.id == command_id)
    return QKeySequence(row.keys[0]).toString(QKeySequence.SequenceFormat.NativeText) if row.keys else ""


def install(window: "Window") -> tuple[dict[str, QAction], dict[str, QMenu]]:
    """Make an action of each row, put it into its menu and give its keys to the window; the actions, the menus."""
    bar = window.menuBar()
    menus = {name: bar.addMenu(title()) for name, title in MENUS.items()}
    actions: dict[str, QAction] = {}
    for row in COMMANDS:
        action = QAction(row.title(), window)
        action.setObjectName(row.id)
        action.setMenuRole(row.role)
        action.setCheckable(row.checked is not None)
        if not row.local:
            action.setShortcuts([QKeySequence(keys) for keys in row.keys])
        action.triggered.connect(partial(_run, row, window))
        menus[row.menu].addAction(action)
        window.addAction(action)
        actions[row.id] = action
    if not bar.isNativeMenuBar():
        bar.hide()
    return actions, menus


def refresh(window: "Window", actions: dict[str, QAction]) -> None:
    """Let each action say whether it is in place now."""
    for row in COMMANDS:
        actions[row.id].setEnabled(row.enabled(window))
        if row.checked is not None:
            actions[row.id].setChecked(row.checked(window))


def _run(row: Command, window: "Window", _checked: bool = False) -> None:  # noqa: FBT002 - Qt's signature
    row.run(window)
