"""An answer that is being written: its parts so far, what is on the disk of it, and its numbers."""

import time

import msgspec

from app.chat.changes import Phase, Progress
from app.core.errors import Failure
from app.core.messages import Generation, Kind, Message, Part, Sampling, State, ThoughtEnd
from app.core.protocol import ModelCard

RATE_WINDOW = 3.0
"""Seconds over which tokens per second are told."""


class _Stretch:
    """Text and ids of one kind that followed one another."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.texts: list[str] = []
        self.ids: list[int] = []

    def part(self) -> Part:
        """All of it as one part."""
        return Part(self.kind, "".join(self.texts), tuple(self.ids))


class RunningAnswer:
    """Collects what the worker sends for one message."""

    def __init__(self, message: Message, request: int) -> None:
        self.request = request
        self.progress = Progress(message.id)
        self._message = message
        self._card: ModelCard | None = None
        self._sampling = Sampling()
        self._thinking_budget: int | None = None
        self._stretches: list[_Stretch] = []
        self._unsaved: list[Part] = []
        self._thinking_since: float | None = None
        self._marks: list[tuple[float, int]] = []

    @property
    def id(self) -> int:
        """The message's id."""
        return self._message.id

    @property
    def session(self) -> int:
        """The chat's id."""
        return self._message.session

    @property
    def parent(self) -> int | None:
        """The id of the question."""
        return self._message.parent

    @property
    def sent(self) -> bool:
        """Whether the request went out."""
        return self._card is not None

    def send(self, card: ModelCard, sampling: Sampling, thinking_budget: int | None) -> None:
        """Note what it was sent to, and with what."""
        self._card, self._sampling, self._thinking_budget = card, sampling, thinking_budget

    def requeue(self) -> None:
        """Wait for another worker; nothing was written yet."""
        self._card = None
        self.progress.phase = Phase.QUEUED
        self.progress.read = self.progress.to_read = self.progress.prompt_tokens = 0

    def add(self, parts: list[Part], tokens: int) -> None:
        """Take the parts of one delta."""
        for part in parts:
            if not self._stretches or self._stretches[-1].kind is not part.kind:
                self._stretches.append(_Stretch(part.kind))
            self._stretches[-1].texts.append(part.text)
            self._stretches[-1].ids += part.ids
            self._advance(part)
        self._unsaved += parts
        self.progress.tokens = tokens
        self._measure(tokens)

    def reclassify(self, thought: int, answer: int) -> None:
        """Divide the text so far anew: its first characters are the thought, its last the answer.

        The ids stay with the thought, because nobody knows at which of them it ended.
        """
        written = (stretch for stretch in self._stretches if stretch.kind is not Kind.INJECTED)
        text = "".join("".join(stretch.texts) for stretch in written)
        reasoning = _Stretch(Kind.REASONING)
        reasoning.texts = [text[:thought]]
        reasoning.ids = [token for stretch in self._stretches for token in stretch.ids]
        self._stretches = [reasoning]
        if answer:
            self._stretches.append(_Stretch(Kind.TEXT))
            self._stretches[-1].texts = [text[len(text) - answer :]]
        self.progress.reasoning_tokens = self.progress.tokens

    def take_unsaved(self) -> list[Part]:
        """What no checkpoint holds yet."""
        taken, self._unsaved = self._unsaved, []
        return taken

    def message(self) -> Message:
        """The message as it stands."""
        return self.close(State.RUNNING, None)

    def close(self, state: State, generation: Generation | None) -> Message:
        """The message as it will be kept."""
        parts = tuple(stretch.part() for stretch in self._stretches)
        return msgspec.structs.replace(self._message, state=state, parts=parts, generation=generation)

    def facts(self, failure: Failure | None) -> Generation:
        """What is known of an answer whose worker can no longer say it."""
        progress, card = self.progress, self._card
        thinking = progress.phase is Phase.THINKING
        thought = thinking or progress.reasoning_tokens > 0
        return Generation(
            model=card.name if card else "",
            fingerprint=card.fingerprint if card else "",
            sampling=self._sampling,
            thinking_budget=self._thinking_budget,
            prompt_tokens=progress.prompt_tokens,
            reasoning_tokens=progress.reasoning_tokens,
            answer_tokens=progress.tokens - progress.reasoning_tokens,
            reasoning_seconds=progress.reasoning_seconds,
            thought_end=ThoughtEnd.UNFINISHED if thinking else ThoughtEnd.ITSELF if thought else None,
            failure=failure,
        )

    def tick(self) -> None:
        """Move the clock of a running thought."""
        if self._thinking_since is not None:
            self.progress.reasoning_seconds = time.monotonic() - self._thinking_since

    def _advance(self, part: Part) -> None:
        progress = self.progress
        if part.kind is Kind.REASONING:
            progress.reasoning_tokens += len(part.ids)
            if self._thinking_since is None:
                self._thinking_since = time.monotonic()
            progress.phase = Phase.THINKING
        elif part.kind is Kind.TEXT:
            self.tick()
            self._thinking_since = None
            progress.phase = Phase.ANSWERING

    def _measure(self, tokens: int) -> None:
        now = time.monotonic()
        self._marks.append((now, tokens))
        while now - self._marks[0][0] > RATE_WINDOW and len(self._marks) > 2:  # a rate needs two
            del self._marks[0]
        (began, first) = self._marks[0]
        if now - began > 0.2:  # over less it is noise
            self.progress.tokens_per_second = (tokens - first) / (now - began)
