"""What stands over a card of code while the mouse or the keyboard is there: its language and what can be done."""

from PySide6.QtCore import QEvent, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.markup.code import label_of
from app.ui.button import QuietButton
from app.ui.commands import add_key, title_of
from app.ui.theme import Theme
from app.ui.transcript.section import Section

HEIGHT = 32
PADDING = 10


class CodeBar(QWidget):
    """One bar for all cards; it is put over whichever is in use."""

    copy_asked = Signal()
    wrap_asked = Signal()
    save_asked = Signal()
    left = Signal()
    """The mouse is no longer over it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.section: Section | None = None
        self.group = -1
        self._words = ""
        self._copy = self._button(_("Copy"), title_of("copy.code"), "copy.code")
        self._copy.clicked.connect(self.copy_asked)
        self._wrap = self._button(_("Wrap"), title_of("view.wrap"), "view.wrap")
        self._wrap.clicked.connect(self.wrap_asked)
        self._save = self._button(_("Save…"), _("Save the code as a file"), "")
        self._save.clicked.connect(self.save_asked)
        self.hide()

    def _button(self, words: str, name: str, command: str) -> QuietButton:
        button = QuietButton(self._theme, words, self)
        button.setAccessibleName(name)
        button.setToolTip(add_key(name, command) if command else name)
        return button

    def point_at(self, section: Section, group: int, *, wrapped: bool) -> None:
        """Serve another card."""
        if (section, group) != (self.section, self.group):
            self.section, self.group = section, group
            rows = section.group(group)
            self._words = label_of(rows[0].block.language) if rows and rows[0].block.language else ""
            self._copy.setText(_("Copy"))
        self._wrap.setText(_("Scroll") if wrapped else _("Wrap"))
        self._arrange()

    def show_copied(self) -> None:
        """Say that the code is on the clipboard."""
        self._copy.setText(_("Copied"))
        self._arrange()

    def _arrange(self) -> None:
        metrics = QFontMetrics(self._theme.font("tiny"))
        x = PADDING + (metrics.horizontalAdvance(self._words) + 6 if self._words else 0)
        for button in (self._wrap, self._save, self._copy):
            size = button.sizeHint()
            button.setGeometry(x, (HEIGHT - 28) // 2, size.width(), 28)
            x += size.width()
        self.resize(x + 2, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground and the language."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("code_paper"))
        painter.drawRoundedRect(QRectF(self.rect()), 8, 8)
        painter.setPen(self._theme.color("secondary"))
        painter.setFont(self._theme.font("tiny"))
        painter.drawText(self.rect().adjusted(PADDING, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self._words)
        painter.end()

    @Slot()
    def leaveEvent(self, event: QEvent) -> None:
        """Let it be put away."""
        super().leaveEvent(event)
        self.left.emit()
