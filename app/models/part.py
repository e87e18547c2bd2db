"""A file on its way: its part on the disk, hashed while it is written, so that a kill loses what is on the wire."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from app.core.errors import AppError
from app.models.disk import check_file, explain
from app.models.record import Digest, RecordedFile
from app.models.tally import Tally

READ = 1 << 20
PART_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Without following links: nothing is written outside the folder. Without waiting: a pipe may lie there."""


class Part:
    """What has arrived of one file; it is opened where it was left. Its bytes count in the tally already."""

    def __init__(self, folder: Path, root: int, file: RecordedFile, tally: Tally) -> None:
        """`root` is a descriptor of the folder."""
        self._folder, self._root, self._file, self._tally = folder, root, file, tally
        self._digest: Digest = file.digest()
        self.size = 0
        try:
            self._descriptor = self._open()
        except OSError as error:
            raise self._explain(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._descriptor)

    @property
    def left(self) -> int:
        """Bytes that are still to come."""
        return self._file.size - self.size

    def read_again(self) -> None:
        """Hash what is on the disk already; raises StoreFailed, DiskAbsent."""
        try:
            while data := os.pread(self._descriptor, min(READ, self.left), self.size):
                self._digest.update(data)
                self.size += len(data)
        except OSError as error:
            raise self._explain(error) from error

    def append(self, data: bytes) -> None:
        """Write and hash the next bytes at once, without those beyond the file's end. Raises DiskFull, DiskAbsent."""
        view = memoryview(data)[: self.left]
        try:
            while view:
                written = os.pwrite(self._descriptor, view, self.size)
                self._digest.update(view[:written])
                self.size += written
                self._tally.add(written)
                view = view[written:]
        except OSError as error:
            raise self._explain(error) from error

    def is_whole(self) -> bool:
        """Whether all bytes are there and are the right ones."""
        return not self.left and (not self._file.hash or self._digest.hexdigest() == self._file.hash)

    def empty(self) -> None:
        """Throw away what has arrived: it is not what it should be."""
        try:
            os.ftruncate(self._descriptor, 0)
        except OSError as error:
            raise self._explain(error) from error
        self._tally.take_back(self.size)
        self._digest, self.size = self._file.digest(), 0

    def place(self) -> int:
        """Bring the bytes to the disk and give the file its name; the time of its last change, in ns."""
        try:
            os.fchmod(self._descriptor, 0o644)
            os.fsync(self._descriptor)
            changed = os.fstat(self._descriptor).st_mtime_ns
            os.rename(self._file.part, self._file.name, src_dir_fd=self._root, dst_dir_fd=self._root)
        except OSError as error:
            raise self._explain(error) from error
        return changed

    def _open(self) -> int:
        """The part at its end; a link that lies in its place is taken away, and what is too long is begun anew."""
        with suppress(FileNotFoundError):
            if not _is_file(self._file.part, self._root):
                os.unlink(self._file.part, dir_fd=self._root)
        descriptor = os.open(self._file.part, PART_FLAGS, 0o600, dir_fd=self._root)
        try:
            found = os.fstat(descriptor)
            check_file(found, self._file.part)
            if found.st_size > self._file.size:
                os.ftruncate(descriptor, 0)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _explain(self, error: OSError) -> AppError:
        return explain(error, self._folder, self._tally.left)


def measure_part(root: int, file: RecordedFile) -> int:
    """Bytes that have arrived of a file."""
    try:
        found = os.stat(file.part, dir_fd=root, follow_symlinks=False)
    except OSError:
        return 0
    return found.st_size if _is_file(file.part, root) and found.st_size <= file.size else 0


def _is_file(name: str, root: int) -> bool:
    """Whether it is an ordinary file, not a link, with no second name elsewhere that would be written too."""
    found = os.stat(name, dir_fd=root, follow_symlinks=False)
    return stat.S_ISREG(found.st_mode) and found.st_nlink == 1
