"""Pieces of a text into a laid-out document; documents are thrown away and written again, never changed."""

from collections.abc import Iterable, Sequence
from math import ceil

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QTextBlockFormat,
    QTextDocument,
    QTextOption,
)

from app.markup.block import Display, Listing, Paragraph, Piece, Rule, Run, Style, Table
from app.markup.drawing import Drawing
from app.ui.theme import Theme
from app.ui.transcript.formats import Formats, Line, Look
from app.ui.transcript.ornament import BULLETS, CARD, GAP, Bar, Card, Drawer, Hairline, Marker
from app.ui.transcript.page import Page
from app.ui.transcript.passage import Part, Passage, Segment
from app.ui.transcript.sheet import Typeset
from app.ui.transcript.spacing import gap
from app.ui.transcript.tabling import Tabling

__all__ = ["Look", "Writer", "gap"]

INDENT = 24
"""How far a list stands in."""
QUOTE = 16
"""How far a quote stands in."""
_OBJECT_LINE = Line(QTextBlockFormat.LineHeightTypes.LineDistanceHeight.value, 0, 0.0)


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


class _Writing(Tabling):
    """One document while it is written."""

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


def _depth(piece: Piece) -> int:
    """How many lists it stands in; a marker needs room as in a list."""
    if isinstance(piece, Table | Rule):
        return piece.depth
    return max(piece.depth, 1 if piece.marker else 0)
