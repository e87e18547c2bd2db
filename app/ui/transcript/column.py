"""The turns of a conversation as rows of the scrolled column, whichever of them is growing."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import sin, tau
from time import monotonic

from PySide6.QtCore import QRect, QTimer, Slot
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QWidget

from app.core.messages import State
from app.ui.theme import Theme
from app.ui.transcript.answer import Answer
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.scroller import Place
from app.ui.transcript.section import Section
from app.ui.transcript.selecting import Selecting
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.thought import HEADER, RULE_X, ThoughtHead
from app.ui.transcript.turn import Turn

BREATH_MS = 66
BREATH_SECONDS = 2.4


class Column(Selecting):
    """Puts turns into the stack, paints the rules of thoughts, and keeps their heads in sight."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self.turns: list[Turn] = []
        self._firsts: list[int] = []
        """The index of the first row of each turn."""
        self._batch = 0
        self._lowest: int | None = None
        """The first row that changed in this batch."""
        self._breath = QTimer(self, interval=BREATH_MS)
        self._breath.timeout.connect(self._breathe)

    # turns ----------------------------------------------------------------------------------------

    @contextmanager
    def changes(self, *, otherwise: Row | None = None) -> Iterator[None]:
        """Several changes, after which the reader's place is as it was."""
        self._batch += 1
        place: Place = self.hold() if self._batch == 1 else (None, 0)
        try:
            yield
        finally:
            self._batch -= 1
            if not self._batch:
                self.restore(place, otherwise=otherwise)
                self._repaint_changed()

    def _repaint_changed(self) -> None:
        lowest, self._lowest = self._lowest, None
        if lowest is not None and self.stack.rows:
            top = self.row_top(min(lowest, len(self.stack.rows) - 1)) - self.stack.rows[-1].gap
            size = self.viewport().size()
            if top < size.height():
                self.viewport().update(QRect(0, max(0, top), size.width(), size.height() - max(0, top)))

    def recompose(self, turn: Turn, same: int = 0) -> None:
        """Put the rows that a turn consists of now in the place of those it had; so many are known to be the same."""
        at = self._place_of(turn)
        if at is None:
            return
        if not self._batch:
            with self.changes(otherwise=turn.rows[0] if turn.rows else None):
                self._splice(at, turn, same)
        else:
            self._splice(at, turn, same)

    def _place_of(self, turn: Turn) -> int | None:
        if self.turns and self.turns[-1] is turn:
            return len(self.turns) - 1
        return next((index for index, one in enumerate(self.turns) if one is turn), None)

    def _end_of(self, at: int) -> int:
        return self._firsts[at + 1] if at + 1 < len(self._firsts) else len(self.stack.rows)

    def _splice(self, at: int, turn: Turn, same: int) -> None:
        first, end = self._firsts[at], self._end_of(at)
        new, rows = turn.rows, self.stack.rows
        known = same
        limit = min(len(new), end - first)
        while same < limit and rows[first + same] is new[same]:
            same += 1
        if same < len(new) or same < end - first:
            self.stack.replace(first + same, end, new[same:])
            grown = len(new) - (end - first)
            for later in range(at + 1, len(self._firsts)):
                self._firsts[later] += grown
        for index in range(first + known, first + same):
            row = rows[index]
            if row.gap + row.height != row.summed:  # what stands before it is another row than it was
                self.stack.resized(index)
                break
        changed = first + same
        while changed > first and not rows[changed - 1].known:
            changed -= 1
        self._lowest = changed if self._lowest is None else min(self._lowest, changed)

    def fold(self, turn: Turn) -> None:
        """The reader has folded or unfolded a part of a turn: what stands below it slides to its place."""
        at = self._place_of(turn)
        end = self._end_of(at) if at is not None else 0
        below = self.stack.rows[end - 1] if end and turn.rows and turn.rows[-1] is self.stack.rows[end - 1] else None
        before = self.row_top(end - 1) if below is not None else 0
        self.recompose(turn)
        if below is None or below not in turn.rows or not self._stays(below, turn):
            return
        index = self.stack.rows.index(below)
        first = index
        while first and self.stack.rows[first - 1] in turn.rows and self._stays(self.stack.rows[first - 1], turn):
            first -= 1
        self.slide(first, before - self.row_top(index))

    def _stays(self, row: Row, turn: Turn) -> bool:
        """Whether a row stands below the part that folds."""
        thought = turn.thought if isinstance(turn, Answer) else []
        inside = isinstance(row, TextRow) and row.section in thought
        return not inside and row is not turn.rows[0]

    def push(self, turn: Turn) -> None:
        """Put a turn under the last one."""
        self.turns.append(turn)
        self._firsts.append(len(self.stack.rows))
        self.stack.replace(len(self.stack.rows), len(self.stack.rows), turn.rows)

    def push_above(self, turns: Sequence[Turn]) -> None:
        """Put turns above the first one."""
        rows = [row for turn in turns for row in turn.rows]
        self.stack.replace(0, 0, rows)
        self.turns[:0] = turns
        self._count()

    def pop(self) -> Turn:
        """Take the last turn away."""
        turn = self.turns.pop()
        first = self._firsts.pop()
        self.stack.replace(first, len(self.stack.rows), [])
        turn.release()
        return turn

    def clear(self) -> None:
        """Take all turns away."""
        self.forget_places()
        for turn in self.turns:
            turn.release()
        self.turns, self._firsts = [], []
        self.stack.replace(0, len(self.stack.rows), [])
        self.setting.renew()
        self._placed.clear()

    def _count(self) -> None:
        self._firsts, at = [], 0
        for turn in self.turns:
            self._firsts.append(at)
            at += len(turn.rows)

    def turn_at(self, index: int) -> Turn | None:
        """The turn that a row belongs to."""
        return self.turns[bisect_right(self._firsts, index) - 1] if self._firsts else None

    def turns_seen(self) -> list[tuple[int, Turn]]:
        """The turns in sight, each with the index of its first row."""
        seen = self.seen()
        if not seen or not self.turns:
            return []
        first = max(0, bisect_right(self._firsts, seen.start) - 1)
        last = max(0, bisect_right(self._firsts, seen.stop - 1) - 1)
        return [(self._firsts[at], self.turns[at]) for at in range(first, last + 1)]

    def turn_of(self, section: Section) -> Turn | None:
        """The turn that a text belongs to."""
        return next((turn for turn in reversed(self.turns) if section in turn.sections), None)

    def shown_sections(self) -> list[Section]:
        """All texts in the column, in order."""
        return [section for turn in self.turns for section in turn.shown()]

    def text_row(self, index: int) -> TextRow | None:
        """The row at an index, if it is one of text."""
        row = self.stack.rows[index]
        return row if isinstance(row, TextRow) else None

    # thoughts -------------------------------------------------------------------------------------

    def _rule(self, first: int, answer: Answer) -> tuple[int, int] | None:
        """From where to where the rule of a thought goes, in the viewport; `first` is the row of its head."""
        if answer.head_row is None or not answer.opened:
            return None
        count = sum(len(section.rows) for section in answer.thought)
        if not count:
            return None
        last = first + count
        return self.row_top(first) + HEADER + 4, self.row_top(last) + self.stack.rows[last].height

    def paint_over(self, painter: QPainter, rect: QRect) -> None:
        """Paint the rules at the left of open thoughts."""
        for first, turn in self.turns_seen():
            span = self._rule(first, turn) if isinstance(turn, Answer) else None
            if span is not None and isinstance(turn, Answer):
                painter.fillRect(QRect(self.left + RULE_X, span[0], 2, span[1] - span[0]) & rect, self._ink_of(turn))
        super().paint_over(painter, rect)

    def _ink_of(self, answer: Answer) -> QColor:
        if not answer.running:
            return self._theme.color("hairline")
        depth = 0.0 if self._theme.reduced_motion else 0.3 * (1 + sin(tau * monotonic() / BREATH_SECONDS))
        ink, paper = self._theme.color("accent"), self._theme.color("paper")
        # mixed by hand: filling with a colour that shines through costs far more
        return QColor.fromRgbF(
            *(one * (1 - depth) + other * depth for one, other in zip(_parts(ink), _parts(paper), strict=True))
        )

    @Slot()
    def _breathe(self) -> None:
        last = self.turns[-1] if self.turns else None
        if not isinstance(last, Answer) or not last.running or not self.isVisible():
            self._breath.stop()
            return
        if (span := self._rule(self._firsts[-1], last)) is not None:
            top, bottom = max(0, span[0]), min(self.viewport().height(), span[1])
            if top < bottom:
                self.viewport().update(QRect(self.left + RULE_X, top, 2, bottom - top))

    def mind_breath(self) -> None:
        """Let the rule of a running thought breathe."""
        last = self.turns[-1] if self.turns else None
        alive = isinstance(last, Answer) and last.running and last.opened and not self._theme.reduced_motion
        if alive and not self._breath.isActive():
            self._breath.start()

    def also_near(self) -> list[int]:
        """The heads of thoughts that began above and are still in sight."""
        first = self.seen().start
        return [
            at
            for at, turn in self.turns_seen()
            if at < first and isinstance(turn, Answer) and turn.head_row is not None
        ]

    def pinned(self, row: WidgetRow, box: QRect) -> QRect:
        """The head of a thought stays at the upper edge while its thought is in sight."""
        head = row.widget
        if not isinstance(head, ThoughtHead):
            return box
        pinned = False
        if box.top() < 0:
            index = self.stack.rows.index(row)
            turn = self.turn_at(index)
            span = self._rule(index, turn) if isinstance(turn, Answer) else None
            if span is not None and span[1] > 0:
                pinned = True
                box.moveTop(min(0, span[1] - HEADER))
        head.set_pinned(pinned=pinned)
        if pinned:
            head.raise_()
        return box

    def running(self) -> bool:
        """Whether the last answer goes on."""
        return bool(self.turns) and self.turns[-1].message.state is State.RUNNING


def _parts(colour: QColor) -> tuple[float, float, float]:
    return colour.redF(), colour.greenF(), colour.blueF()
