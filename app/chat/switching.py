"""What it costs an open chat to go on with another model."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.chat.shelfrow import ShelfRow

LIKE = 4.0
"""A measured pace says something about a model of up to so many times the size, and nothing beyond."""


@dataclass(frozen=True, slots=True)
class Switch:
    """The consequences of a switch."""

    tokens: int
    """Of the open chat, which the other model has to read anew."""
    seconds: float | None
    """How long that takes; None where it is not known."""
    kept: bool
    """Whether what the present model has read stays on the disk, for the way back."""


def foresee(tokens: int, to: ShelfRow, present: ShelfRow | None, rates: Mapping[str, float], *, kept: bool) -> Switch:
    """What a switch of the open chat means; `rates` are tokens per second of prefill by folder."""
    rate = rates.get(to.folder or to.key, 0.0)
    if not rate and present:
        measured = rates.get(present.folder or present.key, 0.0)
        ratio = _numbers(to) / max(1.0, _numbers(present))
        if 1 / LIKE <= ratio <= LIKE:  # reading is computing: twice the weights take twice the time
            rate = measured / ratio
    return Switch(tokens, tokens / rate if rate else None, kept)


def _numbers(row: ShelfRow) -> float:
    """About how many weights a model computes with."""
    return row.size * 8 / ((row.bits or 16) + 0.5)
