"""What an empty chat shows: one sentence, the keys that start, and the choice of a model until there is one."""

from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from app.chat.changes import EngineState, EngineView
from app.core.text import _
from app.ui.commands import add_key
from app.ui.library.lines import balance
from app.ui.library.row import ModelRow, RowButton
from app.ui.library.sheet import see_around
from app.ui.start import Choice, make_choice, needs_choice
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.ticker import Ticker
from app.ui.words import name_model

if TYPE_CHECKING:
    from app.chat.shelf import Shelf

TITLE_LINE = 28
LINE = 22
GAP = 8
CARD_GAP = 20
CARD = 600
"""Widest card."""
RADIUS = 14
BUTTON = 28


class EmptyState(QWidget):
    """A quiet page with one sentence, and a card with models while none was chosen."""

    asked = Signal(str, str)
    """A verb, and the key of a model."""
    command_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: list[str] = []
        self._view = EngineView(EngineState.STARTING)
        self._chosen = ""
        self._shelf: Shelf | None = None
        self._choice: Choice | None = None
        self.rows: list[ModelRow] = []
        self._card = QRect()
        self._top = 0
        self._broken: list[str] = []
        self._ticker = Ticker(self._draw, self)
        self.others = RowButton(theme, _("Other models…"), self)
        self.others.setToolTip(add_key(_("Other models…"), "model.library"))
        self.others.clicked.connect(self._ask_library)
        self.others.hide()
        self._draw()

    def show_engine(self, view: EngineView, chosen: str = "") -> None:
        """Say what a question would meet; `chosen` is the folder of the model that a person named."""
        self._view, self._chosen = view, chosen
        self._draw()

    def show_shelf(self, shelf: "Shelf") -> None:
        """Say which models there are; at most four times a second, for downloads tell much."""
        self._shelf = shelf
        self._ticker.ask()

    @Slot()
    def _ask_library(self) -> None:
        self.command_asked.emit("model.library")

    # content ------------------------------------------------------------------------------------

    def _draw(self) -> None:
        self._choice = self._choose()
        choice = self._choice
        lines = [choice.sentence] if choice else self._say_calmly()
        self._show_rows(choice)
        self.others.setVisible(choice is not None and self._shelf is not None)
        if lines != self._lines:
            self._lines = lines
            self.setAccessibleName(" ".join([self._title(), *lines]))
        self._arrange()

    def _choose(self) -> Choice | None:
        shelf = self._shelf
        if shelf is None or not needs_choice(self._view, self._chosen):
            return None
        return make_choice(shelf, self._view, see_around(shelf, datetime.now().astimezone()))

    def _say_calmly(self) -> list[str]:
        lines = [_("Return sends, Shift+Return breaks the line. Nothing leaves this machine.")]
        card = self._view.card
        if card is not None and card.release == "starter":
            lines.append(_("{model} is a small stand-in for trying the app.").format(model=name_model(card)))
        elif self._view.state in {EngineState.STARTING, EngineState.LOADING}:
            lines.append(_("You can write already: a question waits until the model is loaded."))
        return lines

    def _show_rows(self, choice: Choice | None) -> None:
        """Keep a row whose model stays, and with it the keyboard."""
        faces = choice.faces if choice else ()
        before = {row.key: row for row in self.rows}
        self.rows = []
        for key, face in faces:
            row = before.pop(key, None)
            if row is None:
                row = ModelRow(self._theme, key, self)
                row.setFocusPolicy(Qt.FocusPolicy.NoFocus)
                row.asked.connect(self.asked)
            row.show_face(face)
            self.rows.append(row)
        for row in before.values():
            row.hide()
            row.deleteLater()
        for one, next_one in pairwise(self._buttons()):
            QWidget.setTabOrder(one, next_one)

    def _buttons(self) -> list[RowButton]:
        """In the order in which they stand."""
        return [*(button for row in self.rows for button in row.buttons.values()), self.others]

    def _title(self) -> str:
        return _("What shall we work out?")

    # layout and paint ---------------------------------------------------------------------------

    def _arrange(self) -> None:
        width = min(COLUMN, self.width() - 2 * GUTTER)
        font = self._theme.font("thought")
        text = min(width, CARD) if self._choice else width
        self._broken = [row for line in self._lines for row in balance(line, font, text)]
        head = TITLE_LINE + GAP + LINE * len(self._broken)
        card = min(CARD, self.width() - 2 * GUTTER)
        heights = [row.height_at(card) for row in self.rows]
        foot = BUTTON + GAP if not self.others.isHidden() else 0
        shown = len(heights)
        while shown and head + CARD_GAP + sum(heights[:shown]) + foot > self.height():
            shown -= 1  # the library has all of them
        body = CARD_GAP + sum(heights[:shown]) if shown else 0
        self._top = max(GAP, round((self.height() - head - body - foot) * 0.45))
        x, y = (self.width() - card) // 2, self._top + head + CARD_GAP
        self._card = QRect(x, y, card, sum(heights[:shown])) if shown else QRect()
        for at, row in enumerate(self.rows):
            row.setVisible(at < shown)
            if at < shown:
                row.setGeometry(x, y, card, heights[at])
                y += heights[at]
        size = self.others.sizeHint()
        below = self._top + head + body + GAP
        self.others.setGeometry((self.width() - size.width()) // 2, below, size.width(), size.height())
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the new size."""
        super().resizeEvent(event)
        self._arrange()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows go from button to button."""
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        shown = [button for button in self._buttons() if button.isVisible()]
        at = next((at for at, button in enumerate(shown) if button.hasFocus()), None)
        if step and at is not None:
            shown[min(max(0, at + step), len(shown) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sentence a little above the middle, and the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = min(COLUMN, self.width() - 2 * GUTTER)
        x, y = (self.width() - width) / 2, self._top
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(self._theme.font("lead", bold=True))
        painter.setPen(self._theme.color("ink"))
        painter.drawText(QRectF(x, y, width, TITLE_LINE), flags, self._title())
        painter.setFont(self._theme.font("thought"))
        painter.setPen(self._theme.color("secondary"))
        y += TITLE_LINE + GAP
        for row in self._broken:
            painter.drawText(QRectF(x, y, width, LINE), flags, row)
            y += LINE
        if not self._card.isNull():
            self._paint_card(painter)
        painter.end()

    def _paint_card(self, painter: QPainter) -> None:
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("card"))
        painter.drawRoundedRect(QRectF(self._card).adjusted(-0.5, -0.5, 0.5, 0.5), RADIUS, RADIUS)
        for row in self.rows[1:]:
            if row.isVisible():
                painter.fillRect(self._card.x(), row.y(), self._card.width(), 1, self._theme.color("hairline"))
