"""The user's own words in the model's thought: in ink, in a hairline, with who said it."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPen

from app.core.text import _
from app.ui.theme import SIZES
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.thought import INSET

RADIUS = 10
SLIP_X, SLIP_Y = 12, 8
LABEL_GAP = 6


class Slip(Section):
    """A correction."""

    def __init__(self, setting: Setting, *, gap: int) -> None:
        super().__init__(setting, role="thought", ink="ink", gap=gap, breaks=True, inset_right=SLIP_X)
        self._label = _("You:")
        self.measure(0)

    def measure(self, _width: int) -> None:
        """Leave room for the label in the text size in force."""
        self._font = self.setting.theme.font("thought", bold=True)
        self._font.setPixelSize(round(SIZES["thought"] * self.setting.scale))
        label = QFontMetricsF(self._font).horizontalAdvance(self._label)
        self.inset = INSET + SLIP_X + round(label + LABEL_GAP)

    def padding(self, row: TextRow) -> tuple[int, int]:
        """Room inside the hairline, above the first and under the last row."""
        rows = self.rows or [row]
        return SLIP_Y if row is rows[0] else 0, SLIP_Y if row is rows[-1] else 0

    def backdrop(self, painter: QPainter, row: TextRow, x: int, y: int) -> None:
        """Paint the part of the hairline that is around a row, and at the first the label."""
        first, last = row is self.rows[0], row is self.rows[-1]
        box = QRectF(x + INSET, y, self.setting.width - INSET, row.height)
        if not first:
            box.setTop(y - row.gap)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.setPen(QPen(self.setting.theme.color("hairline"), 1))
        shape = box.adjusted(0.5, 0.5 if first else -2 * RADIUS, -0.5, -0.5 if last else 2 * RADIUS)
        painter.drawRoundedRect(shape, RADIUS, RADIUS)
        if first:
            painter.setFont(self._font)
            painter.setPen(self.setting.theme.color("ink"))
            metrics = QFontMetricsF(self._font)
            middle = y + SLIP_Y + self.setting.line("thought") / 2
            painter.drawText(
                QPointF(x + INSET + SLIP_X, middle + (metrics.ascent() - metrics.descent()) / 2), self._label
            )
        painter.restore()
