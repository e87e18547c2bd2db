"""Pieces of a text into a laid-out document; documents are thrown away and written again, never changed."""

import re
from collections.abc import Callable, Iterable, Sequence
from math import ceil

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextLength,
    QTextOption,
    QTextTableCellFormat,
    QTextTableFormat,
)

from app.markup.block import Align, Display, Listing, Paragraph, Piece, Rule, Run, Runs, Style, Table
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.ui.theme import Theme
from app.ui.transcript.copying import latex
from app.ui.transcript.formats import HEAD, Formats, Line, Look
from app.ui.transcript.grid import columns as fitting_columns
from app.ui.transcript.inline import FORMULA_TYPE, OBJECT, SIDE, FormulaObject, Inlay, fit
from app.ui.transcript.ornament import BULLETS, CARD, GAP, Bar, Card, Drawer, Grid, Hairline, Marker, Ornament
from app.ui.transcript.page import Page
from app.ui.transcript.passage import Cell, Part, Passage, Segment, units

__all__ = ["Look", "Writer", "gap"]

INDENT = 24
"""How far a list stands in."""
QUOTE = 16
"""How far a quote stands in."""
CELL = 3.0
"""Padding of a cell, to which the room between lines and `CELL_SIDE` are added."""
CELL_SIDE = 8.0
WORD = 160
"""A longer word does not keep its column wide."""
Typeset = Callable[[Formula], Drawing | Refused | None]
_RAW = re.compile("[\r\n\x00\u2029\ufffc\ufdd0\ufdd1]")
_SAFE = str.maketrans(
    {
        "\n": "\u2028",
        "\u2029": "\u2028",
        "\r": " ",
        "\x00": "\ufffd",
        OBJECT: "\ufffd",
        "\ufdd0": "\ufffd",
        "\ufdd1": "\ufffd",
    }
)
"""Characters that mean something else to a document."""
_SIDES = {
    Align.LEFT: 0,
    Align.CENTRE: Qt.AlignmentFlag.AlignHCenter.value,
    Align.RIGHT: Qt.AlignmentFlag.AlignRight.value,
}
_OBJECT_LINE = Line(QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value, 0, 0.0)
_MIDDLE = QTextTableCellFormat()
_MIDDLE.setVerticalAlignment(QTextTableCellFormat.VerticalAlignment.AlignMiddle)


def gap(above: Piece | None, below: Piece) -> int:
    """The room between two pieces at 100 % text size."""
    if above is None:
        return 0
    if isinstance(above, Paragraph) and above.tight:
        return 4
    if isinstance(below, Paragraph) and below.heading:
        return 16
    for kind, room in ((Rule, 4), (Listing, 8 + CARD), (Display, 10)):
        if isinstance(above, kind) or isinstance(below, kind):
            return room
    return 6 if isinstance(above, Paragraph) and above.heading else 8


class Writer:
    """Writes pieces as pages; `typeset` gives a formula's shapes, why it has none, or None while it is not known."""

    def __init__(self, theme: Theme, typeset: Typeset) -> None:
        self._theme, self._typeset = theme, typeset
        self._formats: dict[tuple[Look, bool, bool], Formats] = {}
        self._option = QTextOption()
        self._option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

    def write(
        self,
        pieces: Sequence[Piece],
        look: Look,
        width: float,
        *,
        columns: tuple[float, ...] | None = None,
        prelude: str = "",
        headless: bool = False,
    ) -> Page:
        """Lay the pieces out in a width.

        `columns` are those of a table's first slice, `prelude` macros before it; `headless` leaves out a table's head.
        """
        key = (look, self._theme.dark, self._theme.contrast)
        formats = self._formats.get(key)
        if formats is None:
            formats = self._formats[key] = Formats(self._theme, look)
        document = QTextDocument()
        document.setUndoRedoEnabled(False)
        document.setDocumentMargin(0)
        document.setIndentWidth(1)
        document.setDefaultFont(formats.font)
        document.setDefaultTextOption(self._option)
        return _Writing(document, formats, self._typeset, width, columns, prelude, headless=headless).page(pieces)


