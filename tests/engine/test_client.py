"""One worker: its handshake, its events, its end, whatever it does."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.core.messages import End, Part, Role
from app.core.places import Places
from app.core.protocol import (
    Cancel,
    Count,
    Counted,
    Delta,
    Event,
    Failed,
    Finished,
    Generate,
    Load,
    Loaded,
    Loading,
    Started,
    TokenizerReady,
    Turn,
    Welcome,
)
from app.engine.client import Engine, News
from app.engine.inbox import Inbox
from app.engine.life import EngineEnded, EngineWaits
from app.engine.lock import Lock, this_process
from app.engine.spawn import LOG_LIMIT
from tests import double
from tests.chat.desks import is_running

ROOT = Path(__file__).parents[2]
DEADLINE = 20.0
GONE = 2.0
"""Seconds within which a worker is gone once its desktop is."""
Heard = Event | EngineWaits | EngineEnded


class Listener:
    """An engine and everything it has said."""

    def __init__(self, folder: Path, worker: list[str]) -> None:
        self.inbox = Inbox()
        self.places = Places(folder)
        self.engine = Engine(self.places, self.inbox, this_process("desktop"), worker)
        self.heard: list[Heard] = []

    def start(self) -> None:
        self.engine.start(Load(str(self.places.root)))

    def until(self, kind: type | Callable[[Heard], bool]) -> Any:
        """The first event of a kind that is not consumed yet; earlier ones are kept in `heard`."""
        deadline = time.monotonic() + DEADLINE
        seen = 0
        while True:
            for event in self.heard[seen:]:
                if isinstance(event, kind) if isinstance(kind, type) else kind(event):
                    return event
            seen = len(self.heard)
            assert time.monotonic() < deadline, f"not heard in {self.heard}"
            self.inbox.wait(0.1)
            self.heard += [
                item.event for item in self.inbox.drain() if isinstance(item, News) and self.engine.is_current(item)
            ]

    def ask(self, request: int = 1) -> None:
        self.engine.send(Generate(request, [Turn(Role.USER, [Part("text", "Why?")])]))  # type: ignore[arg-type]


@contextmanager
def listening(folder: Path, **script: Any) -> Iterator[Listener]:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    listener = Listener(data, double.command(folder, **script))
    listener.start()
    try:
        yield listener
    finally:
        listener.engine.close()


def wait_for_end(pid: int, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while is_running(pid):
        assert time.monotonic() < deadline, f"{pid} goes on"
        time.sleep(0.005)


def test_events_come_in_order_from_the_handshake_to_the_end(tmp_path: Path) -> None:
    with listening(tmp_path, answers=[[{"read": [1, 2]}, {"think": "12345678"}, {"say": "so"}]]) as listener:
        listener.ask()
        listener.until(Finished)
        kinds = [type(event) for event in listener.heard]
        assert kinds[:2] == [Welcome, TokenizerReady]
        assert kinds[2:6] == [Loading, Loading, Loading, Loaded]
        assert kinds[6] is Started
        assert kinds[8:] == [Delta, Delta, Finished]
        listener.engine.send(Count(-1, ["four", ""]))
        assert listener.until(Counted).counts == [2, 1]


def test_a_worker_of_another_version_is_ended_and_told(tmp_path: Path) -> None:
    with listening(tmp_path, version=999) as listener:
        ended = listener.until(EngineEnded)
        assert "another version" in ended.failure.message
        assert listener.engine.pid is None


def test_a_start_replaces_the_worker_before(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.until(Loaded)
        first = listener.engine.pid
        assert first
        listener.heard.clear()
        listener.start()
        assert isinstance(listener.until(Welcome), Welcome)
        assert not is_running(first)
        listener.until(Loaded)
        assert listener.engine.pid != first
        assert not any(isinstance(event, EngineEnded) for event in listener.heard)


def test_many_starts_in_a_row_leave_one_worker(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        for _again in range(5):
            listener.start()
        listener.until(Loaded)
        assert [child.pid for child in psutil.Process().children()] == [listener.engine.pid]


@pytest.mark.parametrize("step", [{"die": True}, {"garbage": True}])
def test_a_worker_that_ends_in_an_answer_is_told_after_its_text(tmp_path: Path, step: dict[str, Any]) -> None:
    with listening(tmp_path, answers=[[{"say": "half"}, step]]) as listener:
        listener.ask()
        ended = listener.until(EngineEnded)
        assert ended.failure.command == "engine.restart"
        assert any(isinstance(event, Delta) for event in listener.heard)


def test_a_killed_worker_is_told(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.until(Loaded)
        assert listener.engine.pid
        os.kill(listener.engine.pid, signal.SIGKILL)
        assert listener.until(EngineEnded).failure.message == "The engine stopped."


@pytest.mark.parametrize("script", [{"deaf": True}, {"shy": True, "deaf": True}])
def test_closing_ends_a_worker_that_does_not_listen(tmp_path: Path, script: dict[str, Any]) -> None:
    with listening(tmp_path, answers=[[{"hang": True}]], **script) as listener:
        listener.ask()
        if not script.get("shy"):
            listener.until(Started)
        deadline = time.monotonic() + DEADLINE
        while (pid := listener.engine.pid) is None:
            assert time.monotonic() < deadline
            time.sleep(0.005)
    assert not is_running(pid)


def test_closing_at_once_is_fine(tmp_path: Path) -> None:
    for _again in range(5):
        with listening(tmp_path):
            pass


def test_a_stopped_worker_is_ended_too(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.until(Loaded)
        pid = listener.engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
    assert not is_running(pid)


def test_a_worker_that_does_not_read_blocks_nobody(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.until(Loaded)
        pid = listener.engine.pid
        assert pid
        os.kill(pid, signal.SIGSTOP)
        for number in range(50):  # far more than a socket holds
            listener.engine.send(Count(-number, ["x" * 100_000]))
    assert not is_running(pid)


def test_a_command_that_cannot_be_written_ends_the_engine_with_a_word(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.until(Loaded)
        listener.engine.send(Count(-1, ["\ud83d"]))
        assert isinstance(listener.until(EngineEnded), EngineEnded)


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    listener = Listener(tmp_path, ["/no/such/program"])
    listener.start()
    failure = listener.until(EngineEnded).failure
    assert failure.kind == "EngineStopped"
    assert "/no/such/program" in failure.message
    listener.engine.close()


def test_a_folder_that_cannot_hold_a_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    listener = Listener(tmp_path, double.command(tmp_path))
    listener.start()
    failure = listener.until(EngineEnded).failure
    assert failure.kind == "StoreFailed"
    assert str(tmp_path) in failure.hint
    listener.engine.close()


def test_what_the_worker_prints_goes_to_a_log_that_moves_aside(tmp_path: Path) -> None:
    log = Places(tmp_path / "data").worker_log
    log.parent.mkdir(parents=True)
    log.write_bytes(b"old\n" * (LOG_LIMIT // 4 + 1))
    noisy = [sys.executable, "-c", "print('a word from the worker')"]
    listener = Listener(tmp_path / "data", noisy)
    listener.start()
    listener.until(EngineEnded)
    assert "a word from the worker" in log.read_text()
    assert log.with_suffix(".1.log").stat().st_size > LOG_LIMIT
    assert log.stat().st_mode & 0o077 == 0
    listener.engine.close()


def test_one_engine_a_folder_the_second_waits_and_starts(tmp_path: Path) -> None:
    with listening(tmp_path) as first:
        first.until(Loaded)
        second = Listener(first.places.root, double.command(tmp_path))
        second.start()
        waits = second.until(EngineWaits)
        assert (waits.holder.pid, waits.holder.role) == (os.getpid(), "desktop")
        assert second.engine.pid is None
        first.engine.close()
        second.until(Loaded)
        second.engine.close()


def test_waiting_can_be_given_up(tmp_path: Path) -> None:
    with listening(tmp_path) as first:
        first.until(Loaded)
        second = Listener(first.places.root, double.command(tmp_path))
        second.start()
        second.until(EngineWaits)
        second.engine.close()


def test_the_lock_is_free_while_no_worker_runs(tmp_path: Path) -> None:
    with listening(tmp_path, answers=[[{"die": True}]]) as listener:
        listener.ask()
        listener.until(EngineEnded)
        other = Lock(listener.places.engine_lock, this_process("ask"))
        assert other.acquire() is None
        other.release()


DESKTOP = """
import sys
from pathlib import Path
from app.core.places import Places
from app.core.protocol import Load, Loaded, Loading, Welcome
from app.engine.client import Engine, News
from app.engine.inbox import Inbox
from app.engine.lock import this_process

