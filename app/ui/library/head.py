"""What stands above the models: where downloads go, and the ways to add a model."""

from pathlib import Path

from PySide6.QtCore import QRect, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.shelfrow import Transfer
from app.core.errors import Failure
from app.core.text import _
from app.ui.library.lines import break_lines
from app.ui.library.row import BAR, LINE, MARK, TEXT_X, RowButton
from app.ui.library.words import name_folder, say_amount, share_of
from app.ui.theme import Theme
from app.ui.transcript.waiting import draw_progress

INSET = 14
BUTTON = 28
GAP = 8


class FolderHead(QWidget):
    """The folder of downloads, and three buttons."""

    move_asked = Signal()
    folder_asked = Signal()
    name_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.words = ""
        """What it says of the folder."""
        self._share: float | None = None
        self._warns = False
        self._lines: list[str] = []
        self.move_button = RowButton(theme, _("Move…"), self)
        self.move_button.setToolTip(_("Keep downloads in another folder, those that are here, too"))
        self.move_button.clicked.connect(self.move_asked)
        self.folder_button = RowButton(theme, _("Add a folder…"), self)
        self.folder_button.setToolTip(_("Use models where they lie; a folder can be dropped on the window, too"))
        self.folder_button.clicked.connect(self.folder_asked)
        self.name_button = RowButton(theme, _("Add by name…"), self)
        self.name_button.setToolTip(_("Look for a model on the hub"))
        self.name_button.clicked.connect(self.name_asked)

    def show_folder(self, folder: Path, moving: Transfer | None, absent: Failure | None) -> None:
        """Name the folder, or say how far a move is, or what is wrong with it."""
        words = _("Downloads go to {folder}").format(folder=name_folder(folder))
        if moving is not None:
            amount = say_amount(moving.done, moving.total)
            words = _("Moving the downloads to another folder · {amount}").format(amount=amount)
        elif absent is not None:
            words = f"{absent.message} {absent.hint}".strip()
        shown = (words, share_of(moving), absent is not None and moving is None)
        if shown != (self.words, self._share, self._warns):
            self.words, self._share, self._warns = shown
            self.setAccessibleName(words)
            self.setToolTip(str(folder))
            self.move_button.setEnabled(moving is None)
            self.update()

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high it is."""
        inner = width - 2 * INSET - (TEXT_X if self._warns else 0)
        self._lines = break_lines(self.words, self._theme.font("small"), inner)
        y = LINE * len(self._lines) + (BAR if self._share is not None else 0) + 4
        x = INSET - GAP
        for button in (self.move_button, self.folder_button, self.name_button):
            size = button.sizeHint()
            button.setGeometry(x, y, size.width(), BUTTON)
            x += size.width()
        return y + BUTTON

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sentence, and the bar of a move."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        x, y = INSET, 0
        if self._warns:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("warn"))
            painter.drawEllipse(QRectF(x, (LINE - MARK) / 2, MARK, MARK))
            x += TEXT_X
        painter.setPen(self._theme.color("ink" if self._warns else "secondary"))
        for words in self._lines:
            painter.drawText(QRect(x, y, self.width() - x, LINE), Qt.AlignmentFlag.AlignVCenter, words)
            y += LINE
        if self._share is not None:
            track = QRectF(INSET, y + BAR - 7, self.width() - 2 * INSET, 2)
            draw_progress(painter, track, self._share, self._theme)
        painter.end()
