"""What went wrong with a disk or a database, in words a person can act on."""

import errno
import sqlite3
from pathlib import Path

from app import NAME
from app.core.errors import AppError, StoreFailed, StoreTooNew
from app.core.text import _
from app.store.connection import is_busy

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_PASSING = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}


class DatabaseDamagedError(Exception):
    """The database's own bytes are wrong; it never leaves this package."""


def is_damage(error: Exception) -> bool:
    """Whether an error means that the file's content is wrong, as opposed to out of reach."""
    return isinstance(error, DatabaseDamagedError) or _code_of(error) in _DAMAGE


def is_passing(error: Exception) -> bool:
    """Whether the same write may succeed later: the disk or another process refused it, not the data."""
    return _code_of(error) in _PASSING


def explain(error: Exception, folder: Path) -> AppError:
    """The error to show for something that went wrong in the data folder."""
    if isinstance(error, AppError):
        return error
    if _is_full(error):
        return StoreFailed(
            _("The disk is full: the chats in {folder} are not being saved.").format(folder=folder),
            _("Free some space. Nothing on screen is lost; it is saved as soon as there is room."),
        )
    if is_damage(error):
        return StoreFailed(
            _("A part of the chat history in {folder} is damaged.").format(folder=folder),
            _("Start {app} again: it keeps the damaged file aside and goes on with a new one.").format(app=NAME),
        )
    if is_busy(error):
        return StoreFailed(
            _("Another program holds the chat history in {folder}, so it is not being saved.").format(folder=folder),
            _("Close the other program; what is on screen is saved then."),
        )
    if not is_passing(error) and not isinstance(error, OSError):
        return StoreFailed(
            _("A message could not be saved in {folder}.").format(folder=folder),
            _("It stays on screen until you close {app}: copy what you need. The log says why.").format(app=NAME),
        )
    return StoreFailed(
        _("The data folder {folder} cannot be used: {reason}.").format(folder=folder, reason=_reason_of(error)),
        _("Check that its disk is connected and that you may write to it."),
    )


def too_new(path: Path) -> StoreTooNew:
    """The refusal of a database from a later version of the app."""
    return StoreTooNew(
        _("The chat history {path} was written by a newer version of {app}.").format(path=path, app=NAME),
        _("Update {app}. The history was left as it is.").format(app=NAME),
    )


def kept_aside(path: Path) -> StoreFailed:
    """The notice about a database that was damaged."""
    return StoreFailed(
        _("The chat history was damaged. {app} started a new one.").format(app=NAME),
        _("The damaged one was kept: {path}").format(path=path),
    )


def kept_beside(path: Path) -> StoreFailed:
    """The notice about text that the database would not take before the app was closed."""
    return StoreFailed(
        _("Some text could not be saved when {app} was closed last.").format(app=NAME),
        _("It was kept: {path}. Move or delete that file when you have what you need.").format(path=path),
    )


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    return _code_of(error) == sqlite3.SQLITE_FULL


def _code_of(error: Exception) -> int:
    # The low byte is the kind of an extended code; errors of the sqlite3 module itself carry none.
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _reason_of(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:].rstrip(".")
