"""The turns one under another: where each stands, and which of them are shown at all."""

from bisect import bisect_right

from PySide6.QtWidgets import QApplication, QWidget

from app.ui.theme import COLUMN, GUTTER
from app.ui.transcript.question import Question
from app.ui.transcript.turn import Answer

TOP, FOOT = 8, 28
TURN_GAP = 28
REPLY_GAP = 12
AHEAD = 400
"""Turns this close to the viewport are shown already."""

Turn = Question | Answer


class Column(QWidget):
    """Knows the top of every turn, but places and shows only those near the viewport.

    A widget out of sight costs nothing when the turns above it change their heights.
    """

    def __init__(self) -> None:
        super().__init__()
        self.turns: list[Turn] = []
        self.unfit: set[Turn] = set()
        """Turns that were laid out for another width."""
        self.ahead: list[Turn] = []
        """Turns built above the first one, nearest first; they wait for `take_ahead`."""
        self._tops: list[int] = []
        self._shown: set[Turn] = set()

    def clear(self) -> None:
        """Hold no turns any more."""
        self.take_ahead()
        while self.turns:
            self.drop_last()
        self._tops = []

    def take_ahead(self) -> None:
        """Put what was built ahead above the other turns; `measure` has to follow."""
        self.turns[:0] = self.ahead[::-1]
        self.ahead.clear()

    def drop_last(self) -> Turn:
        """Take the last turn away."""
        turn = self.turns.pop()
        self.unfit.discard(turn)
        self._shown.discard(turn)
        turn.hide()
        turn.deleteLater()
        return turn

    def text_width(self, room: int) -> int:
        """The width of turns in a viewport of a width."""
        return min(COLUMN, room - 2 * GUTTER)

    def fit(self, turn: Turn, room: int) -> None:
        """Lay a turn out for a viewport of a width."""
        width = self.text_width(room)
        turn.resize(width, turn.height_at(width))
        self.unfit.discard(turn)

    def measure(self, first: int = 0) -> int:
        """Find the top of every turn after the first one whose height is another; the height of them all."""
        first = max(0, min(first, len(self._tops) - 1))
        tops = self._tops[:first]
        y = self._tops[first] if first else TOP
        for turn in self.turns[first:]:
            if len(tops) > first:
                y += TURN_GAP if isinstance(turn, Question) else REPLY_GAP
            tops.append(y)
            y += turn.height()
        self._tops = tops
        return y + FOOT

    def turn_at(self, offset: int) -> tuple[Turn, int] | None:
        """The turn that stands at a height, and how far its top is below it (mostly a negative number)."""
        if not self._tops:
            return None
        index = max(0, bisect_right(self._tops, offset) - 1)
        return self.turns[index], self._tops[index] - offset

    def top_of(self, turn: Turn) -> int:
        """Where a turn stands."""
        return self._tops[self.turns.index(turn)]

    def near(self, top: int, bottom: int) -> list[Turn]:
        """The turns between two heights."""
        first = max(0, bisect_right(self._tops, top) - 1)
        return self.turns[first : bisect_right(self._tops, bottom)]

    def place(self, top: int, bottom: int) -> None:
        """Show the turns near what is in sight where they stand, and hide the others."""
        x = max(GUTTER, (self.width() - self.text_width(self.width())) // 2)
        wanted = self.near(top - AHEAD, bottom + AHEAD)
        first = max(0, bisect_right(self._tops, top - AHEAD) - 1)
        for turn, y in zip(wanted, self._tops[first:], strict=False):
            turn.move(x, y)
            if turn not in self._shown:
                turn.show()
        left = self._shown.difference(wanted)
        self._shown = set(wanted)
        focus = QApplication.focusWidget() if left else None
        for turn in left:
            if focus is not None and turn.isAncestorOf(focus):
                self._shown.add(turn)  # hiding it would give the focus away
            else:
                turn.hide()
