"""Chats into the database. Each function expects a transaction around it."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence

from app.core.messages import Generation, Message, Part, Session, State
from app.core.owner import Owner
from app.store.encoding import columns_of, fields_of, fold
from app.store.reading import read_checkpoints, read_parts


def write_turn(connection: sqlite3.Connection, session: Session, messages: Sequence[Message], owner: Owner) -> None:
    """Insert new messages, parents first, and their session where it is new; running ones belong to the owner."""
    write_session(connection, session)
    for message in messages:
        owned = (owner.pid, owner.started, owner.role) if message.state is State.RUNNING else (None, None, None)
        connection.execute(
            "INSERT INTO messages (id, session_id, parent_id, role, state, created,"
            " owner_pid, owner_started, owner_role) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (message.id, session.id, message.parent, message.role, message.state, message.created, *owned),
        )
        _write_parts(connection, message.id, message.parts)
        _write_facts(connection, message.id, message.generation)


def write_session(connection: sqlite3.Connection, session: Session) -> None:
    """Insert a session, or bring it up to date."""
    connection.execute(
        "INSERT INTO sessions (id, title, created, updated, thinking_budget, keep_thoughts) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (id) DO UPDATE SET title = excluded.title, updated = excluded.updated,"
        " thinking_budget = excluded.thinking_budget, keep_thoughts = excluded.keep_thoughts",
        (
            session.id,
            session.title,
            session.created,
            session.updated,
            session.thinking_budget,
            session.keep_thoughts,
        ),
    )


def delete_session(connection: sqlite3.Connection, session: int) -> None:
    """Delete a chat with everything in it."""
    connection.execute("DELETE FROM sessions WHERE id = ?", (session,))


def reopen_answer(connection: sqlite3.Connection, message: Message, session: Session, owner: Owner) -> None:
    """Let an answer that ended run again: it belongs to the owner; its parts and facts stay until its end."""
    connection.execute(
        "UPDATE messages SET state = ?, owner_pid = ?, owner_started = ?, owner_role = ? WHERE id = ?",
        (State.RUNNING, owner.pid, owner.started, owner.role, message.id),
    )
    _rewrite_parts(connection, message)
    write_session(connection, session)


def write_checkpoint(
    connection: sqlite3.Connection, message: int, parts: Iterable[Part], facts: Generation | None
) -> None:
    """Append what a running answer wrote since the last checkpoint, and note its facts so far."""
    connection.executemany(
        "INSERT INTO checkpoints (message_id, kind, name, text, ids) VALUES (?, ?, ?, ?, ?)",
        [(message, *columns_of(part)) for part in parts],
    )
    _write_facts(connection, message, facts)


def rewrite_answer(connection: sqlite3.Connection, message: Message) -> None:
    """Put all that a running answer has, and its facts so far, in place of what is there."""
    _rewrite_parts(connection, message)
    _write_facts(connection, message.id, message.generation)


def write_finish(connection: sqlite3.Connection, message: Message, session: Session) -> None:
    """Close a running answer: its final parts take the place of its checkpoints."""
    _release(connection, message.id, message.state)
    rewrite_answer(connection, message)
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
            _clear(connection, message)
            _write_parts(connection, message, parts)


def _release(connection: sqlite3.Connection, message: int, state: State) -> None:
    connection.execute(
        "UPDATE messages SET state = ?, owner_pid = NULL, owner_started = NULL, owner_role = NULL WHERE id = ?",
        (state, message),
    )


def _rewrite_parts(connection: sqlite3.Connection, message: Message) -> None:
    _clear(connection, message.id)
    _write_parts(connection, message.id, message.parts)


def _clear(connection: sqlite3.Connection, message: int) -> None:
    connection.execute("DELETE FROM checkpoints WHERE message_id = ?", (message,))
    connection.execute("DELETE FROM parts WHERE message_id = ?", (message,))


def _write_facts(connection: sqlite3.Connection, message: int, facts: Generation | None) -> None:
    if facts is not None:
        fields = {"message_id": message, **fields_of(facts)}
        names = ", ".join(f'"{name}"' for name in fields)
        values = ", ".join(f":{name}" for name in fields)
        connection.execute(f"INSERT OR REPLACE INTO generations ({names}) VALUES ({values})", fields)  # noqa: S608 - our own names


def _write_parts(connection: sqlite3.Connection, message: int, parts: Iterable[Part]) -> None:
    connection.executemany(
        "INSERT INTO parts (message_id, position, kind, name, text, ids) VALUES (?, ?, ?, ?, ?, ?)",
        [(message, position, *columns_of(part)) for position, part in enumerate(parts)],
    )
