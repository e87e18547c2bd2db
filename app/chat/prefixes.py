"""What the worker keeps of chats on the disk: it dies with its chat, and goes when it is told to."""

from app.chat.library import Library
from app.core.errors import AppError
from app.core.protocol import DropPrefixes, Forget, Stored, Sweep
from app.engine.client import Engine


class Prefixes:
    """Sees to it that no saved prefix outlives its chat; what no worker hears now is swept when one has loaded."""

    def __init__(self, engine: Engine, library: Library) -> None:
        self._engine, self._library = engine, library
        self._drop = False
        self.stored: Stored | None = None
        """What is on the disk, as the worker said last."""

    def sweep(self) -> None:
        """A worker has loaded and the chats are known: everything of other chats is left over from a crash."""
        if self._drop:
            self._drop = False
            self._engine.send(DropPrefixes())
        try:
            self._engine.send(Sweep(self._library.numbers()))
        except AppError:
            return  # without the list nothing can be told apart; the next load tries again

    def forget(self, session: int) -> None:
        """A chat is deleted."""
        self._engine.send(Forget([session]))

    def drop(self, *, loaded: bool) -> None:
        """Delete all of them, of all models; a worker that has not loaded yet is told when it has."""
        self._drop = not loaded
        if loaded:
            self._engine.send(DropPrefixes())
