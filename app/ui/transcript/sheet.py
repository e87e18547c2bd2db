"""A document while it is written: its runs, and the formulas among them."""

import re
from collections.abc import Callable

from PySide6.QtGui import (
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)

from app.markup.block import Piece, Run, Runs, Style
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.ui.transcript.copying import latex
from app.ui.transcript.formats import Formats
from app.ui.transcript.inline import FORMULA_TYPE, OBJECT, FormulaObject, Inlay, fit
from app.ui.transcript.ornament import Ornament
from app.ui.transcript.passage import Part, Segment, units

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


class Sheet:
    """Writes runs at the cursor and notes where each stands."""

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