folder, until, model, *worker = sys.argv[1:]
inbox = Inbox()
engine = Engine(Places(Path(folder)), inbox, this_process("desktop"), worker or None)
engine.start(Load(folder, model or None))
while True:
    inbox.wait(1)
    for item in inbox.drain():
        if isinstance(item, News) and type(item.event).__name__ == until:
            print(engine.pid, flush=True)
"""


def killed_desktop(folder: Path, until: str, model: str = "", worker: list[str] | None = None) -> int:
    """Start a desktop, kill it when its worker has said something; the worker's pid."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", DESKTOP, str(folder), until, model, *(worker or [])],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as desktop:
        assert desktop.stdout
        pid = int(desktop.stdout.readline())
        assert is_running(pid)
        desktop.kill()
    return pid


def test_a_killed_desktop_takes_its_worker_along(tmp_path: Path) -> None:
    wait_for_end(killed_desktop(tmp_path / "data", "Loaded", worker=double.command(tmp_path)), GONE)


@pytest.mark.model
@pytest.mark.parametrize("until", ["Welcome", "TokenizerReady", "Loading", "Loaded"])
def test_a_killed_desktop_takes_the_real_worker_along(tmp_path: Path, starter: Path, until: str) -> None:
    wait_for_end(killed_desktop(tmp_path / "data", until, str(starter)), GONE)


@pytest.mark.model
def test_the_real_worker_can_be_ended_while_it_imports(tmp_path: Path, starter: Path) -> None:
    listener = Listener(tmp_path, [])
    listener.engine._worker = None
    listener.engine.start(Load(str(tmp_path), str(starter)))
    listener.until(Welcome)
    pid = listener.engine.pid
    assert pid
    began = time.monotonic()
    listener.engine.close()
    assert not is_running(pid)
    assert time.monotonic() - began < DEADLINE


def test_cancelling_what_nobody_asked_is_fine(tmp_path: Path) -> None:
    with listening(tmp_path) as listener:
        listener.engine.send(Cancel(77))
        listener.ask()
        assert listener.until(Finished).generation.end is End.TURN
        assert not any(isinstance(event, Failed) for event in listener.heard)
