"""Takes one picture of the window at a chosen moment."""

import sys
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from app import NAME
from app.chat.changes import EngineState, Phase
from app.core.text import _
from app.ui.window import Window

LOOK_MS = 50
SETTLE_MS = 250
"""Folding and the first builds of a chat are over by then."""
SEEN_TOKENS = 24
"""A thought is worth a picture from here on."""


class Photographer(QObject):
    """Waits for the moment, saves the picture and closes the window."""

    def __init__(self, window: Window, path: Path, when: str) -> None:
        super().__init__(window)
        self._window, self._path, self._when = window, path, when
        self._painted = False
        self.status = 0
        """The exit status of the app: 1 where there is no picture."""
        window.painted.connect(self._note_paint)
        self._looking = QTimer(self, interval=LOOK_MS)
        self._looking.timeout.connect(self._look)
        self._looking.start()

    @Slot()
    def _note_paint(self) -> None:
        self._painted = True

    @Slot()
    def _look(self) -> None:
        moments: dict[str, Callable[[], bool]] = {
            "painted": self._is_open,
            "ready": self._is_ready,
            "thinking": self._is_thinking,
            "answered": self._is_answered,
        }
        if self._painted and moments[self._when]():
            self._looking.stop()
            QTimer.singleShot(0 if self._when == "thinking" else SETTLE_MS, self, self._take)

    def _is_open(self) -> bool:
        return self._window.desk.opened or not self._window.banner.isHidden()

    def _is_ready(self) -> bool:
        return self._is_open() and self._window.desk.engine.state not in {EngineState.STARTING, EngineState.LOADING}

    def _is_thinking(self) -> bool:
        answer = self._window.desk.conversation.running
        seen = answer is not None and answer.progress.reasoning_tokens >= SEEN_TOKENS
        return self._is_answered() or (seen and answer is not None and answer.progress.phase is Phase.THINKING)

    def _is_answered(self) -> bool:
        return self._window.last_answer is not None and not self._window.running

    @Slot()
    def _take(self) -> None:
        try:
            take_screenshot(self._window, self._path)
        except OSError as error:
            sys.stderr.write(f"{NAME.lower()}: {error}\n")
            self.status = 1
        finally:
            self._window.close()


def take_screenshot(window: Window, path: Path) -> None:
    """Save the window as it is on screen, at the pixel ratio it runs at; raises OSError where that cannot be."""
    if not window.grab().save(str(path)):
        raise OSError(
            _("The picture could not be saved as {path}; the folder has to be there, and .png always works.").format(
                path=path
            )
        )
