"""Tokens per second through worker, client, store and an open window, divided by a bare mlx_lm loop."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from app.chat.changes import Change, EngineChanged, EngineState, EngineView, MessageChanged, ProgressChanged
from app.chat.desk import Desk
from app.chat.opening import open_window_desk
from app.chat.options import Options
from app.core.messages import State
from app.core.releases import release
from app.engine.spawn import worker_environment
from app.ui.bridge import Bridge
from app.ui.desktop import make_application
from app.ui.theme import Theme
from app.ui.window import Window
from tests.bench.report import Bar, at_least, spread
from tests.fixtures.models import starter, tiny_magistral

ROOT = Path(__file__).parents[2]
QUESTION = "Write a very long story about a mathematician who walks through a city of numbers. Do not stop early."
BOUND = 0.97
MODELS = {"tiny_magistral": tiny_magistral, "starter": starter}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--tokens", type=int, default=60, help="tokens of each measured stretch")
    parser.add_argument("--repeats", type=int, default=9)
    parser.add_argument("--only", choices=tuple(MODELS), help="one of the two models")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Both models, each in pairs: through the app, then bare."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = make_application()
    figures: dict[str, Any] = {}
    bars = []
    for name in [options.only] if options.only else MODELS:
        figures[name] = _measure_model(app, MODELS[name](), options)
        bars.append(at_least(f"{name}: app / bare, median of pairs", figures[name]["ratio"]["median"], BOUND))
    return figures, bars


def _measure_model(app: QApplication, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    through, bare = [], []
    with _stage(app, folder) as stage, _bare_loop(folder) as ask_bare:
        for turn in range(options.repeats + 1):
            rate, tokens = stage.ask(options.tokens)
            other = ask_bare(stage.prompt_ids, tokens, stage.release)
            if turn:  # the first pair warms both up
                through.append(rate)
                bare.append(other)
    ratios = [rate / other for rate, other in zip(through, bare, strict=True)]
    return {
        "app_tokens_per_second": spread(through),
        "bare_tokens_per_second": spread(bare),
        "ratio": spread(ratios),
        "ratio_of_medians": round(statistics.median(through) / statistics.median(bare), 4),
    }


class _Stage:
    """An open window with a desk, asked one question after the other."""

    def __init__(self, desk: Desk, window: Window) -> None:
        self._desk = desk
        self._loop = QEventLoop()
        self._marks: list[tuple[float, int]] = []
        self._tokens = 0
        self._show, desk.listener = window.take, self._hear
        self.prompt_ids: list[int] = list(range(100, 160))
        self.release = ""

    def wait_ready(self) -> None:
        """Run Qt's loop until the model is loaded."""
        self._loop.exec()
        self.release = self._desk.engine.card.release if self._desk.engine.card else ""

    def ask(self, tokens: int) -> tuple[float, int]:
        """Tokens per second as the Qt thread saw them, and how many there were."""
        self._marks, self._tokens = [], tokens
        self._desk.new_session()
        self._desk.send(QUESTION, options=Options(thinking_budget=0))
        self._loop.exec()
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began), last

    def _hear(self, change: Change) -> None:
        self._show(change)
        match change:
            case ProgressChanged(progress=progress) if progress.tokens > (self._marks[-1][1] if self._marks else 0):
                self._marks.append((time.perf_counter(), progress.tokens))
                if progress.tokens >= self._tokens:
                    self._tokens = sys.maxsize
                    self._desk.stop()
            case MessageChanged(message) if message.state is not State.RUNNING:
                self._loop.quit()
            case EngineChanged(EngineView(state=EngineState.READY)):
                self._loop.quit()


@contextmanager
def _stage(app: QApplication, folder: Path) -> Iterator[_Stage]:
    with tempfile.TemporaryDirectory() as root:
        desk = open_window_desk(Path(root))
        if desk is None:
            raise RuntimeError("the folder is in use")
        bridge = Bridge()
        desk.inbox.ring = bridge.ring
        window = Window(desk, Theme(app, "light"))
        bridge.serve(desk)
        bridge.ring()
        window.show()
        stage = _Stage(desk, window)
        desk.start_engine(str(folder))
        stage.wait_ready()
        try:
            yield stage
        finally:
            window.close()
            desk.close()


@contextmanager
def _bare_loop(folder: Path) -> Iterator[Any]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=worker_environment(),
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    stdin, stdout = process.stdin, process.stdout
    stdout.readline()

    def ask(ids: list[int], tokens: int, key: str) -> float:
        sampling = msgspec.to_builtins(release(key).sampling)
        stdin.write(json.dumps({"ids": ids, "tokens": tokens, "sampling": sampling}) + "\n")
        stdin.flush()
        return float(stdout.readline())

    try:
        yield ask
    finally:
        stdin.close()
        process.wait()
        stdout.close()
