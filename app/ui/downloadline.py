"""The line at the foot of the sidebar while a model is on its way, and when it has come."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.chat.shelfrow import Presence, ShelfRow
from app.core.text import _
from app.ui.button import draw_focus
from app.ui.library.face import ON_ITS_WAY
from app.ui.library.words import say_briefly, share_of
from app.ui.theme import Theme
from app.ui.transcript.waiting import draw_progress

INSET = 10
PADDING = 8
HEIGHT = 52


class DownloadLine(QAbstractButton):
    """Name and progress of the download under way; a press leads to the library."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._row: ShelfRow | None = None
        self._words = ""
        self._coming: set[str] = set()
        """Repositories that were on their way."""
        self._ready: set[str] = set()
        """Repositories that have come and were not looked at yet."""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip(_("All models"))
        self.hide()

    def show_rows(self, rows: Sequence[ShelfRow]) -> None:
        """Show the first download that moves, else one that stands still, else a model that has just come."""
        coming = [row for row in rows if row.presence in ON_ITS_WAY]
        coming.sort(key=lambda row: ORDER.index(row.presence))
        here = {row.repository: row for row in rows if row.presence is Presence.INSTALLED and not row.loaded}
        self._ready |= {name for name in self._coming if name in here}
        self._ready &= here.keys()
        self._coming = {row.repository for row in coming}
        ready = next((here[name] for name in self._ready), None)
        row = coming[0] if coming else ready
        words = say_briefly(row) if row in coming and row else _("Ready")
        if (row, words) != (self._row, self._words):
            self._row, self._words = row, words
            self.setAccessibleName(f"{row.label}: {words}" if row else "")
            self.update()
        self.setVisible(row is not None)

    def forget_ready(self) -> None:
        """What has come was seen."""
        self._ready.clear()
        if self._row is not None and self._row.presence is Presence.INSTALLED:
            self._row = None
            self.hide()

    def sizeHint(self) -> QSize:
        """Two lines and a bar."""
        return QSize(120, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the name, the words and the bar."""
        if self._row is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(INSET, 1, -INSET + 1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse() or self.isDown():
            painter.setBrush(self._theme.color("selected", 1.0 if self.isDown() else 0.5))
            painter.drawRoundedRect(box, 8, 8)
        if self.hasFocus():
            draw_focus(painter, box, 8, self._theme)
        inner = box.adjusted(PADDING, 4, -PADDING, 0)
        inner.setHeight(18)
        for words, role, token in ((self._row.label, "small", "ink"), (self._words, "tiny", "secondary")):
            font = self._theme.font(role)
            painter.setFont(font)
            painter.setPen(self._theme.color(token))
            short = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, int(inner.width()))
            painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, short)
            inner.translate(0, 18)
        share = share_of(self._row.transfer)
        if share is not None and self._row.presence in ON_ITS_WAY:
            alive = self._row.presence is Presence.FETCHING
            track = QRectF(inner.x(), box.bottom() - 7, inner.width(), 2)
            draw_progress(painter, track, share, self._theme, alive=alive)
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the hover."""
        self.update()
        super().leaveEvent(event)


ORDER = (Presence.FETCHING, Presence.WAITING, Presence.STOPPED, Presence.QUEUED, Presence.PAUSED)
"""Which of several downloads is shown."""
