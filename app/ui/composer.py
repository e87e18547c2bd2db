"""The card at the foot: the message being written, the thinking choice, the speed or the cost, send or stop."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QLabel, QWidget

from app.core.text import _
from app.ui.attached import Attached
from app.ui.button import RoundButton
from app.ui.commands import hint_of
from app.ui.editor import Editor
from app.ui.theme import LINES, Theme
from app.ui.thinking import ThinkingChoice

RADIUS = 18
SHADOW = 8
"""Room around the card for its shadow."""
PADDING = 20
"""So that the text is in line with the column."""
ROWS_GAP = 10
"""Between the documents and the text."""
FOOT = 44
"""Height of the line with the buttons."""
SHARE = 0.4
"""Of the window's height, at most."""
NOTE_MS = 8_000
"""How long a note stands."""


class Composer(QWidget):
    """The card. It is as high as its text, up to 40 % of the window."""

    submitted = Signal()
    stop_asked = Signal()
    draft_changed = Signal(str)
    paged = Signal(int)
    height_changed = Signal()
    edit_asked = Signal()
    """The last question is wanted here, to be put into other words."""
    edit_left = Signal()
    """It is not wanted any more."""
    detached = Signal(int)
    """The document with this number is not to go along."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._running = self._blocked = False
        self.blank = True
        """Whether there is nothing to send."""
        self.editor = Editor(theme, self)
        self.thinking = ThinkingChoice(theme, self)
        self._number = self._label(Qt.AlignmentFlag.AlignRight)
        self._hint = self._label(Qt.AlignmentFlag.AlignLeft)
        self._hints: list[str] = []
        self._note = ""
        self._noting = QTimer(self, singleShot=True, interval=NOTE_MS)
        self._noting.timeout.connect(self._leave_note)
        self.attached = Attached(theme, self)
        self.attached.removed.connect(self.detached)
        self.attached.edit_left.connect(self.edit_left)
        self._names: list[str] = []
        self._editing = False
        self.button = RoundButton(theme, self)
        self.button.clicked.connect(self._press)
        self.editor.submitted.connect(self.submitted)
        self.editor.paged.connect(self.paged)
        self.editor.up_pressed.connect(self.edit_asked)
        self.editor.escaped.connect(self.edit_left)
        self.editor.focus_changed.connect(self.update)
        self.editor.textChanged.connect(self._changed)
        self.setFocusProxy(self.editor)
        theme.changed.connect(self._take_colors)
        self._take_colors()
        self._mind_button()

    def _label(self, side: Qt.AlignmentFlag) -> QLabel:
        label = QLabel(self)
        label.setFont(self._theme.font("small"))
        label.setAlignment(side | Qt.AlignmentFlag.AlignVCenter)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        return label

    # content ------------------------------------------------------------------------------------

    def text(self) -> str:
        """The draft."""
        return self.editor.toPlainText()

    @property
    def hint(self) -> str:
        """What the foot says about keys, or the note in its place."""
        return self._hint.text()

    @property
    def number(self) -> str:
        """The speed or the cost that the foot shows."""
        return self._number.text()

    def show_draft(self, text: str) -> None:
        """Show another draft without announcing it."""
        if text == self.text():
            return
        self.editor.blockSignals(True)
        self.editor.set_text(text)
        self.editor.blockSignals(False)
        self._mind_button()
        self.height_changed.emit()

    def show_placeholder(self, words: str) -> None:
        """What stands there while nothing is written."""
        if words == self.editor.placeholder:
            return
        self.editor.placeholder = words
        self.editor.setAccessibleDescription(words)
        self.editor.viewport().update()

    def show_running(self, *, running: bool, number: str, blocked: bool = False) -> None:
        """Offer to stop while an answer runs; the number is its speed, or what the next question costs.

        `blocked` says that nothing can be sent though there is nothing to stop.
        """
        if number != self._number.text():
            self._number.setText(number)
            self._arrange_foot()
        if (running, blocked) != (self._running, self._blocked):
            self._running, self._blocked = running, blocked
            self._mind_button()

    def show_budget(self, budget: int, preferred: int) -> None:
        """Show how long the model may think in this chat, and what the settings prefer."""
        self.thinking.show_budget(budget, preferred)
        self._arrange_foot()

    def show_hints(self, hints: Sequence[str]) -> None:
        """Say what keys do now, in the first of several ways that there is room for."""
        if list(hints) != self._hints:
            self._hints = list(hints)
            self._arrange_foot()

    def say(self, note: str) -> None:
        """Show a note in place of the hints for a while."""
        self._note = note
        self._noting.start()
        self._arrange_foot()

    @Slot()
    def _leave_note(self) -> None:
        self._note = ""
        self._arrange_foot()

    def show_attached(self, names: Sequence[str]) -> None:
        """Show which documents go along."""
        self._names = list(names)
        self._mind_attached()

    def show_editing(self, *, editing: bool) -> None:
        """Say that what stands here takes the place of a question."""
        self._editing = editing
        self._mind_attached()

    def _mind_attached(self) -> None:
        if self.attached.show_names(self._names, editing=self._editing):
            self.height_changed.emit()

    @Slot()
    def _changed(self) -> None:
        self._mind_button()
        self.draft_changed.emit(self.text())
        self.height_changed.emit()

    @Slot()
    def _press(self) -> None:
        if self.button.stops:
            self.stop_asked.emit()
        else:
            self.submitted.emit()

    def _mind_button(self) -> None:
        self.button.stops = self._running
        self.blank = not self.text().strip()
        self.button.setEnabled(self._running or not (self.blank or self._blocked))
        command = "chat.stop" if self._running else "chat.send"
        self.button.setToolTip(hint_of(command))
        self.button.setAccessibleName(_("Stop") if self._running else _("Send"))
        self.button.update()

    # layout and paint ---------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the card is, its shadow included."""
        inner = width - 2 * (SHADOW + PADDING)
        self.editor.document().setTextWidth(inner)
        wanted = round(self.editor.document().size().height())
        left, top = SHADOW + PADDING, SHADOW + 14
        if not self.attached.empty:
            rows = self.attached.height_at(inner)
            self.attached.setGeometry(left, top, inner, rows)
            top += rows + ROWS_GAP
        most = max(LINES["text"], int(self.window().height() * SHARE) - top - 2 - FOOT - SHADOW)
        text = min(max(LINES["text"], wanted), most)
        policy = Qt.ScrollBarPolicy
        self.editor.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if wanted > most else policy.ScrollBarAlwaysOff)
        self.editor.setGeometry(left, top - self.editor.lift, inner, text + self.editor.lift)
        foot = top + text + 2
        choice = self.thinking.sizeHint()
        self.thinking.setGeometry(left - 8, foot + 8, choice.width(), choice.height())
        self.button.move(width - SHADOW - 8 - self.button.width(), foot + 6)
        self._arrange_foot()
        return foot + FOOT + SHADOW

    def _arrange_foot(self) -> None:
        """Share the line between the thinking choice and the button out: the number first, then a hint that fits."""
        y, height = self.button.y(), self.button.height()
        left, right = self.thinking.geometry().right() + 1 + 8, self.button.x() - 8
        metrics = self._number.fontMetrics()
        number = min(metrics.horizontalAdvance(self._number.text()) + 1, max(0, right - left))
        self._number.setGeometry(right - number, y, number, height)
        room = right - number - (16 if number > 1 else 0) - left
        wanted = [self._note] if self._note else self._hints
        words = next((one for one in wanted if metrics.horizontalAdvance(one) < room), "")
        self._hint.setText(words)
        self._hint.setGeometry(left, y, max(0, room), height)

    def sizeHint(self) -> QSize:
        """As high as the text at the present width."""
        return QSize(self.width(), self.height_at(max(self.width(), 200)))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the shadow and the card."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        card = QRectF(self.rect()).adjusted(SHADOW, SHADOW, -SHADOW, -SHADOW)
        painter.setPen(Qt.PenStyle.NoPen)
        for spread in range(SHADOW - 1, 0, -1):
            painter.setBrush(self._theme.color("shadow", 0.025 if self._theme.dark else 0.005))
            around = card.adjusted(-spread, -spread + 2, spread, spread)
            painter.drawRoundedRect(around, RADIUS + spread, RADIUS + spread)
        focused = self.editor.hasFocus()
        painter.setPen(QPen(self._theme.color("outline" if focused else "hairline"), 1))
        painter.setBrush(self._theme.color("card"))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.end()

    @Slot()
    def _take_colors(self) -> None:
        palette = self.editor.palette()
        palette.setColor(palette.ColorRole.Base, Qt.GlobalColor.transparent)
        palette.setColor(palette.ColorRole.Text, self._theme.color("ink"))
        palette.setColor(palette.ColorRole.Highlight, self._theme.color("selection"))
        palette.setColor(palette.ColorRole.HighlightedText, self._theme.color("ink"))
        self.editor.setPalette(palette)
