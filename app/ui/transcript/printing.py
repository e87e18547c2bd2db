"""Messages leave the app as pictures and PDF."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
from PySide6.QtWidgets import QFileDialog

from app.core.messages import Kind, Message, Part, State
from app.core.text import _
from app.ui.transcript.answer import Answer
from app.ui.transcript.paper import Paper
from app.ui.transcript.reading import Reading
from app.ui.transcript.slip import Slip
from app.ui.transcript.turn import Turn


class Printing(Reading):
    """Adds paper."""

    def paper(self, messages: Sequence[Message], *, thoughts: bool) -> Paper:
        """These messages as they can be printed."""
        return Paper(self, self._theme, self.typeset, messages, thoughts=thoughts)

    def save_picture(self, turn: Turn) -> None:
        """Ask for a file and save a message in it as a picture."""
        path, _kind = QFileDialog.getSaveFileName(self, _("Save as a picture"), _("message") + ".png")
        if path:
            opened = isinstance(turn, Answer) and turn.opened
            self.save_paper(Path(path), self.paper([self._as_shown(turn)], thoughts=opened), "")

    def _as_shown(self, turn: Turn) -> Message:
        """The message with the text that is shown, which may be more than it had when it began."""
        if not isinstance(turn, Answer) or turn.message.state is not State.RUNNING:
            return turn.message
        parts = [Part(Kind.STEER if isinstance(one, Slip) else Kind.REASONING, one.source) for one in turn.thought]
        if turn.text is not None:
            parts.append(Part(Kind.TEXT, turn.text.source))
        return msgspec.structs.replace(turn.message, parts=tuple(parts))

    def messages_shown(self) -> list[Message]:
        """All messages of the conversation as they are shown."""
        self.build_all()
        return [self._as_shown(turn) for turn in self.turns]

    def save_paper(self, path: Path, paper: Paper, title: str) -> None:
        """Write a picture, or a PDF where the file's name says so, once all formulas are there."""
        paper.ready.connect(partial(self._write_paper, path, paper, title))
        paper.begin()

    def _write_paper(self, path: Path, paper: Paper, title: str) -> None:
        self.write_file(path, paper.pdf(title) if path.suffix.lower() == ".pdf" else paper.png())
