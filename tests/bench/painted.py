"""The transcript under the clock, in a process of its own: `python -m tests.bench.painted WHAT [--full]` prints JSON.

The platform is offscreen and the scale is that of QT_SCALE_FACTOR; an update is a flush, the formulas that have come
in, and the painting of what is out of date then, which is waited for.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import psutil
from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QTextBrowser, QWidget

from app.core.messages import Kind, Message, Part, Role, State
from app.ui.theme import Theme
from app.ui.transcript.view import Transcript
from tests.bench.thoughts import CHARACTERS, tokens

SIZE = (800, 900)
UPDATE = 2 * CHARACTERS
"""Characters of an update of two tokens."""
LEAD = 4
"""Updates between two looks for formulas: what the view does in time."""


def ask(what: str, scale: int, *, full: bool = False) -> dict[str, Any]:
    """Measure something in a new process."""
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": str(scale)}
    command = [sys.executable, "-m", "tests.bench.painted", what, *(["--full"] if full else [])]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def message(number: int, role: Role, *parts: Part, state: State = State.DONE, parent: int | None = None) -> Message:
    """A message of these parts."""
    return Message(id=number, session=1, parent=parent, role=role, state=state, created=0.0, parts=tuple(parts))


class Bench:
    """A transcript on the screen that is not there."""

    def __init__(self) -> None:
        self.app = QApplication([])
        self.theme = Theme(self.app, "light")
        self.view = Transcript(self.theme)
        self.view.fold_thoughts = False
        self.view.resize(*SIZE)
        self.view.show()
        self.view.warm_up()
        self.settle(1.5)

    def settle(self, seconds: float) -> None:
        """Let everything that waits be done."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)

    def timed(self, act: Callable[[], object]) -> float:
        """Milliseconds of something and of painting, at once, what it made out of date."""
        started = time.perf_counter()
        act()
        QCoreApplication.sendPostedEvents(self.view, QEvent.Type.UpdateRequest.value)
        return 1000 * (time.perf_counter() - started)

    def begin(self, text: str, *, thinking: bool = True) -> None:
        """Open a chat whose running answer has this text."""
        kind = Kind.REASONING if thinking else Kind.TEXT
        reply = message(2, Role.ASSISTANT, Part(kind, text), state=State.RUNNING, parent=1)
        self.view.open([message(1, Role.USER, Part(Kind.TEXT, "Why?")), reply])
        self.view.viewport().repaint()

    def stream(self, text: str, *, thinking: bool = True, size: int = UPDATE) -> tuple[list[float], list[float]]:
        """Feed a text; milliseconds of each update, and of each turn of the event loop between them."""
        kind = Kind.REASONING if thinking else Kind.TEXT
        updates, turns = [], []
        for number, at in enumerate(range(0, len(text), size)):
            self.view.append(2, kind, text[at : at + size])
            updates.append(self.timed(partial(self._update, formulas=number % LEAD == 0)))
            started = time.perf_counter()
            self.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
            turns.append(1000 * (time.perf_counter() - started))
            time.sleep(0.002)
        return updates, turns

    def _update(self, *, formulas: bool) -> None:
        self.view.flush()
        if formulas:
            self.view._take_formulas()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values does not pass."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)


def figures_of(updates: Sequence[float], turns: Sequence[float]) -> dict[str, float]:
    """What is said of a stream."""
    return {
        "p50": percentile(updates, 0.5),
        "p95": percentile(updates, 0.95),
        "p99": percentile(updates, 0.99),
        "most": percentile(updates, 1),
        "longest_turn": percentile(turns, 1),
        "updates": len(updates),
    }


