"""A slice of code laid out and painted in monospaced rows, without a document."""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter

from app.markup.block import Hue, Span
from app.ui.theme import LINES, SIZES, Theme
from app.ui.transcript.codeline import Line, Metric, line_of

LONGEST_ROW = 10_000
"""Characters after which a line is broken in any case."""
GAP = 14
"""Room between the numbers and the code."""
DIGITS = 3
"""Digits that the column of numbers has room for at least, so that slices of one card stand in line."""
INKS = {
    Hue.PLAIN: "ink",
    Hue.KEYWORD: "code_keyword",
    Hue.NAME: "code_name",
    Hue.STRING: "code_string",
    Hue.NUMBER: "code_number",
    Hue.COMMENT: "code_comment",
    Hue.ADDED: "code_added",
    Hue.REMOVED: "code_removed",
}
Colours = Callable[[int], tuple[Span, ...]]
"""The spans of a line, counted from 0 in the whole code."""


class _Piece(NamedTuple):
    """A line of the text, or a part of an endless one."""

    number: int
    """Of the line, from 0 in the whole code."""
    start: int
    """In the text of the slice."""
    end: int
    into: int
    """Where it begins in its line."""
    last: bool
    """Whether its line ends with it."""
    line: Line


class Listing:
    """One slice of code. Positions count characters of its text; places are measured from its top left."""

    def __init__(
        self,
        theme: Theme,
        text: str,
        language: str,
        *,
        first_line: int,
        wrap: bool,
        numbers: bool,
        scale: float,
    ) -> None:
        self._theme, self.text, self.language, self._wrap = theme, text, language, wrap
        font = theme.font("code")
        font.setPixelSize(max(1, round(SIZES["code"] * scale)))
        self._metric = Metric.of(font, LINES["code"] * scale)
        self._pieces = list(self._cut(first_line))
        digits = max(DIGITS, len(str(self._pieces[-1].number + 1)))
        self.gutter = digits * self._metric.advance + GAP * scale if numbers else 0.0
        """Width of the line numbers; they do not scroll sideways."""
        self._width: float | None = None
        self._tops: list[int] = []
        self._rows = 0
        self._lay_out(None)

    @property
    def width_wanted(self) -> float:
        """The width at which no line has to be wrapped or scrolled."""
        return self.gutter + max(piece.line.width for piece in self._pieces)

    def height(self, width: float) -> float:
        """Lay out in a width and say how high the slice is."""
        if width != self._width:
            self._width = width
            if self._wrap:
                self._lay_out(width - self.gutter)
        return self._rows * self._metric.row

    def paint(
        self,
        painter: QPainter,
        x: float,
        y: float,
        clip: QRectF,
        scroll_x: float,
        colours: Colours,
        selection: tuple[int, int] | None,
    ) -> None:
        """Draw what lies inside `clip`, which is measured like `x` and `y`, the top left of the slice."""
        first = max(0, int((clip.top() - y) // self._metric.row))
        last = min(self._rows, int((clip.bottom() - y) // self._metric.row) + 1)
        if first >= last:
            return
        painter.save()
        painter.setFont(self._metric.font)
        shown = range(max(0, bisect_right(self._tops, first) - 1), bisect_right(self._tops, last - 1))
        if self.gutter:
            self._paint_numbers(painter, x, y, shown)
        left = x + self.gutter
        code = clip & QRectF(left, clip.top(), max(0.0, clip.right() - left), clip.height())
        if scroll_x or not self._wrap:
            painter.setClipRect(code, Qt.ClipOperation.IntersectClip)
        inks = {hue: self._theme.color(token) for hue, token in INKS.items()}
        reach = (max(0.0, code.left() - left + scroll_x), max(0.0, code.right() - left + scroll_x))
        for index in shown:
            piece, top = self._pieces[index], self._tops[index]
            rows = range(max(0, first - top), min(self._count(index), last - top))
            origin = QPointF(left - scroll_x, y + top * self._metric.row)
            if selection:
                self._paint_selection(painter, piece, origin, rows, selection)
            piece.line.paint(painter, origin, rows, reach, _within(piece, colours(piece.number)), inks)
        painter.restore()

    def hit(self, x: float, y: float, scroll_x: float = 0.0) -> int:
        """The position nearest to a place."""
        row = min(max(0, int(y // self._metric.row)), self._rows - 1)
        index = bisect_right(self._tops, row) - 1
        piece = self._pieces[index]
        return piece.start + piece.line.hit(row - self._tops[index], x - self.gutter + scroll_x)

    def caret(self, position: int, scroll_x: float = 0.0) -> QRectF:
        """Where a caret before a position stands, one pixel wide."""
        index = max(0, bisect_right(self._pieces, position, key=lambda piece: piece.start) - 1)
        piece = self._pieces[index]
        row, left = piece.line.place(min(max(0, position - piece.start), piece.end - piece.start))
        top = (self._tops[index] + row) * self._metric.row
        return QRectF(self.gutter + left - scroll_x, top, 1, self._metric.row)

    def _cut(self, first_line: int) -> Iterator[_Piece]:
        """The lines of the text; what follows its last line break is a line only if there is something."""
        lines = self.text.split("\n")
        if len(lines) > 1 and not lines[-1]:
            lines.pop()
        start = 0
        for number, line in enumerate(lines, first_line):
            for into in range(0, len(line) or 1, LONGEST_ROW):
                part = line[into : into + LONGEST_ROW]
                ends = into + len(part) == len(line)
                shaped = line_of(part, self._metric)
                yield _Piece(number, start + into, start + into + len(part), into, ends, shaped)
            start += len(line) + 1

    def _lay_out(self, width: float | None) -> None:
        self._tops, self._rows = [], 0
        for piece in self._pieces:
            self._tops.append(self._rows)
            self._rows += piece.line.lay_out(width)

    def _count(self, index: int) -> int:
        """The rows of a piece."""
        return (self._tops[index + 1] if index + 1 < len(self._tops) else self._rows) - self._tops[index]

    def _paint_numbers(self, painter: QPainter, x: float, y: float, shown: range) -> None:
        painter.setPen(self._theme.color("secondary"))
        for index in shown:
            piece = self._pieces[index]
            if not piece.into:
                number = str(piece.number + 1)
                right = x + self.gutter - GAP * self._metric.row / LINES["code"]
                top = y + self._tops[index] * self._metric.row + self._metric.baseline
                painter.drawText(QPointF(right - len(number) * self._metric.advance, top), number)

    def _paint_selection(
        self, painter: QPainter, piece: _Piece, origin: QPointF, rows: range, selection: tuple[int, int]
    ) -> None:
        """Fill the selected part of each row; a selected line break shows as half a column."""
        start, end = max(selection[0], piece.start), min(selection[1], piece.end)
        broken = piece.last and selection[0] <= piece.end < selection[1]
        if start > end or (start == end and not broken):
            return
        paper = self._theme.color("selection")
        first, left = piece.line.place(start - piece.start)
        last, right = piece.line.place(end - piece.start)
        if broken:
            right += self._metric.advance / 2
        for row in range(max(first, rows.start), min(last + 1, rows.stop)):
            begin = left if row == first else 0.0
            stop = right if row == last else (self._width or self.width_wanted) - self.gutter
            painter.fillRect(
                QRectF(origin.x() + begin, origin.y() + row * self._metric.row, stop - begin, self._metric.row), paper
            )


def _within(piece: _Piece, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """The spans of a line as spans of a piece of it."""
    if not piece.into and piece.last:
        return spans
    low, high = piece.into, piece.into + piece.end - piece.start
    cut = ((max(span.start, low), min(span.start + span.length, high), span.hue) for span in spans)
    return tuple(Span(first - low, last - first, hue) for first, last, hue in cut if first < last)
