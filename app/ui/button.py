"""Quiet buttons of our own drawing: words or a glyph on paper, a fill on hover, the accent on focus."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QFontMetrics, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.ui.theme import Theme

CHEVRON = 16
HEIGHT = 28


class QuietButton(QAbstractButton):
    """A button that is a word: plain until the pointer or the focus comes."""

    def __init__(
        self, theme: Theme, text: str, parent: QWidget, *, chevron: bool = False, framed: bool = False
    ) -> None:
        super().__init__(parent)
        self._theme, self._chevron, self._framed = theme, chevron, framed
        self.ink = "ink" if framed else "secondary"
        self.role = "small"
        self.radius = 8
        self.setText(text)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def set_framed(self, *, framed: bool) -> None:
        """Draw a frame around it, or none."""
        if framed != self._framed:
            self._framed = framed
            self.ink = "ink" if framed else "secondary"
            self.updateGeometry()
            self.update()

    def setText(self, text: str) -> None:
        """Show other words; they are the accessible name too."""
        super().setText(text)
        self.setAccessibleName(text)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """The words with 8 points at each side, 12 in a frame."""
        width = QFontMetrics(self._theme.font(self.role)).horizontalAdvance(self.text())
        return QSize(width + (24 if self._framed else 16) + (CHEVRON if self._chevron else 0), HEIGHT)

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the hover."""
        self.update()
        super().leaveEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the fill, the frame, the words and the chevron."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(self._theme.color("hairline"), 1) if self._framed else Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("card") if self._framed else Qt.BrushStyle.NoBrush)
        if self.isEnabled() and (self.underMouse() or self.isDown()):
            painter.setBrush(self._theme.color("selected" if self.isDown() else "fill"))
        painter.drawRoundedRect(box, self.radius, self.radius)
        if self.hasFocus():
            draw_focus(painter, box, self.radius, self._theme)
        painter.setFont(self._theme.font(self.role))
        hovered = self.underMouse() and self.isEnabled()
        painter.setPen(self._theme.color("ink" if hovered else self.ink, 1.0 if self.isEnabled() else 0.5))
        words = self.rect().adjusted(12 if self._framed else 8, 0, -8, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, self.text())
        if self._chevron:
            draw_chevron(painter, QPointF(self.width() - 14, self.height() / 2), down=True)
        painter.end()


class RoundButton(QAbstractButton):
    """The one round button: send, or stop while an answer runs."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.stops = False
        self.setFixedSize(32, 32)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the disc and its glyph."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        disc, glyph = ("accent", "on_accent") if self.stops else ("ink", "paper")
        if not self.isEnabled():
            disc, glyph = "fill", "secondary"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(disc, 0.85 if self.isDown() else 1.0))
        painter.drawEllipse(box)
        middle = box.center()
        if self.stops:
            painter.setBrush(self._theme.color(glyph))
            painter.drawRoundedRect(QRectF(middle.x() - 5, middle.y() - 5, 10, 10), 2, 2)
        else:
            pen = QPen(self._theme.color(glyph), 2, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawLine(middle + QPointF(0, 6), middle + QPointF(0, -6))
            tip = [middle + QPointF(-5, -1), middle + QPointF(0, -6), middle + QPointF(5, -1)]
            painter.drawPolyline(QPolygonF(tip))
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()), 16, self._theme)
        painter.end()


def draw_chevron(painter: QPainter, middle: QPointF, *, down: bool) -> None:
    """A chevron in the painter's pen colour, pointing down or right."""
    path = QPainterPath()
    along, across = 4.0, 2.0
    points = [(-along, -across), (0.0, across), (along, -across)]
    if not down:
        points = [(y, x) for x, y in points]
    path.moveTo(middle + QPointF(*points[0]))
    for point in points[1:]:
        path.lineTo(middle + QPointF(*point))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    pen = QPen(painter.pen().color(), 1.6, c=Qt.PenCapStyle.RoundCap, j=Qt.PenJoinStyle.RoundJoin)
    painter.strokePath(path, pen)


def draw_focus(painter: QPainter, box: QRectF, radius: float, theme: Theme) -> None:
    """The ring that says where the keyboard is."""
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.color("accent"), 2))
    painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), radius - 1, radius - 1)
