"""The line of an answer that has no text yet: what it waits for, and how far that is."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme

HEIGHT = 28
TRACK = 160
MARK = 8


class WaitingLine(QWidget):
    """Words in secondary ink, a mark of a theme's colour before them, a thin line of progress under them."""

    def __init__(self, theme: Theme, parent: QWidget, *, mark: str = "") -> None:
        super().__init__(parent)
        self._theme, self._mark = theme, mark
        self._words, self._done, self._total = "", 0, 0

    def show_words(self, words: str, done: int, total: int) -> None:
        """Show other words and another progress."""
        if (words, done, total) != (self._words, self._done, self._total):
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
        if self._mark:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color(self._mark))
            painter.drawEllipse(QRectF(0, line.center().y() + 0.5 - MARK / 2, MARK, MARK))
            line.setLeft(2 * MARK)
        painter.setPen(self._theme.color("secondary"))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, self._words)
        if self._total:
            draw_progress(painter, QRectF(0, HEIGHT - 4, TRACK, 2), self._done / self._total, self._theme)
        painter.end()


def draw_progress(painter: QPainter, track: QRectF, share: float, theme: Theme) -> None:
    """A thin line, filled with the accent as far as the work is done."""
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("hairline"))
    painter.drawRoundedRect(track, 1, 1)
    track.setWidth(max(2.0, track.width() * min(1.0, share)))
    painter.setBrush(theme.color("accent"))
    painter.drawRoundedRect(track, 1, 1)
