"""The inline card: what happened, what to do, and buttons that run commands, seldom more than one."""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QRectF, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app.core.errors import Failure
from app.core.text import _
from app.ui.button import QuietButton
from app.ui.commands import add_key, title_of
from app.ui.theme import Theme
from app.ui.transcript.endings import Ending, Offer

RADIUS = 10
PADDING = 16
TEXT_X = 36
WIDE = 460
"""From this width on a button stands beside the words."""
BESIDE = 120
"""The width of such a button; several need more."""


class NoteCard(QWidget):
    """A failure, or another end that nobody wished for, shown where it happened."""

    asked = Signal(str)
    """A button was pressed: run this command."""
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget, *, token: str = "bad", can_dismiss: bool = False) -> None:
        super().__init__(parent)
        self._theme, self._token = theme, token
        self.buttons: list[QuietButton] = []
        """The likeliest first."""
        self._message = self._label("small", bold=True)
        self._hint = self._label("small", bold=False)
        self._dismiss = QuietButton(theme, _("Dismiss"), self) if can_dismiss else None
        if self._dismiss:
            self._dismiss.clicked.connect(self.dismissed)
        theme.changed.connect(self._ink)
        self._ink()

    def _label(self, role: str, *, bold: bool) -> QLabel:
        label = QLabel(self)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setFont(self._theme.font(role, bold=bold))
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def show_failure(self, failure: Failure, *, other: str = "") -> None:
        """Show a failure and its command; `other` is a second command that would mend it."""
        offers = tuple(Offer(command) for command in (failure.command, other) if command)
        self.show_ending(Ending(failure.message, failure.hint, offers))

    def show_ending(self, ending: Ending) -> None:
        """Say what happened and offer what can be done."""
        self._message.setText(ending.message)
        self._hint.setText(ending.hint)
        self._hint.setVisible(bool(ending.hint))
        self._token = ending.mark or self._token
        self.buttons = make_buttons(self._theme, self, self.asked, self.buttons, ending.offers)
        self.setAccessibleName(f"{ending.message} {ending.hint}".strip())
        self.update()

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the card is."""
        buttons = [*self.buttons, *([self._dismiss] if self._dismiss else [])]
        taken = sum(one.sizeHint().width() + 8 for one in buttons)
        beside = width - taken >= WIDE - BESIDE
        room = width - TEXT_X - PADDING - (taken + 8 if beside and taken else 0)
        y = PADDING - 2
        for label in (self._message, self._hint):
            if not label.isHidden():
                height = label.heightForWidth(room)
                label.setGeometry(TEXT_X, y, room, height)
                y += height + 4
        bottom = y - 4 + PADDING - 2
        if not buttons:
            return bottom
        if beside:
            bottom = max(bottom, 28 + 2 * 12)
            x = width - PADDING + 8 - taken
            buttons[: len(self.buttons)] = reversed(self.buttons)  # the likeliest one stands at the edge
            top = (bottom - 28) // 2
            if bottom == 28 + 2 * 12:
                self._centre(y - 4, bottom)
        else:
            x, top = TEXT_X, y + 4
            bottom = top + 28 + PADDING - 2
        for one in buttons:
            one.setGeometry(x, top, one.sizeHint().width(), 28)
            x += one.width() + 8
        return bottom

    def _centre(self, text_bottom: int, height: int) -> None:
        shift = (height - (text_bottom - (PADDING - 2))) // 2 - (PADDING - 2)
        for label in (self._message, self._hint):
            label.move(label.x(), label.y() + shift)

    @Slot()
    def _ink(self) -> None:
        palette = self._hint.palette()
        palette.setColor(palette.ColorRole.WindowText, self._theme.color("secondary"))
        self._hint.setPalette(palette)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the hairline and the mark."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("paper"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        middle = self._message.y() + self._message.fontMetrics().height() / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color(self._token))
        painter.drawEllipse(QRectF(PADDING, middle - 4, 8, 8))
        painter.end()


def make_buttons(
    theme: Theme, parent: QWidget, asked: SignalInstance, before: Sequence[QuietButton], offers: Sequence[Offer]
) -> list[QuietButton]:
    """Buttons for offers in place of those from before, the first of them in a frame."""
    for button in before:
        button.hide()
        button.deleteLater()
    buttons: list[QuietButton] = []
    for offer in offers:
        if words := offer.words or title_of(offer.command):
            button = QuietButton(theme, words, parent, framed=not buttons)
            button.setToolTip(add_key(words, offer.command))
            button.clicked.connect(partial(asked.emit, offer.command))
            button.show()
            buttons.append(button)
    return buttons
