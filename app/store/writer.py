"""The one thread that writes: jobs in order, each a transaction, none lost to a disk that refuses for a while."""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

from app.core.errors import StoreFailed
from app.store.connection import transaction
from app.store.failures import is_damage, is_passing

RETRY_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """A transaction and what follows its commit; without `write`, only the latter."""

    write: Callable[[sqlite3.Connection], None] | None
    then: Callable[[], None] | None = None


class Writer:
    """Runs jobs in a thread of its own, on the connection that `open_` makes there.

    Where `open_` returns None there is no database: only jobs that need none are run. `fail` is told
    once about each row of refusals. Both, and what follows a commit, run in the thread.
    """

    def __init__(self, open_: Callable[[], sqlite3.Connection | None], fail: Callable[[Exception], None]) -> None:
        self._open, self._fail = open_, fail
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._closing = threading.Event()
        self._failing = False
        self._gave_up = False

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
            self._thread.join()

    def _run(self) -> None:
        connection = self._open()
        if connection is None:
            self._work(None)
            return
        with closing(connection):
            self._work(connection)
            # With a full disk, or a reader beside us, the log simply stays for the next start.
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _work(self, connection: sqlite3.Connection | None) -> None:
        while (job := self._jobs.get()) is not None:
            if job.write is not None and (connection is None or not self._commit(connection, job.write)):
                continue
            if job.then is not None:
                self._call(job.then)

    def _commit(self, connection: sqlite3.Connection, write: Callable[[sqlite3.Connection], None]) -> bool:
        """Write one transaction, however often it takes; later jobs wait, because they build on this one."""
        while not self._gave_up:
            last = self._closing.is_set()
            try:
                with transaction(connection):
                    write(connection)
            except Exception as error:  # noqa: BLE001 - the edge of the thread: it must outlive any job
                if not self._may_retry(error):
                    return False
                if last:
                    self._gave_up = True
                self._closing.wait(RETRY_SECONDS)
            else:
                self._failing = False
                return True
        return False

    def _may_retry(self, error: Exception) -> bool:
        if not is_passing(error) and not is_damage(error):
            log.error("a write to the database is wrong and was dropped", exc_info=error)
            return False
        if not self._failing:
            self._failing = True
            log.warning("the database cannot be written: %s", error)
            self._fail(error)
        # A damaged page stays damaged; other pages may still take what comes.
        return is_passing(error)

    def _call(self, then: Callable[[], None]) -> None:
        try:
            then()
        except StoreFailed as error:
            self._fail(error)
        except Exception:
            log.exception("a job of the store's thread went wrong")
