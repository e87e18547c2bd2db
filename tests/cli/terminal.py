"""Running the command line as a process of its own."""

import json
import os
import pty
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from app.store.files import DATABASE
from tests import double

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0


class Process(subprocess.Popen[str]):
    """A process that does not outlive the test that started it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, error, trace)


def start(*words: str | Path, worker: list[str] | None = None, **more: Any) -> Process:
    """Start `python -m app WORDS`, in a process group of its own as a terminal would."""
    module = ["-m", "app"] if worker is None else ["-m", "tests.cli.asking", json.dumps(worker)]
    return Process(
        [sys.executable, *module, *map(str, words)],
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | more,
        cwd=ROOT,
        env={key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")},
        start_new_session=True,
    )


def run(*words: str | Path, worker: list[str] | None = None, said: str | None = None) -> tuple[int, str, str]:
    """Run it to its end: exit status, standard output, standard error."""
    with start(*words, worker=worker, stdin=subprocess.PIPE) as process:
        out, err = process.communicate(said or "", timeout=DEADLINE)
        return process.returncode, out, err


def ask(folder: Path, *words: str | Path, said: str | None = None, **script: Any) -> tuple[int, str, str]:
    """Ask the double, in the data folder `folder/data`."""
    return run("ask", *words, "--data", folder / "data", worker=double.command(folder, **script), said=said)


def watch(*words: str | Path, worker: list[str]) -> str:
    """What a person at a terminal sees of a run that ends well."""
    ours, theirs = pty.openpty()
    shown = b""
    with start(*words, worker=worker, stdout=theirs, stderr=theirs, text=False) as process:
        os.close(theirs)
        with suppress(OSError):  # the other end is closed
            while data := os.read(ours, 4096):
                shown += data
        os.close(ours)
        assert process.wait(DEADLINE) == 0
    return shown.decode("utf-8", "replace")


def wait(condition: Callable[[], object]) -> None:
    """Wait until something holds that another process does."""
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.01)


def rows(folder: Path) -> list[tuple[str, str]]:
    """State and text of every answer in `folder/data`, oldest first, from beside."""
    database = folder / "data" / DATABASE
    if not database.exists():
        return []
    with (
        suppress(sqlite3.OperationalError),  # its tables are being made
        closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection,
    ):
        return connection.execute(
            "SELECT state, coalesce((SELECT group_concat(text, '') FROM parts WHERE message_id = messages.id"
            " AND kind = 'text'), '') FROM messages WHERE role = 'assistant' ORDER BY id"
        ).fetchall()
    return []
