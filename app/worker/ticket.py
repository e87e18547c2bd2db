"""Requests on their way: what the reader thread may change while the MLX thread works."""

from collections import deque
from dataclasses import dataclass, field
from time import monotonic

from app.core.protocol import AnswerNow, Cancel, Generate, Prewarm, Steer
from app.worker.prompt import Prompt


@dataclass(slots=True, weakref_slot=True)
class Ticket:
    """One request and the flags that cut it. Only the reader thread sets them, only the MLX thread acts."""

    command: Generate
    cancelled: bool = False
    answer_now: bool = False
    corrections: deque[str] = field(default_factory=deque)
    """What the user wants to say into the thought."""
    queued_at: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        """A request may begin with its thought cut."""
        self.answer_now = self.command.answer_now

    def heed(self, command: Cancel | AnswerNow | Steer) -> None:
        """The user wants it otherwise."""
        match command:
            case Cancel():
                self.cancelled = True
            case AnswerNow():
                self.answer_now = True
            case Steer(text=text):
                self.corrections.append(text)


@dataclass(frozen=True, slots=True)
class Survey:
    """Somebody wants to know the machine, which only the thread that owns MLX can look at."""


@dataclass(frozen=True, slots=True)
class Recall:
    """A chat was opened whose prefix lies on the disk: its next question is likely."""

    prompt: Prompt
    session: int | None


@dataclass(slots=True, weakref_slot=True)
class WarmTicket:
    """One beginning of a prompt that is to be read when nothing else is to be done."""

    command: Prewarm
    cancelled: bool = False

    def heed(self, command: Cancel | AnswerNow | Steer) -> None:
        """The user wants it otherwise; there is no thought here to cut or to steer."""
        self.cancelled |= isinstance(command, Cancel)
