"""An answer that is being written: its parts so far, what is on the disk of it, and its numbers."""

import time
from dataclasses import dataclass

import msgspec

from app.chat.changes import Phase, Progress
from app.core.errors import Failure
from app.core.messages import Generation, Kind, Message, Part, Sampling, State, ThoughtEnd
from app.core.protocol import ModelCard, Started

RATE_WINDOW = 3.0
"""Seconds over which tokens per second are told."""
PACE_SECONDS = 0.3
"""Of reading, before its own pace is believed."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What an answer goes on from: its own beginning, or as a fork another answer's."""

    parts: tuple[Part, ...]
    facts: Generation | None
    fork: int | None = None
    """Characters of the thought to keep; they come back."""
    answer_now: bool = False


class _Stretch:
    """Text and ids of one kind that followed one another."""

    def __init__(self, kind: Kind, text: str = "", ids: tuple[int, ...] = ()) -> None:
        self.kind = kind
        self.texts, self.ids = [text], list(ids)

    def part(self) -> Part:
        """All of it as one part."""
        return Part(self.kind, "".join(self.texts), tuple(self.ids))

    def cut(self, characters: int, ids: int) -> int:
        """Lose the end; how many ids that were."""
        text, before = "".join(self.texts), len(self.ids)
        self.texts = [text[: max(0, len(text) - characters)]]
        del self.ids[max(0, before - ids) :]
        return before - len(self.ids)


