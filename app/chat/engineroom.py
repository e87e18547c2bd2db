"""The engine as the desk works with it: started when it is wanted, listened to, and let rest."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.chat.answering import Answering
from app.chat.changes import Change, EngineState, EngineView, LedgerChanged, Noticed, StoredChanged
from app.chat.choices import Choices
from app.chat.conversation import Conversation
from app.chat.drafting import Drafts
from app.chat.library import Library
from app.chat.outlook import Outlook
from app.chat.prefixes import Prefixes
from app.chat.rest import Rest
from app.chat.supervision import Supervision
from app.core.errors import Failure, ModelMissing
from app.core.protocol import (
    Counted,
    Delta,
    Estimated,
    Event,
    Failed,
    Finished,
    Loaded,
    Loading,
    Noted,
    Prefilled,
    Prewarmed,
    Rates,
    Reclassified,
    Retracted,
    Severity,
    Started,
    Stored,
    TokenizerReady,
    Welcome,
)
from app.engine.client import Engine
from app.engine.life import EngineEnded, EngineWaits
from app.models.homes import explain_absence, name_disk


@dataclass(frozen=True, slots=True)
class Rung:
    """The time after which an idle engine rests may be up; left in the inbox by a timer."""


@dataclass(frozen=True, slots=True)
class Front:
    """What the engine room sees of the desk."""

    here: Callable[[], Conversation]
    """The open chat."""
    is_open: Callable[[], bool]
    """Whether the chats are known."""
    meet: Callable[[bool], None]
    """A worker of ours speaks; whether it had to wait for another process's."""
    tell: Callable[[Change], None]
    put: Callable[[object], None]
    """Leaves something in the inbox, from any thread."""


