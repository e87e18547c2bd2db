"""Selecting and reading with mouse and keyboard across all rows.

A place is a text and an offset in its source, never a row: rows come and go while a text grows.
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import Enum, auto
from time import monotonic
from typing import NamedTuple

from PySide6.QtCore import QEvent, QMimeData, QPointF, QRect, QRectF, Qt, QTimer, Slot
from PySide6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent, QPainter
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.transcript.gather import selected_html, selected_markdown
from app.ui.transcript.scroller import Scroller
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow

AUTOSCROLL_MS = 30
DRAG = 4
"""Pixels the mouse may move in a click."""


class Spot(NamedTuple):
    """A place in a text."""

    section: Section
    offset: int
    """In characters of the source."""


class Grain(Enum):
    """By what a selection grows."""

    CHARACTER = auto()
    WORD = auto()
    PARAGRAPH = auto()


class Selecting(Scroller):
    """Adds the caret and the selection."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self.caret: Spot | None = None
        self.anchor: Spot | None = None
        self._grain = Grain.CHARACTER
        self._pressed: QPointF | None = None
        self._mouse = QPointF()
        """Where the mouse was last."""
        self._grasped: tuple[Spot, Spot] | None = None
        """The word or paragraph a selection began with."""
        self._doubled = 0.0
        self._wanted_x: float | None = None
        """Where the caret goes in rows that are long enough, when it moves up and down."""
        self._chosen: list[Section] = []
        """Texts of which something is selected."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self._drag = QTimer(self, interval=AUTOSCROLL_MS)
        self._drag.timeout.connect(self._drag_on)

    # told by whoever inherits -----------------------------------------------------------------------

    def shown_sections(self) -> Sequence[Section]:
        """All texts in the column, in order."""
        raise NotImplementedError

    def follow_link(self, address: str) -> None:
        """A link was clicked."""

    # places -----------------------------------------------------------------------------------------

    def row_of(self, spot: Spot) -> TextRow | None:
        """The row in which a place is."""
        rows = spot.section.rows
        at = bisect_right(rows, spot.offset, key=_start) - 1
        return rows[max(0, at)] if rows else None

    def index_of(self, row: TextRow) -> int | None:
        """Where a row stands in the stack; None where it is folded away."""
        try:
            return self.stack.rows.index(row)
        except ValueError:
            return None

    def spot_at(self, point: QPointF) -> Spot | None:
        """The place nearest to a point of the viewport."""
        rows = self.stack.rows
        if not rows:
            return None
        index = self.row_at(int(point.y()))
        row = self._text_near(index, down=False) or self._text_near(index, down=True)
        if row is None:
            return None
        at = self.stack.rows.index(row)
        if not row.known:
            self._lay_out_row(at)
        y = point.y() - self.row_top(at)
        if at == index and y < 0 and (before := self._text_near(index - 1, down=False)) is not None:
            if -y > row.gap / 2:
                return Spot(before.section, before.offset(before.end))
        elif at < index or y > row.height:
            return Spot(row.section, row.offset(row.end))
        if at > index:
            return Spot(row.section, row.offset(0))
        x = self.column_point(point).x()
        return Spot(row.section, row.offset(row.hit(x, min(max(y, 0), row.height - 1))))

    def _text_near(self, index: int, *, down: bool) -> TextRow | None:
        """The first row of text from there, downward or upward."""
        rows = self.stack.rows
        steps = range(index, len(rows)) if down else range(index, -1, -1)
        return next((row for step in steps if isinstance(row := rows[step], TextRow)), None)

    def rect_of(self, spot: Spot) -> QRectF | None:
        """Where the caret stands at a place, in the viewport; None where that is folded away."""
        row = self.row_of(spot)
        index = self.index_of(row) if row is not None else None
        if row is None or index is None:
            return None
        if not row.known:
            self._lay_out_row(index)
        return row.caret(row.position(spot.offset)).translated(self.left, self.row_top(index))

    # selection --------------------------------------------------------------------------------------

    def has_selection(self) -> bool:
        """Whether anything is selected."""
        return bool(self._chosen)

    def select(self, anchor: Spot | None, caret: Spot | None) -> None:
        """Select from one place to another; the caret is at the second."""
        self.anchor, self.caret = anchor, caret
        before = {id(section): section.selected for section in self._chosen}
        changed = list(self._chosen)
        for section in self._chosen:
            section.selected = None
        self._chosen = []
        if anchor is not None and caret is not None and anchor != caret:
            for section, start, end in self._between(anchor, caret):
                section.selected = (start, end)
                self._chosen.append(section)
        changed.extend(self._chosen)
        if any(before.get(id(section)) != section.selected for section in changed) or self.hasFocus():
            self.viewport().update()

    def _between(self, one: Spot, other: Spot) -> list[tuple[Section, int, int]]:
        sections = list(self.shown_sections())
        order = {id(section): index for index, section in enumerate(sections)}
        if id(one.section) not in order or id(other.section) not in order:
            return []
        first, last = sorted((one, other), key=lambda spot: (order[id(spot.section)], spot.offset))
        low, high = order[id(first.section)], order[id(last.section)]
        found = []
        for section in sections[low : high + 1]:
            start = first.offset if section is first.section else 0
            end = last.offset if section is last.section else len(section.source)
            if start < end:
                found.append((section, start, end))
        return found

    def select_all(self) -> None:
        """Select everything that is not folded away."""
        texts = [section for section in self.shown_sections() if section.rows]
        if texts:
            self.select(Spot(texts[0], 0), Spot(texts[-1], len(texts[-1].source)))

    def selection(self) -> list[Section]:
        """The texts of which something is selected."""
        return self._chosen

    def copy(self) -> bool:
        """Put the selection on the clipboard, as Markdown and for word processors; False where there is none."""
        if not self._chosen:
            return False
        data = QMimeData()
        data.setText(selected_markdown(self._chosen))
        data.setHtml(selected_html(self._chosen))
        QGuiApplication.clipboard().setMimeData(data)
        return True

    def forget_places(self) -> None:
        """Nothing is selected, and the caret is nowhere."""
        self.select(None, None)

    # mouse ------------------------------------------------------------------------------------------

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

    # keyboard ---------------------------------------------------------------------------------------

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard comes: the caret stands where the reader looks."""
        super().focusInEvent(event)
        tabbed = event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}
        if self.caret is None and tabbed:
            for index in self.seen():
                row = self.stack.rows[index]
                if isinstance(row, TextRow) and self.row_top(index) >= 0:
                    spot = Spot(row.section, row.block.start)
                    self.select(spot, spot)
                    break
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The caret is not shown."""
        super().focusOutEvent(event)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the caret, extend the selection, copy; all other keys are the window's."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.copy():
            event.accept()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self.has_selection():
            self.select(self.caret, self.caret)
            event.accept()
        elif not self._move(event):
            event.ignore()

    def _move(self, event: QKeyEvent) -> bool:
        for key, select, motion in _KEYS:
            if event.matches(key):
                self._go(motion, extend=select)
                return True
        block = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier & ~Qt.KeyboardModifier.KeypadModifier
        if block == Qt.KeyboardModifier.ControlModifier and event.key() in _BLOCKS:
            self._go(_BLOCKS[Qt.Key(event.key())], extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return True
        if block == Qt.KeyboardModifier.AltModifier and event.key() in _BLOCKS:
            self._step_message(-1 if event.key() == Qt.Key.Key_Up else 1)
            return True
        if event.key() in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown} and not event.modifiers():
            self.page(-1 if event.key() == Qt.Key.Key_PageUp else 1)
            return True
        return False

    def _go(self, motion: str, *, extend: bool) -> None:
        if self.caret is None:
            spot = self.spot_at(QPointF(self.viewport().width() / 2, 8))
            if spot is None:
                return
            self.select(spot, spot)
        spot = self._target(motion)
        if not motion.startswith("line"):
            self._wanted_x = None
        if spot is not None:
            self.select(self.anchor if extend else spot, spot)
            self.show_spot(spot)

    def show_spot(self, spot: Spot, *, centre: bool = False) -> None:
        """Scroll until a place is in sight."""
        row = self.row_of(spot)
        index = self.index_of(row) if row is not None else None
        if row is not None and index is not None:
            if not row.known:
                self._lay_out_row(index)
            self.reveal(index, row.caret(row.position(spot.offset)), centre=centre)

    def _target(self, motion: str) -> Spot | None:
        """Where a motion of the caret leads."""
        caret = self.caret
        row = self.row_of(caret) if caret is not None else None
        if caret is None or row is None or self.index_of(row) is None:
            return None
        texts = [section for section in self.shown_sections() if section.rows]
        if motion == "start":
            return Spot(texts[0], 0)
        if motion == "end":
            return Spot(texts[-1], len(texts[-1].source))
        kind, _space, way = motion.rpartition(" ")
        move = {
            "": self._sideways,
            "word": self._by_word,
            "line": self._vertically,
            "block": self._by_block,
            "edge": self._along_line,
        }[kind]
        return move(row, row.position(caret.offset), -1 if way in {"left", "up", "start"} else 1)

    def _sideways(self, row: TextRow, position: int, step: int) -> Spot | None:
        """One character on; positions that show at one place of the source are one."""
        here = row.offset(position)
        end = row.end
        while 0 <= position + step <= end:
            position += step
            if row.offset(position) != here:
                return Spot(row.section, row.offset(position))
        return self._beside(row, step)

    def _beside(self, row: TextRow, step: int) -> Spot | None:
        """The nearer end of the next row of text."""
        index = self.stack.rows.index(row) + step
        if not 0 <= index < len(self.stack.rows):
            return None
        other = self._text_near(index, down=step > 0)
        if other is None:
            return None
        return Spot(other.section, other.offset(0 if step > 0 else other.end))

    def _by_word(self, row: TextRow, position: int, step: int) -> Spot | None:
        end = row.end
        if (position <= 0 and step < 0) or (position >= end and step > 0):
            return self._beside(row, step)
        at = position
        while 0 <= at + step <= end:
            at += step
            start, stop = row.word(at)
            edge = start if step < 0 else stop
            if start < stop and (edge < position if step < 0 else edge > position):
                return Spot(row.section, row.offset(edge))
        return Spot(row.section, row.offset(0 if step < 0 else end))

    def _vertically(self, row: TextRow, position: int, step: int) -> Spot | None:
        box = row.caret(position)
        index = self.stack.rows.index(row)
        x = self._wanted_x if self._wanted_x is not None else box.left()
        self._wanted_x = x
        y = box.center().y()
        reach = box.height()
        for _try in range(12):  # lines with formulas are higher than others
            y += step * reach / 2
            if not 0 <= y < row.height:
                break
            found = row.hit(x, y)
            other = row.caret(found)
            if step * (other.center().y() - box.center().y()) > reach / 3:
                return Spot(row.section, row.offset(found))
        other_row = self._text_near(index + step, down=step > 0) if 0 <= index + step < len(self.stack.rows) else None
        if other_row is None:
            return None
        if not other_row.known:
            self._lay_out_row(self.stack.rows.index(other_row))
        edge = 2.0 if step > 0 else other_row.height - 3.0
        return Spot(other_row.section, other_row.offset(other_row.hit(x, edge)))

    def _by_block(self, row: TextRow, position: int, step: int) -> Spot | None:
        if step < 0 and position > 0:
            return Spot(row.section, row.offset(0))
        index = self.stack.rows.index(row) + step
        other = self._text_near(index, down=step > 0) if 0 <= index < len(self.stack.rows) else None
        if other is None:
            return Spot(row.section, row.offset(row.end)) if step > 0 else None
        return Spot(other.section, other.offset(0))

    def _along_line(self, row: TextRow, position: int, step: int) -> Spot | None:
        box = row.caret(position)
        found = row.hit(float(self.setting.width) if step > 0 else 0.0, box.center().y())
        return Spot(row.section, row.offset(found))

    def _step_message(self, step: int) -> None:
        """Go to the first block of the message before or after."""
        sections = [section for section in self.shown_sections() if section.rows]
        if not sections:
            return
        here = self.caret.section if self.caret is not None else None
        at = next((index for index, section in enumerate(sections) if section is here), None)
        at = (len(sections) if step < 0 else -1) if at is None else at
        at += step
        if 0 <= at < len(sections):
            spot = Spot(sections[at], 0)
            self.select(spot, spot)
            self.show_spot(spot)

    def paint_over(self, painter: QPainter, rect: QRect) -> None:
        """Paint the caret."""
        super().paint_over(painter, rect)
        if self.hasFocus() and self.caret is not None and not self.has_selection():
            box = self.rect_of(self.caret)
            if box is not None:
                painter.fillRect(QRectF(round(box.left()), box.top(), 2, box.height()), self._theme.color("accent"))

    def viewportEvent(self, event: QEvent) -> bool:
        """Let the mouse's leaving be known."""
        if event.type() is QEvent.Type.Leave:
            self.hover_left()
        return super().viewportEvent(event)

    def hover_left(self) -> None:
        """The mouse is no longer over the text."""


