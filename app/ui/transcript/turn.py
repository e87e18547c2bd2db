"""One message in the column: the rows it consists of, and where its texts are."""

from collections.abc import Sequence
from typing import Protocol

from PySide6.QtWidgets import QWidget

from app.core.messages import Message
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting

TURN_GAP = 28
REPLY_GAP = 12
"""Between a question and its answer."""


class Host(Protocol):
    """What a turn asks of the view that shows it."""

    setting: Setting

    @property
    def ground(self) -> QWidget:
        """The widget that the widgets of rows stand on."""
        ...

    def recompose(self, turn: "Turn", same: int = 0) -> None:
        """The turn consists of other rows now, so many at its beginning being the same."""

    def fold(self, turn: "Turn") -> None:
        """The turn consists of other rows, because the reader folded or unfolded a part of it."""

    def ask(self, command: str) -> None:
        """Run a command."""

    def choose(self, message_id: int) -> None:
        """Show another version of a message."""

    def show_steps(self, turn: "Turn") -> None:
        """Show the outline of the thought of a turn."""


class Turn:
    """A question or an answer."""

    def __init__(self, host: Host, message: Message, versions: Sequence[int]) -> None:
        self.host = host
        self.message = message
        self.siblings = versions
        """All versions of this message, this one among them."""
        self.rows: list[Row] = []

    @property
    def sections(self) -> list[Section]:
        """All texts in their order, those that are folded away too."""
        raise NotImplementedError

    def shown(self) -> list[Section]:
        """The texts that are in the column now."""
        return self.sections

    def spoken_as(self, section: Section) -> str:
        """Who says it, for those who cannot see it."""
        raise NotImplementedError

    def release(self) -> None:
        """Let the widgets and layouts go: the turn is no longer shown."""
        for row in self.rows:
            if isinstance(row, WidgetRow):
                row.release()
        for section in self.sections:
            for row in section.rows:
                section.setting.discard(row)
