"""A block of text as it is laid out: painting it, and the ways between the screen, the document and the Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QPainter,
    QPalette,
    QTextBlock,
    QTextCursor,
    QTextDocument,
    QTextLine,
)

from app.markup.block import Style
from app.markup.formulas import Formula
from app.ui.transcript import copying
from app.ui.transcript.formats import Formats
from app.ui.transcript.inline import FormulaObject, Inlay
from app.ui.transcript.ornament import CHIP, Drawer
from app.ui.transcript.passage import Passage, Segment

DOT = 5.0
"""Size of the dot that a mark may carry."""
CARET = 2
"""Width of the caret."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something marked in the text: a hit of the search, a quote that was checked."""

    start: int
    end: int
    fill: str = ""
    """Token of the colour under it; empty for none."""
    underline: bool = False
    ink: str = "accent"
    """Token of the underline."""
    badge: str = ""
    """Token of the dot at its end; empty for none."""


@dataclass(frozen=True, slots=True)
class Wide:
    """A formula of which not all is seen; set `inlay.scroll_x` to move it."""

    rect: QRectF
    natural: float
    inlay: Inlay

    def scroll(self, x: float) -> None:
        """Move it so that what is `x` from its left side stands at the left, as far as there is anything."""
        self.inlay.scroll_x = min(max(0.0, x), max(0.0, self.natural - self.inlay.width))


