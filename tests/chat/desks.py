"""Desks to try out: a real store in a folder, and the double as the engine."""

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from app.chat.changes import Change, EngineState, Noticed, TextAppended
from app.chat.desk import Desk
from app.chat.opening import open_desk, open_window_desk
from app.core.errors import Failure
from app.core.messages import Message, State
from app.store.files import DATABASE
from tests import double

DEADLINE = 20.0
"""Seconds after which a thing that should happen is taken not to; far more than it ever takes."""


class Scene:
    """One desk, drained while something is waited for."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.changes: list[Change] = []
        desk.listener = self.changes.append

    def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Drain until the condition holds."""
        deadline = time.monotonic() + DEADLINE
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(what or f"it did not come to that; the last changes: {self.changes[-5:]}")
            self.desk.inbox.wait(0.02)
            self.desk.drain()

    def until_engine(self, state: EngineState) -> None:
        self.until(lambda: self.desk.engine.state is state, f"the engine is not {state} but {self.desk.engine}")

    def ask(self, text: str = "Why?") -> Message:
        """Ask in the open chat and wait for the end of the answer."""
        self.send(text)
        return self.ending()

    def send(self, text: str = "Why?") -> None:
        """Ask in the open chat, as soon as that is possible."""
        self.until(lambda: self.desk.opened)
        self.desk.send(text)

    def ending(self) -> Message:
        """The last message of the open chat, once it is not running."""
        self.until(lambda: not self.desk.conversation.running)
        return self.last

    def until_text(self, text: str) -> None:
        """Wait for the open chat's last message to say something."""
        self.until(lambda: text in self.last.text + self.last.reasoning)

    @property
    def last(self) -> Message:
        return self.desk.conversation.messages[-1]

    @property
    def notices(self) -> list[Failure]:
        return [change.failure for change in self.changes if isinstance(change, Noticed)]

    @property
    def written(self) -> str:
        """All text as it was told bit by bit."""
        return "".join(change.text for change in self.changes if isinstance(change, TextAppended))


@contextmanager
def scene(folder: Path, *, start: bool = True, window: bool = False, **script: Any) -> Iterator[Scene]:
    """A desk on `folder/data` whose engine plays a script."""
    folder.mkdir(exist_ok=True)
    worker = double.command(folder, **script)
    data = folder / "data"
    desk = open_window_desk(data, worker) if window else open_desk(data, "desktop", worker)
    assert desk is not None
    try:
        if start:
            desk.start_engine()
        yield Scene(desk)
    finally:
        desk.close()


def kept(folder: Path) -> list[Message]:
    """Every message that the data folder holds, read by a desk of its own."""
    with scene(folder, start=False) as other:
        other.until(lambda: other.desk.opened)
        messages: list[Message] = []
        for session in other.desk.sessions:
            other.desk.open_session(session.id)
            messages += other.desk.conversation.messages
        return messages


def kept_last(folder: Path) -> Message:
    """The newest answer that the data folder holds."""
    return max(kept(folder), key=lambda message: message.id)


def crash_copy(folder: Path, to: Path) -> Path:
    """The data folder as a crash at this moment would leave it, the owner of its running answers dead."""
    (to / "data").mkdir(parents=True)
    for suffix in ("", "-wal"):
        shutil.copy(folder / "data" / f"{DATABASE}{suffix}", to / "data")
    with closing(sqlite3.connect(to / "data" / DATABASE)) as database:
        database.execute("UPDATE messages SET owner_started = 1.0 WHERE state = 'running'")
        database.commit()
    return to


def recorded(path: Path, kind: str) -> list[dict[str, Any]]:
    """The commands of one type that the double noted."""
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0] if path.exists() else ""
    lines = whole.splitlines()  # the line behind it is still being written
    return [said for said in map(json.loads, lines) if said["type"] == kind]


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False


def states(messages: list[Message]) -> list[State]:
    return [message.state for message in messages]
