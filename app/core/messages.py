"""A chat as values: sessions hold a tree of messages, a message holds parts."""

import secrets
import time
from enum import StrEnum

import msgspec

from app.core.errors import Failure


class Role(StrEnum):
    """Who speaks."""

    USER = "user"
    ASSISTANT = "assistant"


class Kind(StrEnum):
    """What a part of a message is. Reasoning is never mixed with the answer."""

    TEXT = "text"
    REASONING = "reasoning"
    DOCUMENT = "document"
    INJECTED = "injected"
    """Fed to the model by the app in the middle of its turn: an opened or closed thought."""
    STEER = "steer"
    """The user's own words, put into the running thought."""


class State(StrEnum):
    """How far a message is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """The user stopped it; its text is kept."""
    INTERRUPTED = "interrupted"
    """The process that wrote it died; its text up to the last checkpoint is kept."""
    FAILED = "failed"


class ThoughtEnd(StrEnum):
    """How a thought ended."""

    ITSELF = "itself"
    USER = "user"
    BUDGET = "budget"
    LOOP = "loop"
    """The loop guard stopped it; the repeats were taken out of the text."""
    LIMIT = "limit"
    """The context or the token limit was reached inside the thought."""
    UNFINISHED = "unfinished"
    """The model ended its turn, or the engine stopped, inside the thought."""


class End(StrEnum):
    """Why an answer ended."""

    TURN = "turn"
    """The model ended it."""
    USER = "user"
    LIMIT = "limit"
    """There was no more room in the context, or as many tokens as were asked for."""
    LOOP = "loop"
    """The model repeated itself; the repeats were taken out of the text."""
    STOP = "stop"
    """One of the request's stop strings came; it is not part of the text."""


class Part(msgspec.Struct, frozen=True):
    """A stretch of a message with the token ids it was generated as (empty where none are known).

    The ids of an answer's parts, joined in order, are the model's own stream, markers included.
    """

    kind: Kind
    text: str
    ids: tuple[int, ...] = ()
    name: str = ""
    """A document's file name."""


class Sampling(msgspec.Struct, frozen=True):
    """How the next token is drawn; temperature 0 takes the likeliest."""

    temperature: float = 0.7
    top_p: float = 0.95
    min_p: float = 0.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    stop: tuple[str, ...] = ()
    """Strings of the answer before which it ends; a thought may hold them."""
    seed: int | None = None


class Generation(msgspec.Struct, frozen=True, kw_only=True):
    """The facts of one generated answer. Times are seconds, counts are tokens."""

    model: str
    fingerprint: str
    sampling: Sampling = Sampling()
    """As it was asked for."""
    seed: int | None = None
    """What the draw began with, asked for or not."""
    thinking_budget: int | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, those that were not computed again; `restored_tokens` of them came from the disk."""
    restored_tokens: int = 0
    restore_seconds: float = 0.0
    """Reading and dequantising them; not part of `prefill_seconds`."""
    fixed_chunk: int = 0
    """Tokens between two edges of the prefill where they were fixed, as with a seed; else 0."""
    passes: int = 0
    """Forward passes that wrote the answer; fewer than its tokens where some were guessed right."""
    reasoning_tokens: int = 0
    answer_tokens: int = 0
    queue_seconds: float = 0.0
    prefill_seconds: float = 0.0
    reasoning_seconds: float = 0.0
    answer_seconds: float = 0.0
    end: End | None = None
    """None where the engine did not live to say it."""
    thought_end: ThoughtEnd | None = None
    failure: Failure | None = None


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One node of a session's tree; the root's parent is None."""

    id: int
    session: int
    parent: int | None
    role: Role
    state: State
    created: float
    """Seconds since the epoch."""
    parts: tuple[Part, ...] = ()
    generation: Generation | None = None

    def text_of(self, kind: Kind) -> str:
        """The text of all parts of one kind, joined."""
        return "".join(part.text for part in self.parts if part.kind is kind)

    @property
    def text(self) -> str:
        """The question or the answer, without its thought."""
        return self.text_of(Kind.TEXT)

    @property
    def reasoning(self) -> str:
        """The thought."""
        return self.text_of(Kind.REASONING)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One chat as the sidebar shows it."""

    id: int
    title: str
    created: float
    updated: float
    thinking_budget: int | None = None
    """Tokens of thought at most in this chat; None is the preference."""
    keep_thoughts: bool | None = None
    """Whether earlier thoughts stay in the prompt; None is the release's own choice."""


class _Ids:
    """Ids that increase, also within a millisecond and where the clock is set back."""

    def __init__(self) -> None:
        self._newest = 0

    def take(self) -> int:
        """The next id; called by the one thread that owns a desk."""
        now = time.time_ns() // 1_000_000 << 20 | secrets.randbits(20)
        self._newest = max(self._newest + 1, now)
        return self._newest


new_id = _Ids().take
"""An id that sorts by time and needs no round trip to the database: milliseconds, then 20 random bits.

A question and its answer are made in the same millisecond; the answer must still be the newer one.
"""


def branch(messages: list[Message], leaf: int) -> list[Message]:
    """The path from the root of a tree to one of its messages."""
    by_id = {message.id: message for message in messages}
    path = []
    at: int | None = leaf
    while at is not None:
        message = by_id[at]
        path.append(message)
        at = message.parent
    return path[::-1]


def newest_branch(messages: list[Message]) -> list[Message]:
    """The path to the message that was created last; empty for an empty tree."""
    return branch(messages, max(messages, key=lambda message: message.id).id) if messages else []


def title_from(text: str, limit: int = 60) -> str:
    """A chat's first title: the first line of its first question, cut at a word unless that leaves little."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= limit:
        return line
    head = line[: limit + 1].rpartition(" ")[0]
    if len(head) < limit // 2:
        head = line[:limit]  # one long word, or a script that writes without spaces
    return head.rstrip(" ,;:.") + "…"
