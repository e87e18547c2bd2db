"""Opens the database: looks, sets a damaged one aside, migrates, and closes what dead processes left running."""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import Failure
from app.core.messages import Session
from app.core.owner import Owner
from app.store.connection import connect_writer, transaction
from app.store.failures import DatabaseDamagedError, is_damage, kept_aside
from app.store.files import DATABASE, PRIVATE, make_folder, mark_of, set_aside
from app.store.inspection import inspect
from app.store.migration import migrate
from app.store.reading import read_sessions
from app.store.schema import MIGRATIONS, Migration
from app.store.writing import interrupt_orphans


@dataclass(frozen=True, slots=True)
class Opening:
    """An open database, its chats, and what the user should know about it."""

    connection: sqlite3.Connection
    sessions: list[Session]
    notice: Failure | None


def open_database(
    folder: Path, is_alive: Callable[[Owner], bool], migrations: Sequence[Migration] = MIGRATIONS
) -> Opening:
    """Open the folder's database for its one writer; a damaged one is set aside and a new one started.

    Raises StoreTooNew, OSError, and sqlite3 errors for what cannot be reached. Only wrong content sets a
    database aside: one that is locked or out of reach may be whole.
    """
    make_folder(folder)
    path = folder / DATABASE
    with _one_at_a_time(folder):
        try:
            return _open(path, is_alive, migrations, None)
        except (DatabaseDamagedError, sqlite3.Error) as error:
            if not is_damage(error):
                raise
        mark_of(path).unlink(missing_ok=True)
        aside = set_aside(path, ("-wal", "-shm"))
        return _open(path, is_alive, migrations, kept_aside(aside).failure())


def _open(
    path: Path, is_alive: Callable[[Owner], bool], migrations: Sequence[Migration], notice: Failure | None
) -> Opening:
    inspect(path, len(migrations))
    mark_of(path).unlink(missing_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE))
    connection = connect_writer(path)
    try:
        migrate(connection, path, migrations)
        connection.execute("PRAGMA foreign_keys = ON")
        with transaction(connection):
            interrupt_orphans(connection, is_alive)
        return Opening(connection, read_sessions(connection), notice)
    except BaseException:
        connection.close()
        raise


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold the folder while opening: two first starts at once must not both make, or set aside, a database.

    The lock is the kernel's: it ends with the process, however that ends.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
