"""The one thread that writes: jobs in order, each a transaction, none lost to a disk that refuses for a while."""

import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass

from app.core.errors import StoreFailed
from app.core.messages import Message
from app.store.connection import is_busy, set_patience, transaction
from app.store.failures import is_damage, is_passing

RETRY_SECONDS = 1.0
PATIENCE = 5.0
"""Seconds for which another process may hold the database before that is told."""
BUSY_STEP = 0.25
"""Seconds that one try waits for it, so that closing never waits longer."""
OPENING_SECONDS = 2.0
"""How long closing waits for a database that is not open yet, so that nothing was asked."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A transaction and what follows its commit; without `write`, only the latter."""

    write: Callable[[sqlite3.Connection], None] | None
    then: Callable[[], None] | None = None
    dropped: Callable[[Exception], None] | None = None
    """What follows where it can never be written."""
    messages: Sequence[Message] = ()
    """What a person would miss without it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who hears what became of the jobs, in the writer's thread."""

    fail: Callable[[Exception], None]
    """Told once about each row of refusals, and of each write that is dropped."""
    mend: Callable[[], None]
    """Writing works again."""
    give_up: Callable[[Sequence[Message]], None]
    """The end came before these could be written."""


class Writer:
    """Runs jobs in a thread of its own, on the connection that `open_` makes there.

    Where `open_` returns None there is no database: only jobs that need none are run.
    """

    def __init__(self, open_: Callable[[], sqlite3.Connection | None], outcome: Outcome) -> None:
        self._open, self._outcome = open_, outcome
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._failing = self._lossy = self._gave_up = False
        self._unwritten: list[Message] = []

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def put(self, job: Job) -> None:
        """Queue a job and return at once."""
        self._jobs.put(job)

    def close(self) -> None:
        """Run what is queued and end the thread; a write that is still refused is tried once more, then given up."""
        if self._thread.is_alive() and not self._closing.is_set():
            self._closing.set()
            self._jobs.put(None)
            if not self._opened.is_set():
                self._thread.join(OPENING_SECONDS)
            if self._opened.is_set():
                self._thread.join()

    def _run(self) -> None:
        connection = self._open()
        self._opened.set()
        if connection is None:
            self._work(None)
            return
        with closing(connection):
            set_patience(connection, BUSY_STEP)
            self._work(connection)
            # With a full disk, or a reader beside us, the log simply stays for the next start.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        if self._unwritten:
            self._outcome.give_up(self._unwritten)

    def _work(self, connection: sqlite3.Connection | None) -> None:
        while (job := self._jobs.get()) is not None:
            if job.write is not None and (connection is None or not self._commit(connection, job, job.write)):
                continue
            if job.then is not None:
                self._call(job.then)

    def _commit(self, connection: sqlite3.Connection, job: Job, write: Callable[[sqlite3.Connection], None]) -> bool:
        """Write one transaction, however often it takes; later jobs wait, because they build on this one."""
        began = time.monotonic()
        while not self._gave_up:
            last = self._closing.is_set()
            try:
                with transaction(connection):
                    write(connection)
            except Exception as error:  # noqa: BLE001 - the edge of the thread: it must outlive any job
                if not is_passing(error):
                    self._drop(job, error)
                    return False
                if is_busy(error) and not last and time.monotonic() - began < PATIENCE:
                    continue
                self._refuse(error)
                self._gave_up = last
                self._closing.wait(RETRY_SECONDS)
            else:
                self._mend()
                return True
        self._unwritten += job.messages
        return False

    def _refuse(self, error: Exception) -> None:
        if not self._failing:
            self._failing = True
            log.warning("the database cannot be written: %s", error)
            self._outcome.fail(error)

    def _mend(self) -> None:
        if self._failing and not self._lossy:
            self._outcome.mend()
        self._failing = False

    def _drop(self, job: Job, error: Exception) -> None:
        """A damaged page stays damaged, and wrong data wrong; other pages may still take what comes."""
        log.error("a write to the database was dropped", exc_info=error)
        self._lossy = True
        if not self._failing or not is_damage(error):
            self._failing = True
            self._outcome.fail(error)
        self._unwritten += job.messages
        if job.dropped is not None:
            self._call(lambda: job.dropped and job.dropped(error))

    def _call(self, then: Callable[[], object]) -> None:
        try:
            then()
        except StoreFailed as error:
            self._failing = True
            self._outcome.fail(error)
        except Exception:
            log.exception("a job of the store's thread went wrong")
