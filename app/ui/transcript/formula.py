"""Paints a typeset formula in any colour and size."""

import re
from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen, QTransform

from app.markup.drawing import Drawing, Form, Shape

PEN = 60.0
"""Thickness of frames and lines, in units of the formula fonts."""
TEXT_SIZE = 900
"""Size of characters outside these fonts, in their units."""
_STEP = re.compile(r"([MLHVQTCZ])([^MLHVQTCZ]*)")
_NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_COUNTS = {"M": 2, "L": 2, "H": 1, "V": 1, "Q": 4, "T": 2, "C": 6}


def paint(painter: QPainter, drawing: Drawing, x: float, y: float, em: float, ink: QColor) -> None:
    """Paint it with its left upper corner at x, y; one em is so many points."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(x, y)
    painter.scale(em, em)
    origin = painter.transform()
    for shape in drawing.shapes:
        colour = QColor(shape.colour) if shape.colour else ink
        if shape.clip is None:
            painter.setTransform(QTransform(*shape.matrix) * origin)
            _paint_shape(painter, shape, colour if colour.isValid() else ink)
        else:
            painter.save()
            painter.setTransform(origin)
            painter.setClipRect(QRectF(*shape.clip), Qt.ClipOperation.IntersectClip)
            painter.setTransform(QTransform(*shape.matrix) * origin)
            _paint_shape(painter, shape, colour if colour.isValid() else ink)
            painter.restore()
    painter.restore()


def _paint_shape(painter: QPainter, shape: Shape, colour: QColor) -> None:
    match shape.form:
        case Form.OUTLINE:
            painter.fillPath(outline(shape.data), colour)
        case Form.RULE:
            painter.fillRect(QRectF(*shape.box), colour)
        case Form.FRAME:
            painter.setPen(QPen(colour, PEN))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(*shape.box))
        case Form.LINE:
            left, top, across, down = shape.box
            painter.setPen(QPen(colour, PEN))
            painter.drawLine(QPointF(left, top), QPointF(left + across, top + down))
        case Form.TEXT:
            font = QFont(painter.font())
            font.setPixelSize(TEXT_SIZE)
            painter.setFont(font)
            painter.setPen(colour)
            painter.drawText(QPointF(0, 0), shape.data)


@lru_cache(4096)  # the same glyphs come again and again
def outline(data: str) -> QPainterPath:
    """The outline of a glyph; the commands of its path are absolute."""
    path = QPainterPath()
    path.setFillRule(Qt.FillRule.WindingFill)
    pen = _Pen(path)
    for command, numbers in _STEP.findall(data):
        if command == "Z":
            path.closeSubpath()
            continue
        values = [float(number) for number in _NUMBER.findall(numbers)]
        count = _COUNTS[command]
        for at in range(0, len(values) - count + 1, count):
            # what follows the first pair of a move are lines
            pen.draw("L" if command == "M" and at else command, values[at : at + count])
    return path


class _Pen:
    """Follows the commands of a path."""

    def __init__(self, path: QPainterPath) -> None:
        self._path = path
        self._x = self._y = 0.0
        self._control = (0.0, 0.0)

    def draw(self, command: str, values: list[float]) -> None:
        """One command with its numbers."""
        x = self._x if command == "V" else values[0] if command == "H" else values[-2]
        y = self._y if command == "H" else values[-1]
        control = (x, y)
        if command == "M":
            self._path.moveTo(x, y)
        elif command in "LHV":
            self._path.lineTo(x, y)
        elif command == "C":
            self._path.cubicTo(*values)
        else:
            # a T goes on smoothly: its control point is the last one, mirrored
            control = (
                (values[0], values[1])
                if command == "Q"
                else (2 * self._x - self._control[0], 2 * self._y - self._control[1])
            )
            self._path.quadTo(*control, x, y)
        self._x, self._y, self._control = x, y, control
