"""How an answer ended, in its card or its quiet foot, and what can be done about it."""

from collections.abc import Sequence

from PySide6.QtWidgets import QWidget

from app.core.messages import Message, State
from app.ui.transcript.card import NoteCard
from app.ui.transcript.endings import Ending, describe_end
from app.ui.transcript.foot import HEIGHT as FOOT_HEIGHT
from app.ui.transcript.foot import Foot
from app.ui.transcript.row import WidgetRow
from app.ui.transcript.turn import Host, Turn

BLOCK_GAP = 12


class Ended(Turn):
    """The end of an answer."""

    def __init__(self, host: Host, message: Message, versions: Sequence[int]) -> None:
        super().__init__(host, message, versions)
        self._possible: frozenset[str] = frozenset()
        self._other_model = ""
        self._ending: Ending | None = None
        self._card: WidgetRow | None = None
        self._foot: WidgetRow | None = None

    def _compose(self) -> None:
        """Let the view know that the rows are others."""
        raise NotImplementedError

    @property
    def card(self) -> NoteCard | None:
        """The card of a failure or of another end that nobody wished for."""
        widget = self._card.realise() if self._card is not None else None
        return widget if isinstance(widget, NoteCard) else None

    @property
    def foot(self) -> Foot | None:
        """The quiet row under the answer."""
        widget = self._foot.realise() if self._foot is not None else None
        return widget if isinstance(widget, Foot) else None

    def offer(self, possible: frozenset[str], other_model: str) -> None:
        """Take which commands can be offered, none of them unless this is the last answer."""
        if (possible, other_model) != (self._possible, self._other_model):
            self._possible, self._other_model = possible, other_model
            self._mind_end()
            self._compose()

    def _mind_end(self) -> None:
        """Say how the answer ended where it was not by itself, and offer what can be done and its versions."""
        ending = describe_end(self.message, self._possible, self._other_model)
        in_card = ending is not None and ending.card
        versions = len(self.siblings) > 1 and self.message.state is not State.RUNNING
        changed = ending != self._ending
        self._ending = ending
        if in_card and self._card is None:
            self._card = WidgetRow(BLOCK_GAP, self._make_card)
        elif not in_card:
            self._card = self._release(self._card)
        if (ending is not None and not in_card) or versions:
            if self._foot is None:
                self._foot = WidgetRow(BLOCK_GAP, self._make_foot, height=FOOT_HEIGHT)
        else:
            self._foot = self._release(self._foot)
        if changed:
            self._show_ending()

    def _show_ending(self) -> None:
        """Let the widgets that are there say it; they may have the keyboard."""
        for row in (self._card, self._foot):
            if row is not None and isinstance(row.widget, NoteCard | Foot):
                row.widget.show_ending(self._ending_in(row))
                row.known = False

    def _ending_in(self, row: WidgetRow) -> Ending:
        """What of the end a row says: the foot nothing that the card says already."""
        in_card = self._ending is not None and self._ending.card
        return Ending() if self._ending is None or in_card != (row is self._card) else self._ending

    def _make_card(self) -> QWidget:
        card = NoteCard(self.host.setting.theme, self.host.ground)
        card.asked.connect(self.host.ask)
        card.show_ending(self._ending or Ending())
        return card

    def _make_foot(self) -> QWidget:
        foot = Foot(self.host.setting.theme, self.host.ground)
        foot.asked.connect(self.host.ask)
        foot.chosen.connect(self.host.choose)
        if len(self.siblings) > 1 and self.message.state is not State.RUNNING:
            foot.show_versions(self.siblings, self.message.id)
        in_card = self._ending is not None and self._ending.card
        foot.show_ending(Ending() if self._ending is None or in_card else self._ending)
        return foot

    @staticmethod
    def _release(row: WidgetRow | None) -> WidgetRow | None:
        """Let a row's widget go; gives what to put in its place."""
        if row is not None:
            row.release()
        return None
