"""Rows of text: what is the same for prose and for code."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter

from app.markup.block import Block
from app.markup.formulas import Formula
from app.ui.transcript.page import Mark
from app.ui.transcript.row import Row

if TYPE_CHECKING:
    from app.ui.transcript.section import Section


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
