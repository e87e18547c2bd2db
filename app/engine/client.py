"""The desktop's end of the engine: one worker at a time, started, fed, heard, and ended for sure."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.owner import Owner
from app.core.places import Places
from app.core.protocol import Command, Event, Load
from app.engine.inbox import Inbox
from app.engine.life import EngineEnded, EngineWaits, Life
from app.engine.lock import Lock


@dataclass(frozen=True, slots=True)
class News:
    """What one worker said, or what became of it. Only that of the engine's present worker counts."""

    life: Life
    event: Event | EngineWaits | EngineEnded


class Engine:
    """Runs one worker for one data folder and leaves its news in the inbox. Only `close` waits."""

    def __init__(self, places: Places, inbox: Inbox, owner: Owner, worker: Sequence[str] | None = None) -> None:
        self._places, self._inbox, self._worker = places, inbox, worker
        self._lock = Lock(places.engine_lock, owner)
        self._life: Life | None = None
        self._former: Life | None = None
        """One that rests; it may still be ending."""

    @property
    def pid(self) -> int | None:
        """The worker's process id while there is one."""
        return self._life.pid if self._life else None

    def start(self, load: Load) -> None:
        """Start a worker and let it load; one that runs is ended first."""
        before, self._former = self._life or self._former, None
        life = self._life = Life(self._places, self._lock, self._worker, load)
        life.begin(before, lambda event: self._inbox.put(News(life, event)))

    def send(self, command: Command) -> None:
        """Hand one command to the worker; it goes out after all earlier ones."""
        if self._life:
            self._life.outgoing.put(command)

    def is_current(self, news: News) -> bool:
        """Whether news come from the present worker; an earlier one's may still lie in the inbox."""
        return news.life is self._life

    def rest(self) -> None:
        """End the worker for now and return at once; nothing more of it is news, and one that hangs is killed."""
        if self._life:
            self._former, self._life = self._life, None
            self._former.end()
            threading.Thread(target=self._former.join, name="engine-rest", daemon=True).start()

    def end(self) -> None:
        """Ask the worker to end and return at once; `close` sees to it that it does."""
        if self._life:
            self._life.end()

    def close(self) -> None:
        """End the worker, cleanly if it listens, and wait for that."""
        for life in (self._life, self._former):
            if life:
                life.end()
                life.join()
        self._life = self._former = None
