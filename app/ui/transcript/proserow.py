"""Rows of running text and of tables: a block as a page."""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.markup.block import Block, Display, Kind, Paragraph, Piece, Run
from app.markup.formulas import Formula, number
from app.markup.reading import read
from app.ui.transcript.page import Mark, Page
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.writer import Look

if TYPE_CHECKING:
    from app.ui.transcript.section import Section

CHARACTER = 7.4
"""Mean width of a character at 100 % text size, for estimates."""


class ProseRow(TextRow):
    """Running text or a table."""

    def __init__(self, section: "Section", block: Block, gap: int) -> None:
        super().__init__(section, block, gap)
        self.page: Page | None = None
        self._shift = 0
        """From the text of a later slice of a table, which repeats the head, to the source."""
        if block.kind is Kind.TABLE and not block.first:
            head = block.text.find("\n", block.text.find("\n") + 1)
            self._shift = head + 1

    def pieces(self) -> tuple[Piece, ...]:
        """What is in it, equations numbered."""
        section, block = self.section, self.block
        if section.verbatim:
            return verbatim(block)
        pieces = read(block, section.references, breaks=section.breaks)
        if block.kind is Kind.TABLE or "\\begin{" not in block.text:
            return pieces
        count = block.equation
        out: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, Display) and piece.markup.startswith("\\begin"):
                latex, used = number(piece.latex, count + 1)
                count += used
                out.append(replace(piece, latex=latex))
            else:
                out.append(piece)
        return tuple(out)

    def lay_out(self, width: int) -> None:
        """Write the page, unless there is one."""
        setting = self.section.setting
        self.measure(width)
        if self.page is not None and self.page.width != self._room(width):
            self.page = None
        if self.page is None:
            look = Look(self.section.role, self.section.ink, setting.scale)
            room = self._room(width)
            columns = self.section.columns.get(self.block.group)
            self.page = setting.writer.write(
                self.pieces(), look, room, columns=columns, prelude=self.section.prelude, headless=bool(self._shift)
            )
            measured = self.block.kind is Kind.TABLE and not self.block.open and not self.page.formulas
            if measured and self.page.columns is not None:
                self.section.columns.setdefault(self.block.group, self.page.columns)
        self.height = ceil(self.page.height) + self.above + self.below
        setting.keep(self)
        self.known = True

    def natural(self, width: int) -> float:
        """How wide the text is where it need not be narrower."""
        setting = self.section.setting
        look = Look(self.section.role, self.section.ink, setting.scale)
        return setting.writer.write(self.pieces(), look, self._room(width)).natural

    def estimate(self, width: int) -> None:
        """As many lines as the characters need."""
        if self.page is not None:
            return
        self.known = False
        setting, block = self.section.setting, self.block
        line = setting.line(self.section.role)
        if block.kind is Kind.TABLE:
            self.height = round((block.text.count("\n")) * (line + 9))
            return
        per_line = max(10.0, self._room(width) / (CHARACTER * setting.scale))
        lines = sum(max(1, ceil(len(text) / per_line)) for text in block.text.split("\n") if text)
        self.height = round(max(1, lines) * line)

    def forget(self) -> None:
        """Let the page go."""
        self.page = None
        self.known = False

    def _laid(self) -> Page:
        self.lay_out(self.section.setting.width)
        assert self.page is not None  # noqa: S101  # lay_out has just made it
        return self.page

    @property
    def end(self) -> int:
        """The last position."""
        return self._laid().end

    def hit(self, x: float, y: float) -> int:
        """The position nearest to a point of the row."""
        return self._laid().hit(x - self.inset, y - self.above)

    def caret(self, position: int) -> QRectF:
        """Where the caret stands."""
        return self._laid().caret(position).translated(self.inset, self.above)

    def offset(self, position: int) -> int:
        """The place in the source for a position."""
        return min(self.block.end, self.block.start + max(0, self._laid().source_at(position) - self._shift))

    def position(self, offset: int) -> int:
        """The position for a place in the source."""
        return self._laid().position_of(max(0, offset - self.block.start) + self._shift)

    def word(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        return self._laid().word(position)

    def paragraph(self, position: int) -> tuple[int, int]:
        """The paragraph around a position."""
        return self._laid().paragraph(position)

    def markdown(self, start: int, end: int) -> str:
        """What stands between two positions, as Markdown."""
        return self._laid().markdown(start, end)

    def html(self, start: int, end: int) -> str:
        """What stands between two positions, for word processors."""
        return self._laid().html(start, end)

    def spoken(self) -> str:
        """All of it as it is read aloud."""
        return self._laid().plain()

    def draw(
        self, painter: QPainter, x: int, y: int, clip: QRectF, selection: tuple[int, int] | None, marks: Sequence[Mark]
    ) -> None:
        """Paint the page."""
        page = self._laid()
        page.paint(painter, x + self.inset, y + self.above, clip.translated(-self.inset, -self.above), selection, marks)

    def _within(self, point: QPointF) -> tuple[float, float]:
        return point.x() - self.inset, point.y() - self.above

    def link_at(self, point: QPointF) -> str:
        """The address that a point leads to."""
        return self._laid().link_at(*self._within(point))

    def tip_at(self, point: QPointF) -> str:
        """Where a link leads, or why a formula is shown as its source."""
        return self._laid().tip_at(*self._within(point))

    def formula_at(self, point: QPointF) -> Formula | None:
        """The formula at a point."""
        return self._laid().formula_at(*self._within(point))

    @property
    def direct(self) -> bool:
        """A page with a formula that can be moved, or that is not known yet, changes."""
        page = self._laid()
        return bool(page.formulas) or bool(page.wide)


def verbatim(block: Block) -> tuple[Piece, ...]:
    """The text of a block as it stands, line by line."""
    runs: list[Run] = []
    at = 0
    for line in block.text.split("\n"):
        if at:
            runs.append(Run("\n", at=at - 1, length=1))
        runs.append(Run(line, at=at, length=len(line)))
        at += len(line) + 1
    return (Paragraph(tuple(runs)),)
