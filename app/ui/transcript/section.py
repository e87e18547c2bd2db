"""A text of the transcript: a question, a stretch of a thought, a correction or an answer, as rows."""

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtGui import QPainter

from app.markup.block import Block, Display, Kind, Paragraph, Span
from app.markup.code import Colouring
from app.markup.formulas import definitions
from app.markup.reading import read
from app.markup.splitter import Splitter
from app.ui.transcript.coderow import CodeRow
from app.ui.transcript.proserow import ProseRow
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow

BLOCK_GAP = 14
HEADING_GAP = 22
CUT_GAP = 8
"""Between the pieces of one long list or paragraph."""
_DEFINING = ("\\def", "\\newcommand", "\\renewcommand", "\\providecommand", "\\DeclareMathOperator")


class Section:
    """One Markdown text and its rows, one for each block."""

    def __init__(  # noqa: PLR0913  # how a text looks has many sides
        self,
        setting: Setting,
        *,
        role: str = "text",
        ink: str = "ink",
        paper: str = "paper",
        inset: int = 0,
        inset_right: int = 0,
        gap: int = 0,
        breaks: bool = False,
        verbatim: bool = False,
    ) -> None:
        self.setting = setting
        self.role, self.ink, self.paper = role, ink, paper
        self.inset, self.inset_right = inset, inset_right
        self.breaks = breaks
        self.verbatim = verbatim
        """Whether the text is no Markdown."""
        self._gap = gap
        """Room above its first row."""
        self._splitter = Splitter()
        self.rows: list[TextRow] = []
        self.selected: tuple[int, int] | None = None
        """The selected stretch of the source."""
        self.columns: dict[int, tuple[float, ...]] = {}
        """Widths of the columns of each table, for its later slices."""
        self.scrolls: dict[int, float] = {}
        """How far each code is scrolled to the side."""
        self.prelude = ""
        """Macros that were defined so far."""
        self._defined = 0
        """Link definitions that the rows know."""
        self._widths: dict[int, float] = {}
        self._colourings: dict[int, Colouring] = {}

    # to be told by texts that do not stand on the bare paper --------------------------------------

    def measure(self, width: int) -> None:
        """Set the insets for a width of the column."""

    def unfit(self) -> None:
        """What a row of the text shows has another width than it had."""

    def padding(self, row: TextRow) -> tuple[int, int]:
        """Room above and under the text of a row."""
        del row
        return 0, 0

    def backdrop(self, painter: QPainter, row: TextRow, x: int, y: int) -> None:
        """Paint what lies behind a row."""

    # text -----------------------------------------------------------------------------------------

    @property
    def source(self) -> str:
        """The whole text."""
        return self._splitter.source

    @property
    def references(self) -> Mapping[str, Any]:
        """Link definitions."""
        return self._splitter.references

    @property
    def blocks(self) -> list[Block]:
        """The blocks, one for each row."""
        return self._splitter.blocks

    def feed(self, text: str) -> int:
        """Add text; the index of the first row that changed."""
        return self._sync(self._splitter.feed(text))

    def retract(self, characters: int) -> int:
        """Take characters away from the end; the index of the first row that changed."""
        return self._sync(self._splitter.retract(characters))

    def finish(self) -> int:
        """No more text comes; the index of the first row that changed."""
        return self._sync(self._splitter.finish())

    def take_whole(self, text: str) -> None:
        """Show a whole text; the section must be new."""
        self._splitter.take_whole(text)
        self._sync(0)

    def _sync(self, first: int) -> int:
        """Make rows for the blocks from an index on; rows of the same kind go on with other text."""
        blocks, rows = self._splitter.blocks, self.rows
        for row in rows[len(blocks) :]:
            self.setting.discard(row)
        del rows[len(blocks) :]
        for index in range(first, len(blocks)):
            block = blocks[index]
            old = rows[index] if index < len(rows) else None
            if old is not None and old.block.kind is block.kind and old.block.first == block.first:
                old.gap = self._gap_above(index)
                if old.block != block:
                    self._renew(old, block)
            else:
                if old is not None:
                    self.setting.discard(old)
                made = (CodeRow if block.kind is Kind.CODE else ProseRow)(self, block, self._gap_above(index))
                made.estimate(self.setting.width)
                rows[index : index + 1] = [made]
            self._note(block)
        if len(self.references) != self._defined:
            self._defined = len(self.references)
            self._relink()
        return first

    def _relink(self) -> None:
        """Links are defined that were not: what may refer to them is laid out anew."""
        for row in self.rows:
            if row.block.kind is not Kind.CODE and "[" in row.block.text:
                self.setting.drop_picture(row)
                row.forget()

    def _renew(self, row: TextRow, block: Block) -> None:
        row.block = block
        if not block.open:
            self.setting.drop_picture(row)
        row.forget()

    def _gap_above(self, index: int) -> int:
        block = self.blocks[index]
        if index == 0:
            return self._gap
        before = self.blocks[index - 1]
        if block.group >= 0 and block.group == before.group:
            return 0
        if block.kind is Kind.PROSE and block.text.startswith("#"):
            return round(HEADING_GAP * self.setting.scale)
        if before.kind is block.kind is Kind.PROSE and before.end == block.start:
            return round(CUT_GAP * self.setting.scale)
        return round(BLOCK_GAP * self.setting.scale)

    def _note(self, block: Block) -> None:
        """Take what the block means for those after it: macros, and more of a code."""
        if block.kind is Kind.CODE:
            colouring = self._colourings.get(block.group)
            if colouring is not None:
                colouring.extend(self.code(block.group))
        elif not block.open and any(word in block.text for word in _DEFINING):
            self.prelude += definitions(_formulas(block, self.references))

    # code -----------------------------------------------------------------------------------------

    def group(self, start: int) -> list[TextRow]:
        """The rows of the code or the table that begins there."""
        return [row for row in self.rows if row.block.group == start]

    def code(self, group: int) -> str:
        """The whole code of which the slices are."""
        return "\n".join(row.block.text for row in self.group(group))

    def lead(self, block: Block) -> int:
        """How much of the source stands before the code of a slice: the line of the fence."""
        return self.source.find("\n", block.start) + 1 - block.start if block.first else 0

    def _colouring(self, group: int) -> Colouring | None:
        found = self._colourings.get(group)
        if found is None:
            rows = self.group(group)
            if not rows:
                return None
            found = self._colourings[group] = Colouring(self.code(group), rows[0].block.language)
        return found

    def colours(self, group: int) -> Callable[[int], tuple[Span, ...]]:
        """The colours of a code, line by line, as far as they are known."""
        found = self._colouring(group)
        return found.spans if found is not None else _plain

    def coloured(self, group: int) -> bool:
        """Whether all colours of a code are known; looks for no longer than an instant."""
        found = self._colouring(group)
        return found is None or found.advance(0)

    def colour(self, group: int, seconds: float) -> bool:
        """Look for colours for so long; True when all are known."""
        found = self._colouring(group)
        return found is None or found.advance(seconds)

    def note_width(self, group: int, wanted: float) -> None:
        """A slice of a code wants to be so wide."""
        self._widths[group] = max(wanted, self._widths.get(group, 0.0))

    def scroll_code(self, group: int, by: float, room: float) -> bool:
        """Scroll a code to the side in so much room; whether it moved."""
        reach = max(0.0, self._widths.get(group, 0.0) - room)
        before = self.scrolls.get(group, 0.0)
        after = min(reach, max(0.0, before + by))
        self.scrolls[group] = after
        return after != before


def _plain(_line: int) -> tuple[Span, ...]:
    return ()


def _formulas(block: Block, references: Mapping[str, Any]) -> list[str]:
    """The LaTeX of all formulas of a block."""
    found: list[str] = []
    for piece in read(block, references):
        if isinstance(piece, Display):
            found.append(piece.latex)
        elif isinstance(piece, Paragraph):
            found.extend(run.text for run in piece.runs if run.formula)
    return found
