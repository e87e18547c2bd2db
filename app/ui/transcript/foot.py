"""The quiet row under an answer: how it ended, what can be done about it, and which version it is."""

from collections.abc import Sequence

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.button import QuietButton
from app.ui.theme import Theme
from app.ui.transcript.card import make_buttons
from app.ui.transcript.endings import Ending
from app.ui.transcript.versions import OVERHANG, Versions

HEIGHT = 28
MARK = 8
GAP = 8


class Foot(QWidget):
    """One line: words, buttons, versions."""

    asked = Signal(str)
    chosen = Signal(object)
    """Another version is wanted: its message id."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ending = Ending()
        self._words_box = QRect()
        self.buttons: list[QuietButton] = []
        self.versions: Versions | None = None

    def show_ending(self, ending: Ending) -> None:
        """Say how the answer ended and offer what goes with it."""
        if ending != self._ending:
            self._ending = ending
            self.buttons = make_buttons(self._theme, self, self.asked, self.buttons, ending.offers)
            self.setAccessibleName(ending.message)
            self.update()

    def show_versions(self, versions: Sequence[int], shown: int) -> None:
        """Offer the other versions."""
        self.versions = Versions(self._theme, self, versions, shown)
        self.versions.chosen.connect(self.chosen)
        self.versions.show()

    def height_at(self, width: int) -> int:
        """Always one line."""
        right = width
        if self.versions is not None:
            size = self.versions.sizeHint()
            right -= size.width()
            self.versions.setGeometry(right + OVERHANG, 0, size.width(), HEIGHT)
        x = 0
        taken = sum(button.sizeHint().width() + GAP for button in self.buttons)
        if self._ending.message:
            mark = 2 * MARK if self._ending.mark else 0
            metrics = QFontMetrics(self._theme.font("small"))
            words = min(metrics.horizontalAdvance(self._ending.message) + 1, right - mark - taken - GAP)
            self._words_box = QRect(mark, 0, words, HEIGHT)
            x = mark + words + 2 * GAP
        for button in self.buttons:
            button.setGeometry(x, 0, button.sizeHint().width(), HEIGHT)
            x += button.width() + GAP
        return HEIGHT

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the mark and the words."""
        if not self._ending.message:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._ending.mark:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(self._ending.mark))
            painter.drawEllipse(QRectF(0, (HEIGHT - MARK) / 2, MARK, MARK))
        font = self._theme.font("small")
        painter.setFont(font)
        painter.setPen(self._theme.color("secondary"))
        words = QFontMetrics(font).elidedText(
            self._ending.message, Qt.TextElideMode.ElideRight, self._words_box.width()
        )
        painter.drawText(self._words_box, Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()
