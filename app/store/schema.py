"""The tables, as the list of migrations that made them. A released migration is never edited.

`tests/store/schemas/` keeps a database of every released version; a test upgrades each.
"""

import sqlite3
from collections.abc import Callable, Sequence

Migration = Callable[[sqlite3.Connection], None]

FIRST = (
    """
    CREATE TABLE sessions (
        id INTEGER PRIMARY KEY,
        title TEXT NOT NULL,
        created REAL NOT NULL,
        updated REAL NOT NULL,
        thinking_budget INTEGER,
        keep_thoughts INTEGER
    ) STRICT
    """,
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
        parent_id INTEGER REFERENCES messages (id) ON DELETE CASCADE,
        role TEXT NOT NULL,
        state TEXT NOT NULL,
        created REAL NOT NULL,
        owner_pid INTEGER,
        owner_started REAL,
        owner_role TEXT,
        CHECK ((state = 'running') = (owner_pid IS NOT NULL AND owner_started IS NOT NULL))
    ) STRICT
    """,
    "CREATE INDEX messages_by_session ON messages (session_id)",
    # Deleting a message looks for its children; without this index, through the whole table.
    "CREATE INDEX messages_by_parent ON messages (parent_id)",
    "CREATE INDEX messages_running ON messages (state) WHERE state = 'running'",
    # ids: token ids, 32-bit unsigned, little-endian.
    """
    CREATE TABLE parts (
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        position INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        ids BLOB NOT NULL,
        PRIMARY KEY (message_id, position)
    ) STRICT
    """,
    # What a running answer has written since its row was made: small rows, only ever appended, because
    # rewriting a long thought several times a second would write gigabytes. Folded into parts at its end.
    """
    CREATE TABLE checkpoints (
        id INTEGER PRIMARY KEY,
        message_id INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        text TEXT NOT NULL,
        ids BLOB NOT NULL
    ) STRICT
    """,
    "CREATE INDEX checkpoints_by_message ON checkpoints (message_id)",
    # sampling and failure: JSON. The sampling is what was asked for, seed what was drawn with: an unsigned
    # number of 64 bits, so ANY: from 2^63 on it is text, because SQLite's integers end there.
    """
    CREATE TABLE generations (
        message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
        model TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        sampling TEXT NOT NULL,
        seed ANY,
        thinking_budget INTEGER,
        prompt_tokens INTEGER NOT NULL,
        cached_tokens INTEGER NOT NULL,
        restored_tokens INTEGER NOT NULL,
        restore_seconds REAL NOT NULL,
        fixed_chunk INTEGER NOT NULL,
        passes INTEGER NOT NULL,
        reasoning_tokens INTEGER NOT NULL,
        answer_tokens INTEGER NOT NULL,
        queue_seconds REAL NOT NULL,
        prefill_seconds REAL NOT NULL,
        reasoning_seconds REAL NOT NULL,
        answer_seconds REAL NOT NULL,
        "end" TEXT,
        thought_end TEXT,
        failure TEXT
    ) STRICT
    """,
)


def m001_first(connection: sqlite3.Connection) -> None:
    """Make the tables of the first release."""
    for statement in FIRST:
        connection.execute(statement)


MIGRATIONS: Sequence[Migration] = (m001_first,)
"""The migration at index n makes version n + 1, which SQLite keeps as `PRAGMA user_version`."""
