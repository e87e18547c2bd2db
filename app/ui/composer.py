"""The card at the foot: the message being written, the thinking choice, the speed, send or stop."""

from PySide6.QtCore import QMimeData, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QLabel, QTextEdit, QWidget

from app.core.text import _
from app.ui.button import RoundButton
from app.ui.commands import hint_of
from app.ui.theme import LINES, Theme
from app.ui.thinking import ThinkingChoice

RADIUS = 18
SHADOW = 8
"""Room around the card for its shadow."""
PADDING = 20
"""So that the text is in line with the column."""
FOOT = 44
"""Height of the line with the buttons."""
SHARE = 0.4
"""Of the window's height, at most."""
RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


class Editor(QTextEdit):
    """Plain text; Return sends, Shift+Return breaks the line, page keys scroll the transcript."""

    submitted = Signal()
    paged = Signal(int)
    focus_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFont(theme.font("text"))
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(0)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(_("Message"))
        self.placeholder = ""
        self.lift = theme.lift_of("text")
        self.set_text("")

    def set_text(self, text: str) -> None:
        """Show another draft, with the cursor at its end."""
        self.setPlainText(text)
        line = QTextBlockFormat()
        line.setLineHeight(LINES["text"], QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.setBlockFormat(line)
        cursor.movePosition(QTextCursor.MoveOperation.End)
        self.setTextCursor(cursor)
        self.document().clearUndoRedoStacks()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Send, break the line, scroll the transcript, or write."""
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if event.key() in RETURNS and plain == Qt.KeyboardModifier.NoModifier:
            self.submitted.emit()
        elif event.key() in RETURNS and plain == Qt.KeyboardModifier.ShiftModifier:
            self.textCursor().insertBlock()
            self.ensureCursorVisible()
        elif event.key() in PAGES and plain == Qt.KeyboardModifier.NoModifier:
            self.paged.emit(PAGES[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def insertFromMimeData(self, source: QMimeData) -> None:
        """Paste text as text."""
        if source.hasText():
            self.textCursor().insertText(source.text())
            self.ensureCursorVisible()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the placeholder where the text would stand; Qt's own ignores the line height."""
        super().paintEvent(event)
        if self.placeholder and self.document().isEmpty():
            painter = QPainter(self.viewport())
            painter.setFont(self.font())
            painter.setPen(self._theme.color("secondary"))
            line = self.viewport().rect().adjusted(0, self.lift, 0, 0)
            line.setHeight(LINES["text"])
            words = painter.fontMetrics().elidedText(self.placeholder, Qt.TextElideMode.ElideRight, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
            painter.end()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the card."""
        super().focusInEvent(event)
        self.focus_changed.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell the card."""
        super().focusOutEvent(event)
        self.focus_changed.emit()


class Composer(QWidget):
    """The card. It is as high as its text, up to 40 % of the window."""

    submitted = Signal()
    stop_asked = Signal()
    draft_changed = Signal(str)
    paged = Signal(int)
    height_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._running = False
        self.blank = True
        """Whether there is nothing to send."""
        self.editor = Editor(theme, self)
        self.thinking = ThinkingChoice(theme, self)
        self._speed = QLabel(self)
        self._speed.setFont(theme.font("small"))
        self._speed.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.button = RoundButton(theme, self)
        self.button.clicked.connect(self._press)
        self.editor.submitted.connect(self.submitted)
        self.editor.paged.connect(self.paged)
        self.editor.focus_changed.connect(self.update)
        self.editor.textChanged.connect(self._changed)
        self.setFocusProxy(self.editor)
        theme.changed.connect(self._take_colors)
        self._take_colors()
        self._mind_button()

    # content ------------------------------------------------------------------------------------

    def text(self) -> str:
        """The draft."""
        return self.editor.toPlainText()

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

    def show_running(self, *, running: bool, speed: str) -> None:
        """Offer to stop, and show the speed, while an answer runs."""
        if speed != self._speed.text():
            self._speed.setText(speed)
        if running != self._running:
            self._running = running
            self._mind_button()

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
        self.button.setEnabled(self._running or not self.blank)
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
        most = max(LINES["text"], int(self.window().height() * SHARE) - FOOT - PADDING - 2 * SHADOW)
        text = min(max(LINES["text"], wanted), most)
        policy = Qt.ScrollBarPolicy
        self.editor.setVerticalScrollBarPolicy(policy.ScrollBarAsNeeded if wanted > most else policy.ScrollBarAlwaysOff)
        left, top = SHADOW + PADDING, SHADOW + 14
        self.editor.setGeometry(left, top - self.editor.lift, inner, text + self.editor.lift)
        foot = top + text + 2
        choice = self.thinking.sizeHint()
        self.thinking.setGeometry(left - 8, foot + 8, choice.width(), choice.height())
        right = width - SHADOW - 8
        self.button.move(right - self.button.width(), foot + 6)
        self._speed.setGeometry(right - self.button.width() - 8 - 120, foot + 6, 120, self.button.height())
        return foot + FOOT + SHADOW

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
        words = self._speed.palette()
        words.setColor(words.ColorRole.WindowText, self._theme.color("secondary"))
        self._speed.setPalette(words)
