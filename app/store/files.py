"""Files in the data folder: the database's neighbours, whole replacement, and setting damaged files aside."""

import os
import tempfile
import time
from pathlib import Path

from app import NAME
from app.core.errors import StoreFailed
from app.core.text import _

DATABASE = f"{NAME.lower()}.db"
PRIVATE = 0o600
"""Chats are nobody else's business, also on a shared machine."""


def log_of(database: Path) -> Path:
    """Where SQLite keeps what it has not yet moved into the database, the write-ahead log."""
    return database.with_name(f"{database.name}-wal")


def mark_of(database: Path) -> Path:
    """An empty file beside the database: damage was met in use, so the next opening checks every page."""
    return database.with_name(f"{database.name}-suspect")


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def make_folder(folder: Path) -> None:
    """Make the data folder, for its user alone; one that is there keeps the mode its user gave it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def check_folder(folder: Path) -> None:
    """Make the data folder where it is missing and try it; raises StoreFailed where it cannot be made or written."""
    try:
        make_folder(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise StoreFailed(
            _("The data folder {folder} cannot be written: {why}.").format(folder=folder, why=error.strerror or error),
            _("Choose another with --data FOLDER, or free this one."),
        ) from error


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file so that a reader, or a crash, finds the old content or the new, never a half."""
    make_folder(path.parent)
    draft = path.with_name(f"{path.name}.{os.getpid()}.draft")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def set_aside(path: Path, companions: tuple[str, ...] = ()) -> Path:
    """Rename a damaged file, and its companions by suffix, out of the way; return where it lies now."""
    aside = _unused_name(path)
    # The file itself goes first: a crash in between leaves a log without a database, which the next
    # opening recognises; a database without its log would look healthy and lack its newest chats.
    for suffix in ("", *companions):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(aside.with_name(aside.name + suffix))
    return aside


def unsaved_name(database: Path) -> Path:
    """A new name for a file with what the database would not take."""
    return database.with_name(f"{database.stem}.unsaved-{time.strftime('%Y%m%d-%H%M%S')}.json")


def unsaved_files(database: Path) -> list[Path]:
    """Such files that are there, oldest first."""
    return sorted(database.parent.glob(f"{database.stem}.unsaved-*.json"))


def _unused_name(path: Path) -> Path:
    stem = f"{path.stem}.damaged-{time.strftime('%Y%m%d-%H%M%S')}"
    aside, number = path.with_name(stem + path.suffix), 1
    while list(path.parent.glob(f"{aside.name}*")):
        number += 1
        aside = path.with_name(f"{stem}-{number}{path.suffix}")
    return aside
