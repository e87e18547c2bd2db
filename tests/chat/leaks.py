"""Nothing may be left behind: no thread, no child process, no open socket."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

OURS = (
    "engine",
    "engine-rest",
    "engine-sender",
    "rest",
    "store",
    "door",
    "visitor",
    "visitor-sender",
    "shelf",
    "fetcher",
)
DEADLINE = 5.0


@pytest.fixture(autouse=True)
def _leaves_nothing() -> Iterator[None]:
    """Fails a test after which something of ours goes on."""
    sockets = _sockets()
    yield
    deadline = time.monotonic() + DEADLINE
    while _left() or _sockets() - sockets:
        assert time.monotonic() < deadline, f"left behind: {_left()} {_sockets() - sockets}"
        threading.Event().wait(0.01)


def _left() -> list[str]:
    threads = [thread.name for thread in threading.enumerate() if thread.name in OURS]
    return threads + [str(child) for child in psutil.Process().children()]


def _sockets() -> set[str]:
    here = Path("/proc/self/fd")
    if not here.is_dir():
        return set()
    links = set()
    for entry in os.listdir(here):  # noqa: PTH208 - Path.iterdir keeps one of them open itself
        try:
            links.add(os.readlink(here / entry))  # noqa: PTH115
        except OSError:
            continue
    return {link for link in links if link.startswith("socket:")}
