"""The folder of saved prefixes: `prefixes/<fingerprint>/<owner>-<start>-<key>.safetensors`, a lock and a counter.

One process at a time may use it: the kernel's lock says whose turn it is and dies with its process. Of other
models' files only name, size and time are looked at, because they count in the same budget.
"""

import errno
import fcntl
import os
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.core.errors import EngineHeld, Failure, StoreFailed
from app.core.text import _
from app.worker.segmentfile import Damaged, Packed, read_packed, read_record
from app.worker.segments import Segment, Tree, key_of, pack_ids

NAME = re.compile(r"(shared|[0-9]+)-([0-9]+)-[0-9a-f]{32}\.safetensors")
PARTIAL = ".partial"
"""Ends the name of a file that is being written; one that is found at the start is what a crash left."""
LEAST_FREE = 500_000_000
"""Bytes of the disk that are left to everybody else."""


class Held(Exception):
    """Another process uses the folder."""


class Today(msgspec.Struct, frozen=True):
    """What was written on one day."""

    day: str
    written: int


@dataclass(frozen=True, slots=True)
class Foreign:
    """A file of another model."""

    path: Path
    session: int | None
    start: int
    size: int
    used: float


class PrefixFolder:
    """Files only: no MLX, no memory of what is in them. All methods may raise OSError."""

    def __init__(self, root: Path, fingerprint: str) -> None:
        self.root, self._fingerprint = root, fingerprint
        self._own = root / fingerprint
        self._lock: int | None = None
        self._today = Today("", 0)

    def open(self) -> None:
        """Take the folder; raises Held."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self._own.mkdir(exist_ok=True)
        self._own.chmod(0o700)
        lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for partial in self.root.glob(f"*/*{PARTIAL}"):
                if NAME.fullmatch(partial.name.removesuffix(PARTIAL)):
                    partial.unlink(missing_ok=True)
            self._today = self._read_today()
        except OSError as error:
            os.close(lock)
            if isinstance(error, BlockingIOError):
                raise Held from error
            raise
        self._lock = lock

    def close(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # what is there --------------------------------------------------------------------------------

    def scan(self) -> Tree:
        """The segments of this model; files that look like ours but are not whole are deleted."""
        return _scan(self._own, self._fingerprint)

    def scan_others(self) -> list[Foreign]:
        """The files of all other models."""
        return [
            Foreign(file, session, start, status.st_size, status.st_mtime)
            for folder in self._other_folders()
            for file, session, start, status in _list(folder)
        ]

    def sweep_others(self, kept: Iterable[int] | None, forgotten: Iterable[int] = ()) -> None:
        """Delete what belongs to no chat in other models' folders; `kept` None: to none of the forgotten ones."""
        kept, forgotten = None if kept is None else set(kept), set(forgotten)
        for folder in self._other_folders():
            owners = {session for _file, session, *_rest in _list(folder)}
            hit = any(is_orphan(session, kept, forgotten) for session in owners)
            if not hit and owners - {None}:  # nothing of it is looked into without need
                continue
            tree = _scan(folder, folder.name)
            gone = [one for one in tree if is_orphan(one.session, kept, forgotten)]
            dropped = tree.drop_all(gone)
            for segment in dropped + tree.drop_all(tree.useless()):
                (folder / segment.name).unlink(missing_ok=True)
            with suppress(OSError):  # not empty
                folder.rmdir()

    def clear(self) -> None:
        """Delete the files of all models."""
        for folder in (self._own, *self._other_folders()):
            for file, *_rest in list(_list(folder)):
                file.unlink(missing_ok=True)

    def _other_folders(self) -> list[Path]:
        with os.scandir(self.root) as entries:
            return [
                Path(entry)
                for entry in entries
                if entry.name != self._fingerprint and entry.is_dir(follow_symlinks=False)
            ]

    # one file -------------------------------------------------------------------------------------

    def path(self, segment: Segment) -> Path:
        """Where a segment of this model is."""
        return self._own / segment.name

    def check_room(self, size: int = 0) -> None:
        """Raise OSError where the disk has no room for so many bytes."""
        disk = os.statvfs(self.root)
        if disk.f_bavail * disk.f_frsize < size + LEAST_FREE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def write(self, segment: Segment, packed: Packed) -> None:
        """Write a segment, whole or not at all."""
        self.check_room(packed.size)
        final = self.path(segment)
        partial = final.with_name(final.name + PARTIAL)
        try:
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            try:
                for data in (packed.header, packed.payload):
                    left = memoryview(data)
                    while left:
                        left = left[os.write(descriptor, left) :]
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            partial.replace(final)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        self._count(packed.size)

    def read(self, segment: Segment) -> Packed:
        """The content of a segment; raises Damaged."""
        packed = read_packed(self.path(segment))
        if packed.record.key != segment.key or packed.record.fingerprint != self._fingerprint:
            raise Damaged(segment.name)
        return packed

    def remove(self, segments: Iterable[Segment]) -> None:
        """Delete segments of this model; those that are gone already are no error."""
        for segment in segments:
            self.path(segment).unlink(missing_ok=True)

    def touch(self, segment: Segment) -> None:
        """Let the file remember when it was used; without that it only leaves earlier."""
        with suppress(OSError):
            os.utime(self.path(segment), (segment.used, segment.used))

    # bytes written today --------------------------------------------------------------------------

    @property
    def written_today(self) -> int:
        """Bytes of all models."""
        return self._today.written if self._today.day == _day() else 0

    def _count(self, size: int) -> None:
        self._today = Today(_day(), self.written_today + size)
        file = self.root / "written.json"
        partial = file.with_name(file.name + PARTIAL)
        with suppress(OSError):  # a number for people: not worth a failure
            partial.write_bytes(msgspec.json.encode(self._today))
            partial.chmod(0o600)
            partial.replace(file)

    def _read_today(self) -> Today:
        try:
            today = msgspec.json.decode((self.root / "written.json").read_bytes(), type=Today)
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return Today("", 0)
        return today if today.written >= 0 else Today("", 0)


