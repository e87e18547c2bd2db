"""Folders that are dragged over the window: which of what is dragged is one, and a calm outline meanwhile."""

from collections.abc import Sequence
from pathlib import Path
from threading import Thread

from PySide6.QtCore import QObject, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QDragEnterEvent, QDragMoveEvent, QDropEvent, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.ui.theme import Theme

MOST = 64
"""Of what is dragged, no more is looked at."""
INSET = 6
RADIUS = 12
CHIP = 32


class FolderDrop(QObject):
    """Looks at the disk in a thread of its own; a drop that comes before the answer waits for it."""

    folders_dropped = Signal(object)
    """Paths of folders, as a list of strings."""
    hovered = Signal(bool)
    """Whether folders are being dragged over the window."""
    _found = Signal(int, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._turn = 0
        self._folders: list[str] | None = None
        """None until the disk has answered."""
        self._dropped = False
        self._found.connect(self._take, Qt.ConnectionType.QueuedConnection)

    def enter(self, event: QDragEnterEvent) -> None:
        """Begin to look at what is dragged in."""
        paths = [url.toLocalFile() for url in event.mimeData().urls()[:MOST] if url.isLocalFile()]
        self._turn += 1
        self._folders, self._dropped = None, False
        if paths:
            Thread(target=self._look, args=(self._turn, paths), name="dropped", daemon=True).start()
            event.acceptProposedAction()
        else:
            self._folders = []
            event.ignore()

    def move(self, event: QDragMoveEvent) -> None:
        """Take folders, and what is not known yet."""
        if self._folders is None or self._folders:
            event.acceptProposedAction()
        else:
            event.ignore()

    def drop(self, event: QDropEvent) -> None:
        """Hand the folders on, once they are known."""
        if self._folders is None:
            self._dropped = True
            event.acceptProposedAction()
        elif self._folders:
            event.acceptProposedAction()
            self._hand_on()
        else:
            event.ignore()
        self.hovered.emit(False)

    def leave(self) -> None:
        """Forget what was dragged away again."""
        self._turn += 1
        self.hovered.emit(False)

    def _look(self, turn: int, paths: Sequence[str]) -> None:
        self._found.emit(turn, [str(Path(path)) for path in paths if Path(path).is_dir()])

    @Slot(int, object)
    def _take(self, turn: int, folders: list[str]) -> None:
        if turn != self._turn:
            return
        self._folders = folders
        if self._dropped and folders:
            self._hand_on()
        elif folders:
            self.hovered.emit(True)

    def _hand_on(self) -> None:
        folders, self._folders, self._dropped = self._folders or [], [], False
        self._turn += 1
        self.folders_dropped.emit(folders)


class DropOutline(QWidget):
    """The accent around the window, and what letting go does."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @Slot(bool)
    def show_hover(self, hovered: bool) -> None:
        """Show or hide it."""
        parent = self.parentWidget()
        if hovered and parent is not None:
            self.setGeometry(parent.rect())
            self.raise_()
        self.setVisible(hovered)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the outline and the words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.color("paper", 0.7))
        painter.setPen(QPen(self._theme.color("accent"), 2))
        box = QRectF(self.rect()).adjusted(INSET, INSET, -INSET, -INSET)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        words = _("Let go to add the models in this folder; they are used where they lie.")
        font = self._theme.font("small")
        width = min(self.width() - 48, QFontMetrics(font).horizontalAdvance(words) + 32)
        chip = QRect((self.width() - width) // 2, (self.height() - CHIP) // 2, width, CHIP)
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("card"))
        painter.drawRoundedRect(QRectF(chip).adjusted(0.5, 0.5, -0.5, -0.5), CHIP / 2, CHIP / 2)
        painter.setFont(font)
        painter.setPen(self._theme.color("ink"))
        short = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, width - 24)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, short)
        painter.end()
