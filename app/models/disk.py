"""Room on the disk, and what its errors mean."""

import errno
import math
import os
import stat
from contextlib import suppress
from pathlib import Path

from app.core.errors import AppError, DiskFull, ModelUnsafe, StoreFailed
from app.core.text import _
from app.models.homes import explain_absence

FULL = (errno.ENOSPC, errno.EDQUOT)
ABSENT = (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO, errno.ESTALE, errno.ENOTCONN)
"""What a disk answers that was pulled out, and some of it a worn one too, whose folder is there."""
GIGABYTE = 10**9


def say_bytes(size: int) -> str:
    """An amount of room, rounded up: "340 MB", "1.2 GB"."""
    if size >= GIGABYTE:
        return _("{size} GB").format(size=f"{math.ceil(size / 1e8) / 10:.1f}")
    return _("{size} MB").format(size=math.ceil(size / 1e6))


def free_bytes(folder: Path) -> int:
    """Bytes that may still be written there; raises OSError."""
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def check_room(folder: Path, needed: int) -> None:
    """Make sure that so many bytes are free; raises DiskFull with the amount short, DiskAbsent."""
    try:
        free = free_bytes(folder)
    except OSError as error:
        raise explain(error, folder) from error
    if free < needed:
        raise _full(folder, needed - free)


def make_folder(folder: Path) -> None:
    """Make a folder in one that exists; raises DiskAbsent, StoreFailed, DiskFull."""
    if not folder.parent.is_dir():
        raise explain_absence(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise explain(error, folder) from error


def check_file(found: os.stat_result, name: str) -> None:
    """Refuse what is no ordinary file: a pipe, a device; raises ModelUnsafe."""
    if not stat.S_ISREG(found.st_mode):
        raise ModelUnsafe(
            _("{name} in the model's folder is not a file.").format(name=name),
            _("Take it out of the folder, or choose another folder."),
        )


def explain(error: OSError, folder: Path, needed: int = 0) -> AppError:
    """The error that a failed call on a file stands for; `needed` are the bytes that were still to be written."""
    if error.errno in FULL:
        short = needed
        with suppress(OSError):
            short -= free_bytes(folder)
        return _full(folder, short)
    if error.errno in ABSENT and not os.path.isdir(folder):  # noqa: PTH112 - that of a Path raises on a dead mount
        return explain_absence(folder)
    return StoreFailed(
        _("The folder {folder} cannot be written: {why}.").format(folder=folder, why=error.strerror or error),
        _("Choose another folder for models, or change who may write there."),
        "model.folder",
    )


def _full(folder: Path, short: int) -> DiskFull:
    return DiskFull(
        _("There is not enough room on the disk of {folder}: {size} more are needed.").format(
            folder=folder, size=say_bytes(max(1, short))
        ),
        _("Make room, or choose a folder on another disk. What has arrived is kept, and the download goes on from it."),
        "model.folder",
    )
