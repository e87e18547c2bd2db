"""The scrolled column: lays out what is in sight, keeps the reader's place, follows the end, paints rows.

Rows out of sight have estimated heights. When a row comes into sight its true height takes the estimate's place, and
what the reader looks at stays where it is.
"""

from collections.abc import Sequence
from time import perf_counter

from PySide6.QtCore import QPointF, QRect, QRectF, Qt, QTimer, QVariantAnimation, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QAbstractScrollArea, QFrame, QWidget

from app.core.text import _
from app.ui.button import QuietButton
from app.ui.overbar import OverBar
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.setting import LAYOUTS, Setting
from app.ui.transcript.stack import Stack
from app.ui.transcript.textrow import TextRow

TOP, FOOT = 8, 28
FOLLOW_MARGIN = 4
PAGE_SHARE = 0.9
STEP = 40
AHEAD = 400
"""Widgets this close to the viewport are there already."""
FAR = 4000
"""Widgets this far from it are let go."""
SLICE_SECONDS = 0.008
Place = tuple[Row | None, int]
"""A row, and how far below the upper edge of the viewport it begins."""


class Scroller(QAbstractScrollArea):
    """Rows in a column that scrolls. What the rows are is told by whoever inherits."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setting = setting
        self.stack = Stack()
        self.follow = True
        """Whether the end is kept in sight."""
        self._moving = False
        """While we move the bar ourselves."""
        self._placed: set[WidgetRow] = set()
        self._slid_from = 0
        self._slid = 0
        """Rows from that index on are shown so much lower than they belong: they are on their way."""
        self._sliding = QVariantAnimation(self)
        self._sliding.valueChanged.connect(self._slide_to)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.verticalScrollBar().setSingleStep(STEP)
        self._bar = OverBar(self)
        self._edge = QFrame(self)
        self._edge.setAutoFillBackground(True)
        self._edge.setBackgroundRole(QPalette.ColorRole.Mid)
        self._edge.hide()
        self._jump = QuietButton(theme, _("Jump to end"), self, framed=True)
        self._jump.radius = 14
        self._jump.clicked.connect(self.jump_to_end)
        self._jump.hide()
        self._ahead = QTimer(self, interval=0)
        self._ahead.timeout.connect(self._lay_ahead)
        self._ahead_at = 0
        self.painted_seconds = 0.0
        """What the last painting took."""

    # geometry -------------------------------------------------------------------------------------

    @property
    def ground(self) -> QWidget:
        """The widget that the widgets of rows stand on."""
        return self.viewport()

    @property
    def left(self) -> int:
        """Left side of the column."""
        return (self.viewport().width() - self.setting.width) // 2

    @property
    def _origin(self) -> int:
        """What is added to places in the stack: the first row needs less room above than the others."""
        return TOP - (self.stack.rows[0].gap if self.stack.rows else 0)

    def row_top(self, index: int) -> int:
        """Where a row begins, measured from the upper edge of the viewport."""
        return self.stack.place(index) + self._origin - self.verticalScrollBar().value()

    def row_at(self, y: int) -> int:
        """The row at a height of the viewport."""
        return self.stack.at(y + self.verticalScrollBar().value() - self._origin)

    def seen(self, *, ahead: int = 0) -> range:
        """The rows in sight, or near it."""
        top = self.verticalScrollBar().value() - self._origin
        return self.stack.between(top - ahead, top + self.viewport().height() + ahead)

    def page(self, direction: int) -> None:
        """Scroll by a page, up (-1) or down (1)."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + int(direction * self.viewport().height() * PAGE_SHARE))

    @Slot()
    def jump_to_end(self) -> None:
        """Go to the end and follow it again."""
        self.follow = True
        self.settle()
        self.viewport().update()

    # keeping the place ----------------------------------------------------------------------------

    def hold(self) -> Place:
        """The first row in sight and where it is."""
        if not self.stack.rows:
            return None, 0
        index = self.row_at(0)
        return self.stack.rows[index], self.row_top(index)

    def restore(self, place: Place, *, otherwise: Row | None = None) -> None:
        """Put that row there again; where it is gone, let the other one begin at the upper edge."""
        row, top = place
        if self.follow or row is None:
            self.settle()
            return
        if row not in self.stack.rows:
            row, top = otherwise, 0
        self._fit_range()
        if row in self.stack.rows:
            self._set_value(self.stack.place(self.stack.rows.index(row)) + self._origin - top)
        self.settle()

    def reveal(self, index: int, within: QRectF, *, margin: int = 48, centre: bool = False) -> None:
        """Scroll until a part of a row is in sight."""
        row = self.stack.rows[index]
        if not row.known:
            self._lay_out_row(index)
        self._fit_range()
        bar = self.verticalScrollBar()
        top = self.stack.place(index) + self._origin + within.top()
        bottom = top + within.height()
        height = self.viewport().height()
        if centre and not bar.value() + margin <= top <= bottom <= bar.value() + height - margin:
            wanted = int(top - height / 3)
        elif top < bar.value() + margin:
            wanted = int(top - margin)
        elif bottom > bar.value() + height - margin:
            wanted = int(bottom + margin - height)
        else:
            return
        self.follow = False
        self._set_value(wanted)
        self.settle()
        self.viewport().update()

    def settle(self) -> None:
        """Lay out what is in sight; what the reader looks at stays where it is."""
        bar = self.verticalScrollBar()
        before = bar.value(), bar.maximum()
        if self._mend():
            self.viewport().update()
        for _round in range(6):  # true heights can bring other rows into sight
            self._fit_range()
            if self.follow:
                self._set_value(bar.maximum())
            row, top = self.hold()
            if not self._lay_out_seen():
                break
            self._fit_range()
            if not self.follow and row is not None:
                self._set_value(self.stack.place(self.stack.rows.index(row)) + self._origin - top)
        self._place_widgets()
        self._mind_edges()
        if (bar.value(), bar.maximum()) != before:
            self.viewport().update()
        self._ahead_at = 0
        if not self._ahead.isActive():
            self._ahead.start()

    def _mend(self) -> bool:
        """Sum up anew where a row has another height than was summed; whether there was one."""
        if not self.setting.stale:
            return False
        self.setting.stale = False
        total = self.stack.height
        for index, row in enumerate(self.stack.rows):
            if row.gap + row.height != row.summed:
                self.stack.resized(index)
                break
        return self.stack.height != total

    def _lay_out_seen(self) -> bool:
        """Lay out the rows in sight; whether any height changed."""
        changed = False
        top = self.verticalScrollBar().value() - self._origin
        bottom = top + self.viewport().height()
        rows = self.stack.rows
        index = self.stack.at(top) if rows else 0
        y = self.stack.top(index)
        while index < len(rows) and y < bottom:
            row = rows[index]
            if not row.known:
                changed |= self._lay_out_row(index)
            y += row.gap + row.height
            index += 1
        return changed

    def _lay_out_row(self, index: int) -> bool:
        row = self.stack.rows[index]
        before, stale = row.height, self.setting.stale
        row.lay_out(self.setting.width)
        self.setting.stale = stale
        if row.height != before:
            self.stack.resized(index)
            return True
        return False

    @Slot()
    def _lay_ahead(self) -> None:
        """While there is time, lay out what will be in sight next, a screen below and one above."""
        until = perf_counter() + SLICE_SECONDS / 2
        if self.setting.stale:
            self.settle()
        span = self.seen(ahead=self.viewport().height())
        if len(span) > LAYOUTS * 3 // 4:  # more would push out what is in sight
            span = self.seen()
        near = [index for index in span if not self.stack.rows[index].known]
        place = self.hold()
        changed = False
        for index in near:
            if perf_counter() > until:
                break
            if isinstance(self.stack.rows[index], TextRow):
                changed |= self._lay_out_row(index)
            near = near[1:]
        if changed:
            self._fit_range()
            row, top = place
            if self.follow:
                self._set_value(self.verticalScrollBar().maximum())
            elif row is not None:
                self._set_value(self.stack.place(self.stack.rows.index(row)) + self._origin - top)
            self._place_widgets()
        if not any(isinstance(self.stack.rows[index], TextRow) for index in near) and not self.idle():
            self._ahead.stop()

    def idle(self) -> bool:
        """Do a slice of what else can be done ahead; whether more is left."""
        return False

    def _fit_range(self) -> None:
        bar = self.verticalScrollBar()
        height = self.viewport().height()
        total = self.stack.height + self._origin + FOOT if self.stack.rows else 0
        self._moving = True
        bar.setPageStep(height)
        bar.setRange(0, max(0, total - height))
        self._moving = False

    def _set_value(self, value: int) -> None:
        self._moving = True
        self.verticalScrollBar().setValue(value)
        self._moving = False

    # widgets --------------------------------------------------------------------------------------

    def _place_widgets(self) -> None:
        """Put the widgets of rows near the viewport where they belong, and let go of those far away."""
        placed: set[WidgetRow] = set()
        grown = False
        for index in (*self.also_near(), *self.seen(ahead=AHEAD)):
            row = self.stack.rows[index]
            if isinstance(row, WidgetRow):
                widget = row.realise()
                box = QRect(self.left, self.row_top(index) + self._shift(index), self.setting.width, row.height)
                widget.setGeometry(self.pinned(row, box))
                if not row.known or not widget.isVisible():
                    grown |= self._lay_out_row(index)
                widget.show()
                placed.add(row)
        for row in self._placed - placed:
            if row.widget is not None:
                row.widget.hide()
        self._placed = placed | {row for row in self._placed if row.widget is not None}
        if len(self._placed) > 200:
            self._let_go(placed)
        if grown:  # what stands below is lower now
            self._fit_range()
            if self.follow:
                self._set_value(self.verticalScrollBar().maximum())
            self._place_widgets()
            self.viewport().update()

    def _let_go(self, kept: set[WidgetRow]) -> None:
        for row in self._placed - kept:
            if row.widget is not None and not row.widget.isAncestorOf(self.window().focusWidget() or self):
                row.release()
        self._placed = kept

    def also_near(self) -> Sequence[int]:
        """Rows far from the viewport whose widgets are needed all the same."""
        return ()

    def pinned(self, row: WidgetRow, box: QRect) -> QRect:
        """Where a widget stands that may stay in sight longer than its row."""
        del row
        return box

    # events ---------------------------------------------------------------------------------------

    def fit_width(self) -> bool:
        """Take the width of the viewport; whether the column has another width now."""
        width = max(80, min(COLUMN, self.viewport().width() - 2 * GUTTER))
        if width == self.setting.width:
            return False
        self.setting.width = width
        self.rescale()
        return True

    def rescale(self) -> None:
        """All rows are to be laid out anew; those out of sight get estimates."""
        self.setting.renew()
        for row in self.stack.rows:
            row.known = False
            row.estimate(self.setting.width)
        self.stack.resized(0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out what is in sight in the new width."""
        super().resizeEvent(event)
        self._bar.place(self.size())
        self._edge.setGeometry(0, 0, self.width(), 1)
        self._put_jump()
        self.setting.fit_pictures(self.width(), self.height(), self.devicePixelRatio())
        place = self.hold()
        self.fit_width()
        self.restore(place)
        self.viewport().update()

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:
        """Show another part of the column."""
        if self._moving:
            return
        bar = self.verticalScrollBar()
        self.follow = bar.value() >= bar.maximum() - FOLLOW_MARGIN
        self.settle()
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the rows that are in the rectangle of the event."""
        started = perf_counter()
        painter = QPainter(self.viewport())
        rect = event.rect()
        painter.fillRect(rect, self._theme.color("paper"))
        top = rect.top() + self.verticalScrollBar().value() - self._origin
        for index in self.stack.between(top, top + rect.height() + max(0, -self._slid)):
            row = self.stack.rows[index]
            y = self.row_top(index) + self._shift(index)
            if index == self._slid_from and self._slid < 0:
                painter.fillRect(QRect(0, y - row.gap, rect.width(), rect.height()), self._theme.color("paper"))
            clip = QRectF(rect).translated(-self.left, -y)
            row.paint(painter, self.left, y, clip)
        self.paint_over(painter, rect)
        painter.end()
        self.painted_seconds = perf_counter() - started
        if self.setting.stale and not self._ahead.isActive():
            self._ahead.start()

    # sliding --------------------------------------------------------------------------------------

    def _shift(self, index: int) -> int:
        return self._slid if self._slid and index >= self._slid_from else 0

    def slide(self, index: int, lower: int) -> None:
        """Let the rows from an index on come to their places from so much lower down."""
        self._sliding.stop()
        duration = self._theme.fold_ms if self.isVisible() else 0
        reach = self.viewport().height()
        self._slid_from = index
        if not duration or not lower:
            self._slide_to(0)
            return
        self._sliding.setDuration(duration)
        self._sliding.setStartValue(max(-reach, min(reach, lower)))
        self._sliding.setEndValue(0)
        self._sliding.start()

    @Slot(object)
    def _slide_to(self, lower: int) -> None:
        self._slid = lower
        self._place_widgets()
        self.viewport().update()

    def paint_over(self, painter: QPainter, rect: QRect) -> None:
        """Paint what lies over the rows."""

    # edges ----------------------------------------------------------------------------------------

    def running(self) -> bool:
        """Whether the end moves."""
        return False

    def _mind_edges(self) -> None:
        self._edge.setVisible(self.verticalScrollBar().value() > TOP)
        wanted = self.running() and not self.follow
        if wanted != (not self._jump.isHidden()):
            self._jump.adjustSize()
            self._put_jump()
            self._jump.setVisible(wanted)

    def _put_jump(self) -> None:
        self._jump.move((self.width() - self._jump.width()) // 2, self.height() - self._jump.height() - 12)

    def column_point(self, point: QPointF) -> QPointF:
        """A point of the viewport, measured from the column's left side."""
        return point - QPointF(self.left, 0)