class EngineRoom:
    """Starts, hears and rests the worker, and asks it what concerns no answer."""

    def __init__(
        self,
        root: Path,
        engine: Engine,
        answering: Answering,
        library: Library,
        choices: Choices,
        drafts: Drafts,
        numbers: Iterator[int],
        front: Front,
    ) -> None:
        self._root, self._answering, self._choices, self._drafts = root, answering, choices, drafts
        self._engine, self._front = engine, front
        self._folder: str | None = None
        """The model named for this time; None is the preferred one."""
        self._rest = Rest(choices.idle_minutes, lambda: front.put(Rung()))
        self.supervision = Supervision(engine, answering, choices.may_restart, front.tell)
        self.outlook = Outlook(engine.send, numbers, choices)
        self.prefixes = Prefixes(engine, library)

    @property
    def view(self) -> EngineView:
        """What the engine is doing."""
        return self.supervision.view

    def start(self, folder: str | None = None) -> None:
        """Load the model that is named, else the one named last, else the preferred one."""
        self._folder = self._folder if folder is None else folder
        self._part()
        self.supervision.start(self._choices.load(self._root, self._folder))

    def restart(self, folder: str | None = None) -> None:
        """Start it because a person wants it."""
        self.supervision.trust()
        self.start(folder)

    def wake(self) -> None:
        """A question is the wish to have an engine: start one that rests, stopped, or could not load its model."""
        self.touch()
        if self.view.state in (EngineState.RESTING, EngineState.STOPPED, EngineState.FAILED):
            self.restart()

    def rest(self) -> None:
        """End the engine and free its memory until the next question."""
        if self.view.state is not EngineState.RESTING:
            self._part()
            self.supervision.rest()
            self._front.tell(LedgerChanged())

    def leave(self, within: Path) -> None:
        """End the engine if its model, or what guesses ahead for it, lies in a folder that goes.

        The next question loads the model that is preferred then.
        """
        load = self._choices.load(self._root, self._folder)
        if any(folder and Path(folder).is_relative_to(within) for folder in (load.folder, load.draft)):
            self.rest()
            self._folder = None

    def touch(self) -> None:
        """A person did something: the engine is in use."""
        self._rest.touch()

    def ring(self) -> None:
        """The time is up, unless somebody was here in between or something runs."""
        if self._answering.busy or self.outlook.warms:
            self.touch()
        if self._rest.is_due():
            self.rest()

    def wind(self) -> None:
        """Count the time until it rests anew, where there is something to rest."""
        if self.view.state is EngineState.READY:
            self._rest.wind()

    def warm(self, conversation: Conversation) -> None:
        """The documents of a chat's next question are others: have them read ahead."""
        self.touch()
        self.outlook.warm(conversation)
        if conversation.attached and self.view.state is EngineState.RESTING:
            self.restart()
        if conversation is self._front.here():
            self.look()

    def look(self, *, documents: bool = False) -> None:
        """Have the next prompt of the open chat counted, and where they are new to the model, its documents read."""
        conversation = self._front.here()
        if documents:
            self.outlook.warm(conversation)
        self.outlook.catch_up()
        self.outlook.look(conversation)

    def drop_prefixes(self) -> None:
        """Delete everything saved of what the model has read; only a loaded worker can."""
        self.prefixes.drop(loaded=self.view.state is EngineState.READY)
        self.wake()

    def meet_chats(self) -> None:
        """The chats are known from now on."""
        if self.view.state is EngineState.READY:
            self.prefixes.sweep()
            self.look()

    def close(self) -> None:
        """Nothing rings any more."""
        self._rest.stop()

    def hear(self, event: Event | EngineWaits | EngineEnded) -> None:
        """Do what follows from the present worker's news."""
        match event:
            case Welcome():
                self._front.meet(self.supervision.hold())
            case Loading(stage, done, total):
                self.supervision.see(EngineView(EngineState.LOADING, stage, done, total))
            case TokenizerReady():
                self._drafts.use_tokenizer(ready=True)
            case Loaded():
                self._use(event)
            case Failed(failure, None):
                self.supervision.refuse(self._explain(failure))
            case EngineWaits(holder):
                self.supervision.wait_for(holder)
            case EngineEnded(failure):
                self._part()
                if self.supervision.lose(failure):
                    self.start()
            case Counted() | Estimated() | Prewarmed() | Rates() | Stored() | Noted():
                self._note(event)
            case Failed(request=int(request)) if request < 0:
                self.outlook.end(request)  # it was only meant to save time, or to tell it
            case Started() | Prefilled() | Delta() | Reclassified() | Retracted() | Finished() | Failed():
                self._follow(event)

    def _explain(self, failure: Failure) -> Failure:
        """A model that is not there may be on a disk that is not connected; then the disk is named."""
        folder = self._choices.load(self._root, self._folder).folder
        absent = failure.kind == ModelMissing.__name__ and folder and name_disk(Path(folder))
        return explain_absence(Path(folder)).failure() if folder and absent else failure

    def _use(self, loaded: Loaded) -> None:
        self.supervision.use(loaded.card)
        self.outlook.use_model(loaded.card)
        if self._front.is_open():
            self.prefixes.sweep()
        self.look(documents=bool(self._front.here().attached))
        self._rest.touch()
        self._rest.wind()
        self._front.tell(LedgerChanged())
        for remark in loaded.card.remarks:
            if remark.severity is Severity.WARNING:
                self._front.tell(Noticed(Failure("Remark", remark.text, remark.hint, "model.library")))

    def _note(self, event: Counted | Estimated | Prewarmed | Rates | Stored | Noted) -> None:
        match event:
            case Counted():
                self._drafts.take(event)
                self._front.tell(LedgerChanged())
            case Estimated():
                self.outlook.take(event)
                self._front.tell(LedgerChanged())
            case Prewarmed(request):
                if self.outlook.end(request):
                    self.touch()
                    self.look()
            case Rates(prefill):
                self.outlook.rates = event
                self._answering.reading_rate = prefill
                self._front.tell(LedgerChanged())
            case Stored():
                self.prefixes.stored = event
                self._front.tell(StoredChanged())
            case Noted(failure):
                self._front.tell(Noticed(failure))

    def _follow(self, event: Started | Prefilled | Delta | Reclassified | Retracted | Finished | Failed) -> None:
        self._answering.take(event)
        if isinstance(event, Finished):
            self.supervision.trust()
        if isinstance(event, Finished | Failed):
            self.touch()
            self.look()

    def _part(self) -> None:
        """This worker is, or will be, no more."""
        self._rest.stop()
        self._drafts.use_tokenizer(ready=False)
        self.outlook.use_model(None)
        self._answering.reading_rate = 0.0
