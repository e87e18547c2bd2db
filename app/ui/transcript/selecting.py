"""Selecting and following links with the mouse."""

from enum import Enum, auto
from time import monotonic

from PySide6.QtCore import QEvent, QPointF, Qt, QTimer, Slot
from PySide6.QtGui import QGuiApplication, QMouseEvent
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.transcript.keys import Keys
from app.ui.transcript.places import Spot
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow

AUTOSCROLL_MS = 30
DRAG = 4
"""Pixels the mouse may move in a click."""


class Grain(Enum):
    """By what a selection grows."""

    CHARACTER = auto()
    WORD = auto()
    PARAGRAPH = auto()


class Selecting(Keys):
    """Adds the mouse."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self._grain = Grain.CHARACTER
        self._pressed: QPointF | None = None
        self._mouse = QPointF()
        """Where the mouse was last."""
        self._grasped: tuple[Spot, Spot] | None = None
        """The word or paragraph a selection began with."""
        self._doubled = 0.0
        self.viewport().setMouseTracking(True)
        self._drag = QTimer(self, interval=AUTOSCROLL_MS)
        self._drag.timeout.connect(self._drag_on)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin a selection, or extend it with Shift; the third press in a row takes the paragraph."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        point = event.position()
        spot = self.spot_at(point)
        if spot is None:
            return
        self._pressed, self._wanted_x = point, None
        tripled = monotonic() - self._doubled < QGuiApplication.styleHints().mouseDoubleClickInterval() / 1000
        if tripled and self.caret is not None:
            self._doubled = 0.0
            self._grasp(spot, Grain.PARAGRAPH)
        elif event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self.anchor is not None:
            self._grain = Grain.CHARACTER
            self.select(self.anchor, spot)
        else:
            self._grain, self._grasped = Grain.CHARACTER, None
            self.select(spot, spot)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        spot = self.spot_at(event.position())
        if spot is not None and event.button() is Qt.MouseButton.LeftButton:
            self._pressed, self._doubled = event.position(), monotonic()
            self._grasp(spot, Grain.WORD)

    def _grasp(self, spot: Spot, grain: Grain) -> None:
        self._grain = grain
        start, end = self._around(spot)
        self._grasped = (start, end)
        self.select(start, end)

    def _around(self, spot: Spot) -> tuple[Spot, Spot]:
        """The word or the paragraph of a place."""
        row = self.row_of(spot)
        if row is None or self._grain is Grain.CHARACTER:
            return spot, spot
        position = row.position(spot.offset)
        start, end = row.word(position) if self._grain is Grain.WORD else row.paragraph(position)
        return Spot(spot.section, row.offset(start)), Spot(spot.section, row.offset(end))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection; show what is under the mouse."""
        if not event.buttons() & Qt.MouseButton.LeftButton or self._pressed is None:
            self.hover(event.position())
            return
        self._mouse = event.position()
        self._extend(event.position())
        outside = not 0 <= event.position().y() < self.viewport().height()
        if outside and not self._drag.isActive():
            self._drag.start()
        elif not outside:
            self._drag.stop()

    def _extend(self, point: QPointF) -> None:
        spot = self.spot_at(point)
        if spot is None or self.anchor is None:
            return
        if self._grasped is None:
            self.select(self.anchor, spot)
            return
        start, end = self._around(spot)
        first, last = self._grasped
        forth = bool(self._between(first, end)) and not self._is_before(spot, first)
        self.select(first, end) if forth else self.select(last, start)

    def _is_before(self, one: Spot, other: Spot) -> bool:
        order = [id(section) for section in self.shown_sections()]
        return (order.index(id(one.section)), one.offset) < (order.index(id(other.section)), other.offset)

    @Slot()
    def _drag_on(self) -> None:
        """While the mouse is held beyond an edge, scroll on; the further out, the faster."""
        point = self._mouse
        height = self.viewport().height()
        over = point.y() if point.y() < 0 else point.y() - height if point.y() >= height else 0
        if not over:
            self._drag.stop()
            return
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + int(max(-60, min(60, over))))
        self._extend(QPointF(point.x(), min(max(0, point.y()), height - 1)))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End the selection; a click on a link follows it."""
        self._drag.stop()
        pressed, self._pressed = self._pressed, None
        if event.button() is not Qt.MouseButton.LeftButton or pressed is None or self.has_selection():
            return
        if (event.position() - pressed).manhattanLength() <= DRAG:
            self.clicked(event.position())

    def clicked(self, point: QPointF) -> None:
        """A click that selected nothing."""
        if address := self.link_at(point):
            self.follow_link(address)

    def hover(self, point: QPointF) -> None:
        """The mouse is over a point."""
        shape = Qt.CursorShape.ArrowCursor
        row = self.text_at(point)
        if row is not None:
            link = self.link_at(point)
            shape = Qt.CursorShape.PointingHandCursor if link else Qt.CursorShape.IBeamCursor
        self.viewport().setCursor(shape)

    def text_at(self, point: QPointF) -> TextRow | None:
        """The row of text that a point is in."""
        if not self.stack.rows:
            return None
        index = self.row_at(int(point.y()))
        row = self.stack.rows[index]
        y = point.y() - self.row_top(index)
        x = self.column_point(point).x()
        inside = isinstance(row, TextRow) and 0 <= y <= row.height and row.inset <= x <= self.setting.width
        return row if inside and isinstance(row, TextRow) else None

    def in_row(self, row: TextRow, point: QPointF) -> QPointF:
        """A point of the viewport, measured from the corner of a row."""
        return self.column_point(point) - QPointF(0, self.row_top(self.stack.rows.index(row)))

    def link_at(self, point: QPointF) -> str:
        """The address at a point; empty for none."""
        row = self.text_at(point)
        return row.link_at(self.in_row(row, point)) if row is not None else ""

    def viewportEvent(self, event: QEvent) -> bool:
        """Let the mouse's leaving be known."""
        if event.type() is QEvent.Type.Leave:
            self.hover_left()
        return super().viewportEvent(event)

    def hover_left(self) -> None:
        """The mouse is no longer over the text."""
