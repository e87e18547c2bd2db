"""The list of chats: the one that changed last comes first."""

import time
from collections.abc import Callable

import msgspec

from app.chat.changes import Change, SessionsChanged
from app.core.errors import UsageError
from app.core.messages import Message, Session, State
from app.core.text import _
from app.store.store import Store


class Library:
    """All chats of the data folder, as far as this desk knows."""

    def __init__(self, store: Store, tell: Callable[[Change], None]) -> None:
        self._store, self._tell = store, tell
        self.sessions: list[Session] = []
        self._deleted: set[int] = set()
        """In this run; the disk may not know it yet."""

    def fill(self, sessions: list[Session] | None = None) -> None:
        """Take the list as the store has it; without one it is read. Raises AppError where that cannot be."""
        self.sessions = self._store.sessions() if sessions is None else sessions
        self._tell(SessionsChanged())

    def find(self, session: int) -> Session | None:
        """A chat of the list."""
        return next((each for each in self.sessions if each.id == session), None)

    def choose(self, session: int | None) -> Session:
        """A chat by its number, None being the one that changed last; raises UsageError where it is not there."""
        found = next(iter(self.sessions), None) if session is None else self.find(session)
        if found is None:
            said = _("There is no chat yet.") if session is None else _("There is no chat {id}.").format(id=session)
            raise UsageError(said, _("The number of a chat is printed by ask --json, as “session”."))
        return found

    def read(self, session: int, *, engine_is_ours: bool) -> list[Message]:
        """A chat from the disk; raises AppError where it cannot be read.

        What seems to run there was left by a dead process where the engine is ours.
        """
        messages = self._store.messages(session)
        if not engine_is_ours:
            return messages
        return [
            msgspec.structs.replace(message, state=State.INTERRUPTED) if message.state is State.RUNNING else message
            for message in messages
        ]

    def put_first(self, session: Session) -> None:
        """A chat is new, or something was asked there."""
        self.sessions = [session, *(each for each in self.sessions if each.id != session.id)]
        self._tell(SessionsChanged())

    def move_up(self, session: int) -> None:
        """A chat whose answer ended changed last."""
        if found := self.find(session):
            self.put_first(msgspec.structs.replace(found, updated=time.time()))

    def keep(self, session: Session) -> None:
        """Something was chosen for a chat; it stays where it is."""
        self.sessions = [session if each.id == session.id else each for each in self.sessions]
        self._store.save_session(session)

    def remove(self, session: int) -> None:
        """Delete a chat with everything in it."""
        self.sessions = [each for each in self.sessions if each.id != session]
        self._deleted.add(session)
        self._store.delete_session(session)
        self._tell(SessionsChanged())

    def numbers(self) -> list[int]:
        """The ids of all chats there are, also of those that another process has begun; raises AppError."""
        return sorted({each.id for each in (*self.sessions, *self._store.sessions())} - self._deleted)
