"""The line to find something in the conversation: what, how often, and which of them is shown."""

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.ui.button import QuietButton
from app.ui.commands import hint_of
from app.ui.field import Field
from app.ui.theme import Theme

WIDTH, HEIGHT = 380, 44
RADIUS = 10
COUNT = 92


class FindBar(QWidget):
    """Return goes on, Shift+Return goes back, Esc puts it away."""

    wanted = Signal(str)
    """Find this."""
    stepped = Signal(int)
    """Go to the next hit (1) or the one before (-1)."""
    closed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._words = ""
        self.field = Field(theme, _("Find in this chat"), self, bare=True)
        self.field.setFont(theme.font("small"))
        self.field.textChanged.connect(self.wanted)
        self._back = QuietButton(theme, "↑", self)
        self._back.setAccessibleName(_("Previous hit"))
        self._back.setToolTip(hint_of("find.previous"))
        self._back.clicked.connect(self._go_back)
        self._forth = QuietButton(theme, "↓", self)
        self._forth.setAccessibleName(_("Next hit"))
        self._forth.setToolTip(hint_of("find.next"))
        self._forth.clicked.connect(self._go_on)
        self._close = QuietButton(theme, "✕", self)
        self._close.setAccessibleName(_("Close the search"))
        self._close.clicked.connect(self.closed)
        self.setAccessibleName(_("Find"))
        self.hide()

    def place(self, width: int) -> None:
        """Stand at the right upper corner of so wide a view."""
        self.setGeometry(max(8, width - WIDTH - 24), 8, min(WIDTH, width - 16), HEIGHT)
        right = self.width() - 6
        for button in (self._close, self._forth, self._back):
            right -= 32
            button.setGeometry(right, 6, 32, 32)
        self.field.setGeometry(14, 6, max(40, right - COUNT - 14), 32)

    def show_count(self, at: int, count: int) -> None:
        """Say which hit of how many is shown; `at` from 1."""
        if not self.field.text():
            words = ""
        elif not count:
            words = _("Not found")
        else:
            words = _("{at} of {count}").format(at=f"{at:,}", count=f"{count:,}")
        self._words = words
        self.setAccessibleDescription(words)
        self._back.setEnabled(count > 0)
        self._forth.setEnabled(count > 0)
        self.update()

    @property
    def count_words(self) -> str:
        """What is said of the hits."""
        return self._words

    @Slot()
    def _go_on(self) -> None:
        self.stepped.emit(1)

    @Slot()
    def _go_back(self) -> None:
        self.stepped.emit(-1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step and close."""
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.stepped.emit(-1 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        elif event.key() == Qt.Key.Key_Escape:
            self.closed.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the card and the count."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("card"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        font = self._theme.font("small")
        painter.setFont(font)
        painter.setPen(self._theme.color("secondary"))
        words = QFontMetrics(font).elidedText(self._words, Qt.TextElideMode.ElideRight, COUNT - 8)
        box = QRectF(self.field.geometry().right() + 4, 0, COUNT - 8, self.height())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), words)
        painter.end()
