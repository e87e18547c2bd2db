"""What one request carries from its start to its end, and where its loop is cut."""

import secrets
import time
from collections.abc import Callable
from enum import Enum, auto

import mlx.core as mx
from mlx_lm.sample_utils import make_logits_processors, make_sampler

from app.core.errors import ContextFull
from app.core.messages import End, ThoughtEnd
from app.core.protocol import ModelCard
from app.core.text import _
from app.worker.answer import AnswerStream
from app.worker.layout import Layout
from app.worker.ticket import Ticket

Processor = Callable[[mx.array, mx.array], mx.array]
LEAST_ROOM = 64
"""Tokens that must be left for an answer, or the prompt is refused."""
REPETITION_WINDOW = 64


class Cut(Enum):
    """Why a stretch of decoding ended."""

    TURN = auto()
    """The model ended its turn."""
    BUDGET = auto()
    USER = auto()
    CANCEL = auto()
    LIMIT = auto()

    @property
    def end(self) -> End:
        """What it means for the whole answer, where nothing follows it."""
        return {Cut.CANCEL: End.USER, Cut.LIMIT: End.LIMIT}.get(self, End.TURN)


class Run:
    """What one request carries through its stretches."""

    def __init__(self, ticket: Ticket, layout: Layout, card: ModelCard) -> None:
        command, usual = ticket.command, layout.release
        self.ticket, self.request, self.began = ticket, command.request, time.monotonic()
        self.sampling = command.sampling or usual.sampling
        self.seeded = self.sampling.seed is not None
        self.seed = secrets.randbits(32) if self.sampling.seed is None else self.sampling.seed
        self.budget = usual.thinking_budget if command.thinking_budget is None else command.thinking_budget
        self.ids: list[int] = []
        self.prompt_tokens = self.cached_tokens = 0
        self.thought_end: ThoughtEnd | None = None
        self._layout, self._context = layout, card.context

    def start(self) -> None:
        """Build the prompt and what draws the tokens; raises ContextFull."""
        command, sampling = self.ticket.command, self.sampling
        self.ids = self._layout.build(command.turns, command.instructions, thinking=self.budget != 0)
        self.prompt_tokens = len(self.ids)
        room = self._context - self.prompt_tokens
        if room < LEAST_ROOM:
            raise _full(self.prompt_tokens, self._context)
        self._end = self.prompt_tokens + min(room, command.max_tokens or room)
        self.sampler = make_sampler(
            temp=sampling.temperature, top_p=sampling.top_p, min_p=sampling.min_p, top_k=sampling.top_k
        )
        penalty = sampling.repetition_penalty
        self.processors: list[Processor] = make_logits_processors(
            repetition_penalty=penalty if penalty != 1 else None, repetition_context_size=REPETITION_WINDOW
        )

    @property
    def left(self) -> int:
        """Tokens that may still be written."""
        return self._end - len(self.ids)

    def cut(self, stream: AnswerStream) -> Cut | None:
        """Whether the loop ends after this token."""
        if self.ticket.cancelled:
            return Cut.CANCEL
        if not stream.thinking:
            return None
        if self.ticket.answer_now:
            return Cut.USER
        if self.budget is not None and stream.reasoning_tokens >= self.budget:
            return Cut.BUDGET
        return None

    def how_thought_ended(self, cut: Cut, stream: AnswerStream) -> ThoughtEnd | None:
        """How the thought of a turn that is over ended; None where there was none."""
        if stream.thinking:
            return {Cut.CANCEL: ThoughtEnd.USER, Cut.LIMIT: ThoughtEnd.LIMIT}.get(cut, ThoughtEnd.UNFINISHED)
        return self.thought_end or (ThoughtEnd.ITSELF if stream.thought_seen else None)


def _full(needed: int, ceiling: int) -> ContextFull:
    return ContextFull(
        _("This chat takes {needed} tokens; the context holds {ceiling}.").format(
            needed=f"{needed:,}", ceiling=f"{ceiling:,}"
        ),
        _("Start a new chat, or ask with less text."),
        "chat.new",
    )
