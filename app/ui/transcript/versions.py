"""The small switch between versions of a question or an answer: "2 of 3" between two arrows."""

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.core.text import _
from app.ui.button import draw_chevron, draw_focus
from app.ui.commands import hint_of
from app.ui.theme import Theme

HEIGHT = 28
ARROW = 24
OVERHANG = 8
"""An arrow stands in the middle of more room than it needs: by this much it is put out of the column."""


class Arrow(QAbstractButton):
    """A chevron that steps one version back or forth."""

    def __init__(self, theme: Theme, parent: QWidget, command: str, *, forth: bool) -> None:
        super().__init__(parent)
        self._theme, self._forth = theme, forth
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setToolTip(hint_of(command))
        self.setAccessibleName(_("Next version") if forth else _("Previous version"))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the chevron."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = QRectF(self.rect()).center()
        if not self._forth:  # the chevron points right
            painter.translate(middle)
            painter.rotate(180)
            painter.translate(-middle)
        hovered = self.isEnabled() and self.underMouse()
        painter.setPen(self._theme.color("ink" if hovered else "secondary", 1.0 if self.isEnabled() else 0.4))
        draw_chevron(painter, QPointF(middle), down=False)
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()).adjusted(0, 2, 0, -2), 6, self._theme)
        painter.end()


class Versions(QWidget):
    """Which of several versions is shown."""

    chosen = Signal(object)
    """The message id of another one, which is longer than Qt's integers."""

    def __init__(self, theme: Theme, parent: QWidget, versions: Sequence[int], shown: int) -> None:
        super().__init__(parent)
        self._theme, self._versions = theme, list(versions)
        self._at = self._versions.index(shown)
        self._words = _("{number} of {count}").format(number=self._at + 1, count=len(self._versions))
        self.setAccessibleName(_("Version {words}").format(words=self._words))
        self._back = Arrow(theme, self, "version.previous", forth=False)
        self._forth = Arrow(theme, self, "version.next", forth=True)
        self._back.setEnabled(self._at > 0)
        self._forth.setEnabled(self._at < len(self._versions) - 1)
        self._back.clicked.connect(self._step_back)
        self._forth.clicked.connect(self._step_forth)
        size = self.sizeHint()
        self._back.setGeometry(0, 0, ARROW, HEIGHT)
        self._forth.setGeometry(size.width() - ARROW, 0, ARROW, HEIGHT)

    def sizeHint(self) -> QSize:
        """The words and an arrow at each side."""
        width = QFontMetrics(self._theme.font("small")).horizontalAdvance(self._words)
        return QSize(width + 2 * ARROW, HEIGHT)

    @Slot()
    def _step_back(self) -> None:
        self.chosen.emit(self._versions[self._at - 1])

    @Slot()
    def _step_forth(self) -> None:
        self.chosen.emit(self._versions[self._at + 1])

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the words."""
        painter = QPainter(self)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.color("secondary"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._words)
        painter.end()
