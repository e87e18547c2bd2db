"""What is known of a downloaded model, kept in its own folder: where it came from, and what its files must be."""

import fcntl
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import msgspec

from app import NAME

RECORD = f".{NAME.lower()}.json"
LOCK = f".{NAME.lower()}.lock"
"""Held by the process that writes in the folder; the kernel frees it when that ends."""
PART = ".part"
"""End of the name of a file that is not whole yet."""
LOCK_RETRY = 0.05
"""Seconds between two tries: a fetcher that was killed frees its lock within a moment."""


class Digest(Protocol):
    """A hash that is being computed."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Go on with these bytes."""

    def hexdigest(self) -> str:
        """The hash of all bytes so far."""


class RecordedFile(msgspec.Struct, frozen=True):
    """One file as the hub describes it."""

    name: str
    size: int
    sha256: str = ""
    """Of a large file; empty where the hub names none."""
    git: str = ""
    """Git's name of a small file's content; empty where the hub names none."""
    checked: int = 0
    """Time of the file's last change, in ns, when it was found whole; 0: it was not compared yet."""

    @property
    def hash(self) -> str:
        """The hash that its bytes must have; empty where none is known."""
        return self.sha256 or self.git

    @property
    def part(self) -> str:
        """Name of what has arrived of it; another content has another name."""
        return f"{self.name}.{(self.hash or f'{self.size:08x}')[:8]}{PART}"

    def digest(self) -> Digest:
        """A new hash of the kind that the hub named."""
        if self.sha256 or not self.git:
            return hashlib.sha256()
        return hashlib.sha1(f"blob {self.size}\0".encode(), usedforsecurity=False)


class Record(msgspec.Struct, frozen=True):
    """One model's origin and files."""

    repository: str
    commit: str
    files: list[RecordedFile]
    licence: str = ""
    official: str = ""
    """The makers' own repository; empty: none is known."""
    wanted: bool = True
    """Whether the download goes on by itself at the next start."""
    finished: float | None = None
    """Unix time at which the last file was there; None before that."""
    verified: float | None = None
    """Unix time of the last comparison that found every file whole."""

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def read_record(folder: Path) -> Record | None:
    """A folder's record, None where there is none that can be read."""
    try:
        return msgspec.json.decode((folder / RECORD).read_bytes(), type=Record)
    except (OSError, msgspec.DecodeError):
        return None


def write_record(folder: Path, record: Record) -> None:
    """Put a record in the place of the former one, whole or not at all; raises OSError."""
    descriptor, temporary = tempfile.mkstemp(prefix=f"{RECORD}.", dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(record)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / RECORD)  # noqa: PTH105 - a name, not a Path
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108
        raise
    sync_folder(folder)


def set_wanted(folder: Path, wanted: bool) -> None:  # noqa: FBT001 - the name says it
    """Say whether a download goes on by itself; waits for a fetcher that is just ending. Raises OSError.

    Nothing is written where a fetcher goes on writing: it says itself what is wanted.
    """
    with hold(folder, patience=3.0) as held:
        if held and (record := read_record(folder)) and record.wanted != wanted:
            write_record(folder, msgspec.structs.replace(record, wanted=wanted))


@contextmanager
def hold(folder: Path, patience: float = 0.0) -> Iterator[bool]:
    """Keep other processes from writing in a model's folder; False where one does so still after `patience` seconds.

    Where the disk knows no locks, it counts as held.
    """
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        yield _lock(descriptor, time.monotonic() + patience)
    finally:
        os.close(descriptor)


def _lock(descriptor: int, deadline: float) -> bool:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOCK_RETRY)
        except OSError:
            return True
        else:
            return True


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; some file systems cannot, and need not."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
