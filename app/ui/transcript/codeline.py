"""One line of code as it is laid out and painted: on a grid of columns, or shaped by Qt where a grid is wrong."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QFont, QFontInfo, QFontMetricsF, QPainter, QTextCharFormat, QTextLayout, QTextOption

from app.markup.block import Hue, Span

TAB = 4
"""Columns of a tab."""
_ENDLESS = 1_000_000.0
"""Wider than any line, and still a width that Qt can count with."""
_BLANKS = {code: " " for code in range(32) if code != 9} | {0x7F: " ", 0x2028: " ", 0x2029: " "}
"""Signs that would break the line or draw nothing."""
_SHAPED = {**_BLANKS, **dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")}
"""Also signs that turn the order of what follows round, with which code can be made to look like other code."""


@dataclass(frozen=True, slots=True)
class Metric:
    """The measures of code at one scale."""

    font: QFont
    advance: float
    """Width of a column."""
    row: float
    """Height of a row."""
    baseline: float
    """From the top of a row."""
    fixed: bool
    """Whether all Latin letters are equally wide."""

    @classmethod
    def of(cls, font: QFont, row: float) -> "Metric":
        """Measure a font for rows of a height."""
        metrics = QFontMetricsF(font)
        baseline = (row - metrics.ascent() - metrics.descent()) / 2 + metrics.ascent()
        advance = metrics.horizontalAdvance("0")
        fixed = QFontInfo(font).fixedPitch() or advance == metrics.horizontalAdvance("i") == metrics.horizontalAdvance(
            "W"
        )
        return cls(font, advance, row, baseline, fixed)


class GridLine:
    """A line of plain ASCII, which needs no layout: every character has its column."""

    def __init__(self, text: str, metric: Metric) -> None:
        self._metric = metric
        self._columns: list[int] | None = None
        if "\t" in text:
            self._columns = [0]
            for sign in text:
                last = self._columns[-1]
                self._columns.append(last + TAB - last % TAB if sign == "\t" else last + 1)
        self._shown = text.expandtabs(TAB) if text.isprintable() else text.translate(_BLANKS).expandtabs(TAB)
        self._rows = [0]

    @property
    def width(self) -> float:
        """How wide it is in one row."""
        return len(self._shown) * self._metric.advance

    def lay_out(self, width: float | None) -> int:
        """Break into rows no wider than this, at blanks if they are near; says how many."""
        self._rows = [0]
        columns = max(8, int(width / self._metric.advance + 1e-6)) if width is not None else len(self._shown)
        while len(self._shown) - self._rows[-1] > columns:
            start = self._rows[-1]
            blank = self._shown.rfind(" ", start + columns // 2, start + columns)
            self._rows.append(blank + 1 if blank > 0 else start + columns)
        return len(self._rows)

    def place(self, position: int) -> tuple[int, float]:
        """The row of a position, and its distance from the left."""
        column = self._columns[position] if self._columns else position
        row = bisect_right(self._rows, column) - 1
        return row, (column - self._rows[row]) * self._metric.advance

    def hit(self, row: int, x: float) -> int:
        """The position nearest to a place in a row."""
        start, end = self._reach(row)
        column = min(max(start + round(x / self._metric.advance), start), end)
        if self._columns is None:
            return column
        after = bisect_left(self._columns, column)
        before = max(0, after - 1)
        return before if column - self._columns[before] < self._columns[after] - column else after

    def paint(
        self,
        painter: QPainter,
        origin: QPointF,
        rows: range,
        reach: tuple[float, float],
        spans: Sequence[Span],
        inks: Mapping[Hue, QColor],
    ) -> None:
        """Draw some rows, as far as they lie between two distances from the left; the painter has the font."""
        advance = self._metric.advance
        for row in rows:
            start, end = self._reach(row)
            low = max(start, start + int(reach[0] / advance))
            high = min(end, start + int(reach[1] / advance) + 1)
            y = origin.y() + row * self._metric.row + self._metric.baseline
            for first, last, hue in self._stretches(spans, low, high):
                text = self._shown[first:last]
                if not text.isspace():
                    painter.setPen(inks[hue])
                    painter.drawText(QPointF(origin.x() + (first - start) * advance, y), text)

    def _reach(self, row: int) -> tuple[int, int]:
        """The columns of a row."""
        return self._rows[row], self._rows[row + 1] if row + 1 < len(self._rows) else len(self._shown)

    def _stretches(self, spans: Sequence[Span], low: int, high: int) -> Iterator[tuple[int, int, Hue]]:
        """Columns of one colour, without a gap between two columns."""
        at = low
        for span in spans:
            first, last = span.start, span.start + span.length
            if self._columns:
                first, last = (self._columns[min(one, len(self._columns) - 1)] for one in (first, last))
            first, last = max(first, at), min(last, high)
            if first < last:
                if at < first:
                    yield at, first, Hue.PLAIN
                yield first, last, span.hue
                at = last
        if at < high:
            yield at, high, Hue.PLAIN


class ShapedLine:
    """A line with other characters than ASCII: wide ones, emoji, accents that combine, other directions."""

    def __init__(self, text: str, metric: Metric) -> None:
        self._metric = metric
        self._layout = QTextLayout(text.translate(_SHAPED), metric.font)
        self._layout.setCacheEnabled(True)
        self._length = len(text)
        self._units: list[int] | None = None
        if not text.isascii() and max(text) > "\uffff":
            self._units = [0]
            for sign in text:
                self._units.append(self._units[-1] + 1 + (sign > "\uffff"))
        self._width: float | None = None
        self._worn: tuple[object, ...] = ()
        self.width = self._break(None)

    def lay_out(self, width: float | None) -> int:
        """Break into rows no wider than this; says how many."""
        if width != self._width:
            self._width = width
            self._break(width)
        return self._layout.lineCount()

    def place(self, position: int) -> tuple[int, float]:
        """The row of a position, and its distance from the left."""
        unit = self._units[position] if self._units else position
        line = self._layout.lineForTextPosition(unit)
        x: float | tuple[float, int] = line.cursorToX(unit)  # type: ignore[assignment]
        return line.lineNumber(), x[0] if isinstance(x, tuple) else x

    def hit(self, row: int, x: float) -> int:
        """The position nearest to a place in a row."""
        unit = int(self._layout.lineAt(row).xToCursor(x))
        return min(bisect_left(self._units, unit) if self._units else unit, self._length)

    def paint(
        self,
        painter: QPainter,
        origin: QPointF,
        rows: range,
        reach: tuple[float, float],
        spans: Sequence[Span],
        inks: Mapping[Hue, QColor],
    ) -> None:
        """Draw some rows; Qt leaves out itself what lies outside the painter's clip."""
        worn = (tuple(spans), *(ink.rgba() for ink in inks.values()))
        if worn != self._worn:
            self._worn = worn
            self._layout.setFormats([self._format(span, inks[span.hue]) for span in spans])
            self._break(self._width)
        painter.setPen(inks[Hue.PLAIN])
        for row in rows:
            self._layout.lineAt(row).draw(painter, origin)

    def _format(self, span: Span, ink: QColor) -> QTextLayout.FormatRange:
        units = self._units or range(self._length + 1)
        first, last = (units[min(one, self._length)] for one in (span.start, span.start + span.length))
        made, look = QTextLayout.FormatRange(), QTextCharFormat()
        look.setForeground(ink)
        made.start, made.length, made.format = first, last - first, look
        return made

    def _break(self, width: float | None) -> float:
        """Lay out anew; gives the width of the widest row."""
        option = QTextOption()
        option.setTextDirection(Qt.LayoutDirection.LeftToRight)
        option.setTabStopDistance(TAB * self._metric.advance)
        mode = QTextOption.WrapMode
        option.setWrapMode(mode.NoWrap if width is None else mode.WrapAtWordBoundaryOrAnywhere)
        self._layout.setTextOption(option)
        widest, top = 0.0, 0.0
        self._layout.beginLayout()
        while (line := self._layout.createLine()).isValid():
            line.setLineWidth(_ENDLESS if width is None else max(width, 8 * self._metric.advance))
            line.setPosition(QPointF(0, top + self._metric.baseline - line.ascent()))
            widest = max(widest, line.naturalTextWidth())
            top += self._metric.row
        self._layout.endLayout()
        return widest


Line = GridLine | ShapedLine


def line_of(text: str, metric: Metric) -> Line:
    """The cheaper kind of line that shows a text right."""
    return GridLine(text, metric) if text.isascii() and metric.fixed else ShapedLine(text, metric)