class RunningAnswer:
    """Collects what the worker sends for one message."""

    def __init__(self, message: Message, request: int, continuation: Continuation | None = None) -> None:
        self.request = request
        self.continuation = continuation
        self.progress = Progress(message.id)
        self._message = message
        self._card: ModelCard | None = None
        self._sampling = Sampling()
        self._thinking_budget: int | None = None
        self._stretches = _stretches_of(message.parts)
        self._before = continuation.facts if continuation and continuation.fork is None else None
        self._began_inside = stands_in_thought(message.parts, self._before)
        self._counts = _count(message.parts, self._before)
        self._began_with = sum(self._counts.values())
        """Tokens that earlier runs wrote."""
        self._started: Started | None = None
        self._closed: ThoughtEnd | None = None
        """Why the app closed the thought of this run."""
        self._seconds = {Kind.REASONING: 0.0, Kind.TEXT: 0.0}
        """Of this run alone."""
        self._writes: Kind | None = None
        self._written = False
        self._told_anew = continuation is not None
        self._marked_at = 0.0
        self._unsaved: list[Part] = []
        self._marks: list[tuple[float, int]] = []
        self._reading: tuple[float, int] | None = None
        self.corrections: list[str] = []
        """What the user has sent into its thought."""
        self._show_counts()

    @property
    def id(self) -> int:
        """The message's id."""
        return self._message.id

    @property
    def session(self) -> int:
        """The chat's id."""
        return self._message.session

    @property
    def sent(self) -> bool:
        """Whether the request went out."""
        return self._card is not None

    @property
    def unheard(self) -> list[str]:
        """The corrections that have not come back as a part of the thought."""
        heard = "".join("".join(stretch.texts) for stretch in self._stretches if stretch.kind is Kind.STEER)
        return [text for text in self.corrections if text.strip("\n") not in heard]

    @property
    def untouched(self) -> bool:
        """Whether the model has written nothing since it was sent."""
        return not self._written

    @property
    def told_anew(self) -> bool:
        """Whether what is on the disk of it may be another beginning than this one."""
        return self._told_anew

    def send(self, card: ModelCard, sampling: Sampling, thinking_budget: int | None) -> None:
        """Note what it was sent to, and with what; ids that another model made are no longer ids."""
        self._card, self._sampling, self._thinking_budget = card, sampling, thinking_budget
        if self.continuation and (self._before is None or self._before.fingerprint != card.fingerprint):
            for stretch in self._stretches:
                stretch.ids.clear()

    def requeue(self) -> None:
        """Wait for another worker; the model has written nothing yet, at most the app has opened a thought."""
        self._card = None
        self._stretches, self._unsaved = _stretches_of(self._message.parts), []
        self._told_anew, self._started, self._closed = True, None, None
        progress = self.progress
        progress.phase = Phase.QUEUED
        progress.read = progress.to_read = progress.cached = progress.prompt_tokens = 0
        progress.seconds_left = None

    def start(self, started: Started, rate: float) -> None:
        """The worker begins to read; `rate` is tokens per second as measured before, 0 where never."""
        self._started = started
        prompt_tokens, cached = started.prompt_tokens, started.cached_tokens
        progress = self.progress
        progress.phase, progress.prompt_tokens, progress.cached = Phase.READING, prompt_tokens, cached
        self._reading = (time.monotonic(), cached)
        self.read(cached, prompt_tokens, rate)

    def read(self, done: int, total: int, rate: float) -> None:
        """So much of the prompt is read."""
        progress, (began, first) = self.progress, self._reading or (time.monotonic(), done)
        progress.read, progress.to_read = done, total
        elapsed = time.monotonic() - began
        if done > first and elapsed > PACE_SECONDS:
            rate = (done - first) / elapsed
        progress.seconds_left = (total - done) / rate if rate > 0 else None

    def add(self, parts: list[Part], closed: ThoughtEnd | None = None) -> None:
        """Take the parts of one delta; `closed` says why the app closes the thought with it."""
        self._closed = closed or self._closed
        for part in parts:
            if not self._stretches or self._stretches[-1].kind is not part.kind:
                self._stretches.append(_Stretch(part.kind))
            self._stretches[-1].texts.append(part.text)
            self._stretches[-1].ids += part.ids
            self._advance(part)
        self._unsaved += parts
        self._show_counts()
        self._measure()

    def retract(self, characters: int, ids: int) -> Kind | None:
        """Lose the end of the last stretch; of which kind it is, None where nothing is written."""
        if not self._stretches:
            return None
        last = self._stretches[-1]
        lost = last.cut(characters, ids)
        if last.kind in self._counts:
            self._counts[last.kind] -= lost
        self._show_counts()
        return last.kind

    def reclassify(self, thought: int, answer: int) -> None:
        """Divide the text so far anew: its first characters are the thought, its last the answer.

        The ids stay with the thought, because nobody knows at which of them it ended.
        """
        written = (stretch for stretch in self._stretches if stretch.kind is not Kind.INJECTED)
        text = "".join("".join(stretch.texts) for stretch in written)
        ids = tuple(token for stretch in self._stretches for token in stretch.ids)
        self._stretches = [_Stretch(Kind.REASONING, text[:thought], ids)]
        if answer:
            self._stretches.append(_Stretch(Kind.TEXT, text[len(text) - answer :]))
        self._counts = {Kind.REASONING: sum(self._counts.values()), Kind.TEXT: 0}
        self._seconds = {Kind.REASONING: sum(self._seconds.values()), Kind.TEXT: 0.0}
        self._show_counts()

    def take_unsaved(self) -> list[Part]:
        """What no checkpoint holds yet."""
        taken, self._unsaved = self._unsaved, []
        return taken

    def message(self) -> Message:
        """The message as it stands."""
        return self._compose(State.RUNNING, None)

    def whole(self) -> Message:
        """The message as it stands, with its facts so far; no checkpoint has to hold any of it afterwards."""
        self._unsaved = []
        return self._compose(State.RUNNING, self.facts(None))

    def close(self, state: State, generation: Generation | None) -> Message:
        """The message as it will be kept; `generation` is what the worker says of this run, None where it never ran."""
        kept = self._before if generation is None else self._add_up(generation)
        return self._compose(state, kept)

    def facts(self, failure: Failure | None) -> Generation:
        """What is known of an answer that is not over, or whose worker can no longer say it."""
        return self._add_up(self.run_facts(failure))

    def run_facts(self, failure: Failure | None) -> Generation:
        """The same of this run alone."""
        progress, card = self.progress, self._card
        inside = _ends_inside([each.kind for each in self._stretches if each.kind is not Kind.TEXT or any(each.texts)])
        ended = self._closed or (ThoughtEnd.ITSELF if self._counts[Kind.REASONING] else None)
        started = self._started
        self._mark()
        return Generation(
            model=card.name if card else "",
            fingerprint=card.fingerprint if card else "",
            sampling=self._sampling,
            seed=started.seed if started else None,
            queue_seconds=started.queue_seconds if started else 0.0,
            thinking_budget=self._thinking_budget,
            prompt_tokens=progress.prompt_tokens,
            cached_tokens=progress.cached,
            reasoning_tokens=self._counts[Kind.REASONING],
            answer_tokens=self._counts[Kind.TEXT],
            reasoning_seconds=self._seconds[Kind.REASONING],
            answer_seconds=self._seconds[Kind.TEXT],
            thought_end=ThoughtEnd.UNFINISHED if inside and ended else ended,
            failure=failure,
        )

    def tick(self) -> None:
        """Move the clock of a running thought."""
        if self._writes is Kind.REASONING:
            self._mark()
            self._show_counts()

    def _compose(self, state: State, generation: Generation | None) -> Message:
        parts = tuple(stretch.part() for stretch in self._stretches if stretch.ids or any(stretch.texts))
        return msgspec.structs.replace(self._message, state=state, parts=parts, generation=generation)

    def _add_up(self, run: Generation) -> Generation:
        """The facts of the whole answer, from those of this run and of the ones before."""
        if self.continuation is None:
            return run
        counted = msgspec.structs.replace(
            run,
            reasoning_tokens=self._counts[Kind.REASONING],
            answer_tokens=self._counts[Kind.TEXT],
            passes=self._count_passes(run),
        )
        if (before := self._before) is None:
            return counted
        if not self.sent:
            return msgspec.structs.replace(before, failure=run.failure)
        same_prompt = bool(before.prompt_tokens) and before.fingerprint == run.fingerprint
        first = before if same_prompt else run
        return msgspec.structs.replace(
            counted,
            prompt_tokens=first.prompt_tokens,
            cached_tokens=first.cached_tokens,
            restored_tokens=first.restored_tokens,
            restore_seconds=before.restore_seconds + run.restore_seconds,
            queue_seconds=before.queue_seconds + run.queue_seconds,
            prefill_seconds=before.prefill_seconds + run.prefill_seconds,
            reasoning_seconds=before.reasoning_seconds + run.reasoning_seconds,
            answer_seconds=before.answer_seconds + run.answer_seconds,
            thought_end=run.thought_end if self._began_inside else before.thought_end or run.thought_end,
        )

    def _count_passes(self, run: Generation) -> int:
        """Passes of all runs; 0 where one of them wrote something and did not live to say in how many."""
        before = self._before.passes if self._before else 0
        forked = self.continuation is not None and self.continuation.fork is not None
        if forked or (self._began_with and not before):
            return 0
        wrote = sum(self._counts.values()) > self._began_with
        return 0 if wrote and not run.passes else before + run.passes

    def _advance(self, part: Part) -> None:
        if part.kind not in self._counts:
            return
        if self._writes is None:  # the wait for the first token is not part of it
            self._marked_at = time.monotonic()
        self._mark()
        self._writes = part.kind
        self._written = True
        self._counts[part.kind] += len(part.ids)
        self.progress.phase = Phase.THINKING if part.kind is Kind.REASONING else Phase.ANSWERING
        self.progress.seconds_left = None

    def _mark(self) -> None:
        """Give the time since the last mark to what is being written."""
        now = time.monotonic()
        if self._writes:
            self._seconds[self._writes] += now - self._marked_at
            self._marked_at = now

    def _show_counts(self) -> None:
        progress, before = self.progress, self._before
        progress.tokens = sum(self._counts.values())
        progress.reasoning_tokens = self._counts[Kind.REASONING]
        progress.reasoning_seconds = self._seconds[Kind.REASONING] + (before.reasoning_seconds if before else 0.0)

    def _measure(self) -> None:
        now, tokens = time.monotonic(), self.progress.tokens
        self._marks.append((now, tokens))
        while now - self._marks[0][0] > RATE_WINDOW and len(self._marks) > 2:  # a rate needs two
            del self._marks[0]
        (began, first) = self._marks[0]
        if now - began > 0.2:  # over less it is noise
            self.progress.tokens_per_second = max(0.0, (tokens - first) / (now - began))


