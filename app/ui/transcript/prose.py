"""Running text that grows at its end, can be selected and copied, and is painted without a frame."""

from collections.abc import Callable
from math import ceil
from typing import cast

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal, Slot
from PySide6.QtGui import (
    QAbstractTextDocumentLayout,
    QContextMenuEvent,
    QFocusEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPalette,
    QTextBlockFormat,
    QTextCursor,
    QTextDocument,
    QTextOption,
)
from PySide6.QtWidgets import QMenu, QWidget

from app.core.text import _
from app.ui.theme import LINES, Theme

GAP = 12
"""Height of a blank line: less than a line of text, as between paragraphs."""
PARAGRAPH = "\u2029"
"""What Qt writes for a line break inside a selection."""
CARET = 2
"""Width of the caret."""
STEPS = {
    Qt.Key.Key_Left: QTextCursor.MoveOperation.Left,
    Qt.Key.Key_Right: QTextCursor.MoveOperation.Right,
    Qt.Key.Key_Up: QTextCursor.MoveOperation.Up,
    Qt.Key.Key_Down: QTextCursor.MoveOperation.Down,
    Qt.Key.Key_Home: QTextCursor.MoveOperation.StartOfLine,
    Qt.Key.Key_End: QTextCursor.MoveOperation.EndOfLine,
}
"""How keys move the caret, in a text that has one."""


