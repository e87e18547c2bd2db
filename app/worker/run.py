"""What one request carries from its start to its end, and where its loop is cut."""

import secrets
import time
from enum import Enum, auto

from app.core.budget import LEAST_ROOM
from app.core.messages import End, ThoughtEnd
from app.core.protocol import ModelCard
from app.worker.answer import AnswerStream
from app.worker.fullness import explain_full
from app.worker.guard import Guard, Loop
from app.worker.layout import Layout, Prompt
from app.worker.live import FIXED_CHUNK
from app.worker.ticket import Ticket


class Cut(Enum):
    """Why a stretch of decoding ended."""

    TURN = auto()
    """The model ended its turn."""
    BUDGET = auto()
    USER = auto()
    STEER = auto()
    LOOP = auto()
    STOP = auto()
    CANCEL = auto()
    LIMIT = auto()

    @property
    def end(self) -> End:
        """What it means for the whole answer, where nothing follows it."""
        return {
            Cut.CANCEL: End.USER,
            Cut.LIMIT: End.LIMIT,
            Cut.LOOP: End.LOOP,
            Cut.STOP: End.STOP,
        }.get(self, End.TURN)


class Run:
    """What one request carries through its stretches."""

    def __init__(self, ticket: Ticket, layout: Layout, card: ModelCard) -> None:
        command, usual = ticket.command, layout.release
        self.ticket, self.request, self.began = ticket, command.request, time.monotonic()
        self.sampling = command.sampling or card.sampling
        self.seeded = self.sampling.seed is not None
        self.seed = secrets.randbits(32) if self.sampling.seed is None else self.sampling.seed
        self.budget = usual.thinking_budget if command.thinking_budget is None else command.thinking_budget
        self.keep_thoughts = usual.keeps_thoughts if command.keep_thoughts is None else command.keep_thoughts
        self.ids: list[int] = []
        self.prompt = Prompt([], ())
        self.cached_tokens = self.restored_tokens = self.passes = 0
        self.restore_seconds = 0.0
        self.thought_end: ThoughtEnd | None = None
        self.loop: Loop | None = None
        self.unused: list[str] = []
        """Corrections for which there was no room."""
        self._thought_before = False
        self._guard: Guard | None = None
        self._guards_thought = False
        self._layout, self._context = layout, card.context

    @property
    def prompt_tokens(self) -> int:
        """Tokens before the answer."""
        return len(self.prompt.ids)

    @property
    def queue_seconds(self) -> float:
        """How long the request waited for its turn."""
        return self.began - self.ticket.queued_at

    @property
    def fixed_chunk(self) -> int:
        """Tokens between two edges of the prefill, 0 where they follow the machine's speed."""
        return FIXED_CHUNK if self.seeded else 0

    def start(self, stream: AnswerStream) -> None:
        """Build the prompt, and bring the stream to where an earlier run stopped; raises ContextFull."""
        command = self.ticket.command
        self.prompt = self._layout.build(
            command.turns, command.instructions, thinking=self.budget != 0, keep_thoughts=self.keep_thoughts
        )
        self.ids = self.prompt.ids + (stream.resume(command.answer, command.fork) if command.answer else [])
        self._thought_before = stream.thought_seen and not stream.thinking
        room = self._context - len(self.ids)
        if room < LEAST_ROOM:
            raise explain_full(self._layout, command, len(self.ids), self._context)
        self._end = len(self.ids) + (room if command.max_tokens is None else min(room, command.max_tokens))

    @property
    def left(self) -> int:
        """Tokens that may still be written."""
        return self._end - len(self.ids)

    def cut(self, stream: AnswerStream, token: int, text: str) -> Cut | None:
        """Whether the loop ends after this token."""
        reasons = {
            Cut.CANCEL: self.ticket.cancelled,
            Cut.STOP: stream.stopped,
            Cut.LOOP: self._is_loop(stream, token, text),
            Cut.USER: stream.thinking and self.ticket.answer_now,
            Cut.STEER: stream.thinking and bool(self.ticket.corrections),
            Cut.BUDGET: stream.thinking and self.budget is not None and stream.reasoning_tokens >= self.budget,
        }
        return next((cut for cut, holds in reasons.items() if holds), None)

    def how_thought_ended(self, cut: Cut, stream: AnswerStream) -> ThoughtEnd | None:
        """How the thought of a turn that is over ended; None where there was none, or an earlier run knows."""
        if stream.thinking:
            return {
                Cut.CANCEL: ThoughtEnd.USER,
                Cut.LIMIT: ThoughtEnd.LIMIT,
                Cut.LOOP: ThoughtEnd.LOOP,
            }.get(cut, ThoughtEnd.UNFINISHED)
        if self.thought_end or self._thought_before or not stream.thought_seen:
            return self.thought_end
        return ThoughtEnd.ITSELF

    def _is_loop(self, stream: AnswerStream, token: int, text: str) -> bool:
        if not self.ticket.command.guard:
            return False
        if self._guard is None or self._guards_thought is not stream.thinking:
            self._guard, self._guards_thought = Guard(), stream.thinking
        self.loop = self._guard.feed(token, text)
        return self.loop is not None

    def take_back(self, count: int) -> None:
        """The last tokens are not part of the answer after all."""
        del self.ids[len(self.ids) - count :]

    def forget_repeats(self) -> None:
        """Something was put in between: what comes now repeats nothing."""
        self._guard = None
