"""The desktop role: an application, a window on a desk, and the bridge from the desk's inbox to Qt's loop."""

import argparse
import gc
import signal
import socket
from typing import TYPE_CHECKING

from PySide6.QtCore import QLoggingCategory, QObject, QSocketNotifier, Slot
from PySide6.QtWidgets import QApplication

from app import NAME, VERSION
from app.ui.bridge import Bridge
from app.ui.theme import Theme
from app.ui.window import Window

if TYPE_CHECKING:
    from app.chat.desk import Desk


def run(desk: "Desk", chosen: argparse.Namespace) -> int:
    """Show a desk in a window until it is closed; the caller closes the desk.

    `chosen` is what the command line said: theme, size, paint_log, screenshot and when, window_model, say.
    """
    app = make_application()
    bridge = Bridge(app)
    desk.inbox.ring = bridge.ring
    theme = Theme(app, chosen.theme or str(desk.preferences.get("theme")))
    window = Window(desk, theme, paint_log=chosen.paint_log)
    if not chosen.screenshot:
        window.stand_where_it_stood()
    if chosen.size:
        window.resize(*chosen.size)
    if chosen.say:
        window.ask_once_open(chosen.say)
    photographer = None
    if chosen.screenshot:
        from app.ui.photographer import Photographer

        photographer = Photographer(window, chosen.screenshot, chosen.when)
    Ending(window)
    bridge.serve(desk)
    bridge.ring()  # for what came before the bell was hung
    desk.start_engine(str(chosen.window_model) if chosen.window_model else None)
    window.show()
    gc.freeze()  # modules and the window live as long as the app: looking through them again costs frames
    status = app.exec()
    return status or (photographer.status if photographer else 0)


def make_application() -> QApplication:
    """The application, named; there can be one."""
    # For one Thai word Qt would name every font that lacks the script, on the terminal.
    QLoggingCategory.setFilterRules("qt.text.font.db=false")
    app = QApplication([NAME])
    app.setApplicationName(NAME)
    app.setApplicationDisplayName(NAME)
    app.setApplicationVersion(VERSION)
    return app


class Ending(QObject):
    """Ctrl+C in the terminal and a friendly kill close the window, so that everything is kept.

    Python runs signal handlers between its own instructions only, and Qt's loop has none: the signal's
    byte on a socket wakes it.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self._ours, self._theirs = socket.socketpair()
        self._theirs.setblocking(False)
        signal.set_wakeup_fd(self._theirs.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._heed)
        notifier = QSocketNotifier(self._ours.fileno(), QSocketNotifier.Type.Read, self)
        notifier.activated.connect(self._wake)

    def _heed(self, _number: int, _where: object) -> None:
        self._window.close()

    @Slot()
    def _wake(self) -> None:
        self._ours.recv(64)
