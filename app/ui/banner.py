"""The card above the transcript for what belongs to no message."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.core.errors import Failure
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.transcript.card import NoteCard


class Banner(QWidget):
    """One notice at a time, until it is dismissed."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.card = NoteCard(theme, self, token="warn", can_dismiss=True)
        self.card.asked.connect(self.asked)
        self.card.dismissed.connect(self._dismiss)
        self.hide()

    def show_failure(self, failure: Failure) -> None:
        """Show a notice in place of the one before."""
        self.card.show_failure(failure)
        self.show()
        self._arrange()

    @Slot()
    def _dismiss(self) -> None:
        self.hide()

    def _arrange(self) -> None:
        width = min(COLUMN, self.width() - 2 * GUTTER)
        height = self.card.height_at(width)
        self.card.setGeometry((self.width() - width) // 2, 0, width, height)
        self.setFixedHeight(height + 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new width."""
        super().resizeEvent(event)
        self._arrange()
