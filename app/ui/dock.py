"""What stands under the transcript: the state of the engine where it is not ready, and the composer."""

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.chat.changes import EngineState, EngineView
from app.core.errors import Failure
from app.core.text import _
from app.ui.composer import SHADOW, Composer
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.transcript.card import NoteCard
from app.ui.transcript.waiting import draw_progress

OVERHANG = 20
"""The card stands out of the column by this much, so that its text is in line with the column's."""
LINE = 28
FOOT = 12
TROUBLES = frozenset({EngineState.STOPPED, EngineState.FAILED, EngineState.WAITING})


class Dock(QWidget):
    """The foot of the window."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words, self._done, self._total = "", 0, 0
        self.composer = Composer(theme, self)
        self.composer.height_changed.connect(self.arrange)
        self.card = NoteCard(theme, self)
        self.card.asked.connect(self.asked)
        self.card.hide()

    def show_engine(self, view: EngineView, name: str, *, with_card: bool, chosen: bool) -> None:
        """Show what the engine does where it is not ready; `chosen` says that a person named the model."""
        before = bool(self._words), not self.card.isHidden()
        loading = view.state in {EngineState.STARTING, EngineState.LOADING}
        self._words = say_loading(view, name) if loading else ""
        if view.state is EngineState.RESTING:
            self._words = say_resting(name)
        self._done, self._total = (view.done, view.total) if loading else (0, 0)
        trouble = view.state in TROUBLES and with_card
        if trouble:
            other = "model.starter" if chosen and view.state is EngineState.FAILED else ""
            self.card.show_failure(view.failure or _unexplained(view.state), other=other)
        self.card.setVisible(trouble)
        self.setAccessibleName(self._words)
        if trouble or before != (bool(self._words), trouble):
            self.arrange()
        self.update()

    @Slot()
    def arrange(self) -> None:
        """Put everything in its place and be as high as it is."""
        width = min(COLUMN + 2 * OVERHANG, self.width() - 2 * (GUTTER - 12))
        x = (self.width() - width) // 2
        y = 0
        if not self.card.isHidden():
            height = self.card.height_at(width)
            self.card.setGeometry(x, y, width, height)
            y += height + 8 - SHADOW
        if self._words:
            y += LINE
        inner = width + 2 * SHADOW
        height = self.composer.height_at(inner)
        self.composer.setGeometry(x - SHADOW, y, inner, height)
        y += height + FOOT - SHADOW
        if y != self.height():
            self.setFixedHeight(y)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new width."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self.arrange()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the line that says how far loading is."""
        if not self._words:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        left = self.composer.x() + SHADOW + OVERHANG
        width = self.composer.width() - 2 * (SHADOW + OVERHANG)
        top = self.composer.y() - LINE + 2
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.color("secondary"))
        painter.drawText(QRectF(left, top, width, 20), Qt.AlignmentFlag.AlignVCenter, self._words)
        if self._total:
            draw_progress(painter, QRectF(left, top + 24, width, 2), self._done / self._total, self._theme)
        painter.end()


def say_loading(view: EngineView, name: str) -> str:
    """What is being loaded, and how far: "Loading Magistral Small… 12 of 42"."""
    if view.state is EngineState.STARTING:
        return _("Starting the engine…")
    if view.stage == "starter":
        words = _("Preparing the starter model…")
    elif name:
        words = _("Loading {model}…").format(model=name)
    else:
        words = _("Loading the model…")
    if not view.total:
        return words
    return _("{words} {done} of {total}").format(words=words, done=view.done, total=view.total)


def say_resting(name: str) -> str:
    """That the model is not in memory, and what brings it back."""
    if name:
        return _("{model} is resting. It loads with your next question.").format(model=name)
    return _("Resting. It loads with your next question.")


def _unexplained(state: EngineState) -> Failure:
    if state is EngineState.WAITING:
        return Failure("EngineHeld", _("Another process holds the engine of this data folder."))
    return Failure("EngineStopped", _("The engine stopped."), _("Your text is kept."), "engine.restart")
