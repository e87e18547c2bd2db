"""A fetcher that is heard in the desk's thread."""

import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

from app.chat.errands import Returned
from app.core.fetching import Order, Report
from app.models.client import Fetcher

PATIENCE = 3.0
"""Seconds in which a fetcher that was told to end surely ends."""
CLOSING = 1.0
"""Seconds in which all of them have to end when the app does; the last of a killed process is the system's affair."""


class Carrier:
    """Carries out one order in a process of its own; of one that was ended nothing more is heard."""

    def __init__(self, fetcher: Callable[[Callable[[Report], None]], Fetcher], hear: Callable[[Report], None]) -> None:
        self._hear, self._ended = hear, False
        self._fetcher = fetcher(self._take)
        self._fetcher.start()

    def end(self) -> None:
        """End it and return at once."""
        self._ended = True
        self._fetcher.end()

    def join(self, seconds: float = PATIENCE) -> None:
        """Wait until its process is gone."""
        self._fetcher.join(seconds)

    def _take(self, report: Report) -> None:
        if not self._ended:  # what lay in the inbox already when it was ended
            self._hear(report)


class Carriers:
    """Makes them for one desk; `other` is another command line for fetchers."""

    def __init__(self, put: Callable[[object], None], log: Path, other: Sequence[str] | None = None) -> None:
        self._put, self._log, self._other = put, log, other
        self._made: weakref.WeakSet[Carrier] = weakref.WeakSet()

    def carry(self, order: Order, hear: Callable[[Report], None]) -> Carrier:
        """Begin to carry out an order; its reports are heard in the desk's thread."""

        def make(take: Callable[[Report], None]) -> Fetcher:
            return Fetcher(order, lambda report: self._put(Returned(lambda: take(report))), self._other, self._log)

        carrier = Carrier(make, hear)
        self._made.add(carrier)
        return carrier

    def end(self) -> None:
        """End all of them at once; what they were doing can be gone on with."""
        for carrier in list(self._made):
            carrier.end()

    def join(self) -> None:
        """Wait until all are gone, a moment at most."""
        deadline = time.monotonic() + CLOSING
        for carrier in list(self._made):
            carrier.join(max(0.0, deadline - time.monotonic()))
