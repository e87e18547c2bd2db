"""The line above the transcript: the chat's title, the model, the context meter."""

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.core.budget import Ledger
from app.core.protocol import ModelCard
from app.core.text import _
from app.ui.button import QuietButton
from app.ui.commands import hint_of
from app.ui.meter import Meter
from app.ui.theme import GUTTER, Theme
from app.ui.words import say_model

HEIGHT = 48
NARROW = 640
"""Below this width the meter shows only its share."""
LEAST_TITLE = 80


class Header(QWidget):
    """What is open, with which model, and how full the context is."""

    model_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = ""
        self._title_box = QRect()
        self.setFixedHeight(HEIGHT)
        self._model = QuietButton(theme, "", self)
        self._model.setToolTip(hint_of("model.choose"))
        self._model.clicked.connect(self._ask_model)
        self._model.hide()
        self._words = ""
        self.meter = Meter(theme, self)

    def show_title(self, title: str) -> None:
        """Name the chat."""
        self._title = title
        self.setAccessibleName(title)
        self._arrange()

    def show_model(self, card: ModelCard | None) -> None:
        """Name the model that answers."""
        self._words = say_model(card) if card else ""
        self._arrange()

    def show_ledger(self, ledger: Ledger) -> None:
        """Move the meter."""
        self.meter.show_ledger(ledger)
        self._arrange()

    @Slot()
    def _ask_model(self) -> None:
        self.model_asked.emit()

    def _arrange(self) -> None:
        self.meter.set_brief(brief=self.width() < NARROW)
        size = self.meter.sizeHint()
        right = self.width() - GUTTER
        self.meter.setGeometry(right - size.width(), (HEIGHT - size.height()) // 2, size.width(), size.height())
        right -= size.width() + (16 if size.width() else 0)
        metrics = QFontMetrics(self._theme.font("title", bold=True))
        wanted = metrics.horizontalAdvance(self._title) + 2 if self._title else 0
        room = max(0, right - GUTTER)
        chip = self._show_words(self._words, room - min(wanted, max(LEAST_TITLE, room * 2 // 5)))
        title = min(wanted, room - chip)
        self._title_box = QRect(GUTTER, 0, title, HEIGHT)
        x = GUTTER + title if title else GUTTER - 8
        self._model.setGeometry(x, (HEIGHT - 28) // 2, chip, 28)
        self.setToolTip(self._title if wanted > title else "")
        self.update()

    def _show_words(self, words: str, room: int) -> int:
        metrics = QFontMetrics(self._theme.font("small"))
        short = metrics.elidedText(words, Qt.TextElideMode.ElideRight, max(0, room - 16))
        fits = bool(short) and short != "…"
        self._model.setText(short if fits else "")
        self._model.setAccessibleName(_("Model: {words}").format(words=words))
        self._model.setVisible(fits)
        return self._model.sizeHint().width() if fits else 0

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Share the width out again."""
        super().resizeEvent(event)
        self._arrange()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the title."""
        painter = QPainter(self)
        font = self._theme.font("title", bold=True)
        painter.setFont(font)
        painter.setPen(self._theme.color("ink"))
        short = QFontMetrics(font).elidedText(self._title, Qt.TextElideMode.ElideRight, self._title_box.width())
        painter.drawText(self._title_box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, short)
        painter.end()
