"""Formulas as objects inside the lines of a document, each exactly on the baseline."""

from dataclasses import dataclass

from PySide6.QtCore import QObject, QRect, QRectF, QSizeF, Qt
from PySide6.QtGui import QColor, QPainter, QPyTextObject, QTextDocument, QTextFormat

from app.markup.drawing import Drawing
from app.markup.formulas import Formula
from app.ui.transcript.formula import paint

FORMULA_TYPE = QTextFormat.ObjectTypes.UserObject.value + 1
FORMULA_KEY = QTextFormat.Property.UserProperty.value + 1
OBJECT = "\ufffc"
"""The character that an object stands behind."""
SIDE = 1.0
"""Air at the left and right of a formula."""
LEAST_SCALE = 0.7
"""Formulas wider than the column are made smaller down to this; what is still wider scrolls sideways."""
EM = 1.14
"""Size of a formula beside its text: TeX's letters are lower than those of screen fonts."""


@dataclass(slots=True, eq=False)
class Inlay:
    """A typeset formula in its place; all measures are in points of the screen."""

    formula: Formula
    drawing: Drawing
    ink: QColor
    em: float
    width: float
    """Room it takes in its line."""
    height: float
    """Height that the line is told; a little less than the true one, as lines have room between them."""
    drop: float
    """Of that height, what is below the baseline."""
    natural: float
    """Width of all of it, of which only `width` is seen."""
    position: int = 0
    scroll_x: float = 0.0
    """By how much it is moved to the left where it is wider than its room."""

    @property
    def rise(self) -> float:
        """True height above the baseline."""
        return (self.drawing.height - self.drawing.depth) * self.em

    @property
    def clipped(self) -> bool:
        """Whether not all of it is seen at once."""
        return self.natural > self.width + 0.5


def fit(drawing: Drawing, em: float, room: float) -> tuple[float, float, float]:
    """The em, the width shown and the whole width of a formula in so much room."""
    natural = drawing.width * em + 2 * SIDE
    if natural <= room:
        return em, natural, natural
    scale = max(LEAST_SCALE, room / natural)
    natural *= scale
    return em * scale, min(natural, room), natural


class FormulaObject(QPyTextObject):
    """Measures and paints the formulas of one document."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.inlays: list[Inlay] = []

    def intrinsicSize(self, doc: QTextDocument, posInDocument: int, format: QTextFormat) -> QSizeF:  # noqa: A002, N803
        inlay = self.inlays[format.intProperty(FORMULA_KEY)]
        return QSizeF(inlay.width, inlay.height)

    def drawObject(
        self,
        painter: QPainter,
        rect: QRectF | QRect,
        doc: QTextDocument,
        posInDocument: int,  # noqa: N803
        format: QTextFormat,  # noqa: A002
    ) -> None:
        inlay = self.inlays[format.intProperty(FORMULA_KEY)]
        top = rect.bottom() - inlay.drop - inlay.rise
        left = rect.left() + SIDE - inlay.scroll_x
        if not inlay.clipped:
            paint(painter, inlay.drawing, left, top, inlay.em, inlay.ink)
            return
        painter.save()
        painter.setClipRect(
            QRectF(rect.left(), top - 2, inlay.width, inlay.drawing.height * inlay.em + 4),
            Qt.ClipOperation.IntersectClip,
        )
        paint(painter, inlay.drawing, left, top, inlay.em, inlay.ink)
        painter.restore()
