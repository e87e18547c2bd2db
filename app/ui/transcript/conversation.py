"""What commands ask of the open conversation: its thoughts, its versions, its last message."""

from app.core.messages import Message
from app.ui.transcript.answer import Answer
from app.ui.transcript.places import Spot
from app.ui.transcript.printing import Printing
from app.ui.transcript.slip import Slip


class Conversation(Printing):
    """Adds what is true of all turns together."""

    def answers(self) -> list[Answer]:
        """All answers that have a thought."""
        return [turn for turn in self.turns if isinstance(turn, Answer) and turn.thought]

    def thought_in_sight(self) -> Answer | None:
        """The newest answer whose thought reaches into sight, else the newest of all."""
        seen = [turn for _first, turn in self.turns_seen() if isinstance(turn, Answer) and turn.thought]
        found = seen or self.answers()
        return found[-1] if found else None

    def toggle_thought(self) -> None:
        """Fold or unfold the thought in sight."""
        if (answer := self.thought_in_sight()) is not None:
            answer.toggle()

    def enter_thought(self) -> None:
        """Put the caret at the end of the thought in sight."""
        answer = self.thought_in_sight()
        if answer is None:
            return
        answer.show_thought(opened=True)
        own = [section for section in answer.thought if not isinstance(section, Slip)]
        if own:
            spot = Spot(own[-1], len(own[-1].source.rstrip()))
            self.setFocus()
            self.select(spot, spot)
            self.show_spot(spot)

    def place_in_thought(self) -> tuple[int, int] | None:
        """The message whose thought has the caret, and how many characters of it stand before; None without one."""
        if self.caret is None or not self.hasFocus():
            return None
        turn = self.turn_of(self.caret.section)
        if not isinstance(turn, Answer) or self.caret.section not in turn.thought or not turn.opened:
            return None
        return turn.message.id, turn.before(*self.caret)

    # versions and ends ----------------------------------------------------------------------------

    def version(self, step: int) -> int | None:
        """The version before (-1) or after (1) the shown one, of the newest message that has several."""
        for turn in reversed(self.turns):
            if len(turn.siblings) > 1:
                at = turn.siblings.index(turn.message.id) + step
                return turn.siblings[at] if 0 <= at < len(turn.siblings) else None
        return None

    def has_thought(self) -> bool:
        """Whether there is a thought to fold."""
        return any(isinstance(turn, Answer) and turn.thought for turn in self.turns)

    def has_answer(self) -> bool:
        """Whether there is an answer to copy."""
        return any(isinstance(turn, Answer) and turn.taken for turn in self.turns)

    @property
    def last(self) -> Message | None:
        """The last message; while it runs, as it was when it began."""
        return self.turns[-1].message if self.turns else None
