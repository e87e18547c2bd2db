"""Looks at a database without changing it: from a newer version, whole, or damaged."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.store.connection import connect_reader, version_of
from app.store.failures import DatabaseDamagedError, too_new
from app.store.files import log_of, mark_of, size_of

FULL_CHECK_BYTES = 64 * 1024 * 1024
"""A full check reads every page, about 0.2 s for this size; past it the window would come up late."""

_MAGIC = b"SQLite format 3\0"
_VERSION = slice(60, 64)
"""Where `PRAGMA user_version` stands in the file's header, big-endian."""


def inspect(path: Path, newest: int) -> None:
    """Pass a database that this version can go on with.

    Cheap for a healthy one of any size: SQLite compares header and file length when it opens it, the
    list of chats is read anyway, and each table is touched at both ends. Every page is checked only
    where there is a reason to doubt: the last owner died (it left its log behind) and the file is not
    huge, or damage was met in use (it left a mark).

    Raises StoreTooNew, DatabaseDamagedError, and sqlite3 errors for what cannot be reached.
    """
    unclean = size_of(log_of(path)) > 0
    if size_of(path) == 0:
        if unclean:
            message = "a log without its database"
            raise DatabaseDamagedError(message)
        return
    # A connection, even one that only reads, leaves files beside the database. So a newer version is
    # told by the header, unless its newest page may still be in the log.
    if not unclean and _version_in_header(path) > newest:
        raise too_new(path)
    with closing(connect_reader(path)) as connection:
        version = version_of(connection)
        if version > newest:
            raise too_new(path)
        _probe(connection, version)
        if mark_of(path).exists() or (unclean and size_of(path) <= FULL_CHECK_BYTES):
            _check_every_page(connection)


def _version_in_header(path: Path) -> int:
    with path.open("rb") as file:
        header = file.read(_VERSION.stop)
    return int.from_bytes(header[_VERSION]) if header.startswith(_MAGIC) else 0


def _probe(connection: sqlite3.Connection, version: int) -> None:
    tables = [
        name
        for (name,) in connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND NOT wr"
            " AND name != 'sqlite_schema'"
        )
    ]
    if bool(tables) != bool(version):
        message = f"version {version} with the tables {tables}"
        raise DatabaseDamagedError(message)
    for table in tables:
        # One query for each end: both in one would walk through the whole table.
        for end in ("min", "max"):
            connection.execute(f'SELECT {end}(rowid) FROM "{table}" NOT INDEXED').fetchone()  # noqa: S608 - its own names


def _check_every_page(connection: sqlite3.Connection) -> None:
    found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise DatabaseDamagedError(found)
