"""Who holds something of a data folder: a kernel lock that dies with its process, and a name in the file."""

import fcntl
import os
from pathlib import Path

import msgspec
import psutil

from app.core.owner import Owner

CLOCK_SLACK = 2.0
"""Seconds by which two readings of one process's start may differ.

Linux counts a start from the boot, whose time of day moves a little whenever the clock is corrected."""
NOBODY = Owner(0, 0.0)


def this_process(role: str) -> Owner:
    """The calling process."""
    return Owner(os.getpid(), psutil.Process().create_time(), role)


def is_alive(owner: Owner) -> bool:
    """Whether that very process still runs; a reused pid has another start time."""
    try:
        process = psutil.Process(owner.pid)
        started: float = process.create_time()
        return abs(started - owner.started) < CLOCK_SLACK and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class Lock:
    """One lock file. The kernel frees it when its process ends, however it ends."""

    def __init__(self, path: Path, owner: Owner) -> None:
        self._path, self._owner = path, owner
        self._descriptor: int | None = None

    def acquire(self) -> Owner | None:
        """Take the lock; None if it is ours now, else who holds it. Raises OSError where no file can be made.

        The holder is `NOBODY` for the moment in which it is not known.
        """
        if self._descriptor is not None:
            return None
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read(descriptor)
            os.close(descriptor)
            return holder
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, msgspec.json.encode(self._owner), 0)
        self._descriptor = descriptor
        return None

    def holder(self) -> Owner | None:
        """Who holds the lock, None if nobody does; looks without taking it for more than a moment."""
        descriptor = self._open()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _read(descriptor)
        finally:
            os.close(descriptor)
        return None

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.ftruncate(self._descriptor, 0)  # a process that lives on without the lock is not its holder
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _read(descriptor: int) -> Owner:
    """The name in the file; NOBODY where it is a dead process's, because the holder has not written its own yet."""
    try:
        owner = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Owner)
    except msgspec.DecodeError:
        return NOBODY
    return owner if is_alive(owner) else NOBODY