_Key = QKeySequence.StandardKey
_KEYS = (
    (_Key.MoveToNextChar, False, "right"),
    (_Key.MoveToPreviousChar, False, "left"),
    (_Key.SelectNextChar, True, "right"),
    (_Key.SelectPreviousChar, True, "left"),
    (_Key.MoveToNextWord, False, "word right"),
    (_Key.MoveToPreviousWord, False, "word left"),
    (_Key.SelectNextWord, True, "word right"),
    (_Key.SelectPreviousWord, True, "word left"),
    (_Key.MoveToNextLine, False, "line down"),
    (_Key.MoveToPreviousLine, False, "line up"),
    (_Key.SelectNextLine, True, "line down"),
    (_Key.SelectPreviousLine, True, "line up"),
    (_Key.MoveToStartOfLine, False, "edge start"),
    (_Key.MoveToEndOfLine, False, "edge end"),
    (_Key.SelectStartOfLine, True, "edge start"),
    (_Key.SelectEndOfLine, True, "edge end"),
    (_Key.MoveToStartOfDocument, False, "start"),
    (_Key.MoveToEndOfDocument, False, "end"),
    (_Key.SelectStartOfDocument, True, "start"),
    (_Key.SelectEndOfDocument, True, "end"),
)
_BLOCKS = {Qt.Key.Key_Up: "block up", Qt.Key.Key_Down: "block down"}


def _start(row: TextRow) -> int:
    return row.block.start
