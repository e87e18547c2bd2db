"""Chats to store, and stores to put them in."""

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from app.core.errors import Failure
from app.core.messages import End, Generation, Kind, Message, Part, Role, Sampling, Session, State, ThoughtEnd
from app.core.owner import Owner
from app.store.files import DATABASE
from app.store.store import Broken, Opened, Store, StoreEvent

ROOT = Path(__file__).parents[2]
OWNER = Owner(os.getpid(), 1234.5, "desktop")
GENERATION = Generation(
    model="Magistral-Small-2509-4bit",
    fingerprint="sha256:0123",
    sampling=Sampling(seed=2**64 - 1, top_k=5),
    seed=2**64 - 1,
    thinking_budget=800,
    prompt_tokens=12,
    reasoning_tokens=3,
    answer_tokens=2,
    prefill_seconds=0.25,
    end=End.TURN,
    thought_end=ThoughtEnd.BUDGET,
    failure=Failure("EngineStopped", "The engine stopped.", "Start it again."),
)

_ids = itertools.count(1)


def everyone_lives(_owner: Owner) -> bool:
    return True


def everyone_died(_owner: Owner) -> bool:
    return False


@contextmanager
def opened(
    folder: Path, is_alive: Callable[[Owner], bool] = everyone_lives, events: list[StoreEvent] | None = None
) -> Iterator[Store]:
    """A started store that is closed at the end."""
    store = Store(folder, OWNER, is_alive, ([] if events is None else events).append)
    store.start()
    try:
        yield store
    finally:
        store.close()


def opening_of(folder: Path, is_alive: Callable[[Owner], bool] = everyone_lives) -> StoreEvent:
    """What a store says when it is opened and closed again."""
    events: list[StoreEvent] = []
    with opened(folder, is_alive, events):
        pass
    return events[0]


def notice_of(folder: Path) -> Failure | None:
    """What a store that opens wants the user to know."""
    event = opening_of(folder)
    assert isinstance(event, Opened), event
    return event.notice


def refusal_of(folder: Path) -> Failure:
    """Why a store does not open."""
    event = opening_of(folder)
    assert isinstance(event, Broken), event
    return event.failure


def new_session(title: str = "A proof") -> Session:
    number = next(_ids)
    return Session(id=number, title=title, created=float(number), updated=float(number))


def new_message(session: Session, role: Role, text: str, parent: Message | None = None) -> Message:
    number = next(_ids)
    return Message(
        id=number,
        session=session.id,
        parent=parent.id if parent else None,
        role=role,
        state=State.DONE,
        created=float(number),
        parts=(Part(Kind.TEXT, text),) if text else (),
    )


def new_turn(session: Session, text: str = "Why?", parent: Message | None = None) -> tuple[Message, Message]:
    """A question and its answer, which is about to run."""
    question = new_message(session, Role.USER, text, parent)
    answer = new_message(session, Role.ASSISTANT, "", question)
    return question, msgspec.structs.replace(answer, state=State.RUNNING)


def done(message: Message, *parts: Part, state: State = State.DONE) -> Message:
    return msgspec.structs.replace(message, state=state, parts=parts, generation=GENERATION)


def fill(folder: Path, messages: int = 400) -> Session:
    """A database of some hundred pages, closed cleanly."""
    session = new_session()
    with opened(folder) as store:
        store.add_turn(session, [new_message(session, Role.USER, "because " * 60) for _ in range(messages)])
        store.flush()
    return session


def crash_image(folder: Path, to: Path, statement: str) -> None:
    """The files as they lie after a crash that followed a statement: the log is not yet in the database."""
    to.mkdir()
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.execute(statement)
        connection.commit()
        for name in (DATABASE, f"{DATABASE}-wal"):
            (to / name).write_bytes((folder / name).read_bytes())


def content_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def ask_database(folder: Path, query: str) -> list[tuple[object, ...]]:
    """The rows of a query, asked beside the store."""
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        return connection.execute(query).fetchall()
