"""Watching over the engine: what it is doing, and starting it again when it stopped."""

from collections.abc import Callable

from app.chat.answering import Answering
from app.chat.changes import Change, EngineChanged, EngineState, EngineView
from app.core.errors import EngineHeld, Failure
from app.core.owner import Owner
from app.core.protocol import Load, ModelCard
from app.core.text import _
from app.engine.client import Engine


class Supervision:
    """The engine as the person at the desk sees it.

    After a stop that nobody asked for it is started again once by itself (`may_restart` is the preference),
    and once more after every answer that it has finished since.
    """

    def __init__(
        self, engine: Engine, answering: Answering, may_restart: Callable[[], bool], tell: Callable[[Change], None]
    ) -> None:
        self._engine, self._answering, self._tell = engine, answering, tell
        self._may_restart, self._healthy = may_restart, True
        self.view = EngineView(EngineState.STARTING)
        self.holds_engine = False
        """Whether the engine of the data folder is surely ours, so that no other process answers."""

    def start(self, load: Load) -> None:
        """Start an engine in place of the one that runs."""
        self.holds_engine = False
        self._answering.lose_engine(None)
        self.see(EngineView(EngineState.STARTING))
        self._engine.start(load)

    def rest(self) -> None:
        """End the engine until it is wanted; answers under way are kept as they are."""
        self.holds_engine = False
        self._answering.stop_all()
        self._answering.lose_engine(None)
        self._engine.rest()
        self.see(EngineView(EngineState.RESTING, card=self.view.card))

    def hold(self) -> bool:
        """A worker of ours speaks, so the lock is ours; whether we had to wait for it."""
        self.holds_engine, waited = True, self.view.state is EngineState.WAITING
        if waited:
            self.see(EngineView(EngineState.STARTING))
        return waited

    def see(self, view: EngineView) -> None:
        """The engine does something else now."""
        self.view = view
        self._tell(EngineChanged(view))

    def wait_for(self, holder: Owner) -> None:
        """Another process has the engine of this data folder."""
        who = _("A question from the terminal") if holder.role == "ask" else _("Another window of the app")
        held = EngineHeld(
            _("{who} (process {pid}) uses the engine of this data folder.").format(who=who, pid=holder.pid),
            _("Yours starts as soon as that one ends."),
        )
        self.see(EngineView(EngineState.WAITING, failure=held.failure()))

    def use(self, card: ModelCard) -> None:
        """A model is loaded."""
        self.see(EngineView(EngineState.READY, card=card))
        self._answering.use_model(card)

    def refuse(self, failure: Failure) -> None:
        """The model could not be loaded; who waits for it hears why."""
        self.see(EngineView(EngineState.FAILED, failure=failure))
        self._answering.refuse_waiting(failure)

    def trust(self) -> None:
        """The engine has finished an answer, or a person asked for its start: its next stop is a first one."""
        self._healthy = True

    def lose(self, failure: Failure) -> bool:
        """The engine ended; whether it shall be started again."""
        self.holds_engine = False
        self._answering.lose_engine(failure)
        if self._healthy and self._may_restart():
            self._healthy = False
            return True
        self.see(EngineView(EngineState.STOPPED, failure=failure))
        return False