@dataclass(slots=True, eq=False)
class Page:
    """One block of text; `width` and `height` in points of the screen, positions as Qt counts them."""

    document: QTextDocument
    passage: Passage
    formats: Formats
    drawer: Drawer
    width: float
    height: float
    lift: float
    """By how much the document is lower than the page."""
    formulas: tuple[Formula, ...] = ()
    """Those not known yet, shown as their source."""
    columns: tuple[float, ...] | None = None
    """Widths of the columns of its table, for the other slices."""
    objects: FormulaObject | None = None
    natural: float = 0.0
    """Width the text needs where no line is broken that need not be."""
    _grounds: list[QRectF] | None = field(default=None, init=False)
    _wide: list[Wide] | None = field(default=None, init=False)

    # painting -----------------------------------------------------------------------------------

    def paint(
        self,
        painter: QPainter,
        x: float,
        y: float,
        clip: QRectF | None = None,
        selection: tuple[int, int] | None = None,
        marks: Sequence[Mark] = (),
    ) -> None:
        """Paint it with its left upper corner at x, y; `clip` is what can be seen, in the page's own measures."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(x, y + self.lift)
        self.drawer.paint(painter)
        self._paint_grounds(painter)
        context = QAbstractTextDocumentLayout.PaintContext()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Text, self.formats.ink)
        context.palette = palette
        if clip is not None:
            context.clip = clip.translated(0, -self.lift)
        ranges = [(mark.start, mark.end, mark.fill) for mark in marks if mark.fill]
        if selection is not None and selection[0] != selection[1]:
            ranges.append((min(selection), max(selection), "selection"))
        # Qt would cut what reaches out of its line, as formulas do, if it painted the selection
        for start, end, fill in ranges:
            for rect in self._rects(start, end, whole=True):
                painter.fillRect(rect, self.formats.colour(fill))
        self.document.documentLayout().draw(painter, context)
        for mark in marks:
            if mark.underline:
                self._underline(painter, mark)
            if mark.badge:
                self._dot(painter, mark)
        painter.restore()

    def _paint_grounds(self, painter: QPainter) -> None:
        if self._grounds is None:
            self._grounds = [
                rect
                for segment in self.passage.segments
                if segment.run.style & Style.CODE and segment.shown and not segment.run.formula
                for rect in self._rects(segment.start, segment.end)
            ]
        if not self._grounds:
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.formats.colour("fill"))
        for rect in self._grounds:
            painter.drawRoundedRect(rect, 4, 4)

    def _dot(self, painter: QPainter, mark: Mark) -> None:
        """A dot at the upper right corner of the last letter."""
        rects = self._rects(mark.start, mark.end, wider=0)
        if rects:
            size = DOT * self.formats.scale
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.formats.colour(mark.badge))
            painter.drawEllipse(QRectF(rects[-1].right() - size / 4, rects[-1].top() - size / 2, size, size))

    def _underline(self, painter: QPainter, mark: Mark) -> None:
        for rect in self._rects(mark.start, mark.end, wider=0):
            line = QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1.5 * self.formats.scale)
            painter.fillRect(line, self.formats.colour(mark.ink))

    def _rects(self, start: int, end: int, wider: float = CHIP, *, whole: bool = False) -> list[QRectF]:
        """The letters between two places, line by line, in the document's own measures; or their lines as a whole."""
        rects: list[QRectF] = []
        block = self.document.findBlock(start)
        while block.isValid() and block.position() < end:
            origin = self.document.documentLayout().blockBoundingRect(block).topLeft()
            layout = block.layout()
            low, high = start - block.position(), end - block.position()
            for index in range(layout.lineCount()):
                line = layout.lineAt(index)
                first, last = max(low, line.textStart()), min(high, line.textStart() + line.textLength())
                if first < last:
                    box = _stretch(line, first, last) if whole else self._letters(line, first, last, wider)
                    rects.append(box.translated(origin))
            block = block.next()
        return rects

    def _letters(self, line: QTextLine, first: int, last: int, wider: float) -> QRectF:
        left, right = sorted((_x(line, first), _x(line, last)))
        metrics = self.formats.metrics
        baseline = line.y() + line.ascent()
        air = (metrics.height() - metrics.capHeight()) / 4
        top = baseline - metrics.capHeight() - air
        return QRectF(
            left - wider, top, right - left + 2 * wider, metrics.capHeight() + 2 * air + metrics.descent() / 2
        )

    # places -------------------------------------------------------------------------------------

    def hit(self, x: float, y: float) -> int:
        """The place nearest to a point."""
        at = QPointF(x, y - self.lift)
        return max(0, self.document.documentLayout().hitTest(at, Qt.HitTestAccuracy.FuzzyHit))

    def caret(self, position: int) -> QRectF:
        """Where the caret stands before the character at a place."""
        block = self.document.findBlock(max(0, min(position, self.end)))
        box = self.document.documentLayout().blockBoundingRect(block)
        line = block.layout().lineForTextPosition(position - block.position())
        if not line.isValid():
            return QRectF(box.left(), box.top() + self.lift, CARET, self.formats.metrics.height())
        metrics = self.formats.metrics
        baseline = box.top() + line.y() + line.ascent() + self.lift
        left = min(box.left() + _x(line, position - block.position()), self.width - CARET)
        return QRectF(left, baseline - metrics.ascent(), CARET, metrics.height())

    @property
    def end(self) -> int:
        """The last place."""
        return self.document.characterCount() - 1

    def link_at(self, x: float, y: float) -> str:
        """The address that a point leads to; empty for none."""
        segment = self._segment(x, y)
        return segment.run.link if segment else ""

    def formula_at(self, x: float, y: float) -> Formula | None:
        """The formula at a point."""
        segment = self._segment(x, y)
        if segment is None or not segment.run.formula:
            return None
        return Formula(segment.run.text, segment.run.display or segment.run.formula.startswith("\\begin"))

    def tip_at(self, x: float, y: float) -> str:
        """What there is to say of a point: why a formula is shown as its source, or where a link leads."""
        segment = self._segment(x, y)
        return (segment.tip or segment.run.link) if segment else ""

    def _segment(self, x: float, y: float) -> Segment | None:
        at = QPointF(x, y - self.lift)
        position = self.document.documentLayout().hitTest(at, Qt.HitTestAccuracy.ExactHit)
        if position < 0:
            return None
        # a hit in the right half of a character gives the place after it
        before = self._box_of(position - 1) if position else None
        return self.passage.segment_at(position - 1 if before is not None and before.contains(at) else position)

    def _box_of(self, position: int) -> QRectF | None:
        """The box of one character, in the document's own measures."""
        block = self.document.findBlock(position)
        within = position - block.position()
        line = block.layout().lineForTextPosition(within)
        if not line.isValid():
            return None
        origin = self.document.documentLayout().blockBoundingRect(block).topLeft()
        left, right = sorted((_x(line, within), _x(line, within + 1)))
        return QRectF(
            origin.x() + left, origin.y() + line.y() - 1, right - left, line.height() + self.formats.slack() + 2
        )

    @property
    def wide(self) -> list[Wide]:
        """The formulas of which not all is seen."""
        if self._wide is None:
            self._wide = []
            for inlay in self.objects.inlays if self.objects else ():
                box = self._box_of(inlay.position) if inlay.clipped else None
                if box is not None:
                    self._wide.append(Wide(box.translated(0, self.lift), inlay.natural, inlay))
        return self._wide

    def word(self, position: int) -> tuple[int, int]:
        """The word around a place; a formula is a word."""
        segment = self.passage.segment_at(position)
        if segment is not None and not segment.shown:
            return segment.start, segment.end
        cursor = self._cursor(position, position)
        cursor.select(QTextCursor.SelectionType.WordUnderCursor)
        return cursor.selectionStart(), cursor.selectionEnd()

    def paragraph(self, position: int) -> tuple[int, int]:
        """The paragraph around a place."""
        block = self._block(position)
        return block.position(), block.position() + block.length() - 1

    def _block(self, position: int) -> QTextBlock:
        return self.document.findBlock(max(0, min(position, self.end)))

    def _cursor(self, start: int, end: int) -> QTextCursor:
        cursor = QTextCursor(self.document)
        cursor.setPosition(max(0, min(start, self.end)))
        cursor.setPosition(max(0, min(end, self.end)), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    # what it says -------------------------------------------------------------------------------

    def source_at(self, position: int) -> int:
        """The place in the block's Markdown, in characters, for a place in the document."""
        return self.passage.source_at(position)

    def position_of(self, offset: int) -> int:
        """The place in the document for a place in the block's Markdown, in characters."""
        return self.passage.position_of(offset)

    def markdown(self, start: int, end: int) -> str:
        """What stands between two places, as Markdown."""
        return copying.markdown(self.passage.cut(start, end))

    def html(self, start: int, end: int) -> str:
        """What stands between two places, for word processors."""
        return copying.html(self.passage.cut(start, end))

    def plain(self) -> str:
        """All of it without markup, formulas as LaTeX."""
        return copying.plain(part.piece for part in self.passage.parts)


def _x(line: QTextLine, position: int) -> float:
    x, _at = cast("tuple[float, int]", line.cursorToX(position))
    return x


def _stretch(line: QTextLine, first: int, last: int) -> QRectF:
    """A part of a line in its full height."""
    left, right = sorted((_x(line, first), _x(line, last)))
    return QRectF(left, line.y(), max(1.0, right - left), line.height())
