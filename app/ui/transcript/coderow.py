"""Rows of code: a slice on its card."""

from collections.abc import Sequence
from html import escape
from math import ceil
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen

from app.markup.block import Block
from app.ui.transcript.listing import Listing
from app.ui.transcript.page import Mark
from app.ui.transcript.textrow import TextRow

if TYPE_CHECKING:
    from app.ui.transcript.section import Section

CARD_X = 14
"""Padding of a card of code at its sides."""
CARD_Y = 12
CARD_RADIUS = 10


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
