"""The field in which a message is written."""

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QPainter, QPaintEvent, QTextBlockFormat, QTextCursor
from PySide6.QtWidgets import QFrame, QTextEdit, QWidget

from app.core.text import _
from app.ui.theme import LINES, Theme

RETURNS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
PAGES = {Qt.Key.Key_PageUp: -1, Qt.Key.Key_PageDown: 1}


class Editor(QTextEdit):
    """Plain text; Return sends, Shift+Return breaks the line, page keys scroll the transcript."""

    submitted = Signal()
    paged = Signal(int)
    focus_changed = Signal()
    up_pressed = Signal()
    """Up, where there is nothing to go up in."""
    escaped = Signal()

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
        elif event.key() == Qt.Key.Key_Up and plain == Qt.KeyboardModifier.NoModifier and self.document().isEmpty():
            self.up_pressed.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        """Take words that are dropped; what to do with files is the window's to say."""
        return source.hasText() and not any(url.isLocalFile() for url in source.urls())

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