class Prose(QWidget):
    """Text in one style of the theme ("text", "thought" or "code").

    Text is only ever put at the end: the document lays out the last paragraph again, not the whole.
    """

    dragged = Signal(QPoint)
    """A selection is being dragged, or the caret moved; the point is in this widget's coordinates."""
    menu_opening = Signal(QMenu, int)
    """The context menu is about to open at so many characters of the text given: more may be put into it."""

    def __init__(self, theme: Theme, style: str, ink: str, parent: QWidget, *, caret: bool = False) -> None:
        super().__init__(parent)
        self._theme, self._style, self._ink, self._caret = theme, style, ink, caret
        self._keeps_gaps = style == "code"
        self._lift = theme.lift_of(style)
        self._held = ""
        self._skipped = 0
        """Blank lines before the first word, which are not shown."""
        self._clicks_end = QPoint()
        self.taken = 0
        """Characters given so far."""
        self.painted = 0
        """Characters that have been on screen."""
        self.after_paint: Callable[[], None] | None = None
        self._document = QTextDocument(self)
        self._document.setUndoRedoEnabled(False)
        self._document.setDocumentMargin(0)
        self._document.setDefaultFont(theme.font(style))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self._document.setDefaultTextOption(option)
        self._line = QTextBlockFormat()
        self._line.setLineHeight(LINES[style], QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        self._gap = QTextBlockFormat()
        self._gap.setLineHeight(GAP, QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        self._end = QTextCursor(self._document)
        self._end.setBlockFormat(self._line)
        self._selection = QTextCursor(self._document)
        self._document.documentLayout().update.connect(self._repaint)
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)

    # text ---------------------------------------------------------------------------------------

    def append(self, text: str) -> None:
        """Put text at the end; blank lines at either end of the whole are not shown."""
        self.taken += len(text)
        text = self._held + text
        shown = text.rstrip("\n")
        self._held = text[len(shown) :]
        if not shown:
            return
        if self._document.isEmpty():
            self._skipped = len(shown) - len(shown.lstrip("\n"))
            shown = shown[self._skipped :]
        self._end.beginEditBlock()
        first, *rest = shown.split("\n")
        self._end.insertText(first)
        for line in rest:
            if not self._keeps_gaps and self._end.block().length() == 1:
                self._end.setBlockFormat(self._gap)
            self._end.insertBlock(self._line)
            self._end.insertText(line)
        self._end.endEditBlock()

    def retract(self, characters: int) -> None:
        """Take so many characters away from the end."""
        self.taken -= characters
        self.painted = min(self.painted, self.taken)
        shown = max(0, characters - len(self._held))
        self._held = self._held[: len(self._held) - characters + shown]
        if not shown:
            return
        kept = self.text()[:-shown]
        stays = kept.rstrip("\n")
        self._held = kept[len(stays) :]
        if not stays:
            self._held, self._skipped = "\n" * self._skipped + self._held, 0
        cursor = QTextCursor(self._document)
        cursor.setPosition(_units(stays))
        cursor.movePosition(QTextCursor.MoveOperation.End, QTextCursor.MoveMode.KeepAnchor)
        cursor.removeSelectedText()

    @property
    def empty(self) -> bool:
        """True where nothing would be seen."""
        return self._document.isEmpty()

    def text(self) -> str:
        """The text as shown."""
        return self._document.toPlainText()

    def height_at(self, width: int) -> int:
        """Lay the text out in a width and say how high it is."""
        if self._document.textWidth() != width:
            self._document.setTextWidth(width)
        return ceil(self._document.size().height())

    def baseline(self) -> float:
        """Where the letters of the first line stand, once it is laid out."""
        line = self._document.firstBlock().layout().lineForTextPosition(0)
        return line.y() + line.ascent() - self._lift if line.isValid() else 0.0

    def natural_width(self) -> int:
        """The width of the longest line if nothing had to wrap."""
        self._document.setTextWidth(-1)
        return ceil(self._document.idealWidth())

    # selection ----------------------------------------------------------------------------------

    def selected_text(self) -> str:
        """The selected text, with ordinary line breaks."""
        return self._selection.selectedText().replace(PARAGRAPH, "\n")

    def copy(self) -> None:
        """Put the selection on the clipboard."""
        if self._selection.hasSelection():
            QGuiApplication.clipboard().setText(self.selected_text())

    def select_all(self) -> None:
        """Select everything in this text."""
        self._selection.select(QTextCursor.SelectionType.Document)
        self.update()

    def _position(self, point: QPointF) -> int:
        lifted = point + QPointF(0, self._lift)
        return self._document.documentLayout().hitTest(lifted, Qt.HitTestAccuracy.FuzzyHit)

    # the caret ----------------------------------------------------------------------------------

    @property
    def place(self) -> int:
        """Where the caret is: so many characters of the text given stand before it."""
        return self._characters(self._selection.position())

    def place_at_end(self) -> None:
        """Put the caret behind the last character and the keyboard into this text."""
        self._selection.movePosition(QTextCursor.MoveOperation.End)
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.dragged.emit(self._caret_box().center().toPoint())
        self.update()

    def _characters(self, position: int) -> int:
        """A position of the document, which counts in units of UTF-16, as characters of the text given."""
        head = self.text().encode("utf-16-le", "surrogatepass")[: 2 * position]
        shown = len(head.decode("utf-16-le", "ignore"))
        return shown and shown + self._skipped

    def _caret_box(self) -> QRectF:
        block = self._document.findBlock(self._selection.position())
        within = self._selection.position() - block.position()
        top = self._document.documentLayout().blockBoundingRect(block).top() - self._lift
        line = block.layout().lineForTextPosition(within)
        if not line.isValid():
            return QRectF(0, top, CARET, LINES[self._style])
        x, _at = cast("tuple[float, int]", line.cursorToX(within))
        left = min(x, self.width() - CARET)
        return QRectF(left, top + line.y(), CARET, line.height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin or extend a selection; a third click takes the paragraph."""
        if event.button() is not Qt.MouseButton.LeftButton:
            return
        extends = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        mode = QTextCursor.MoveMode.KeepAnchor if extends else QTextCursor.MoveMode.MoveAnchor
        self._selection.setPosition(self._position(event.position()), mode)
        if event.position().toPoint() == self._clicks_end:
            self._selection.select(QTextCursor.SelectionType.BlockUnderCursor)
        self._clicks_end = QPoint(-1, -1)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Extend the selection."""
        self._selection.setPosition(self._position(event.position()), QTextCursor.MoveMode.KeepAnchor)
        self.dragged.emit(event.position().toPoint())
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Select a word."""
        self._selection.setPosition(self._position(event.position()))
        self._selection.select(QTextCursor.SelectionType.WordUnderCursor)
        self._clicks_end = event.position().toPoint()
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy, select all, move the caret where there is one; other keys belong to the window."""
        step = STEPS.get(Qt.Key(event.key())) if self._caret else None
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
        elif step is not None:
            extends = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
            anchor = QTextCursor.MoveMode.KeepAnchor if extends else QTextCursor.MoveMode.MoveAnchor
            self._selection.movePosition(step, anchor)
            self.dragged.emit(self._caret_box().center().toPoint())
            self.update()
        else:
            event.ignore()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the caret."""
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Let go of the selection when another text or control is used, not for a menu or another window."""
        if event.reason() in {Qt.FocusReason.MouseFocusReason, Qt.FocusReason.TabFocusReason}:
            self._selection.clearSelection()
        self.update()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer copying, and what the owner of the text adds."""
        keyboard = event.reason() is QContextMenuEvent.Reason.Keyboard
        at = self._selection.position() if keyboard else self._position(QPointF(event.pos()))
        menu = QMenu(self)
        copy = menu.addAction(_("Copy"), self.copy)
        copy.setEnabled(self._selection.hasSelection())
        menu.addAction(_("Select all"), self.select_all)
        self.menu_opening.emit(menu, self._characters(at))
        menu.exec(event.globalPos())
        menu.deleteLater()

    # paint --------------------------------------------------------------------------------------

    @Slot(QRectF)
    def _repaint(self, area: QRectF) -> None:
        self.update(area.translated(0, -self._lift).toAlignedRect().intersected(self.rect()))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines that are in sight."""
        context = QAbstractTextDocumentLayout.PaintContext()
        context.clip = QRectF(event.rect()).translated(0, self._lift)
        palette = QPalette(self.palette())
        palette.setColor(QPalette.ColorRole.Text, self._theme.color(self._ink))
        context.palette = palette
        if self._selection.hasSelection():
            selected = QAbstractTextDocumentLayout.Selection()
            selected.cursor = self._selection
            selected.format.setBackground(self._theme.color("selection"))
            context.selections = [selected]
        painter = QPainter(self)
        painter.translate(0, -self._lift)
        self._document.documentLayout().draw(painter, context)
        if self._caret and self.hasFocus() and not self._selection.hasSelection():
            painter.fillRect(self._caret_box().translated(0, self._lift), self._theme.color("accent"))
        painter.end()
        if self.painted < self.taken and event.rect().bottom() >= self.height() - LINES[self._style]:
            self.painted = self.taken
            if self.after_paint is not None:
                self.after_paint()


def _units(text: str) -> int:
    """How many units of UTF-16 a text takes, which is how Qt counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