class Filled(QWidget):
    """Nothing but its ground: what painting costs at least."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  # Qt's name
        painter = QPainter(self)
        painter.fillRect(event.rect(), QColor("white"))
        painter.end()


def measure_stream(*, full: bool) -> dict[str, Any]:
    """Two tokens at a time on top of 1k, 10k and 40k tokens."""
    bench = Bench()
    count = 1500 if full else 600
    found: dict[str, Any] = {}
    for seed, size in enumerate((1_000, 10_000, 40_000)):
        bench.begin(tokens(size, seed=seed))
        bench.settle(0.5)
        more = tokens(count * 2 + 200, seed=50 + seed)[: count * UPDATE]
        found[str(size)] = figures_of(*bench.stream(more))
    found["bare_fill"] = _bare_fill(bench)
    found["set_markdown"] = {str(size): _set_markdown(bench, tokens(size)) for size in (1_000, 10_000, 40_000)}
    bench.view.close_log()
    return found


def _bare_fill(bench: Bench) -> dict[str, float]:
    widget = Filled()
    widget.resize(*SIZE)
    widget.show()
    bench.app.processEvents()
    times = []
    for _round in range(100):
        started = time.perf_counter()
        widget.repaint()
        times.append(1000 * (time.perf_counter() - started))
    widget.close()
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


def _set_markdown(bench: Bench, text: str) -> dict[str, float]:
    browser = QTextBrowser()
    browser.resize(*SIZE)
    browser.show()
    bench.app.processEvents()
    times = []
    for number in range(7):
        started = time.perf_counter()
        browser.setMarkdown(text + "x" * number)
        browser.verticalScrollBar().setValue(browser.verticalScrollBar().maximum())
        browser.viewport().repaint()
        times.append(1000 * (time.perf_counter() - started))
    browser.close()
    return {"p50": percentile(times, 0.5), "most": percentile(times, 1)}


def measure_worst(*, full: bool) -> dict[str, Any]:
    """The worst that can stand in an answer."""
    del full
    cases = {
        "fence_400_lines": "```python\n" + "".join(f"total += step({line})  # and a comment\n" for line in range(400)),
        "list_300_items": "".join(f"- item {item} with $x_{{{item}}}$ and some words\n" for item in range(300)),
        "paragraph_20000": "word and another, " * 1112,
        "table_300_rows": "| a | b | c |\n|---|---|---|\n"
        + "".join(f"| {row} | $y_{{{row}}}$ | c |\n" for row in range(300)),
    }
    bench = Bench()
    found: dict[str, Any] = {}
    for name, text in cases.items():
        bench.begin("So:\n\n", thinking=False)
        found[name] = figures_of(*bench.stream(text, thinking=False))
    bench.begin("So:\n\n", thinking=False)
    many = " ".join(f"$\\frac{{{number}}}{{x+{number}}}$" for number in range(200)) + "\n\nend"
    bench.view.append(2, Kind.TEXT, many)
    updates = [bench.timed(bench.view.flush)]
    turns = []
    until = time.perf_counter() + 6
    while time.perf_counter() < until:
        started = time.perf_counter()
        bench.app.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
        turns.append(1000 * (time.perf_counter() - started))
        time.sleep(0.001)
    found["formulas_200_at_once"] = figures_of(updates, turns)
    bench.view.close_log()
    return found


def measure_open(*, full: bool) -> dict[str, Any]:
    """Opening, another width, another theme, finding."""
    bench = Bench()
    rounds = 15 if full else 7
    long = tokens(40_000, seed=3)
    one = [message(1, Role.USER, Part(Kind.TEXT, "Why?")), message(2, Role.ASSISTANT, Part(Kind.TEXT, long), parent=1)]
    many = [_short(number) for number in range(1, 1001)]
    found: dict[str, Any] = {}
    found["message_40k"] = _rounds(bench, rounds, partial(bench.view.open, one))
    found["resize"] = [
        bench.timed(partial(bench.view.resize, SIZE[0] - 20 * (number % 2) - 40, SIZE[1])) for number in range(rounds)
    ]
    found["theme"] = [
        bench.timed(partial(bench.theme.choose, "dark" if number % 2 else "light")) for number in range(rounds)
    ]
    found["messages_1000"] = _rounds(bench, rounds, partial(bench.view.open, many))
    bench.view.open(many)
    started = time.perf_counter()
    bench.view.build_all()
    found["all_1000_built"] = [1000 * (time.perf_counter() - started)]
    bench.view.open([message(1, Role.ASSISTANT, Part(Kind.TEXT, tokens(125_000, seed=5)))])
    sections = bench.view.all_sections()
    found["find_characters"] = sum(len(section.source) for section in sections)
    times = []
    for wanted in ("matrix", "sharp", "the", "Step 12", "nowhere at all") * 3:
        started = time.perf_counter()
        bench.view.search.look(wanted, sections)
        times.append(1000 * (time.perf_counter() - started))
    found["find"] = times
    bench.view.close_log()
    return found


def _short(number: int) -> Message:
    role = Role.ASSISTANT if number % 2 == 0 else Role.USER
    text = tokens(60, seed=number)[:500] if role is Role.ASSISTANT else f"And what about $x = {number}$, then? " * 12
    return message(number, role, Part(Kind.TEXT, text), parent=number - 1 or None)


def _rounds(bench: Bench, rounds: int, act: Callable[[], object]) -> list[float]:
    times = []
    for _round in range(rounds):
        bench.view.open([])
        bench.settle(0.05)
        times.append(bench.timed(act))
    return times


def measure_memory(*, full: bool) -> dict[str, Any]:
    """Memory after 40,000 tokens have streamed in, above the empty window with formulas warm."""
    del full
    bench = Bench()
    process = psutil.Process()
    empty = process.memory_info().rss
    bench.begin("Hm. ")
    bench.stream(tokens(40_000, seed=9), size=400)
    bench.settle(1.0)
    after = process.memory_info().rss
    bench.view.close_log()
    return {"empty_mb": round(empty / 1e6, 1), "after_mb": round(after / 1e6, 1)}


MEASURES = {"stream": measure_stream, "worst": measure_worst, "open": measure_open, "memory": measure_memory}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(MEASURES[sys.argv[1]](full="--full" in sys.argv)) + "\n")
