"""The real worker process, driven as the desktop drives it, with a clock beside.

A first token counts from the moment its request is written to the event that says it is known.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psutil

from app.core.messages import Generation, Kind, Part, Role
from app.core.protocol import (
    Command,
    Delta,
    Estimate,
    Estimated,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    ModelCard,
    Prefilled,
    Shutdown,
    Started,
    Storage,
    Turn,
)
from tests.worker.process import GREEDY, HANGS, Desk, running

QUIET = 0.25
"""Seconds without work after which the worker is taken to be idle."""
IDLE_LIMIT = 120.0


@dataclass
class Answer:
    """What came of one request."""

    seconds: float = 0.0
    """To the first token."""
    cached: int = 0
    prompt_tokens: int = 0
    parts: list[Part] = field(default_factory=list)
    marks: list[tuple[float, int]] = field(default_factory=list)
    """When how many tokens were known."""
    generation: Generation = field(default_factory=lambda: Generation(model="", fingerprint=""))

    @property
    def ids(self) -> list[int]:
        """All that was written, markers included."""
        return [token for part in self.parts for token in part.ids]

    def ids_of(self, kind: Kind) -> list[int]:
        """What was written of one kind."""
        return [token for part in self.parts if part.kind is kind for token in part.ids]

    @property
    def turn(self) -> Turn:
        """It as history."""
        return Turn(Role.ASSISTANT, self.parts)

    @property
    def token_seconds(self) -> float:
        """Seconds from one token to the next; 0 where there is only one."""
        (began, first), (ended, last) = self.marks[0], self.marks[-1]
        return (ended - began) / (last - first) if last > first else 0.0


class Engine:
    """A loaded worker. Requests are numbered, answers are greedy and unguarded unless a request says otherwise."""

    def __init__(self, desk: Desk, card: ModelCard) -> None:
        self.desk, self.card = desk, card
        self.process = psutil.Process(desk.process.pid)
        self._numbers = count(1)

    def request(self, turns: list[Turn], *, max_tokens: int = 24, **fields: Any) -> Generate:
        """A request of its own number; without a thought unless `thinking_budget` is given."""
        fields = {"sampling": GREEDY, "thinking_budget": 0, "guard": False, **fields}
        return Generate(next(self._numbers), list(turns), max_tokens=max_tokens, **fields)

    def number(self) -> int:
        """A number for another kind of request."""
        return next(self._numbers)

    def send(self, *commands: Command) -> float:
        """Write commands in one go; when that was."""
        began = time.perf_counter()
        self.desk.send(*commands)
        return began

    def hear(self) -> tuple[float, Event]:
        """The next event, and when it came; raises where there is none or it tells of a failure."""
        event = self.desk.listen()
        now = time.perf_counter()
        self.desk.forget()
        if event is None or isinstance(event, Failed):
            log = self.desk.log.read_text(encoding="utf-8")[-2000:]
            raise RuntimeError(f"the worker said {event}; its log ends with: {log}")
        return now, event

    def hear_by(self, deadline: float) -> tuple[float, Event] | None:
        """The next event, if one comes by then."""
        self.desk.sock.settimeout(max(0.001, deadline - time.perf_counter()))
        try:
            return self.hear()
        except TimeoutError:
            return None
        finally:
            self.desk.sock.settimeout(HANGS)

    def ask(self, turns: list[Turn], **fields: Any) -> Answer:
        """Ask and wait for the end."""
        request = self.request(turns, **fields)
        return self.follow(request.request, self.send(request))

    def follow(self, request: int, began: float, answer: Answer | None = None) -> Answer:
        """Collect one request's events to its end; `began` is when it was written."""
        answer = answer or Answer()
        while not self.collect(request, began, answer, *self.hear()):
            pass
        return answer

    def collect(self, request: int, began: float, answer: Answer, at: float, event: Event) -> bool:
        """Fold one event in; whether it was the last one of that request."""
        match event:
            case Started(number, prompt, cached) if number == request:
                answer.prompt_tokens, answer.cached = prompt, cached
            case Prefilled(number, done, total) if number == request and done == total and not answer.seconds:
                answer.seconds = at - began
            case Delta(number, parts, tokens) if number == request:
                answer.marks.append((at, tokens))
                for part in parts:
                    _append(answer.parts, part)
            case Finished(number, generation) if number == request:
                answer.generation = generation
                return True
        return False

    def estimate(self, turns: list[Turn], **fields: Any) -> Estimated:
        """What the worker knows of a prompt to come."""
        number = self.number()
        self.send(Estimate(number, list(turns), **fields))
        while True:
            _at, event = self.hear()
            if isinstance(event, Estimated) and event.request == number:
                return event

    def settle(self) -> float:
        """Wait until the worker does nothing any more; the seconds until it last did something."""
        began = last = time.perf_counter()
        used = self._cpu()
        while time.perf_counter() - last < QUIET:
            if time.perf_counter() - began > IDLE_LIMIT:
                raise RuntimeError("the worker never rests")
            time.sleep(0.02)
            if (now := self._cpu()) > used:
                used, last = now, time.perf_counter()
        return last - began

    def end(self) -> None:
        """Tell the worker to end and wait until it has."""
        self.desk.send(Shutdown())
        self.desk.end()

    def _cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def engine(model: Path, data: Path, *, storage: Storage | None = None, context: int | None = None) -> Iterator[Engine]:
    """A worker on a data folder with the model loaded; killed at the latest with the block."""
    with running(data / "worker.log") as desk:
        desk.send(Load(str(data), str(model), context, storage or Storage()))
        yield Engine(desk, desk.until(Loaded).card)


@dataclass
class Chat:
    """One chat's turns and what all of its requests have in common."""

    session: int
    fields: dict[str, Any] = field(default_factory=dict)
    turns: list[Turn] = field(default_factory=list)

    def ask(self, worker: Engine, turn: Turn, *, max_tokens: int = 24) -> Answer:
        """Ask and keep both, question and answer; returns when the worker rests."""
        answer = self.try_out(worker, turn, max_tokens=max_tokens)
        self.turns += [turn, answer.turn]
        return answer

    def try_out(self, worker: Engine, turn: Turn, *, max_tokens: int = 24) -> Answer:
        """Ask and keep nothing, so that the chat may go on otherwise; returns when the worker rests."""
        answer = worker.ask([*self.turns, turn], session=self.session, max_tokens=max_tokens, **self.fields)
        worker.settle()
        return answer


def count_equal(one: Sequence[int], other: Sequence[int]) -> int:
    """Tokens that two answers begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _append(parts: list[Part], part: Part) -> None:
    if parts and parts[-1].kind is part.kind:
        last = parts.pop()
        part = Part(part.kind, last.text + part.text, last.ids + part.ids)
    parts.append(part)
