"""What kill -9 of the worker and of the desktop, in the middle of a stream, loses of the text on screen.

Judged from outside: the desktop logs when it painted how much; after the kill the database must hold
everything that was on screen for more than 300 ms.
"""

import argparse
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures.models import tiny_magistral

ROOT = Path(__file__).parents[2]
ON_SCREEN = 0.3
DEADLINE = 60.0
ENOUGH = 400
"""Characters on screen before the kill."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--repeats", type=int, default=10, help="kills of each process")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Kill the desktop and the worker so many times each."""
    model = tiny_magistral()
    desktop = [_kill_once(model, "desktop", number) for number in range(options.repeats)]
    worker = [_kill_once(model, "worker", number) for number in range(options.repeats)]
    runs = desktop + worker
    orphans = [run["worker_outlived_by"] for run in desktop]
    figures = {
        "kills": len(runs),
        "characters_on_screen_over_300_ms": spread([run["shown"] for run in runs]),
        "characters_kept": spread([run["kept"] for run in runs]),
        "seconds_the_worker_outlived_the_desktop": spread(orphans),
        "states_after_a_killed_desktop": sorted({run["state"] for run in desktop}),
        "states_after_a_killed_worker": sorted({run["state"] for run in worker}),
    }
    return figures, [
        at_most("characters lost, worst", max(max(0, run["shown"] - run["kept"]) for run in runs), 0),
        at_least("databases that pass integrity_check", sum(run["sound"] for run in runs), len(runs)),
        at_most("seconds from the desktop's kill to the worker's end, worst", max(orphans), 2.0),
        at_least(
            "live answers that an ask beside the window left alone", sum(run["left_alone"] for run in runs), len(runs)
        ),
    ]


def _kill_once(model: Path, victim: str, number: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        log = root / "paint.jsonl"
        command = [sys.executable, "-m", "app", "--data", folder, "--model", str(model), "--paint-log", str(log)]
        beside: subprocess.Popen[str] | None = None
        desktop = subprocess.Popen(
            [*command, "--say", f"Tell me about the number {number}."],
            cwd=ROOT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for_text(log, desktop)
            worker = next(child for child in psutil.Process(desktop.pid).children() if "--worker" in child.cmdline())
            beside = _ask_beside(root)
            left_alone = _examine(root)[0] == "running"
            time.sleep(0.1 + 0.07 * number)  # another moment of the checkpoint's period each time
            struck = time.time()
            os.kill(desktop.pid if victim == "desktop" else worker.pid, signal.SIGKILL)
            outlived = _wait_for_end(worker)
            if victim == "worker":
                _wait_for_state(root)
        finally:
            desktop.kill()
            desktop.wait()
            if beside:
                beside.kill()
                beside.communicate()
        _recover(root)
        painted = [line for line in _read(log) if line["t"] <= struck - ON_SCREEN and "message" in line]
        state, kept, sound = _examine(root)
        return {
            "shown": max((line["reasoning"] + line["answer"] for line in painted), default=0),
            "kept": kept,
            "sound": sound,
            "state": state,
            "worker_outlived_by": outlived,
            "left_alone": left_alone,
        }


def _read(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]


def _wait_for_text(log: Path, desktop: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and desktop.poll() is None:
        if any(line.get("reasoning", 0) + line.get("answer", 0) >= ENOUGH for line in _read(log)):
            return
        time.sleep(0.02)
    raise RuntimeError("the window showed no text")


def _ask_beside(root: Path) -> subprocess.Popen[str]:
    """An `ask` that waits at the window for its turn; it must not touch the answer that is running there."""
    command = [sys.executable, "-m", "app", "ask", "And what do you say?", "--data", str(root)]
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    if process.stderr is None or not process.stderr.readline():
        raise RuntimeError("ask did not say that it waits")
    return process


def _recover(root: Path) -> None:
    """Open and close the store as any other process of the app would."""
    code = (
        "import sys; from pathlib import Path;"
        "from app.store.store import Store; from app.engine.lock import is_alive, this_process;"
        "store = Store(Path(sys.argv[1]), this_process('bench'), is_alive, lambda event: None);"
        "store.start(); store.flush(); store.close()"
    )
    subprocess.run([sys.executable, "-c", code, str(root)], check=True, cwd=ROOT)


def _wait_for_end(process: psutil.Process) -> float:
    began = time.monotonic()
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() - began > DEADLINE:
            break
        time.sleep(0.005)
    return time.monotonic() - began


def _wait_for_state(root: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while _examine(root)[0] == "running" and time.monotonic() < deadline:
        time.sleep(0.02)


def _examine(root: Path) -> tuple[str, int, bool]:
    """The answer's state, the characters kept of it, and whether the database is sound."""
    uri = f"{(root / 'lemma.db').as_uri()}?mode=ro"
    with closing(sqlite3.connect(uri, uri=True)) as database:
        number, state = database.execute(
            "SELECT id, state FROM messages WHERE role = 'assistant' ORDER BY id LIMIT 1"
        ).fetchone()
        texts = database.execute(
            "SELECT coalesce((SELECT sum(length(text)) FROM parts WHERE message_id = ?1 AND kind != 'injected'), 0)"
            " + coalesce((SELECT sum(length(text)) FROM checkpoints WHERE message_id = ?1 AND kind != 'injected'), 0)",
            (number,),
        ).fetchone()
        (verdict,) = database.execute("PRAGMA integrity_check").fetchone()
        return state, texts[0], verdict == "ok"
