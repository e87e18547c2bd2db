"""The inline card: what happened, what to do, and a button that runs a command; seldom a second one."""

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app.core.errors import Failure
from app.core.text import _
from app.ui.button import QuietButton
from app.ui.commands import title_of
from app.ui.theme import Theme

RADIUS = 10
PADDING = 16
TEXT_X = 36
WIDE = 460
"""From this width on a button stands beside the words."""
BESIDE = 120
"""The width of such a button; several need more."""


class NoteCard(QWidget):
    """A failure shown where it happened."""

    asked = Signal(str)
    """The button was pressed: run this command."""
    dismissed = Signal()

    def __init__(self, theme: Theme, parent: QWidget, *, token: str = "bad", can_dismiss: bool = False) -> None:
        super().__init__(parent)
        self._theme, self._token = theme, token
        self._command = self._other = ""
        self._message = self._label("small", bold=True)
        self._hint = self._label("small", bold=False)
        self._button = QuietButton(theme, "", self, framed=True)
        self._button.clicked.connect(self._press)
        self._second = QuietButton(theme, "", self)
        self._second.clicked.connect(self._press_second)
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

    def show_failure(self, failure: Failure, *, with_button: bool = True, other: str = "") -> None:
        """Show a failure; without a button where its command would no longer mean this message.

        `other` is a second command that would mend it.
        """
        self._message.setText(failure.message)
        self._hint.setText(failure.hint)
        self._hint.setVisible(bool(failure.hint))
        self._command = failure.command if with_button else ""
        title = title_of(self._command)
        self._button.setText(title)
        self._button.setVisible(bool(title))
        self._other = other
        self._second.setText(title_of(other))
        self._second.setVisible(bool(other))
        self.setAccessibleName(f"{failure.message} {failure.hint}".strip())

    @Slot()
    def _press(self) -> None:
        self.asked.emit(self._command)

    @Slot()
    def _press_second(self) -> None:
        self.asked.emit(self._other)

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the card is."""
        buttons = [one for one in (self._button, self._second, self._dismiss) if one and not one.isHidden()]
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
            buttons.sort(key=lambda one: one is not self._second)  # the likelier one stands at the edge
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
