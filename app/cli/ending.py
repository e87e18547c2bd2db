"""How a command ends: Ctrl+C, and the exit status that a state stands for."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from app.core.messages import State

FRAME = 0.05
"""Seconds between two looks at what came."""
STOPPED = 130
"""Exit status after Ctrl+C, as shells have it."""


@contextmanager
def interrupts() -> Iterator[list[int]]:
    """Ctrl+C stops the answer and keeps it; a second one ends at once."""
    seen: list[int] = []

    def remember(number: int, _frame: object) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield seen
    finally:
        signal.signal(signal.SIGINT, before)


def status_of(state: str) -> int:
    """The exit status that a state stands for."""
    return {State.DONE: 0, State.STOPPED: STOPPED}.get(State(state), 1)
