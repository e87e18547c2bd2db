"""A line to type in: a hairline on paper, the accent while it has the keyboard."""

from PySide6.QtCore import QRectF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLineEdit, QWidget

from app.ui.theme import Theme

HEIGHT = 32
RADIUS = 8


class Field(QLineEdit):
    """One line of text; `bare` draws no box around it."""

    def __init__(self, theme: Theme, placeholder: str, parent: QWidget, *, bare: bool = False) -> None:
        super().__init__(parent)
        self._theme, self._bare = theme, bare
        self.setFrame(False)
        self.setFont(theme.font("text" if bare else "small"))
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setTextMargins(0 if bare else 10, 0, 0 if bare else 10, 0)
        self.setAcceptDrops(False)
        self.setAttribute(Qt.WidgetAttribute.WA_MacShowFocusRect, False)
        theme.changed.connect(self._take_colors)
        self._take_colors()

    def sizeHint(self) -> QSize:
        """One line with a little air."""
        return QSize(super().sizeHint().width(), HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the box, and Qt's text in it."""
        if not self._bare:
            painter = QPainter(self)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            focused = self.hasFocus()
            painter.setPen(QPen(self._theme.color("accent" if focused else "outline"), 2 if focused else 1))
            painter.setBrush(self._theme.color("card"))
            inset = 1.0 if focused else 0.5
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), RADIUS, RADIUS)
            painter.end()
        super().paintEvent(event)

    @Slot()
    def _take_colors(self) -> None:
        palette = self.palette()
        palette.setColor(palette.ColorRole.Base, Qt.GlobalColor.transparent)
        palette.setColor(palette.ColorRole.Text, self._theme.color("ink"))
        palette.setColor(palette.ColorRole.PlaceholderText, self._theme.color("secondary"))
        palette.setColor(palette.ColorRole.Highlight, self._theme.color("selection"))
        palette.setColor(palette.ColorRole.HighlightedText, self._theme.color("ink"))
        self.setPalette(palette)
