"""The line of an answer that has no text yet: what it waits for, and how far that is."""

from time import monotonic

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme

HEIGHT = 28
TRACK = 160
TICK_SECONDS = 0.25


class WaitingLine(QWidget):
    """Words in secondary ink, a thin line of progress under them."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words, self._done, self._total = "", 0, 0
        self._ticked = 0.0

    def show_words(self, words: str, done: int, total: int) -> None:
        """Show other words and another progress; while it moves, at most four times a second."""
        now, moves = monotonic(), bool(total and self._total and done < total)
        if moves and now - self._ticked < TICK_SECONDS:
            return
        if (words, done, total) != (self._words, self._done, self._total):
            self._ticked = now
            self._words, self._done, self._total = words, done, total
            self.setAccessibleName(words)
            self.update()

    def height_at(self, _width: int) -> int:
        """Always one line and the progress under it."""
        return HEIGHT

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the words and the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        line = self.rect().adjusted(0, 0, 0, -6)
        painter.setPen(self._theme.color("secondary"))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self._words)
        if self._total:
            draw_progress(painter, QRectF(0, HEIGHT - 4, TRACK, 2), self._done / self._total, self._theme)
        painter.end()


def draw_progress(painter: QPainter, track: QRectF, share: float, theme: Theme, *, alive: bool = True) -> None:
    """A thin line, filled as far as the work is done: with the accent while it goes on."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("hairline"))
    painter.drawRoundedRect(track, 1, 1)
    track.setWidth(max(2.0, track.width() * min(1.0, share)))
    painter.setBrush(theme.color("accent" if alive else "secondary"))
    painter.drawRoundedRect(track, 1, 1)
