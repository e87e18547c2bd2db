"""How connections are made, and the one kind of transaction there is."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 5.0
"""How long a connection waits while another process writes; a transaction takes milliseconds."""


def connect_reader(path: Path) -> sqlite3.Connection:
    """A connection that cannot write, not even by moving the write-ahead log into the database at its end."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_SECONDS)


def connect_writer(path: Path) -> sqlite3.Connection:
    """The connection of the writer thread, without foreign keys until the migrations are done.

    NORMAL loses nothing when the app dies, and at worst the last moments when the power fails; FULL
    would wait for the disk at every checkpoint of an answer.
    """
    connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection


def set_patience(connection: sqlite3.Connection, seconds: float) -> None:
    """From now on wait so long while another process writes."""
    connection.execute(f"PRAGMA busy_timeout = {int(seconds * 1000)}")


def is_busy(error: Exception) -> bool:
    """Whether another process holds the database."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. IMMEDIATE waits for other writers at the start; later SQLite would refuse instead."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors, as on a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def version_of(connection: sqlite3.Connection) -> int:
    """How many migrations a database has seen; 0 for an empty one."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