def explain(error: Held | OSError, root: Path) -> Failure:
    """Why nothing can be saved, in words for people."""
    if isinstance(error, Held):
        return EngineHeld(
            _("Another engine uses the folder of saved prefixes."),
            _("Chats work without them; they are used again as soon as the other engine has ended."),
        ).failure()
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return StoreFailed(
            _("The disk is too full to save prefixes."),
            _("Chats go on without; free some space, and saving goes on by itself."),
        ).failure()
    return StoreFailed(
        _("Prefixes cannot be saved in {folder}: {reason}.").format(folder=root, reason=error.strerror or error),
        _("Chats go on without; saving is tried again by itself."),
    ).failure()


def is_orphan(session: int | None, kept: set[int] | None, forgotten: set[int]) -> bool:
    """Whether a segment's chat is gone; a shared one belongs to nobody."""
    return session is not None and (session in forgotten or (kept is not None and session not in kept))


def _day() -> str:
    return time.strftime("%Y-%m-%d")


def _list(folder: Path) -> Iterator[tuple[Path, int | None, int, os.stat_result]]:
    """Our files in a folder: whose it is, where it starts, and its status."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if (match := NAME.fullmatch(entry.name)) and entry.is_file(follow_symlinks=False):
                session = None if match[1] == "shared" else int(match[1])
                yield Path(entry), session, int(match[2]), entry.stat(follow_symlinks=False)


def _scan(folder: Path, fingerprint: str) -> Tree:
    """The segments whose files are here; what cannot be one is deleted."""
    tree, segments, now = Tree(), [], time.time()
    for file, _session, _start, status in list(_list(folder)):
        segment = _read(file, fingerprint, status)
        if segment is None:
            file.unlink(missing_ok=True)
            continue
        if status.st_mtime > now:  # the clock was set back: it must not stay the newest for ever
            segment.used = now
            os.utime(file, (now, now))
        segments.append(segment)
    for segment in sorted(segments, key=lambda segment: segment.start):
        if not tree.add(segment):
            (folder / segment.name).unlink(missing_ok=True)
    return tree


def _read(file: Path, fingerprint: str, status: os.stat_result) -> Segment | None:
    try:
        record = read_record(file)
        ids = pack_ids(record.ids)
        key = key_of(record.parent, record.start, ids, record.session, record.precision)
    except (Damaged, OSError, OverflowError):
        return None
    segment = Segment(key, record.parent, record.start, ids, record.session, record.precision, status.st_size)
    if record.fingerprint != fingerprint or record.key != key or file.name != segment.name:
        return None
    segment.used = segment.touched = status.st_mtime
    return segment
