"""What a benchmark prints."""

import os
import platform
import statistics
from collections.abc import Sequence
from typing import Any

import msgspec
import psutil


class Bar(msgspec.Struct, frozen=True):
    """A figure against its bound."""

    what: str
    value: float
    bound: float
    holds: bool


class Report(msgspec.Struct, frozen=True):
    """One benchmark's result."""

    bench: str
    machine: dict[str, Any]
    figures: dict[str, Any]
    bars: list[Bar]


def at_least(what: str, value: float, bound: float) -> Bar:
    """A bar that a figure must reach."""
    return Bar(what, round(value, 4), bound, value >= bound)


def at_most(what: str, value: float, bound: float) -> Bar:
    """A bar that a figure must not pass."""
    return Bar(what, round(value, 4), bound, value <= bound)


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Median, p95 and range of repeated measurements."""
    ordered = sorted(values)
    return {
        "median": round(statistics.median(ordered), 4),
        "p95": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))], 4),
        "least": round(ordered[0], 4),
        "most": round(ordered[-1], 4),
        "n": len(ordered),
    }


def describe_machine() -> dict[str, Any]:
    """Where the figures were taken; the load says how much else was going on."""
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load": round(os.getloadavg()[0], 2),
    }
