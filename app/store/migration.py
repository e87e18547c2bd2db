"""Brings a database to the newest version, one migration a transaction, with a backup before each."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from app.store.connection import transaction, version_of
from app.store.files import PRIVATE
from app.store.schema import Migration


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[Migration]) -> None:
    """Carry out the migrations a database has not seen; foreign keys must be off, so that tables can be rebuilt."""
    start = version_of(connection)
    for version, migration in enumerate(migrations[start:], start + 1):
        if start > 0:
            _back_up(connection, path.with_name(f"{path.stem}.before-{version}{path.suffix}"))
        with transaction(connection):
            migration(connection)
            if broken := connection.execute("PRAGMA foreign_key_check").fetchone():
                message = f"migration {version} leaves a row without its parent: {tuple(broken)}"
                raise sqlite3.IntegrityError(message)
            connection.execute(f"PRAGMA user_version = {version}")


def _back_up(connection: sqlite3.Connection, path: Path) -> None:
    """Copy the database under another name first: a half backup must not look like a whole one."""
    draft = path.with_name(f"{path.name}.draft")
    draft.unlink(missing_ok=True)
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL, PRIVATE))
    with closing(sqlite3.connect(draft)) as copy:
        connection.backup(copy)
    draft.replace(path)
