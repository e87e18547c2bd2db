"""The line above the transcript: the chat's title, the model, the context meter, the menu."""

from PySide6.QtCore import QPoint, QRect, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.core.budget import Ledger
from app.core.protocol import ModelCard
from app.core.text import _
from app.ui.button import CHEVRON, QuietButton
from app.ui.meter import Meter
from app.ui.theme import GUTTER, Theme
from app.ui.words import say_model

HEIGHT = 48
NARROW = 640
"""Below this width the meter shows only its share."""
LEAST_TITLE = 80


class Header(QWidget):
    """What is open, with which model, and how full the context is."""

    model_asked = Signal(QPoint)
    """The models' menu is wanted; the point is its top left on the screen."""
    menu_asked = Signal(QPoint)
    """The menu of everything is wanted; the point is its top right on the screen."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._title = ""
        self._title_box = QRect()
        self.setFixedHeight(HEIGHT)
        self.model = QuietButton(theme, "", self, chevron=True)
        self.model.clicked.connect(self._ask_model)
        self._words = _("Model")
        self.meter = Meter(theme, self)
        self.menu = QuietButton(theme, _("Menu"), self)
        self.menu.clicked.connect(self._ask_menu)
        self._with_menu = True

    def set_menu(self, *, shown: bool) -> None:
        """Offer the menu of everything, where the system has no bar for it."""
        self._with_menu = shown
        self.menu.setVisible(shown)
        self._arrange()

    def show_title(self, title: str) -> None:
        """Name the chat."""
        if title != self._title:
            self._title = title
            self.setAccessibleName(title)
            self._arrange()

    def show_model(self, card: ModelCard | None, *, resting: bool = False) -> None:
        """Name the model that answers, or would if it did not rest."""
        words = say_model(card, resting=resting) if card else _("Model")
        if words != self._words:
            self._words = words
            self._arrange()

    def show_ledger(self, ledger: Ledger) -> None:
        """Move the meter."""
        if self.meter.show_ledger(ledger):
            self._arrange()

    @Slot()
    def _ask_model(self) -> None:
        self.model_asked.emit(self.model.mapToGlobal(QPoint(0, self.model.height() + 4)))

    @Slot()
    def _ask_menu(self) -> None:
        self.menu_asked.emit(self.menu.mapToGlobal(QPoint(self.menu.width(), self.menu.height() + 4)))

    def _arrange(self) -> None:
        self.meter.set_brief(brief=self.width() < NARROW)
        size = self.meter.sizeHint()
        right = self.width() - GUTTER
        if self._with_menu:
            width = self.menu.sizeHint().width()
            self.menu.setGeometry(right + 8 - width, (HEIGHT - 28) // 2, width, 28)
            right -= width  # 8 of it stand out, and 8 more are left to the meter
        self.meter.setGeometry(right - size.width(), (HEIGHT - size.height()) // 2, size.width(), size.height())
        right -= size.width() + (16 if size.width() else 0)
        metrics = QFontMetrics(self._theme.font("title", bold=True))
        wanted = metrics.horizontalAdvance(self._title) + 2 if self._title else 0
        room = max(0, right - GUTTER)
        chip = self._show_words(self._words, room - min(wanted, max(LEAST_TITLE, room * 2 // 5)))
        title = min(wanted, room - chip)
        self._title_box = QRect(GUTTER, 0, title, HEIGHT)
        x = GUTTER + title if title else GUTTER - 8
        self.model.setGeometry(x, (HEIGHT - 28) // 2, chip, 28)
        self.setToolTip(self._title if wanted > title else "")
        self.update()

    def _show_words(self, words: str, room: int) -> int:
        metrics = QFontMetrics(self._theme.font("small"))
        short = metrics.elidedText(words, Qt.TextElideMode.ElideRight, max(0, room - 16 - CHEVRON))
        fits = bool(short) and short != "…"
        self.model.setText(short if fits else "")
        self.model.setToolTip("" if short == words else words)
        self.model.setAccessibleName(_("Model: {words}").format(words=words))
        self.model.setVisible(fits)
        return self.model.sizeHint().width() if fits else 0

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
