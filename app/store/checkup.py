"""A look at the database from outside, for the doctor."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.core.errors import StoreFailed
from app.core.text import _
from app.store.connection import connect_reader, version_of
from app.store.failures import explain, too_new
from app.store.files import DATABASE, mark_of
from app.store.schema import MIGRATIONS


def check_database(folder: Path) -> int | None:
    """How many chats a sound database holds, None where there is none yet; raises StoreFailed, or StoreTooNew."""
    path = folder / DATABASE
    if not path.exists():
        return None
    try:
        with closing(connect_reader(path)) as connection:
            if version_of(connection) > len(MIGRATIONS):
                raise too_new(path)
            (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if verdict != "ok":
                mark_of(path).touch()  # so that the next start looks at every page, too
                raise StoreFailed(
                    _("The database {path} is damaged: {verdict}.").format(path=path, verdict=verdict),
                    _("Start the app: it puts the damaged file aside and begins a new one."),
                )
            (chats,) = connection.execute("SELECT count(*) FROM sessions").fetchone()
    except sqlite3.Error as error:
        raise explain(error, folder) from error
    return int(chats)
