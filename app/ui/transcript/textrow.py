"""Rows of text: a block of prose or a table as a page, a slice of code as a listing."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from app.markup.block import Block, Display, Kind, Paragraph, Piece, Run
from app.markup.formulas import Formula, number
from app.markup.reading import read
from app.ui.transcript.listing import Listing
from app.ui.transcript.page import Mark, Page
from app.ui.transcript.row import Row
from app.ui.transcript.writer import Look

if TYPE_CHECKING:
    from app.ui.transcript.section import Section

CARD_X = 14
"""Padding of a card of code at its sides."""
CARD_Y = 12
CARD_RADIUS = 10
CHARACTER = 7.4
"""Mean width of a character at 100 % text size, for estimates."""


class TextRow(Row):
    """One block of a section. Positions are the layout's own; offsets count characters of the section's source."""

    def __init__(self, section: "Section", block: Block, gap: int) -> None:
        super().__init__(gap)
        self.section, self.block = section, block
        self.marks: tuple[Mark, ...] = ()
        """Places that are marked, in offsets of the source."""
        self.above = self.below = 0
        """Room above and under the text."""

    @property
    def inset(self) -> int:
        """From the left side of the column to the text."""
        return self.section.inset

    def _room(self, width: int) -> int:
        return width - self.inset - self.section.inset_right

    # to be told by each kind ----------------------------------------------------------------------

    def forget(self) -> None:
        """Let the layout go; the height stays."""
        raise NotImplementedError

    @property
    def end(self) -> int:
        """The last position."""
        raise NotImplementedError

    def hit(self, x: float, y: float) -> int:
        """The position nearest to a point of the row."""
        raise NotImplementedError

    def caret(self, position: int) -> QRectF:
        """Where the caret stands, measured from the row's corner."""
        raise NotImplementedError

    def offset(self, position: int) -> int:
        """The place in the source for a position."""
        raise NotImplementedError

    def position(self, offset: int) -> int:
        """The position for a place in the source."""
        raise NotImplementedError

    def word(self, position: int) -> tuple[int, int]:
        """The word around a position."""
        raise NotImplementedError

    def paragraph(self, position: int) -> tuple[int, int]:
        """The paragraph or line around a position."""
        raise NotImplementedError

    def markdown(self, start: int, end: int) -> str:
        """What stands between two positions, as Markdown."""
        raise NotImplementedError

    def html(self, start: int, end: int) -> str:
        """What stands between two positions, for word processors."""
        raise NotImplementedError

    def spoken(self) -> str:
        """All of it as it is read aloud."""
        raise NotImplementedError

    def draw(
        self, painter: QPainter, x: int, y: int, clip: QRectF, selection: tuple[int, int] | None, marks: Sequence[Mark]
    ) -> None:
        """Paint the text itself."""
        raise NotImplementedError

    def link_at(self, point: QPointF) -> str:
        """The address that a point of the row leads to; empty for none."""
        del point
        return ""

    def tip_at(self, point: QPointF) -> str:
        """What there is to say of a point of the row."""
        del point
        return ""

    def formula_at(self, point: QPointF) -> Formula | None:
        """The formula at a point of the row."""
        del point
        return None

    def measure(self, width: int) -> None:
        """Take the section's insets and padding for a width of the column."""
        self.section.measure(width)
        self.above, self.below = self.section.padding(self)

    # shared ---------------------------------------------------------------------------------------

    def selected(self) -> tuple[int, int] | None:
        """The selected positions of this row."""
        stretch = self.section.selected
        if stretch is None or stretch[1] <= self.block.start or stretch[0] >= self.block.end:
            return None
        start = 0 if stretch[0] <= self.block.start else self.position(stretch[0])
        end = self.end if stretch[1] >= self.block.end else self.position(stretch[1])
        return (start, end) if start < end else None

    def paint(self, painter: QPainter, x: int, y: int, clip: QRectF) -> None:
        """Paint it: from its picture where nothing in it changes."""
        setting = self.section.setting
        self.lay_out(setting.width)
        self.section.backdrop(painter, self, x, y)
        selection = self.selected()
        if self.block.open or selection is not None or self.marks or self.above or self.below or self.direct:
            self.draw(painter, x, y, clip, selection, self._marked())
            return
        whole = QRectF(-4, -4, setting.width + 8, self.height + 8)
        paper = setting.theme.color(self.section.paper)

        def paint(inner: QPainter, left: int, top: int) -> None:
            self.draw(inner, left, top, whole, None, ())

        setting.draw(painter, self, x, y, setting.width, paper, paint)

    @property
    def direct(self) -> bool:
        """Whether it is never drawn from a picture."""
        return False

    def _marked(self) -> tuple[Mark, ...]:
        """The marks, their places as positions."""
        return tuple(replace(mark, start=self.position(mark.start), end=self.position(mark.end)) for mark in self.marks)


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


