"""A code card: monospaced text in a hairline, its language and a copy button on hover and focus."""

from PySide6.QtCore import QEvent, QRectF, Qt, Slot
from PySide6.QtGui import QEnterEvent, QGuiApplication, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.ui.button import QuietButton
from app.ui.theme import Theme
from app.ui.transcript.prose import Prose

RADIUS = 10
PADDING = 14
BAR = 32
"""Height of the line with the language and the copy button."""


class CodeCard(QWidget):
    """One fenced block of an answer."""

    def __init__(self, theme: Theme, language: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._language = theme, language
        self._raw: list[str] = []
        self.body = Prose(theme, "code", "ink", self)
        self._copy = QuietButton(theme, _("Copy"), self)
        self._copy.setAccessibleName(_("Copy code"))
        self._copy.clicked.connect(self.copy)

    def append(self, text: str) -> None:
        """Put code at the end."""
        self._raw.append(text)
        self.body.append(text)

    @Slot()
    def copy(self) -> None:
        """Put the whole code on the clipboard, as it came."""
        QGuiApplication.clipboard().setText("".join(self._raw))

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the card is."""
        inner = self.body.height_at(width - 2 * PADDING)
        self.body.setGeometry(PADDING, BAR, width - 2 * PADDING, inner)
        size = self._copy.sizeHint()
        self._copy.setGeometry(width - size.width() - 6, 4, size.width(), size.height())
        return BAR + inner + PADDING

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the card and the language."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("code_paper"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setPen(self._theme.color("secondary"))
        painter.setFont(self._theme.font("tiny"))
        bar = self.rect().adjusted(PADDING, 4, -PADDING, 0)
        bar.setHeight(28)
        painter.drawText(bar, Qt.AlignmentFlag.AlignVCenter, self._language or _("code"))
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Bring the copy button forward."""
        self._copy.ink = "ink"
        self._copy.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Let it step back."""
        self._copy.ink = "secondary"
        self._copy.update()
        super().leaveEvent(event)
