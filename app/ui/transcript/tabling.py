"""Tables in a document."""

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlockFormat,
    QTextCursor,
    QTextLength,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markup.block import Align, Runs, Style, Table
from app.markup.drawing import Drawing
from app.ui.transcript.copying import latex
from app.ui.transcript.formats import HEAD, Line
from app.ui.transcript.grid import columns as fitting_columns
from app.ui.transcript.inline import SIDE
from app.ui.transcript.ornament import Grid
from app.ui.transcript.passage import Cell, Part
from app.ui.transcript.sheet import Sheet
from app.ui.transcript.spacing import gap

CELL = 3.0
"""Padding of a cell, to which the room between lines and `CELL_SIDE` are added."""
CELL_SIDE = 8.0
WORD = 160
"""A longer word does not keep its column wide."""
_SIDES = {
    Align.LEFT: 0,
    Align.CENTRE: Qt.AlignmentFlag.AlignHCenter.value,
    Align.RIGHT: Qt.AlignmentFlag.AlignRight.value,
}
_MIDDLE = QTextTableCellFormat()
_MIDDLE.setVerticalAlignment(QTextTableCellFormat.VerticalAlignment.AlignMiddle)


class Tabling(Sheet):
    """Writes tables."""

    def _table(self, piece: Table, indent: int) -> None:
        room = self._width - indent
        air = 2 * (CELL * self._formats.scale + CELL_SIDE) + 3
        given = self._columns
        if given is None or len(given) != len(piece.head) or sum(given) > room + 1:
            given = fitting_columns(piece, room, air, self._measure)
        self._columns = given
        look = QTextTableFormat()
        look.setBorder(0)
        look.setCellPadding(CELL * self._formats.scale)
        look.setCellSpacing(0)
        look.setLeftMargin(indent)
        look.setTopMargin(gap(self._before, piece) * self._formats.scale)
        look.setColumnWidthConstraints([QTextLength(QTextLength.Type.FixedLength, width) for width in given])
        written = piece.rows if self._headless and piece.rows else (piece.head, *piece.rows)
        table = self._cursor.insertTable(len(written), len(piece.head), look)
        start, mark = table.firstPosition(), len(self._segments)
        cells: list[Cell] = []
        line = self._formats.line(grows=True)
        blocks = [self._cell_block(line, align) for align in piece.aligns]
        outer, self._cursor = self._cursor, table.cellAt(0, 0).firstCursorPosition()
        self._position = start
        for line_number, row in enumerate(written):
            number = line_number + (written is piece.rows)
            for column, runs in enumerate(row):
                if line_number or column:
                    self._cursor.movePosition(QTextCursor.MoveOperation.NextBlock)
                    self._position += 1
                self._cursor.setBlockFormat(blocks[column])
                at, first = self._position, len(self._segments)
                self._runs(runs, heading=0 if number else HEAD, ink="", room=given[column] - air)
                cells.append(Cell(number, column, at, self._position, self._segments[first:]))
            if any(run.formula for runs in row for run in runs):
                for column in range(len(row)):
                    table.cellAt(line_number, column).setFormat(_MIDDLE)
        self._parts.append(Part(piece, start, self._position, self._segments[mark:], cells))
        self._ornaments.append(Grid(table, CELL * self._formats.scale))
        self._cursor = outer
        self._cursor.movePosition(QTextCursor.MoveOperation.End)
        self._position = self._cursor.position()
        self._fresh, self._shift = True, 0.0

    def _cell_block(self, line: Line, align: Align) -> QTextBlockFormat:
        """The format of a cell: as much room above its text as the line has below."""
        made = QTextBlockFormat(self._formats.block(line, 0, line.value, _SIDES[align]))
        made.setLeftMargin(CELL_SIDE)
        made.setRightMargin(CELL_SIDE)
        return made

    def _measure(self, runs: Runs, head: bool) -> tuple[float, float]:
        """How wide a cell is on one line, and its longest word."""
        whole = longest = 0.0
        for run in runs:
            known = self._ask(run) if run.formula else None
            if isinstance(known, Drawing):
                width = word = known.width * self._formats.em() + 2 * SIDE
            else:
                style = Style.CODE if run.formula else run.style
                text = latex(run) if run.formula else run.text
                width = self._formats.width(text, style, HEAD if head else 0)
                words = text.split()
                longer = max(words, key=len, default="")
                word = width if len(words) == 1 else self._formats.width(longer, style, HEAD if head else 0)
            whole += width
            longest = max(longest, min(word, WORD * self._formats.scale))
        return whole, longest
