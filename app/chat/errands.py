"""What has to do with a disk or another process and therefore must not be done in the desk's thread."""

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.errors import AppError, StoreFailed
from app.core.text import _

T = TypeVar("T")
log = logging.getLogger(__name__)
PATIENCE = 0.5
"""Seconds to wait for the last errand at the end; a disk that hangs must not keep the app from ending."""


@dataclass(frozen=True, slots=True)
class Returned:
    """An errand is done, or something was heard: `take` is called in the desk's thread."""

    take: Callable[[], None]


class Errands:
    """One thread that runs errands one after the other, and leaves what they bring in the desk's inbox."""

    def __init__(self, put: Callable[[object], None]) -> None:
        self._put = put
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._closed = False

    def run(self, work: Callable[[], T], then: Callable[[T], None], fail: Callable[[AppError], None]) -> None:
        """Do some work there; then hear of its result, or of its failure, in the desk's thread."""
        if self._closed:
            return

        def do() -> None:
            try:
                result = work()
            except AppError as error:
                self._return(fail, error)
            except Exception as error:
                log.exception("an errand failed")
                self._return(
                    fail, StoreFailed(_("That did not work: {why}.").format(why=error), _("Please report this."))
                )
            else:
                self._return(then, result)

        self._queue.put(do)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="shelf", daemon=True)
            self._thread.start()

    def mark(self) -> Callable[[], bool]:
        """Tells whether all errands up to now have returned, and been heard."""
        heard: list[None] = []
        self.run(lambda: None, heard.append, lambda _error: heard.append(None))
        return lambda: bool(heard)

    def close(self) -> None:
        """Do what was begun, and nothing after it."""
        self._closed = True
        if self._thread:
            self._queue.put(None)
            self._thread.join(PATIENCE)

    def _return(self, take: Callable[[Any], None], result: object) -> None:
        self._put(Returned(lambda: take(result)))

    def _work(self) -> None:
        while (errand := self._queue.get()) is not None:
            errand()
