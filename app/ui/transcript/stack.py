"""Rows one under the other: where each begins, and which row is at a height."""

from bisect import bisect_right
from collections.abc import Sequence

from app.ui.transcript.row import Row


class Stack:
    """The rows of a transcript in their order, with the sums of their heights."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._tops: list[int] = [0]
        """Where each row's room begins, its gap included; one more for the end."""
        self._sure = 0
        """Up to this index `_tops` is right."""

    def replace(self, start: int, end: int, rows: Sequence[Row]) -> None:
        """Put other rows in the place of some."""
        self.rows[start:end] = rows
        del self._tops[start + 1 :]
        self._sure = min(self._sure, start)

    def resized(self, index: int) -> None:
        """The row at an index has another height."""
        self._sure = min(self._sure, index)

    def _sum(self, index: int) -> None:
        tops, rows = self._tops, self.rows
        at = self._sure
        if at >= index:
            return
        del tops[at + 1 :]
        top = tops[at]
        for row in rows[at:]:
            row.summed = row.gap + row.height
            top += row.summed
            tops.append(top)
        self._sure = len(rows)

    @property
    def height(self) -> int:
        """All rows together."""
        return self.top(len(self.rows))

    def top(self, index: int) -> int:
        """Where the room of a row begins."""
        self._sum(index)
        return self._tops[index]

    def place(self, index: int) -> int:
        """Where a row itself begins, under its gap."""
        return self.top(index) + self.rows[index].gap

    def at(self, y: int) -> int:
        """The row at a height; the last where there is none."""
        self._sum(len(self.rows))
        return max(0, min(len(self.rows) - 1, bisect_right(self._tops, y) - 1))

    def between(self, top: int, bottom: int) -> range:
        """The rows of which anything lies between two heights."""
        if not self.rows or bottom <= top:
            return range(0)
        return range(self.at(top), self.at(bottom - 1) + 1)