class _Writing:
    """One document while it is written."""

    def __init__(
        self,
        document: QTextDocument,
        formats: Formats,
        typeset: Typeset,
        width: float,
        columns: tuple[float, ...] | None,
        prelude: str,
        *,
        headless: bool,
    ) -> None:
        self._document, self._formats, self._typeset = document, formats, typeset
        self._width, self._columns, self._prelude = width, columns, prelude
        self._headless = headless
        self._cursor = QTextCursor(document)
        self._position = 0
        self._fresh = True
        """Whether the cursor is in a paragraph that nothing has been written to."""
        self._segments: list[Segment] = []
        self._parts: list[Part] = []
        self._unknown: list[Formula] = []
        self._objects: FormulaObject | None = None
        self._ornaments: list[Ornament] = []
        self._known: dict[Formula, Drawing | Refused | None] = {}
        self._shift = 0.0
        self._first_shift = 0.0
        self._before: Piece | None = None
        self._levels: list[float] = []
        """Indent of every list that is open."""
        self._quotes: list[tuple[int, int, int]] = []
        """Of every quote that is open: the lists around it, its indent, and the place where it begins."""

    def page(self, pieces: Sequence[Piece]) -> Page:
        """Write everything and lay it out."""
        self._levels = self._indents(pieces)
        self._cursor.beginEditBlock()
        for piece in pieces:
            self._write(piece)
        self._close_quotes(0)
        self._cursor.endEditBlock()
        self._document.setTextWidth(self._width)
        document, formats = self._document, self._formats
        return Page(
            document,
            Passage(self._parts, self._segments),
            formats,
            Drawer(document, formats, self._ornaments, self._width),
            self._width,
            ceil(document.size().height() + self._first_shift - self._shift) if pieces else 0.0,
            self._first_shift,
            tuple(dict.fromkeys(self._unknown)),
            self._columns,
            self._objects,
            natural=document.idealWidth(),
        )

    # pieces -------------------------------------------------------------------------------------

    def _write(self, piece: Piece) -> None:
        indent = self._indent(piece)
        match piece:
            case Paragraph():
                self._paragraph(piece, indent)
            case Display():
                self._display(piece, indent)
            case Listing():
                self._listing(piece, indent)
            case Table():
                self._table(piece, indent)
            case Rule():
                start = self._open(piece, self._formats.line(), indent)
                self._ornaments.append(Hairline(start, indent))
                self._parts.append(Part(piece, start, start))
        if not isinstance(piece, Table | Rule) and piece.marker:
            start = self._parts[-1].start
            self._ornaments.append(Marker(start, piece.marker, indent, _depth(piece)))
        self._before = piece

    def _paragraph(self, piece: Paragraph, indent: int) -> None:
        grows = any(run.formula and isinstance(self._ask(run), Drawing) for run in piece.runs)
        start = self._open(piece, self._formats.line(piece.heading, grows=grows), indent)
        mark = len(self._segments)
        ink = "secondary" if piece.quotes else ""
        self._runs(piece.runs, heading=piece.heading, ink=ink, room=self._width - indent)
        self._parts.append(Part(piece, start, self._position, self._segments[mark:]))

    def _display(self, piece: Display, indent: int) -> None:
        run = Run(piece.latex, formula=piece.markup, at=piece.at, length=piece.length)
        known = self._ask(run)
        mark = len(self._segments)
        if isinstance(known, Drawing):
            start = self._open(piece, _OBJECT_LINE, indent, Qt.AlignmentFlag.AlignHCenter.value)
            self._formula(run, known, 0, "", self._width - indent)
        else:
            start = self._open(piece, self._formats.code_line(), indent)
            self._source(run, known)
        self._parts.append(Part(piece, start, self._position, self._segments[mark:]))

    def _listing(self, piece: Listing, indent: int) -> None:
        code = piece.text.rstrip("\n")
        start = self._open(piece, self._formats.code_line(), indent + CARD + 2)
        self._ornaments.append(Card(start, indent))
        self._put(code, self._formats.character(Style.CODE))
        segment = Segment(start, self._position, Run(code, at=piece.at, length=piece.length))
        self._segments.append(segment)
        self._parts.append(Part(piece, start, self._position, [segment]))

    def _open(self, piece: Piece, line: Line, indent: int, align: int = 0) -> int:
        """Begin a paragraph; gives where it begins."""
        room = gap(self._before, piece) * self._formats.scale
        top = max(0.0, room + line.shift - self._shift) if self._before is not None else 0.0
        made = self._formats.block(line, indent, top, align)
        if self._before is None:
            self._first_shift = line.shift
        if self._fresh:
            self._cursor.setBlockFormat(made)
        else:
            self._cursor.insertBlock(made, self._formats.plain)
            self._position += 1
        self._fresh, self._shift = False, line.shift
        return self._begin_quotes(self._position)

    # runs ---------------------------------------------------------------------------------------

    def _runs(self, runs: Runs, *, heading: int, ink: str, room: float) -> None:
        """Write runs; neighbours of one format go into the document together."""
        waiting: list[str] = []
        last: QTextCharFormat | None = None
        formats, position = self._formats, self._position
        for run in runs:
            if run.formula:
                if waiting and last is not None:
                    self._put("".join(waiting), last)
                    waiting = []
                known = self._ask(run)
                if isinstance(known, Drawing):
                    self._formula(run, known, heading, ink, room)
                else:
                    self._source(run, known)
                position = self._position
                continue
            made = formats.character(run.style, ink, link=bool(run.link), heading=heading)
            if waiting and made is not last and last is not None:
                self._put("".join(waiting), last)
                waiting = []
            last = made
            waiting.append(run.text)
            end = position + units(run.text)
            self._segments.append(Segment(position, end, run))
            position = end
        if waiting and last is not None:
            self._put("".join(waiting), last)

    def _put(self, text: str, made: QTextCharFormat) -> None:
        if _RAW.search(text):
            text = text.translate(_SAFE)
        self._cursor.insertText(text, made)
        self._position += units(text)

    def _ask(self, run: Run) -> Drawing | Refused | None:
        formula = Formula(run.text, run.display or run.formula.startswith("\\begin"), self._prelude)
        if formula not in self._known:
            self._known[formula] = self._typeset(formula)
            if self._known[formula] is None:
                self._unknown.append(formula)
        return self._known[formula]

    def _source(self, run: Run, known: Refused | Drawing | None) -> None:
        """A formula that is not known yet, or never will be, as it was written."""
        start = self._position
        self._put(latex(run), self._formats.character(Style.CODE | Style.MUTED))
        tip = known.reason if isinstance(known, Refused) else ""
        self._segments.append(Segment(start, self._position, run, shown=False, tip=tip))

    def _formula(self, run: Run, drawing: Drawing, heading: int, ink: str, room: float) -> None:
        if self._objects is None:
            self._objects = FormulaObject(self._document)
            self._document.documentLayout().registerHandler(FORMULA_TYPE, self._objects)
        em, width, natural = fit(drawing, self._formats.em(heading), room)
        alone = run.display or run.formula.startswith("\\begin")
        slack = 0.0 if alone else self._formats.slack(heading)
        depth = max(0.0, drawing.depth * em - slack)
        made, drop = self._formats.object(depth, len(self._objects.inlays))
        rise = max(1.0, (drawing.height - drawing.depth) * em - slack)
        colour = self._formats.colour("accent_text" if run.link else ink)
        formula = Formula(run.text, alone, self._prelude)
        inlay = Inlay(formula, drawing, colour, em, width, rise + drop, drop, natural, self._position)
        self._objects.inlays.append(inlay)
        self._cursor.insertText(OBJECT, made)
        self._segments.append(Segment(self._position, self._position + 1, run, shown=False))
        self._position += 1

    # lists and quotes ---------------------------------------------------------------------------

    def _indents(self, pieces: Iterable[Piece]) -> list[float]:
        """How far every level of lists stands in: further where its numbers are long."""
        levels: list[float] = []
        step = INDENT * self._formats.scale
        for piece in pieces:
            depth = _depth(piece)
            while len(levels) < depth:
                levels.append(step)
            marker = "" if isinstance(piece, Table | Rule) else piece.marker
            if marker and marker not in BULLETS and marker not in "☐☑":
                wanted = self._formats.metrics.horizontalAdvance(marker) + GAP
                levels[depth - 1] = max(levels[depth - 1], 4 * ceil(wanted / 4))
        return levels

    def _indent(self, piece: Piece) -> int:
        """Where the piece begins; opens and closes quotes."""
        self._close_quotes(piece.quotes)
        depth = _depth(piece)
        before = _depth(self._before) if self._before is not None else 0
        while len(self._quotes) < piece.quotes:
            outer = min(before, depth)
            left = sum(self._levels[:outer]) + len(self._quotes) * QUOTE * self._formats.scale
            self._quotes.append((outer, round(left), -1))
        return round(sum(self._levels[:depth]) + piece.quotes * QUOTE * self._formats.scale)

    def _begin_quotes(self, position: int) -> int:
        self._quotes = [(outer, left, position if at < 0 else at) for outer, left, at in self._quotes]
        return position

    def _close_quotes(self, count: int) -> None:
        while len(self._quotes) > count:
            _outer, left, first = self._quotes.pop()
            self._ornaments.append(Bar(first, self._parts[-1].end, left))

    # tables -------------------------------------------------------------------------------------

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


def _depth(piece: Piece) -> int:
    """How many lists it stands in; a marker needs room as in a list."""
    if isinstance(piece, Table | Rule):
        return piece.depth
    return max(piece.depth, 1 if piece.marker else 0)
