"""Several files at a time: threads that take one after the other, watched by the one that started them."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import NoReturn

from app.core.fetching import Waiting
from app.models.hub import CommitGone
from app.models.record import RecordedFile
from app.models.tally import TELL, Say, Teller
from app.models.transfer import Errand, Pause, Stopped, Transfer

CONNECTIONS = 4
CHECK = 1.0
"""Seconds between two looks at the room on the disk."""


class Lanes:
    """Brings files, largest first, over a few connections."""

    def __init__(self, errand: Errand, tell_whole: Callable[[RecordedFile, int], None], say: Say) -> None:
        self._errand, self._tell_whole, self._say = errand, tell_whole, say
        self._teller = Teller(errand.tally, say)
        self._queue: deque[RecordedFile] = deque()
        self._errors: list[BaseException] = []
        self._told: Pause | None = None

    def bring(self, files: Sequence[RecordedFile], check: Callable[[], None]) -> None:
        """Return when all are there, or raise what ended the first that ended badly; `check` may end it too."""
        self._queue.extend(sorted(files, key=lambda file: file.size, reverse=True))
        transfers = [Transfer(self._errand, self._tell_whole) for _lane in range(min(CONNECTIONS, len(files)))]
        lanes = [
            (threading.Thread(target=self._run, args=(transfer,), name="transfer", daemon=True), transfer)
            for transfer in transfers
        ]
        for thread, _transfer in lanes:
            thread.start()
        checked = time.monotonic()
        while not self._errors and (alive := [lane for lane in lanes if lane[0].is_alive()]):
            alive[0][0].join(TELL)
            if not self._tell_waiting([transfer for thread, transfer in alive if thread.is_alive()]):
                self._teller.tell()
            if time.monotonic() - checked >= CHECK:
                checked = time.monotonic()
                check()
        if self._errors:
            self._fail([thread for thread, _transfer in lanes])

    def _run(self, transfer: Transfer) -> None:
        """Bring file after file. A connection that hangs is not waited for: the process ends without it."""
        try:
            while not self._errand.stop.is_set() and (file := self._take()):
                transfer.bring(file)
        except Stopped:
            return
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            self._errors.append(error)
            self._errand.stop.set()

    def _take(self) -> RecordedFile | None:
        """The next file; None where another lane has taken the last one."""
        try:
            return self._queue.popleft()
        except IndexError:
            return None

    def _tell_waiting(self, transfers: Sequence[Transfer]) -> bool:
        """Whether nothing moves; that is told once for each pause."""
        pauses = [pause for transfer in transfers if (pause := transfer.pause)]
        if not pauses or len(pauses) < len(transfers):
            return False
        soonest = min(pauses, key=lambda pause: pause.until)
        if soonest is not self._told:
            self._told = soonest
            self._say(Waiting(soonest.failure, max(0.0, soonest.until - time.monotonic())))
        return True

    def _fail(self, threads: Sequence[threading.Thread]) -> NoReturn:
        error = self._errors[0]
        if isinstance(error, CommitGone):
            for thread in threads:  # the same files are brought again
                thread.join()
        raise error
