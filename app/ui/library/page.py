"""The library in the place of the chat: a head with the way back, and everything else in a scrolled sheet."""

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QKeySequence, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.core.text import _
from app.ui.button import QuietButton
from app.ui.header import HEIGHT
from app.ui.library.row import ModelRow
from app.ui.library.sheet import Sheet
from app.ui.overbar import OverBar
from app.ui.theme import GUTTER, Theme
from app.ui.ticker import Ticker

if TYPE_CHECKING:
    from app.chat.shelf import Shelf

SIGHT = 24
"""Points that stay between a row with the keyboard and the edge."""


class Area(QScrollArea):
    """Leaves the arrows to the page, which goes from row to row with them."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll by no key."""
        event.ignore()


class LibraryPage(QWidget):
    """Shows a shelf; what a person asks for is somebody else's to do."""

    left = Signal()
    """The chat is wanted back."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shelf: Shelf | None = None
        self._shown: tuple[object, ...] = ()
        self._wanted = ""
        """Key or folder of a row that shall have the keyboard once it is there."""
        self.back = QuietButton(theme, _("Back to the chat"), self)
        self.back.setToolTip(_("Back to the chat  {key}").format(key=QKeySequence(Qt.Key.Key_Escape).toString()))
        self.back.clicked.connect(self.left)
        self.area = Area(self)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.viewport().setAutoFillBackground(False)
        self.sheet = Sheet(theme)
        self.area.setWidget(self.sheet)
        self.sheet.setAutoFillBackground(False)  # which the scroll area has just switched on
        self.area.setFocusProxy(self)
        self._bar = OverBar(self.area)
        self._ticker = Ticker(self._show_rows, self)
        self.sheet.entered.connect(self._bring_into_sight)
        self.sheet.grown.connect(self._lay_out)
        self.setAccessibleName(_("Models"))
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.hide()

    # content ------------------------------------------------------------------------------------

    def open(self, shelf: "Shelf", wanted: str = "") -> None:
        """Put the keyboard on the wanted row, else on the one that had it last, else on the first."""
        self._wanted = wanted
        self.show_shelf(shelf)
        if not self._go_to_wanted():
            self.sheet.focus_row(self.sheet.last)

    def show_shelf(self, shelf: "Shelf") -> None:
        """Show what is there now: what only moves at most four times a second, all else at once."""
        self._shelf = shelf
        if self.isHidden() and not self._wanted:
            return
        if _stand_still(shelf) == self._shown:
            self._ticker.ask()
        else:
            self._show_rows()
        if self._wanted:
            self._go_to_wanted()

    def _show_rows(self) -> None:
        shelf = self._shelf
        if shelf is None:
            return
        self._shown = _stand_still(shelf)
        anchor = self.sheet.find_anchor(self.area.verticalScrollBar().value(), self.area.viewport().height())
        self.sheet.show_shelf(shelf, now())
        self._lay_out()
        if anchor is not None:
            row, offset = anchor
            self.area.verticalScrollBar().setValue(row.y() - offset)

    def _go_to_wanted(self) -> bool:
        row = self.sheet.find_row(self._wanted) if self._wanted else None
        if row is None:
            return False
        self._wanted = ""
        row.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

    # keys ---------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Esc leads back; it must not stop the answer that goes on meanwhile."""
        if (
            event.type() is QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and event.key() == Qt.Key.Key_Escape
            and event.modifiers() == Qt.KeyboardModifier.NoModifier
        ):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from row to row, Esc leads back."""
        key, bar = event.key(), self.area.verticalScrollBar()
        if key == Qt.Key.Key_Escape:
            self.left.emit()
        elif key in {Qt.Key.Key_Up, Qt.Key.Key_Down}:
            self.sheet.step(1 if key == Qt.Key.Key_Down else -1)
        elif key in {Qt.Key.Key_Home, Qt.Key.Key_End}:
            self.sheet.go_to_end(first=key == Qt.Key.Key_Home)
        elif key in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown}:
            bar.setValue(bar.value() + (bar.pageStep() if key == Qt.Key.Key_PageDown else -bar.pageStep()))
        else:
            super().keyPressEvent(event)

    @Slot(object)
    def _bring_into_sight(self, row: ModelRow) -> None:
        bar, height = self.area.verticalScrollBar(), self.area.viewport().height()
        top = 0 if self.sheet.is_first(row) else row.y() - SIGHT
        bottom = row.y() + row.height() + SIGHT
        if top < bar.value():
            bar.setValue(top)
        elif bottom > bar.value() + height:
            bar.setValue(min(top, bottom - height))

    # layout and paint ---------------------------------------------------------------------------

    @Slot()
    def _lay_out(self) -> None:
        width = self.area.viewport().width()
        self.sheet.resize(width, self.sheet.arrange(width))
        self._bar.place(self.area.size())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new size."""
        super().resizeEvent(event)
        size = self.back.sizeHint()
        self.back.setGeometry(
            self.width() - GUTTER + 8 - size.width(), (HEIGHT - size.height()) // 2, size.width(), size.height()
        )
        self.area.setGeometry(0, HEIGHT, self.width(), self.height() - HEIGHT)
        self._lay_out()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the heading."""
        painter = QPainter(self)
        painter.setFont(self._theme.font("title", bold=True))
        painter.setPen(self._theme.color("ink"))
        title = QRectF(GUTTER, 0, self.width() / 2, HEIGHT)
        painter.drawText(title, Qt.AlignmentFlag.AlignVCenter, _("Models"))
        painter.end()


def now() -> datetime:
    """The present moment where the user is."""
    return datetime.now().astimezone()


def _stand_still(shelf: "Shelf") -> tuple[object, ...]:
    """What of a shelf does not move while a download goes on."""
    rows = [replace(row, transfer=None) for row in shelf.rows]
    return rows, shelf.looked, shelf.looked_up, shelf.machine, shelf.absent, shelf.folder, shelf.moving is None
