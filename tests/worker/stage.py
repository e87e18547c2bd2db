"""A loaded tiny model in this process, and a way to make it say what a test wants."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mlx.core as mx

from app.core.errors import ModelBroken
from app.core.memory import GIB, Level, Machine, Plan
from app.core.messages import Generation, Kind, Part, Role, Sampling
from app.core.protocol import Delta, Event, Finished, Generate, ModelCard, Prefilled, Reclassified, Started, Turn
from app.weights.folder import examine
from app.worker.generation import Generator
from app.worker.kvfiles import PrefixFiles
from app.worker.layout import Layout, Prompt, choose_layout
from app.worker.live import Live
from app.worker.model import check_fit, load
from app.worker.pace import Pace
from app.worker.prefix import Prefixes
from app.worker.ticket import Ticket
from app.worker.tokens import Tokens
from app.worker.watch import Watch

MACHINE = Machine(device="cpu", name="", memory=8 * GIB, limit=6 * GIB)
GREEDY = Sampling(temperature=0.0, top_p=1.0)
AHEAD = () if mx.default_device() == mx.cpu else (1002,)
"""On a GPU a scripted model has decided one token ahead when it is cut; that token is never read."""


def user(text: str, *documents: Part) -> Turn:
    return Turn(Role.USER, [Part(Kind.TEXT, text), *documents])


def assistant(*parts: Part) -> Turn:
    return Turn(Role.ASSISTANT, list(parts))


class Script:
    """A logits processor that leaves one choice after the other, whatever the model thinks."""

    def __init__(self, *ids: int) -> None:
        self._ids = list(ids)

    def __call__(self, tokens: mx.array, logits: mx.array) -> mx.array:
        target = self._ids.pop(0) if len(self._ids) > 1 else self._ids[0]
        hit = mx.arange(logits.shape[-1]) == target
        return mx.where(hit, mx.array(0.0, logits.dtype), mx.array(-1e4, logits.dtype))[None]


@dataclass
class Weather:
    """A machine whose memory is as short as a test says."""

    now: Level = Level.NORMAL

    def level(self) -> Level:
        return self.now


@dataclass
class Answer:
    """What came out of one request."""

    events: list[Event]
    prompt: list[int]

    @property
    def parts(self) -> list[Part]:
        return [part for event in self.events if isinstance(event, Delta) for part in event.parts]

    @property
    def ids(self) -> list[int]:
        return [token for part in self.parts for token in part.ids]

    @property
    def finished(self) -> Finished:
        assert isinstance(self.events[-1], Finished)
        return self.events[-1]

    @property
    def facts(self) -> Generation:
        return self.finished.generation

    @property
    def started(self) -> Started:
        return next(event for event in self.events if isinstance(event, Started))

    @property
    def progress(self) -> list[tuple[int, int]]:
        return [(event.done, event.total) for event in self.events if isinstance(event, Prefilled)]

    @property
    def divided_anew(self) -> list[Reclassified]:
        return [event for event in self.events if isinstance(event, Reclassified)]

    def text(self, kind: Kind) -> str:
        return "".join(part.text for part in self.parts if part.kind is kind)

    @property
    def thought(self) -> str:
        return self.text(Kind.REASONING)

    @property
    def answer(self) -> str:
        return self.text(Kind.TEXT)


@dataclass
class Stage:
    """One loaded model with one cache, as the worker holds it."""

    folder: Path
    context: int = 4096
    tokens: Tokens = field(init=False)
    layout: Layout = field(init=False)
    model: Any = field(init=False)
    prefixes: Prefixes = field(init=False)
    plan: Plan = field(init=False)
    pressure: "Weather" = field(init=False)
    pace: Pace = field(init=False)
    _watch: Watch = field(init=False)
    lead: Prompt | None = None
    """How the next prompt begins, as the last answer foresaw it."""

    def __post_init__(self) -> None:
        self.tokens = Tokens(self.folder)
        self.layout = choose_layout(self.tokens, self.folder)
        files = examine(self.folder)
        self.plan = check_fit(files, MACHINE, None)
        self.model = load(files, MACHINE, lambda _done, _total: None)
        self.pressure = Weather()
        self.clear()

    def clear(self, room: int = 2 * GIB, aside: int | None = None, files: PrefixFiles | None = None) -> None:
        """Forget everything that was computed."""
        row = examine(self.folder).shape.cache_per_token()
        self.prefixes = Prefixes(self.model, room=room, row=row, aside=aside, files=files)
        self.pressure.now = Level.NORMAL
        self.pace = Pace(self.folder / "nowhere", "tiny")
        shape = examine(self.folder).shape
        self._watch = Watch(self.pressure, self.prefixes, self.pace, self.plan, shape, lambda _event: None)
        self.context = 4096

    def watch(self, send: Callable[[Event], None]) -> Watch:
        """The one watch over this stage's memory."""
        self._watch._send = send
        return self._watch

    @property
    def live(self) -> Live:
        """The sequence used last; an empty one where there is none."""
        lives = self.prefixes._lives
        return lives[0] if lives else Live(self.model)

    def text(self, text: str) -> list[int]:
        return self.tokens.encode(text)

    def ticket(self, *turns: Turn, **fields: Any) -> Ticket:
        fields.setdefault("sampling", GREEDY)
        fields.setdefault("guard", False)  # scripts repeat themselves
        return Ticket(Generate(1, list(turns) or [user("What is 2+2?")], **fields))

    def answer(self, ticket: Ticket, *script: int, during: Any = None) -> Answer:
        """Answer with what a script says; `during(event)` is called for each event before it is kept."""
        events: list[Event] = []

        def send(event: Event) -> None:
            if during:
                during(event)
            events.append(event)

        generator = Generator(
            self.prefixes,
            self.layout,
            self.card,
            send,
            pace=self.pace,
            watch=self.watch(send),
            script=[Script(*script)] if script else [],
        )
        self.lead = generator.answer(ticket)
        command = ticket.command
        prompt = self.layout.build(
            command.turns,
            command.instructions,
            thinking=command.thinking_budget != 0,
            keep_thoughts=command.keep_thoughts,
        )
        return Answer(events, prompt.ids)

    def say(self, *script: int, **fields: Any) -> Answer:
        """The scripted answer to the usual question, on an empty cache."""
        self.clear()
        return self.answer(self.ticket(**fields), *script)

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="tiny",
            folder=str(self.folder),
            fingerprint="0",
            release=self.layout.release.key,
            architecture="",
            bits=4,
            weights_bytes=0,
            cache_bytes_per_token=0,
            context=self.context,
            machine=MACHINE,
        )

    def rows_are_of_ids(self) -> bool:
        """The invariant of the live cache, for each of its layers."""
        return {layer.offset for layer in self.live._cache} == {len(self.live.ids)}

    def marker(self, name: str) -> int:
        found = self.tokens.id(name)
        if found is None:
            raise ModelBroken(name)
        return found
