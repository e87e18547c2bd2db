"""What stands around running text and is no text: markers of lists, rules of quotes, hairlines, cards of code."""

from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPainterPath, QPen, QTextBlock, QTextDocument, QTextTable

from app.ui.transcript.formats import Formats

BULLETS = "•◦▪–"
GAP = 7
"""Room between a marker and its text."""
CHIP = 1.5
"""By how much the ground of inline code is wider than its letters."""
CARD = 8
"""Room around code inside its card."""


@dataclass(frozen=True, slots=True)
class Marker:
    """Before the paragraph at `position`, whose text begins `indent` from the side."""

    position: int
    text: str
    indent: int
    level: int


@dataclass(frozen=True, slots=True)
class Bar:
    """The rule of a quote, from the paragraph at `first` to that at `last`."""

    first: int
    last: int
    indent: int


@dataclass(frozen=True, slots=True)
class Hairline:
    """A line across the column."""

    position: int
    indent: int


@dataclass(frozen=True, slots=True)
class Card:
    """The ground of code inside a list."""

    position: int
    indent: int


@dataclass(frozen=True, slots=True)
class Grid:
    """The lines of a table."""

    table: QTextTable
    padding: float


Ornament = Marker | Bar | Hairline | Card | Grid


class Drawer:
    """Paints the ornaments of one document in its own coordinates."""

    def __init__(self, document: QTextDocument, formats: Formats, ornaments: list[Ornament], width: float) -> None:
        self._document, self._formats, self._width = document, formats, width
        self._ornaments = ornaments

    def paint(self, painter: QPainter) -> None:
        """Paint everything that lies under the text or beside it."""
        for ornament in self._ornaments:
            match ornament:
                case Marker():
                    self._marker(painter, ornament)
                case Bar():
                    self._bar(painter, ornament)
                case Hairline():
                    self._hairline(painter, ornament)
                case Card():
                    self._card(painter, ornament)
                case Grid():
                    self._grid(painter, ornament)

    def _box(self, position: int) -> tuple[QTextBlock, QRectF]:
        block = self._document.findBlock(position)
        return block, self._document.documentLayout().blockBoundingRect(block)

    def _marker(self, painter: QPainter, marker: Marker) -> None:
        block, box = self._box(marker.position)
        line = block.layout().lineAt(0)
        if not line.isValid():
            return
        metrics = self._formats.metrics
        baseline = box.top() + line.y() + line.ascent()
        right = block.textDirection() is Qt.LayoutDirection.RightToLeft
        edge = self._width - marker.indent + GAP if right else marker.indent - GAP
        painter.setPen(self._formats.ink)
        if marker.text in "☐☑":
            self._box_of_task(painter, edge, baseline, done=marker.text == "☑", right=right)
        elif marker.text in BULLETS:
            size = metrics.xHeight() * (0.55 if marker.level % 2 else 0.5)
            middle = QPointF(edge + (size if right else -size), baseline - metrics.xHeight() / 2)
            painter.setPen(QPen(self._formats.ink, self._formats.scale))
            painter.setBrush(self._formats.ink if marker.level % 2 else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(middle, size / 2, size / 2)
        else:
            painter.setFont(self._formats.font)
            left = edge if right else edge - metrics.horizontalAdvance(marker.text)
            painter.drawText(QPointF(left, baseline), marker.text)

    def _box_of_task(self, painter: QPainter, edge: float, baseline: float, *, done: bool, right: bool) -> None:
        size = self._formats.metrics.capHeight() * 1.1
        middle = baseline - self._formats.metrics.capHeight() / 2
        box = QRectF(edge if right else edge - size, middle - size / 2, size, size)
        colour = self._formats.colour("accent_text" if done else "secondary")
        painter.setPen(QPen(colour, 1.2 * self._formats.scale))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(box, size / 4, size / 4)
        if done:
            tick = QPainterPath(QPointF(box.left() + size * 0.24, box.top() + size * 0.52))
            tick.lineTo(box.left() + size * 0.43, box.top() + size * 0.72)
            tick.lineTo(box.left() + size * 0.77, box.top() + size * 0.30)
            painter.drawPath(tick)

    def _bar(self, painter: QPainter, bar: Bar) -> None:
        block, first = self._box(bar.first)
        last = self._box(bar.last)[1]
        right = block.textDirection() is Qt.LayoutDirection.RightToLeft
        left = self._width - bar.indent - 2 if right else bar.indent
        painter.fillRect(QRectF(left, first.top(), 2, last.bottom() - first.top()), self._formats.colour("hairline"))

    def _hairline(self, painter: QPainter, line: Hairline) -> None:
        middle = round(self._box(line.position)[1].center().y())
        painter.fillRect(QRectF(line.indent, middle, self._width - line.indent, 1), self._formats.colour("hairline"))

    def _card(self, painter: QPainter, card: Card) -> None:
        box = self._box(card.position)[1]
        ground = QRectF(card.indent, box.top() - CARD + 2, self._width - card.indent, box.height() + 2 * CARD - 2)
        painter.setPen(QPen(self._formats.colour("hairline"), 1))
        painter.setBrush(self._formats.colour("code_paper"))
        painter.drawRoundedRect(ground.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)

    def _grid(self, painter: QPainter, grid: Grid) -> None:
        layout = self._document.documentLayout()
        frame = layout.frameBoundingRect(grid.table)
        columns = range(grid.table.columns())
        for row in range(grid.table.rows()):
            if row:
                tops = (grid.table.cellAt(row, column).firstCursorPosition().block() for column in columns)
                top = min(layout.blockBoundingRect(block).top() - block.blockFormat().topMargin() for block in tops)
                colour = self._formats.colour("outline" if row == 1 else "hairline")
                painter.fillRect(QRectF(frame.left(), round(top - grid.padding), frame.width(), 1), colour)
