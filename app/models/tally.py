"""How far a fetcher is: bytes that are there, and how fast they come."""

import threading
import time
from collections import deque
from collections.abc import Callable

from app.core.fetching import Progress, Report, Stage

WINDOW = 5.0
"""Seconds over which the rate is taken."""
KNOWN = 0.5
"""Seconds after which there is a rate to tell."""
TELL = 0.25
"""Seconds between two reports at least."""

Say = Callable[[Report], None]


class Tally:
    """Counts bytes from several threads; `progress` is asked for by one."""

    def __init__(self, stage: Stage, total: int, done: int = 0) -> None:
        self._stage, self._total = stage, total
        self._done, self._arrived = done, 0
        self._samples = deque([(time.monotonic(), 0)])
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """Bytes that are still to come."""
        return self._total - self._done

    @property
    def arrived(self) -> int:
        """Bytes that came since the start, those that were thrown away too."""
        return self._arrived

    def add(self, count: int) -> None:
        """So many bytes more are there."""
        with self._lock:
            self._done += count
            self._arrived += count

    def take_back(self, count: int) -> None:
        """So many bytes were wrong and are gone."""
        with self._lock:
            self._done -= count

    def progress(self) -> Progress:
        """The state at this moment."""
        now, arrived = time.monotonic(), self._arrived
        self._samples.append((now, arrived))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW:
            self._samples.popleft()
        (since, before), done = self._samples[0], self._done
        span = now - since
        rate = (arrived - before) / span if span >= KNOWN else 0.0
        return Progress(self._stage, done, self._total, rate, (self._total - done) / rate if rate > 0 else None)


class Teller:
    """Tells how far a tally is, a few times a second at most."""

    def __init__(self, tally: Tally, say: Say) -> None:
        self._tally, self._say = tally, say
        self._next = 0.0

    def add(self, count: int) -> None:
        """So many bytes more are done."""
        self._tally.add(count)
        self.tell()

    def tell(self, *, last: bool = False) -> None:
        """Report, if the last report is long enough ago; the last one is never left out."""
        now = time.monotonic()
        if last or now >= self._next:
            self._next = now + TELL
            self._say(self._tally.progress())
