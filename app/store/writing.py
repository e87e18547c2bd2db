"""Chats into the database. Each function expects a transaction around it."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from app.core.messages import Message, Part, Session, State
from app.core.owner import Owner
from app.store.encoding import columns_of, fields_of, fold
from app.store.reading import read_checkpoints, read_parts


def write_turn(connection: sqlite3.Connection, session: Session, messages: Sequence[Message], owner: Owner) -> None:
    """Insert new messages, parents first, and their session where it is new; running ones belong to the owner."""
    connection.execute(
        "INSERT INTO sessions (id, title, created, updated) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, updated = excluded.updated",
        (session.id, session.title, session.created, session.updated),
    )
    for message in messages:
        owned = (owner.pid, owner.started, owner.role) if message.state is State.RUNNING else (None, None, None)
        connection.execute(
            "INSERT INTO messages (id, session_id, parent_id, role, state, created,"
            " owner_pid, owner_started, owner_role) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (message.id, session.id, message.parent, message.role, message.state, message.created, *owned),
        )
        _write_end(connection, message)


def write_checkpoint(connection: sqlite3.Connection, message: int, parts: Iterable[Part]) -> None:
    """Append what a running answer wrote since the last checkpoint."""
    connection.executemany(
        "INSERT INTO checkpoints (message_id, kind, name, text, ids) VALUES (?, ?, ?, ?, ?)",
        [(message, *columns_of(part)) for part in parts],
    )


def reclassify_checkpoints(connection: sqlite3.Connection, message: int) -> None:
    """Turn all text a running answer wrote so far into its thought."""
    connection.execute("UPDATE checkpoints SET kind = 'reasoning' WHERE message_id = ? AND kind = 'text'", (message,))


def write_finish(connection: sqlite3.Connection, message: Message, session: Session) -> None:
    """Close a running answer: its final parts take the place of its checkpoints."""
    _release(connection, message.id, message.state)
    _write_end(connection, message)
    connection.execute("UPDATE sessions SET updated = ? WHERE id = ?", (session.updated, session.id))


def interrupt_orphans(connection: sqlite3.Connection, is_alive: Callable[[Owner], bool]) -> None:
    """Close the running answers of dead processes with the text they reached."""
    running = connection.execute(
        "SELECT id, owner_pid, owner_started, owner_role FROM messages WHERE state = 'running'"
    ).fetchall()
    for message, pid, started, role in running:
        if not is_alive(Owner(pid, started, role)):
            parts = fold(read_parts(connection, message) + read_checkpoints(connection, message))
            _release(connection, message, State.INTERRUPTED)
            _write_parts(connection, message, parts)


def _release(connection: sqlite3.Connection, message: int, state: State) -> None:
    connection.execute(
        "UPDATE messages SET state = ?, owner_pid = NULL, owner_started = NULL, owner_role = NULL WHERE id = ?",
        (state, message),
    )
    connection.execute("DELETE FROM checkpoints WHERE message_id = ?", (message,))
    connection.execute("DELETE FROM parts WHERE message_id = ?", (message,))


def _write_end(connection: sqlite3.Connection, message: Message) -> None:
    _write_parts(connection, message.id, message.parts)
    if message.generation is not None:
        connection.execute(
            "INSERT OR REPLACE INTO generations (message_id, model, fingerprint, sampling, seed, thinking_budget,"
            " prompt_tokens, cached_tokens, reasoning_tokens, answer_tokens,"
            ' queue_seconds, prefill_seconds, reasoning_seconds, answer_seconds, "end", thought_end, failure)'
            " VALUES (:message_id, :model, :fingerprint, :sampling, :seed, :thinking_budget,"
            " :prompt_tokens, :cached_tokens, :reasoning_tokens, :answer_tokens,"
            " :queue_seconds, :prefill_seconds, :reasoning_seconds, :answer_seconds, :end, :thought_end, :failure)",
            {"message_id": message.id, **fields_of(message.generation)},
        )


def _write_parts(connection: sqlite3.Connection, message: int, parts: Iterable[Part]) -> None:
    connection.executemany(
        "INSERT INTO parts (message_id, position, kind, name, text, ids) VALUES (?, ?, ?, ?, ?, ?)",
        [(message, position, *columns_of(part)) for position, part in enumerate(parts)],
    )
