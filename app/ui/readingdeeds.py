"""What a person can do while reading: find, text size, code, steps of a thought."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from app.core.text import _
from app.ui.modeldeeds import ModelDeeds
from app.ui.saver import Saver
from app.ui.theme import Theme
from app.ui.transcript.paper import Paper

if TYPE_CHECKING:
    from app.chat.desk import Desk

SIZES = (80, 90, 100, 110, 125, 150, 175, 200)
"""Text sizes in percent."""


class ReadingDeeds(ModelDeeds):
    """Hands on to the transcript what a person does there."""

    def __init__(self, desk: "Desk", theme: Theme, *, paint_log: Path | None = None) -> None:
        super().__init__(desk, theme, paint_log=paint_log)
        self._saver = Saver(self)
        self._saver.failed.connect(self.banner.show_failure)
        self.transcript.save_asked.connect(self._saver.save)
        self._take_look()

    def _take_look(self) -> None:
        """Let text and code look as the settings say."""
        preferences = self.desk.preferences
        self.theme.set_contrast(high=bool(preferences.get("high_contrast")))
        self.transcript.set_look(
            scale=self.text_size / 100,
            wrap=preferences.get("wrap_code") is not False,
            numbers=bool(preferences.get("number_code")),
        )

    @property
    def text_size(self) -> int:
        """Size of the texts in percent."""
        chosen = self.desk.preferences.get("text_size")
        return chosen if isinstance(chosen, int) and SIZES[0] <= chosen <= SIZES[-1] else 100

    def resize_text(self, step: int) -> None:
        """Make the text larger (1), smaller (-1) or as it was made (0)."""
        wanted = 100
        if step > 0:
            wanted = next((size for size in SIZES if size > self.text_size), SIZES[-1])
        elif step < 0:
            wanted = next((size for size in reversed(SIZES) if size < self.text_size), SIZES[0])
        self.desk.set_preference("text_size", wanted)
        self._take_look()

    def switch_look(self, setting: str, *, to: bool) -> None:
        """Turn a setting of the look on or off."""
        self.desk.set_preference(setting, to)
        self._take_look()

    def open_find(self) -> None:
        """Find something in the chat."""
        if self.can_find:
            self.transcript.open_find()

    def find_next(self, step: int) -> None:
        """Go to the next hit (1) or the one before (-1)."""
        if self.can_find:
            self.transcript.find_next(step)

    @property
    def can_find(self) -> bool:
        """Whether there is a chat in sight to find something in."""
        return self.transcript.last is not None and not self.in_library

    def show_steps(self) -> None:
        """Show the steps of the thought in sight."""
        answer = self.transcript.thought_in_sight()
        if answer is not None:
            self.transcript.show_steps(answer)

    def copy_both(self) -> None:
        """Put the newest thought and its answer on the clipboard."""
        answer = self.transcript.thought_in_sight()
        if answer is not None:
            answer.copy_both()

    def save_chat(self) -> None:
        """Ask for a file and save the chat in it, as a PDF or a picture."""
        if not self.can_find:
            return
        name = (self.header.accessibleName() or _("chat")).replace("/", "-")
        kinds = _("PDF (*.pdf);;Picture (*.png)")
        path, _kind = QFileDialog.getSaveFileName(self, _("Save the chat"), f"{name}.pdf", kinds)
        if path:
            self.transcript.save_paper(Path(path), self._paper(), name)

    def print_chat(self) -> None:
        """Print the chat as the system prints."""
        if not self.can_find:
            return
        paper = self._paper()
        paper.ready.connect(partial(self._ask_printer, paper))
        paper.begin()

    def _paper(self) -> Paper:
        thoughts = any(answer.opened for answer in self.transcript.answers())
        return self.transcript.paper(self.transcript.messages_shown(), thoughts=thoughts)

    def _ask_printer(self, paper: Paper) -> None:
        # Loaded here, because finding the printers costs more than all the rest of the window.
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self)
        if dialog.exec():
            paper.print_on(printer)

    @property
    def has_code(self) -> bool:
        """Whether code is in sight."""
        return self.transcript.code_in_reach() is not None

    def copy_code(self) -> None:
        """Put the code at the caret, or the last one in sight, on the clipboard."""
        if (code := self.transcript.code_in_reach()) is not None:
            self.transcript.copy_code(*code)
