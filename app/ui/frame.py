"""The frame of the window: its parts beside and over each other, in wide and narrow windows."""

from pathlib import Path

from PySide6.QtCore import QEvent, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QMainWindow, QVBoxLayout, QWidget

from app.ui.banner import Banner
from app.ui.dock import Dock
from app.ui.empty import EmptyState
from app.ui.header import Header
from app.ui.keylist import KeyList
from app.ui.library.page import LibraryPage
from app.ui.overlay import Overlay
from app.ui.sidebar import WIDTH, Sidebar
from app.ui.theme import Theme
from app.ui.transcript.view import Transcript

DEFAULT_SIZE = (1120, 900)
LEAST_SIZE = (640, 480)
NARROW = 760
"""Below this width the sidebar lies over the chat instead of beside it."""


class Frame(QMainWindow):
    """The parts and their places; what they show is somebody else's."""

    painted = Signal()
    """The window has been painted."""

    def __init__(self, theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__()
        self.theme: Theme = theme
        self._sidebar_beside = True
        self._sidebar_over = False
        self.in_library = False
        """Whether the models are shown in the place of the chat."""
        self._has_messages = False
        self._overlays: list[Overlay] = []
        self.setMinimumSize(*LEAST_SIZE)
        self.resize(*DEFAULT_SIZE)
        self._body = QWidget(self)
        self.setCentralWidget(self._body)
        self._main = QWidget(self._body)
        self.header = Header(theme, self._main)
        self.banner = Banner(theme, self._main)
        self.transcript: Transcript = Transcript(theme, self._main, paint_log=paint_log)
        self.empty = EmptyState(theme, self._main)
        self.dock = Dock(theme, self._main)
        self.composer = self.dock.composer
        self.library = LibraryPage(theme, self._main)
        self._cover = Cover(self._body)
        self._cover.pressed.connect(self.toggle_sidebar)
        self.sidebar = Sidebar(theme, self._body)
        self._keys = KeyList(theme, self._body)
        self._column = QVBoxLayout(self._main)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        for part in (self.header, self.banner, self.transcript, self.empty, self.library, self.dock):
            self._column.addWidget(part, 1 if part in {self.transcript, self.empty, self.library} else 0)
        theme.changed.connect(self._repaint)

    def show_page(self, *, has_messages: bool) -> None:
        """Either the transcript or the empty page, unless the library is in their place."""
        self._has_messages = has_messages
        self._show_parts()

    def set_library(self, *, shown: bool) -> None:
        """The models in the place of the chat, or the chat again, which has gone on meanwhile."""
        self.in_library = shown
        self._show_parts()

    def _show_parts(self) -> None:
        chat, messages = not self.in_library, self._has_messages
        wanted = {
            self.header: chat,
            self.transcript: chat and messages,
            self.empty: chat and not messages,
            self.dock: chat,
            self.library: self.in_library,
        }
        changed = [(part, shown) for part, shown in wanted.items() if part.isHidden() == shown]
        for part, shown in changed:
            part.setVisible(shown)
        if changed:
            self._column.activate()  # the transcript builds as much as it has room for

    def focus_composer(self) -> None:
        """Write."""
        self.composer.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def show_keys(self) -> None:
        """Show all commands with their keys."""
        self._keys.open(self._body)

    # the sidebar --------------------------------------------------------------------------------

    def set_sidebar(self, *, beside: bool) -> None:
        """Show or hide the chats beside the transcript, where there is room."""
        self._sidebar_beside = beside
        self._arrange()

    def toggle_sidebar(self) -> None:
        """Show or hide the chats; where it is narrow they lie over the transcript, for now."""
        if self._narrow:
            self._sidebar_over = not self._sidebar_over
        else:
            self._sidebar_beside = not self._sidebar_beside
            self.sidebar_chosen(beside=self._sidebar_beside)
        self._arrange()
        if self._sidebar_over:
            self.sidebar.list.setFocus(Qt.FocusReason.ShortcutFocusReason)
        else:
            self._focus_page()

    def sidebar_chosen(self, *, beside: bool) -> None:
        """The user showed or hid the sidebar of a wide window."""

    def leave_sidebar(self) -> None:
        """Take a sidebar away that lies over the transcript."""
        if self._sidebar_over:
            self._sidebar_over = False
            self._arrange()
            self._focus_page()

    def _focus_page(self) -> None:
        if self.in_library:
            self.library.sheet.focus_row(self.library.sheet.last)
        else:
            self.focus_composer()

    @property
    def _narrow(self) -> bool:
        return self.width() < NARROW

    def _arrange(self) -> None:
        area = self._body.rect()
        self._sidebar_over = self._sidebar_over and self._narrow
        beside = self._sidebar_beside and not self._narrow
        left = WIDTH if beside else 0
        self.sidebar.setGeometry(0, 0, WIDTH, area.height())
        self.sidebar.setVisible(beside or self._sidebar_over)
        self._main.setGeometry(left, 0, area.width() - left, area.height())
        self._cover.setGeometry(area)
        self._cover.setVisible(self._sidebar_over)
        self._keys.setGeometry(area)
        for overlay in self._overlays:
            overlay.setGeometry(area)
        self.dock.arrange()

    # events -------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the sidebar beside or over the chat."""
        super().resizeEvent(event)
        self._arrange()

    def event(self, event: QEvent) -> bool:
        """Say when the window has been painted."""
        handled = super().event(event)
        if event.type() is QEvent.Type.UpdateRequest:
            QTimer.singleShot(0, self, self.painted.emit)
        return handled

    @Slot()
    def _repaint(self) -> None:
        for part in self.findChildren(QWidget):
            part.update()


class Cover(QWidget):
    """Takes the click beside a sidebar that lies over the chat."""

    pressed = Signal()

    def mousePressEvent(self, _event: QMouseEvent) -> None:
        """Hide the sidebar."""
        self.pressed.emit()