class CodeRow(TextRow):
    """A slice of code on its card."""

    def __init__(self, section: "Section", block: Block, gap: int) -> None:
        super().__init__(section, block, gap)
        self._listing: Listing | None = None
        self._top = self._bottom = 0

    def _laid(self) -> Listing:
        if self._listing is None:
            setting = self.section.setting
            self._listing = Listing(
                setting.theme,
                self.block.text,
                self.block.language,
                first_line=self.block.line,
                wrap=setting.wrap,
                numbers=setting.numbers,
                scale=setting.scale,
            )
        return self._listing

    def lay_out(self, width: int) -> None:
        """Lay the lines out."""
        self.measure(width)
        listing = self._laid()
        high = listing.height(self._inner(width))
        self.height = ceil(high) + self._top + self._bottom
        self.section.note_width(self.block.group, listing.width_wanted)
        self.section.setting.keep(self)
        self.known = True

    def _inner(self, width: int) -> int:
        return self._room(width) - 2 * CARD_X

    def measure(self, width: int) -> None:
        """The card has room at its ends, too."""
        super().measure(width)
        self._top = self.above + (CARD_Y if self.block.first else 0)
        self._bottom = self.below + (CARD_Y if self.block.last else 0)

    def estimate(self, width: int) -> None:
        """As many lines as there are."""
        if self._listing is not None and not self.section.setting.wrap:
            return
        self.known = False
        self.measure(width)
        lines = self.block.text.count("\n") + 1
        self.height = round(lines * self.section.setting.line("code")) + self._top + self._bottom

    def forget(self) -> None:
        """Let the listing go."""
        self._listing = None
        self.known = False

    @property
    def end(self) -> int:
        """The last position."""
        return len(self.block.text)

    @property
    def scroll(self) -> float:
        """How far the whole code is scrolled to the side."""
        return self.section.scrolls.get(self.block.group, 0.0)

    def hit(self, x: float, y: float) -> int:
        """The position nearest to a point of the row."""
        listing = self._laid()
        listing.height(self._inner(self.section.setting.width))
        return listing.hit(x - self.inset - CARD_X, y - self._top, self.scroll)

    def caret(self, position: int) -> QRectF:
        """Where the caret stands."""
        listing = self._laid()
        listing.height(self._inner(self.section.setting.width))
        return listing.caret(position, self.scroll).translated(self.inset + CARD_X, self._top)

    def offset(self, position: int) -> int:
        """The place in the source for a position."""
        return min(self.block.end, self.block.start + self.section.lead(self.block) + position)

    def position(self, offset: int) -> int:
        """The position for a place in the source."""
        return min(self.end, max(0, offset - self.block.start - self.section.lead(self.block)))

    def word(self, position: int) -> tuple[int, int]:
        """The name or number around a position."""
        text, start, end = self.block.text, position, position
        while start and (text[start - 1].isalnum() or text[start - 1] == "_"):
            start -= 1
        while end < len(text) and (text[end].isalnum() or text[end] == "_"):
            end += 1
        return (start, end) if start < end else (position, min(len(text), position + 1))

    def paragraph(self, position: int) -> tuple[int, int]:
        """The line around a position."""
        text = self.block.text
        end = text.find("\n", position)
        return text.rfind("\n", 0, position) + 1, len(text) if end < 0 else end

    def markdown(self, start: int, end: int) -> str:
        """The code as it is; a fence is put around it by whoever has more to copy."""
        return self.block.text[start:end]

    def html(self, start: int, end: int) -> str:
        """The code, preformatted."""
        return f"<pre>{escape(self.block.text[start:end])}</pre>"

    def spoken(self) -> str:
        """The code."""
        return self.block.text

    @property
    def direct(self) -> bool:
        """Code that is scrolled or whose colours are not all known changes."""
        return self.scroll != 0 or not self.section.coloured(self.block.group)

    def draw(
        self, painter: QPainter, x: int, y: int, clip: QRectF, selection: tuple[int, int] | None, marks: Sequence[Mark]
    ) -> None:
        """Paint the card and its lines."""
        setting, listing = self.section.setting, self._laid()
        width = self._inner(setting.width)
        listing.height(width)
        left = x + self.inset
        card = QRectF(left, y + self.above, self._room(setting.width), self.height - self.above - self.below)
        self._paint_card(painter, card)
        inner = QRectF(left + CARD_X, y + self._top, width, self.height - self._top - self._bottom)
        seen = inner & clip.translated(x, y)
        colours = self.section.colours(self.block.group)
        for mark in marks:
            self._paint_mark(painter, mark, x, y)
        listing.paint(painter, inner.left(), inner.top(), seen, self.scroll, colours, selection)

    def _paint_mark(self, painter: QPainter, mark: Mark, x: int, y: int) -> None:
        if mark.fill:
            first, last = self.caret(mark.start), self.caret(mark.end)
            if first.top() == last.top():
                box = QRectF(first.left(), first.top(), last.left() - first.left(), first.height())
                painter.fillRect(box.translated(x, y), self.section.setting.theme.color(mark.fill))

    def _paint_card(self, painter: QPainter, box: QRectF) -> None:
        """The paper and the hairline; only the first and the last slice have corners."""
        theme = self.section.setting.theme
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = box.adjusted(0.5, 0.5, -0.5, -0.5)
        if not self.block.first:
            card.setTop(box.top() - 2 * CARD_RADIUS)
        if not self.block.last:
            card.setBottom(box.bottom() + 2 * CARD_RADIUS)
        outline = QPainterPath()
        outline.addRoundedRect(card, CARD_RADIUS, CARD_RADIUS)
        painter.fillPath(outline, theme.color("code_paper"))
        painter.setPen(QPen(theme.color("hairline"), 1))
        painter.drawPath(outline)
        painter.restore()


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
