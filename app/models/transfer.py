"""One file from the hub to the disk: goes on with its part, waits out every trouble, compares, begins anew if wrong."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from app.core.errors import DownloadBroken, Failure
from app.core.text import _
from app.models.hub import Answer, Hub, RangeRefused, Unreached
from app.models.part import Part
from app.models.record import RecordedFile
from app.models.tally import Tally

PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before the next try; the last one for ever. A byte that comes in between brings the first one back."""
TRIES = 3
"""How often a file may come wrong."""


class Stopped(Exception):
    """Another file's transfer came to an end that ends them all."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A transfer that waits for its next try."""

    failure: Failure
    until: float
    """Moment on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What all transfers of one download share."""

    hub: Hub
    repository: str
    commit: str
    folder: Path
    root: int
    """Descriptor of the folder."""
    tally: Tally
    stop: threading.Event


class Transfer:
    """The transfers of one thread, one file after the other. `pause` is looked at from another thread."""

    def __init__(self, errand: Errand, tell_whole: Callable[[RecordedFile, int], None]) -> None:
        self._errand, self._tell_whole = errand, tell_whole
        self.pause: Pause | None = None

    def bring(self, file: RecordedFile) -> None:
        """Raises DownloadBroken, DiskFull, DiskAbsent, StoreFailed, HubRefused, TokenNeeded, CommitGone, Stopped."""
        errand = self._errand
        with Part(errand.folder, errand.root, file, errand.tally) as part:
            part.read_again()
            for _try in range(TRIES):
                self._receive_all(file, part)
                if part.is_whole():
                    self._tell_whole(file, part.place())
                    return
                part.empty()
        os.unlink(file.part, dir_fd=errand.root)
        raise _broken(file, errand.repository)

    def _receive_all(self, file: RecordedFile, part: Part) -> None:
        """Ask until every byte is there; what lies between two askings is a pause, unless bytes came."""
        wrong, odd, pauses = 0, False, iter(PAUSES)
        for _request in count():
            if not part.left:
                return
            before, after = part.size, None
            # Without a range right after a wrong answer to one: what is there already is passed over then.
            start, odd = 0 if odd else part.size, False
            try:
                failure = self._receive(file, part, start)
            except Unreached as trouble:
                failure, after = trouble.failure, trouble.after
            except (RangeRefused, _Odd):
                wrong, odd = wrong + 1, start > 0
                if wrong >= TRIES:
                    raise _broken(file, self._errand.repository) from None
                failure = _broken(file, self._errand.repository).failure()
            if part.size > before:
                wrong, pauses = 0, iter(PAUSES)
            if part.left and (failure or part.size == before):
                self._rest(
                    failure or _broken(file, self._errand.repository).failure(), after or next(pauses, PAUSES[-1])
                )

    def _receive(self, file: RecordedFile, part: Part, start: int) -> Failure | None:
        """The bytes of one answer; None where it came to its end, as it may before the file's."""
        errand = self._errand
        with errand.hub.open(errand.repository, errand.commit, file.name, start) as answer:
            skip = _bytes_to_skip(answer, file, part)
            for chunk in answer.chunks:
                if errand.stop.is_set():
                    raise Stopped
                if skip >= len(chunk):
                    skip -= len(chunk)
                    continue
                part.append(chunk[skip:] if skip else chunk)
                skip = 0
                if not part.left:
                    return None
            if not answer.partial:
                raise _Odd  # all that the hub has, and yet not enough
        return None

    def _rest(self, failure: Failure, seconds: float) -> None:
        self.pause = Pause(failure, time.monotonic() + seconds)
        try:
            if self._errand.stop.wait(seconds):
                raise Stopped
        finally:
            self.pause = None


class _Odd(Exception):
    """An answer that does not fit what the hub said of the file."""


def _bytes_to_skip(answer: Answer, file: RecordedFile, part: Part) -> int:
    """How many bytes of the answer are there already; raises _Odd where it is another file's, or leaves a gap."""
    if not 0 <= answer.begins <= part.size or answer.total not in (None, file.size):
        raise _Odd
    return part.size - answer.begins


def _broken(file: RecordedFile, repository: str) -> DownloadBroken:
    return DownloadBroken(
        _("{name} of {repository} comes otherwise than the hub said.").format(name=file.name, repository=repository),
        _("Try again later. If it does not help, the repository is damaged: choose another version of the model."),
    )