def _stretches_of(parts: tuple[Part, ...]) -> list[_Stretch]:
    return [_Stretch(part.kind, part.text, part.ids) for part in parts]


def stands_in_thought(parts: tuple[Part, ...], facts: Generation | None) -> bool:
    """Whether an answer ends inside its thought, so that more of it, or its answer, could follow."""
    if facts and facts.thought_end is ThoughtEnd.ITSELF:
        return False
    return _ends_inside([part.kind for part in parts if part.kind is not Kind.TEXT or part.text])


def _ends_inside(kinds: list[Kind]) -> bool:
    """Whether stretches of these kinds end in a thought; the app's own words open one, or close the one before."""
    if not kinds:
        return False
    opened = all(kind is Kind.INJECTED for kind in kinds)
    return opened or kinds[-1] in (Kind.REASONING, Kind.STEER)


def _count(parts: tuple[Part, ...], facts: Generation | None) -> dict[Kind, int]:
    """Tokens of thought and answer; where nobody lived to count them, their ids."""
    ids = {kind: sum(len(part.ids) for part in parts if part.kind is kind) for kind in (Kind.REASONING, Kind.TEXT)}
    if facts and facts.reasoning_tokens + facts.answer_tokens:
        return {Kind.REASONING: facts.reasoning_tokens, Kind.TEXT: facts.answer_tokens}
    return ids
