"""Deleting downloaded models: to the Trash where there is one, and never outside the folder of downloads."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.core.errors import AppError, StoreFailed
from app.core.text import _
from app.models.homes import explain_absence
from app.models.record import hold

LEFTOVERS = (".DS_Store", "._.DS_Store")
"""What a Mac puts into folders by itself."""
PATIENCE = 3.0
"""Seconds to wait for a fetcher that is just ending."""


def has_trash(folder: Path) -> bool:
    """Whether what lies there would go to the Trash; else it would be gone for good."""
    try:
        if folder.stat().st_dev == Path.home().stat().st_dev:
            return True
        disk = _mount_point(folder)
        if sys.platform == "darwin":  # network disks have none
            return (disk / ".Trashes").is_dir()
        own = disk / f".Trash-{os.getuid()}"
        shared = disk / ".Trash"
        return own.is_dir() or shared.is_dir() or os.access(disk, os.W_OK)
    except (OSError, RuntimeError):  # there may be no home either
        return False


def remove(folder: Path, root: Path, *, trash: bool) -> None:
    """Delete a model of the folder of downloads `root`, to the Trash or for good as its owner was told.

    Raises DiskAbsent where it is not there, StoreFailed where it lies elsewhere, is being written, or stays.
    """
    _check_place(folder, root)
    if folder.is_symlink():  # what it leads to belongs to somebody else
        folder.unlink()
        return
    with _held(folder):
        if trash:
            from send2trash import send2trash

            send2trash(folder)
        else:
            shutil.rmtree(folder)
    _remove_empty(folder.parent)


def discard(folder: Path, root: Path) -> None:
    """Delete a download that was given up, at once: nobody wants half a file back. Raises as `remove` does."""
    if not folder.is_dir():
        return
    remove(folder, root, trash=False)


def _check_place(folder: Path, root: Path) -> None:
    """A model lies exactly two names below the root, and no link of an owner leads somewhere else."""
    if ".." in folder.parts or folder.parent.parent != root or folder.parent.is_symlink():
        raise StoreFailed(
            _("{folder} was not downloaded by this app, so it is not deleted.").format(folder=folder),
            _("Delete it in the program that it belongs to."),
        )
    if not folder.is_dir():
        raise explain_absence(folder)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Nobody writes in the folder while it goes."""
    try:
        with hold(folder, patience=PATIENCE) as ours:
            if not ours:
                raise StoreFailed(
                    _("{folder} is being downloaded by another window or terminal.").format(folder=folder),
                    _("Pause it there first."),
                )
            yield
    except OSError as error:
        raise _stays(folder, error) from error


def _stays(folder: Path, error: OSError) -> AppError:
    return StoreFailed(
        _("{folder} cannot be deleted: {why}.").format(folder=folder, why=error.strerror or error),
        _("Look at its permissions, or delete it with the system's file browser."),
    )


def _remove_empty(owner: Path) -> None:
    """The owner's folder goes with its last model."""
    with suppress(OSError):
        if all(entry.name in LEFTOVERS for entry in owner.iterdir()):
            for entry in owner.iterdir():
                entry.unlink()
            owner.rmdir()


def _mount_point(folder: Path) -> Path:
    real = folder.resolve()
    return next(each for each in (real, *real.parents) if os.path.ismount(each))
