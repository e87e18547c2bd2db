"""Chats out of the database. Each function expects a transaction around it, so that it sees one moment."""

import sqlite3
from collections import defaultdict
from contextlib import closing

from app.core.messages import Generation, Message, Part, Role, Session, State
from app.store.encoding import fold, generation_of, part_of


def read_sessions(connection: sqlite3.Connection) -> list[Session]:
    """All chats, the one that changed last first."""
    rows = connection.execute(
        "SELECT id, title, created, updated, thinking_budget, keep_thoughts FROM sessions"
        " ORDER BY updated DESC, id DESC"
    )
    return [
        Session(
            id=id_,
            title=title,
            created=created,
            updated=updated,
            thinking_budget=budget,
            keep_thoughts=None if keep is None else bool(keep),
        )
        for id_, title, created, updated, budget, keep in rows
    ]


def read_messages(connection: sqlite3.Connection, session: int) -> list[Message]:
    """The whole tree of one chat, oldest first; a running answer has what it wrote so far."""
    parts = _read_parts(connection, session)
    generations = _read_generations(connection, session)
    rows = connection.execute(
        "SELECT id, parent_id, role, state, created FROM messages WHERE session_id = ? ORDER BY id", (session,)
    )
    return [
        Message(
            id=id_,
            session=session,
            parent=parent,
            role=Role(role),
            state=State(state),
            created=created,
            parts=(
                fold(parts[id_] + read_checkpoints(connection, id_)) if state == State.RUNNING else tuple(parts[id_])
            ),
            generation=generations.get(id_),
        )
        for id_, parent, role, state, created in rows
    ]


def read_checkpoints(connection: sqlite3.Connection, message: int) -> list[Part]:
    """The pieces a running answer was written in since its row was made."""
    rows = connection.execute(
        "SELECT kind, name, text, ids FROM checkpoints WHERE message_id = ? ORDER BY id", (message,)
    )
    return [part_of(*row) for row in rows]


def read_parts(connection: sqlite3.Connection, message: int) -> list[Part]:
    """The finished parts of one message."""
    rows = connection.execute(
        "SELECT kind, name, text, ids FROM parts WHERE message_id = ? ORDER BY position", (message,)
    )
    return [part_of(*row) for row in rows]


def _read_parts(connection: sqlite3.Connection, session: int) -> defaultdict[int, list[Part]]:
    parts: defaultdict[int, list[Part]] = defaultdict(list)
    rows = connection.execute(
        "SELECT message_id, kind, parts.name, text, ids FROM messages JOIN parts ON message_id = messages.id"
        " WHERE session_id = ? ORDER BY messages.id, position",
        (session,),
    )
    for message, *columns in rows:
        parts[message].append(part_of(*columns))
    return parts


def _read_generations(connection: sqlite3.Connection, session: int) -> dict[int, Generation]:
    with closing(connection.cursor()) as cursor:
        cursor.row_factory = sqlite3.Row
        rows = cursor.execute(
            "SELECT generations.* FROM messages JOIN generations ON message_id = messages.id WHERE session_id = ?",
            (session,),
        )
        return {row["message_id"]: generation_of(row) for row in rows}
