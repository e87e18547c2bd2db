"""Where every other thread leaves its news for the one thread that owns the desk."""

import threading
from collections.abc import Callable
from typing import Any


class Inbox:
    """Filled by any thread, emptied by one; rings only when it was empty.

    The bell carries nothing, so a thousand deltas between two frames cost one wake-up.
    """

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._filled = threading.Condition()
        self.ring: Callable[[], None] | None = None

    def put(self, item: object) -> None:
        """Leave one item; called from any thread."""
        with self._filled:
            was_empty = not self._items
            self._items.append(item)
            self._filled.notify()
        if was_empty and self.ring:
            self.ring()

    def drain(self) -> list[Any]:
        """Everything that waits, oldest first."""
        with self._filled:
            taken, self._items = self._items, []
        return taken

    def wait(self, seconds: float) -> bool:
        """Sleep until something is there, for a terminal that has no event loop; whether there is."""
        with self._filled:
            return bool(self._filled.wait_for(lambda: self._items, seconds))
