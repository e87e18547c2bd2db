"""The context meter: a ring and words that tell the truth before sending."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.core.budget import Ledger
from app.core.text import _
from app.ui.theme import Theme
from app.ui.words import say_ledger

RING = 20
GAP = 8
FULL = 0.95
"""From this share on the arc warns."""


class Meter(QWidget):
    """How much of the context is used, draft included."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ledger = Ledger(0, 0, 0, 0, exact=False)
        self._brief = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_ledger(self, ledger: Ledger) -> bool:
        """Show another ledger; whether it takes another room."""
        if ledger == self._ledger:
            return False
        before = self.sizeHint()
        self._ledger = ledger
        words = say_ledger(ledger)
        self.setAccessibleName(_("Context: {words}").format(words=words))
        self.updateGeometry()
        self.update()
        return self.sizeHint() != before

    def explain(self, words: str) -> None:
        """Say in full what uses the context, to whoever points at it or has it read out."""
        self.setToolTip(words)
        self.setAccessibleDescription(words)

    def set_brief(self, *, brief: bool) -> None:
        """Show only the share where there is little room."""
        if brief != self._brief:
            self._brief = brief
            self.updateGeometry()
            self.update()

    def sizeHint(self) -> QSize:
        """The ring and the words; nothing until there is something to say."""
        if not self._ledger.ceiling:
            return QSize(0, RING + 4)
        words = say_ledger(self._ledger, brief=self._brief)
        width = QFontMetrics(self._theme.font("small")).horizontalAdvance(words)
        return QSize(RING + GAP + width + 2, RING + 4)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the track, the arc and the words."""
        if not self._ledger.ceiling:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        ring = QRectF(2, (self.height() - RING) / 2 + 1.5, RING - 3, RING - 3)
        painter.setPen(QPen(self._theme.color("hairline"), 3))
        painter.drawEllipse(ring)
        share = self._ledger.share
        if share > 0:
            token = "bad" if share >= FULL else "accent"
            painter.setPen(QPen(self._theme.color(token), 3, c=Qt.PenCapStyle.RoundCap))
            painter.drawArc(ring, 90 * 16, -max(16, round(share * 360 * 16)))
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.color("secondary"))
        words = self.rect().adjusted(RING + GAP, 0, 0, 0)
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, say_ledger(self._ledger, brief=self._brief))
        painter.end()
