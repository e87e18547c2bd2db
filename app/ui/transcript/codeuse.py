"""What readers do with code: copy it, save it, scroll it sideways."""

from pathlib import Path

from PySide6.QtCore import QPointF, Qt, Slot
from PySide6.QtGui import (
    QGuiApplication,
    QWheelEvent,
)
from PySide6.QtWidgets import QFileDialog, QWidget

from app.core.text import _
from app.markup.code import suffix_of
from app.ui.theme import Theme
from app.ui.transcript.codebar import CodeBar
from app.ui.transcript.coderow import CARD_X, CodeRow
from app.ui.transcript.column import Column
from app.ui.transcript.proserow import ProseRow
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow


class CodeUse(Column):
    """Adds the bar of cards of code."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self.code_bar = CodeBar(theme, self.viewport())
        self.code_bar.copy_asked.connect(self._copy_shown_code)
        self.code_bar.wrap_asked.connect(self._toggle_wrap)
        self.code_bar.save_asked.connect(self._save_shown_code)

    def ask(self, command: str) -> None:
        """Run a command."""
        raise NotImplementedError

    def hover(self, point: QPointF) -> None:
        """Show the bar of the code under the mouse."""
        super().hover(point)
        row = self.text_at(point)
        if isinstance(row, CodeRow):
            self.show_code_bar(row)
        elif not self.code_bar.underMouse():
            self.code_bar.hide()

    def hover_left(self) -> None:
        """The mouse is elsewhere."""
        if not self.code_bar.underMouse():
            self.code_bar.hide()

    def show_code_bar(self, row: TextRow) -> None:
        """Put the bar over the card of a row, at its upper edge or the view's."""
        rows = row.section.group(row.block.group)
        first, last = self.index_of(rows[0]), self.index_of(rows[-1])
        if first is None or last is None:
            return
        self.code_bar.point_at(row.section, row.block.group, wrapped=self.setting.wrap)
        top = max(self.row_top(first) + 3, 32)
        bottom = self.row_top(last) + rows[-1].height
        right = self.left + self.setting.width - 4
        self.code_bar.move(right - self.code_bar.width(), min(top, bottom - self.code_bar.height() - 2))
        self.code_bar.show()
        self.code_bar.raise_()

    def copy_code(self, section: Section, group: int) -> None:
        """Put a whole code on the clipboard."""
        QGuiApplication.clipboard().setText(section.code(group))
        self.code_bar.show_copied()

    def code_in_reach(self) -> tuple[Section, int] | None:
        """The code at the caret, else the last one in sight."""
        row = self.row_of(self.caret) if self.caret is not None and self.hasFocus() else None
        if isinstance(row, CodeRow):
            return row.section, row.block.group
        seen = [one for index in self.seen() if isinstance(one := self.stack.rows[index], CodeRow)]
        return (seen[-1].section, seen[-1].block.group) if seen else None

    @Slot()
    def _copy_shown_code(self) -> None:
        if self.code_bar.section is not None:
            self.copy_code(self.code_bar.section, self.code_bar.group)

    @Slot()
    def _save_shown_code(self) -> None:
        if self.code_bar.section is not None:
            self.save_code(self.code_bar.section, self.code_bar.group)

    def save_code(self, section: Section, group: int) -> None:
        """Ask for a file and write a code to it."""
        rows = section.group(group)
        name = "code" + suffix_of(rows[0].block.language if rows else "")
        path, _kind = QFileDialog.getSaveFileName(self, _("Save the code"), name)
        if path:
            text = section.code(group)
            self.write_file(Path(path), (text + "\n" if text else "").encode())

    def write_file(self, path: Path, content: bytes) -> None:
        """Write a file out of the Qt thread, and say so where it cannot be written."""
        raise NotImplementedError

    @Slot()
    def _toggle_wrap(self) -> None:
        self.ask("view.wrap")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll wide code and formulas sideways; all else scrolls the column."""
        across = event.pixelDelta().x() or event.angleDelta().x() // 2
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and not across:
            across = event.angleDelta().y() // 2
        upright = event.pixelDelta().y() or event.angleDelta().y() // 2
        if across and abs(across) >= abs(upright if not event.modifiers() else 0):
            row = self.text_at(event.position())
            if row is not None and self._scroll_row(row, event.position(), -across):
                self.viewport().update()
                event.accept()
                return
        super().wheelEvent(event)

    def _scroll_row(self, row: TextRow, point: QPointF, by: float) -> bool:
        """Scroll what is too wide in a row; whether there was anything."""
        if isinstance(row, CodeRow):
            room = self.setting.width - row.inset - row.section.inset_right - 2 * CARD_X
            return not self.setting.wrap and row.section.scroll_code(row.block.group, by, room)
        if isinstance(row, ProseRow) and row.page is not None:
            at = self.in_row(row, point) - QPointF(row.inset, row.above)
            for wide in row.page.wide:
                if wide.rect.contains(at):
                    wide.scroll(wide.inlay.scroll_x + by)
                    return True
        return False
