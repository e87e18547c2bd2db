"""Reading with the keyboard: the caret moves by characters, words, lines, blocks and messages."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.transcript.places import Places, Spot
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow


class Keys(Places):
    """Adds the keys."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self._wanted_x: float | None = None
        """Where the caret goes in rows that are long enough, when it moves up and down."""
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """The keyboard comes: the caret stands where the reader looks."""
        super().focusInEvent(event)
        tabbed = event.reason() in {Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason}
        if self.caret is None and tabbed:
            for index in self.seen():
                row = self.stack.rows[index]
                if isinstance(row, TextRow) and self.row_top(index) >= 0:
                    spot = Spot(row.section, row.block.start)
                    self.select(spot, spot)
                    break
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """The caret is not shown."""
        super().focusOutEvent(event)
        self.viewport().update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the caret, extend the selection, copy; all other keys are the window's."""
        if event.matches(QKeySequence.StandardKey.Copy) and self.copy():
            event.accept()
        elif event.matches(QKeySequence.StandardKey.SelectAll):
            self.select_all()
            event.accept()
        elif event.key() == Qt.Key.Key_Escape and self.has_selection():
            self.select(self.caret, self.caret)
            event.accept()
        elif not self._move(event):
            event.ignore()

    def _move(self, event: QKeyEvent) -> bool:
        for key, select, motion in _KEYS:
            if event.matches(key):
                self._go(motion, extend=select)
                return True
        block = event.modifiers() & ~Qt.KeyboardModifier.ShiftModifier & ~Qt.KeyboardModifier.KeypadModifier
        if block == Qt.KeyboardModifier.ControlModifier and event.key() in _BLOCKS:
            self._go(_BLOCKS[Qt.Key(event.key())], extend=bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
            return True
        if block == Qt.KeyboardModifier.AltModifier and event.key() in _BLOCKS:
            self._step_message(-1 if event.key() == Qt.Key.Key_Up else 1)
            return True
        if event.key() in {Qt.Key.Key_PageUp, Qt.Key.Key_PageDown} and not event.modifiers():
            self.page(-1 if event.key() == Qt.Key.Key_PageUp else 1)
            return True
        return False

    def _go(self, motion: str, *, extend: bool) -> None:
        if self.caret is None:
            spot = self.spot_at(QPointF(self.viewport().width() / 2, 8))
            if spot is None:
                return
            self.select(spot, spot)
        spot = self._target(motion)
        if not motion.startswith("line"):
            self._wanted_x = None
        if spot is not None:
            self.select(self.anchor if extend else spot, spot)
            self.show_spot(spot)

    def show_spot(self, spot: Spot, *, centre: bool = False) -> None:
        """Scroll until a place is in sight."""
        row = self.row_of(spot)
        index = self.index_of(row) if row is not None else None
        if row is not None and index is not None:
            if not row.known:
                self._lay_out_row(index)
            self.reveal(index, row.caret(row.position(spot.offset)), centre=centre)

    def _target(self, motion: str) -> Spot | None:
        """Where a motion of the caret leads."""
        caret = self.caret
        row = self.row_of(caret) if caret is not None else None
        if caret is None or row is None or self.index_of(row) is None:
            return None
        texts = [section for section in self.shown_sections() if section.rows]
        if motion == "start":
            return Spot(texts[0], 0)
        if motion == "end":
            return Spot(texts[-1], len(texts[-1].source))
        kind, _space, way = motion.rpartition(" ")
        move = {
            "": self._sideways,
            "word": self._by_word,
            "line": self._vertically,
            "block": self._by_block,
            "edge": self._along_line,
        }[kind]
        return move(row, row.position(caret.offset), -1 if way in {"left", "up", "start"} else 1)

    def _sideways(self, row: TextRow, position: int, step: int) -> Spot | None:
        """One character on; positions that show at one place of the source are one."""
        here = row.offset(position)
        end = row.end
        while 0 <= position + step <= end:
            position += step
            if row.offset(position) != here:
                return Spot(row.section, row.offset(position))
        return self._beside(row, step)

    def _beside(self, row: TextRow, step: int) -> Spot | None:
        """The nearer end of the next row of text."""
        index = self.stack.rows.index(row) + step
        if not 0 <= index < len(self.stack.rows):
            return None
        other = self._text_near(index, down=step > 0)
        if other is None:
            return None
        return Spot(other.section, other.offset(0 if step > 0 else other.end))

    def _by_word(self, row: TextRow, position: int, step: int) -> Spot | None:
        end = row.end
        if (position <= 0 and step < 0) or (position >= end and step > 0):
            return self._beside(row, step)
        at = position
        while 0 <= at + step <= end:
            at += step
            start, stop = row.word(at)
            edge = start if step < 0 else stop
            if start < stop and (edge < position if step < 0 else edge > position):
                return Spot(row.section, row.offset(edge))
        return Spot(row.section, row.offset(0 if step < 0 else end))

    def _vertically(self, row: TextRow, position: int, step: int) -> Spot | None:
        box = row.caret(position)
        index = self.stack.rows.index(row)
        x = self._wanted_x if self._wanted_x is not None else box.left()
        self._wanted_x = x
        y = box.center().y()
        reach = box.height()
        for _try in range(12):  # lines with formulas are higher than others
            y += step * reach / 2
            if not 0 <= y < row.height:
                break
            found = row.hit(x, y)
            other = row.caret(found)
            if step * (other.center().y() - box.center().y()) > reach / 3:
                return Spot(row.section, row.offset(found))
        other_row = self._text_near(index + step, down=step > 0) if 0 <= index + step < len(self.stack.rows) else None
        if other_row is None:
            return None
        if not other_row.known:
            self._lay_out_row(self.stack.rows.index(other_row))
        edge = 2.0 if step > 0 else other_row.height - 3.0
        return Spot(other_row.section, other_row.offset(other_row.hit(x, edge)))

    def _by_block(self, row: TextRow, position: int, step: int) -> Spot | None:
        if step < 0 and position > 0:
            return Spot(row.section, row.offset(0))
        index = self.stack.rows.index(row) + step
        other = self._text_near(index, down=step > 0) if 0 <= index < len(self.stack.rows) else None
        if other is None:
            return Spot(row.section, row.offset(row.end)) if step > 0 else None
        return Spot(other.section, other.offset(0))

    def _along_line(self, row: TextRow, position: int, step: int) -> Spot | None:
        box = row.caret(position)
        found = row.hit(float(self.setting.width) if step > 0 else 0.0, box.center().y())
        return Spot(row.section, row.offset(found))

    def _step_message(self, step: int) -> None:
        """Go to the first block of the message before or after."""
        sections = [section for section in self.shown_sections() if section.rows]
        if not sections:
            return
        here = self.caret.section if self.caret is not None else None
        at = next((index for index, section in enumerate(sections) if section is here), None)
        at = (len(sections) if step < 0 else -1) if at is None else at
        at += step
        if 0 <= at < len(sections):
            spot = Spot(sections[at], 0)
            self.select(spot, spot)
            self.show_spot(spot)


_Key = QKeySequence.StandardKey
_KEYS = (
    (_Key.MoveToNextChar, False, "right"),
    (_Key.MoveToPreviousChar, False, "left"),
    (_Key.SelectNextChar, True, "right"),
    (_Key.SelectPreviousChar, True, "left"),
    (_Key.MoveToNextWord, False, "word right"),
    (_Key.MoveToPreviousWord, False, "word left"),
    (_Key.SelectNextWord, True, "word right"),
    (_Key.SelectPreviousWord, True, "word left"),
    (_Key.MoveToNextLine, False, "line down"),
    (_Key.MoveToPreviousLine, False, "line up"),
    (_Key.SelectNextLine, True, "line down"),
    (_Key.SelectPreviousLine, True, "line up"),
    (_Key.MoveToStartOfLine, False, "edge start"),
    (_Key.MoveToEndOfLine, False, "edge end"),
    (_Key.SelectStartOfLine, True, "edge start"),
    (_Key.SelectEndOfLine, True, "edge end"),
    (_Key.MoveToStartOfDocument, False, "start"),
    (_Key.MoveToEndOfDocument, False, "end"),
    (_Key.SelectStartOfDocument, True, "start"),
    (_Key.SelectEndOfDocument, True, "end"),
)
_BLOCKS = {Qt.Key.Key_Up: "block up", Qt.Key.Key_Down: "block down"}
