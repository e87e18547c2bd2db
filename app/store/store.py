"""The store as the rest of the app sees it: writes that return at once, reads of a few milliseconds."""

import logging
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from app.core.errors import AppError, Failure, StoreFailed
from app.core.messages import Generation, Message, Part, Session
from app.core.owner import Owner
from app.core.text import _
from app.store.connection import connect_reader
from app.store.failures import explain, is_damage, kept_beside
from app.store.files import DATABASE, mark_of, unsaved_files, unsaved_name, write_whole
from app.store.opening import open_database
from app.store.reading import read_messages, read_sessions
from app.store.writer import Job, Outcome, Writer
from app.store.writing import (
    delete_session,
    reopen_answer,
    rewrite_answer,
    write_checkpoint,
    write_finish,
    write_session,
    write_turn,
)

FLUSH_SECONDS = 30.0

Value = TypeVar("Value")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Opened:
    """The database is open; `notice` is what the user should know about it."""

    sessions: list[Session]
    notice: Failure | None


@dataclass(frozen=True, slots=True)
class Broken:
    """Chats cannot be saved: never, where it comes instead of `Opened`, or at the moment, where it comes later."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class Mended:
    """Chats are saved again."""


StoreEvent = Opened | Broken | Mended


class Store:
    """One data folder's database. `report` and every `then` are called in the writer's thread."""

    def __init__(
        self, folder: Path, owner: Owner, is_alive: Callable[[Owner], bool], report: Callable[[StoreEvent], None]
    ) -> None:
        self._folder, self._path = folder, folder / DATABASE
        self._owner, self._is_alive, self._report = owner, is_alive, report
        self._ready = threading.Event()
        self._refusal: Failure | None = None
        self._writer = Writer(self._open, Outcome(self._fail, lambda: self._tell(Mended()), self._keep_beside))

    def start(self) -> None:
        """Start the writer's thread; it opens the database and reports Opened, or Broken."""
        self._writer.start()

    def add_turn(
        self,
        session: Session,
        messages: Sequence[Message],
        then: Callable[[], None] | None = None,
        dropped: Callable[[Failure], None] | None = None,
    ) -> None:
        """Insert new messages, parents first, and update their session.

        `then` follows the commit, `dropped` in its place where the database will never take them.
        """
        job = partial(write_turn, session=session, messages=tuple(messages), owner=self._owner)
        self._writer.put(Job(job, then, self._teller(dropped), tuple(messages)))

    def reopen(
        self,
        message: Message,
        session: Session,
        then: Callable[[], None] | None = None,
        dropped: Callable[[Failure], None] | None = None,
    ) -> None:
        """Let an answer that ended run again, with the parts it has; its facts stay until its end."""
        job = partial(reopen_answer, message=message, session=session, owner=self._owner)
        self._writer.put(Job(job, then, self._teller(dropped), (message,)))

    def save_session(self, session: Session) -> None:
        """Keep a chat's title and choices."""
        self._write(partial(write_session, session=session))

    def delete_session(self, session: int) -> None:
        """Delete a chat with its messages, all or nothing."""
        self._write(partial(delete_session, session=session))

    def checkpoint(self, message: int, parts: Sequence[Part], facts: Generation | None = None) -> None:
        """Append what a running answer wrote since the last checkpoint, and note its facts so far."""
        self._write(partial(write_checkpoint, message=message, parts=tuple(parts), facts=facts))

    def rewrite(self, message: Message) -> None:
        """Put all that a running answer has in place of what is there: something was taken back or divided anew."""
        self._write(partial(rewrite_answer, message=message))

    def finish(self, message: Message, session: Session, then: Callable[[], None] | None = None) -> None:
        """Close a running answer: state, final parts in place of the checkpoints, generation, time of the session."""
        self._writer.put(Job(partial(write_finish, message=message, session=session), then, messages=(message,)))

    def later(self, job: Callable[[], None]) -> None:
        """Run a small job in the writer's thread, after everything queued before it."""
        self._writer.put(Job(None, job))

    def sessions(self) -> list[Session]:
        """All chats as they are committed, the one that changed last first."""
        return self._read(read_sessions)

    def messages(self, session: int) -> list[Message]:
        """One chat's whole tree as it is committed, oldest first; a running answer has what it wrote so far."""
        return self._read(partial(read_messages, session=session))

    def flush(self, timeout: float = FLUSH_SECONDS) -> None:
        """Wait until everything queued is committed; raises StoreTooNew or StoreFailed where it is not."""
        done = threading.Event()
        self.later(done.set)
        if not done.wait(timeout):
            raise StoreFailed(
                _("The chats in {folder} could not be saved in time.").format(folder=self._folder),
                _("Check the free space on its disk."),
            )
        self._raise_refusal()

    def close(self) -> None:
        """Commit what is queued, move the log into the database and end the thread; again is fine.

        Waits a second at most for another process; what cannot be written then goes into a file beside.
        """
        self._writer.close()

    def _write(self, write: Callable[[sqlite3.Connection], None]) -> None:
        self._writer.put(Job(write))

    def _teller(self, dropped: Callable[[Failure], None] | None) -> Callable[[Exception], None] | None:
        return None if dropped is None else lambda error: dropped(explain(error, self._folder).failure())

    def _read(self, query: Callable[[sqlite3.Connection], Value]) -> Value:
        self._ready.wait()
        self._raise_refusal()
        try:
            with closing(connect_reader(self._path)) as connection:
                connection.execute("BEGIN")
                return query(connection)
        except sqlite3.Error as error:
            self._remember(error)
            raise explain(error, self._folder) from error

    def _raise_refusal(self) -> None:
        if self._refusal is not None:
            raise AppError.of(self._refusal)

    def _open(self) -> sqlite3.Connection | None:
        try:
            opening = open_database(self._folder, self._is_alive)
        except Exception as error:
            log.exception("the database cannot be opened")
            self._refusal = explain(error, self._folder).failure()
            self._ready.set()
            self._tell(Broken(self._refusal))
            return None
        self._ready.set()
        beside = unsaved_files(self._path)
        notice = opening.notice or (kept_beside(beside[-1]).failure() if beside else None)
        self._tell(Opened(opening.sessions, notice))
        return opening.connection

    def _fail(self, error: Exception) -> None:
        self._remember(error)
        self._tell(Broken(explain(error, self._folder).failure()))

    def _keep_beside(self, messages: Sequence[Message]) -> None:
        """Put text that the database does not take where the next start tells of it."""
        newest = {message.id: message for message in messages if message.parts}
        if not newest:
            return
        path = unsaved_name(self._path)
        texts = [
            {
                "chat": each.session,
                "message": each.id,
                "role": each.role,
                "reasoning": each.reasoning,
                "text": each.text,
            }
            for each in newest.values()
        ]
        try:
            write_whole(path, msgspec.json.format(msgspec.json.encode(texts), indent=2) + b"\n")
        except OSError:
            log.exception("what could not be saved could not be kept beside the database either")
        else:
            log.error("what could not be saved was kept in %s", path)

    def _remember(self, error: Exception) -> None:
        """Leave a mark of damage, so that the next start looks at every page."""
        if is_damage(error):
            self.later(mark_of(self._path).touch)

    def _tell(self, event: StoreEvent) -> None:
        try:
            self._report(event)
        except Exception:
            log.exception("a report of the store was not taken")
