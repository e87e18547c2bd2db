"""What goes along with the message being written: the names of its documents, each with a button that takes it off."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget

from app.core.text import _
from app.ui.button import draw_focus
from app.ui.theme import Theme

HEIGHT = 28
GAP = 6
PADDING = 10
CROSS = 24
WIDEST = 240
MOST_ROWS = 3


class Chip(QAbstractButton):
    """A name on a soft fill; a press takes it off."""

    def __init__(self, theme: Theme, words: str, hint: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setText(words)
        self.setAccessibleName(hint)
        self.setToolTip(hint)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def sizeHint(self) -> QSize:
        """As wide as its words, which are cut to a bound."""
        metrics = QFontMetrics(self._theme.font("small"))
        words = metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, WIDEST - PADDING - CROSS)
        return QSize(PADDING + metrics.horizontalAdvance(words) + 1 + CROSS, HEIGHT)

    def hitButton(self, point: QPoint) -> bool:
        """Only the cross takes it off: a slip must not lose a document."""
        return self.rect().contains(point) and point.x() >= self.width() - CROSS

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the fill, the name and the cross."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("selected", 0.7))
        painter.drawRoundedRect(box, 8, 8)
        if self.hasFocus():
            draw_focus(painter, box, 8, self._theme)
        font = self._theme.font("small")
        painter.setFont(font)
        painter.setPen(self._theme.color("ink"))
        words = self.rect().adjusted(PADDING, 0, -CROSS, 0)
        short = QFontMetrics(font).elidedText(self.text(), Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, short)
        painter.setPen(
            QPen(self._theme.color("ink" if self.underMouse() else "secondary"), 1.5, c=Qt.PenCapStyle.RoundCap)
        )
        middle = QPointF(self.width() - CROSS / 2, self.height() / 2)
        painter.drawLine(middle + QPointF(-3.5, -3.5), middle + QPointF(3.5, 3.5))
        painter.drawLine(middle + QPointF(-3.5, 3.5), middle + QPointF(3.5, -3.5))
        painter.end()


class Attached(QWidget):
    """The chips in rows; what does not fit into three is counted."""

    removed = Signal(int)
    """The document with this number is to be taken off."""
    edit_left = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._names: list[str] = []
        self._editing = False
        self._chips: list[Chip] = []
        self._rest = QLabel(self)
        self._rest.setFont(theme.font("small"))
        self._rest.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self.hide()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self._chips

    @property
    def rest(self) -> str:
        """What is said of documents that there is no room for."""
        return self._rest.text()

    def show_names(self, names: Sequence[str], *, editing: bool) -> bool:
        """Show the documents, and that a question is being edited; whether anything is different."""
        if (list(names), editing) == (self._names, self._editing):
            return False
        self._names, self._editing = list(names), editing
        for chip in self._chips:
            chip.hide()
            chip.deleteLater()
        self._chips = []
        if editing:
            self._add(_("Editing your question"), _("Leave the question as it is")).clicked.connect(self.edit_left)
        for at, name in enumerate(names):
            hint = _("Take {name} off").format(name=name)
            self._add(name, hint).clicked.connect(partial(self.removed.emit, at))
        self.setVisible(bool(self._chips))
        return True

    def _add(self, words: str, hint: str) -> Chip:
        chip = Chip(self._theme, words, hint, self)
        self._chips.append(chip)
        return chip

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the rows are."""
        x = y = 0
        shown = 0
        for chip in self._chips:
            size = chip.sizeHint().boundedTo(QSize(width, HEIGHT))
            if x and x + size.width() > width:
                x, y = 0, y + HEIGHT + GAP
            if y >= MOST_ROWS * (HEIGHT + GAP):
                break
            chip.setGeometry(x, y, size.width(), HEIGHT)
            x += size.width() + GAP
            shown += 1
        return self._count_rest(width, x, y, shown)

    def _count_rest(self, width: int, x: int, y: int, shown: int) -> int:
        for at, chip in enumerate(self._chips):
            chip.setVisible(at < shown)
        rest = len(self._chips) - shown
        self._rest.setVisible(bool(rest))
        if rest:
            self._rest.setText(_("and {count} more").format(count=rest))
            self._rest.setGeometry(0, y, width, HEIGHT)
        return y + HEIGHT if self._chips else 0
