"""The card above the transcript for what belongs to no message."""

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from app.core.errors import Failure
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.transcript.card import NoteCard


class Banner(QWidget):
    """One notice at a time, until it is dismissed; then the next that waits."""

    asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.card = NoteCard(theme, self, token="warn", can_dismiss=True)
        self.card.asked.connect(self.asked)
        self.card.dismissed.connect(self._dismiss)
        self._notices: list[tuple[Failure, bool]] = []
        """The one in sight first; the second value says that it is about chats that cannot be saved."""
        self.hide()

    def show_failure(self, failure: Failure, *, unsaved: bool = False) -> None:
        """Show a notice once those before it are dismissed; of "unsaved" ones only the newest is true."""
        if unsaved:
            self._notices = [notice for notice in self._notices if not notice[1]]
        if all(known != failure for known, _unsaved in self._notices):
            self._notices.append((failure, unsaved))
        self._show_first()

    def mend(self) -> None:
        """Chats can be saved again: what said otherwise goes."""
        self._notices = [notice for notice in self._notices if not notice[1]]
        self._show_first()

    @Slot()
    def _dismiss(self) -> None:
        del self._notices[:1]
        self._show_first()

    def _show_first(self) -> None:
        if self._notices:
            self.card.show_failure(self._notices[0][0])
            self._arrange()
        self.setVisible(bool(self._notices))

    def _arrange(self) -> None:
        width = min(COLUMN, self.width() - 2 * GUTTER)
        height = self.card.height_at(width)
        self.card.setGeometry((self.width() - width) // 2, 0, width, height)
        self.setFixedHeight(height + 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new width."""
        super().resizeEvent(event)
        self._arrange()
