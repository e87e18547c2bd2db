"""When the engine may rest: nothing has been asked of it for a while."""

import threading
import time
from collections.abc import Callable

MINUTE = 60.0


class Rest:
    """A clock that rings when the time is up since the last touch; it ignores what is done to the time of day."""

    def __init__(self, minutes: Callable[[], int], ring: Callable[[], None]) -> None:
        self._minutes, self._ring = minutes, ring
        self._touched_at = time.monotonic()
        self._timer: threading.Timer | None = None

    def touch(self) -> None:
        """Somebody is here."""
        self._touched_at = time.monotonic()

    def wind(self) -> None:
        """Ring when the time is up; nothing rings where the engine shall never rest."""
        self.stop()
        if self._minutes():
            self._timer = threading.Timer(max(0.0, self._left()), self._ring)
            self._timer.name, self._timer.daemon = "rest", True
            self._timer.start()

    def stop(self) -> None:
        """Do not ring any more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def is_due(self) -> bool:
        """Whether the time is up, now that it rang; else it is wound again."""
        if self._minutes() and self._left() <= 0:
            return True
        self.wind()
        return False

    def _left(self) -> float:
        return self._minutes() * MINUTE - (time.monotonic() - self._touched_at)
