"""CPU seconds from process start to the first paint of a window with 500 chats, against an empty Qt window."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from app.core.messages import Kind, Message, Part, Role, Session, State, new_id
from app.engine.lock import is_alive, this_process
from app.store.store import Store
from tests.bench.report import Bar, at_most, spread

ROOT = Path(__file__).parents[2]
BARE = """
import sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
class Window(QMainWindow):
    def paintEvent(self, event):
        super().paintEvent(event)
        print(time.process_time(), flush=True)
        QTimer.singleShot(0, app.quit)
app = QApplication([])
window = Window()
window.show()
app.exec()
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--chats", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=9)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Start both windows in turn."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        fill(root, options.chats)
        starts, bares = [], []
        for turn in range(options.repeats + 1):
            start, bare = _start_app(root), _start_bare()
            if turn:  # the first pair only warms the disk's cache
                starts.append(start)
                bares.append(bare)
    cpu = spread([float(start["cpu"]) for start in starts])
    heavy = sorted({name for start in starts for name in start["heavy_modules"]})
    figures = {
        "chats": options.chats,
        "cpu_seconds": cpu,
        "bare_qt_cpu_seconds": spread(bares),
        "ratio_to_bare_qt": spread([start["cpu"] / bare for start, bare in zip(starts, bares, strict=True)]),
        "model_modules_in_desktop": heavy,
    }
    return figures, [
        at_most("CPU seconds to first paint, median", cpu["median"], 0.6),
        at_most("modules of the model stack in the desktop process", len(heavy), 0),
    ]


def fill(root: Path, chats: int) -> None:
    """A database with many small chats over the last months."""
    store = Store(root, this_process("bench"), is_alive, lambda _event: None)
    store.start()
    newest = 1_790_000_000.0
    for number in range(chats):
        at = newest - number * 9_000
        session = Session(id=new_id(), title=f"Chat {number}: a question of middling length", created=at, updated=at)
        question = Message(
            id=new_id(),
            session=session.id,
            parent=None,
            role=Role.USER,
            state=State.DONE,
            created=at,
            parts=(Part(Kind.TEXT, "What is 7 times 8?"),),
        )
        answer = Message(
            id=new_id(),
            session=session.id,
            parent=question.id,
            role=Role.ASSISTANT,
            state=State.DONE,
            created=at,
            parts=(Part(Kind.REASONING, "Seven eights."), Part(Kind.TEXT, "56.")),
        )
        store.add_turn(session, [question, answer])
    store.flush()
    store.close()


def _start_app(root: Path) -> dict[str, Any]:
    log = root / "paint.jsonl"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "app", "--data", str(root), "--paint-log", str(log)]
    subprocess.run([*command, "--screenshot", str(root / "window.png")], check=True, cwd=ROOT, env=_environment())
    first: dict[str, Any] = json.loads(log.read_text().splitlines()[0])
    return first


def _start_bare() -> float:
    done = subprocess.run(
        [sys.executable, "-c", BARE], check=True, capture_output=True, text=True, cwd=ROOT, env=_environment()
    )
    return float(done.stdout.split()[0])


def _environment() -> dict[str, str]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's second start finds its modules compiled
    return environment
