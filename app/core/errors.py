"""Every error raised on purpose: what happened, what to do, and the command that does it.

Anything else that is raised is a bug and goes to the log. Being cancelled is an outcome, not an error.
"""

from typing import ClassVar

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """An error as a value: it travels between processes, is stored with a message and shown on a card."""

    kind: str
    message: str
    hint: str = ""
    command: str = ""


class AppError(Exception):
    """A problem that a person can act on.

    `message` says what happened, `hint` what to do, `command` names the row of the command table
    that does it.
    """

    kinds: ClassVar[dict[str, type["AppError"]]] = {}

    def __init_subclass__(cls) -> None:
        """Remember each leaf by name, so that a failure from another process becomes the same error."""
        AppError.kinds[cls.__name__] = cls

    def __init__(self, message: str, hint: str = "", command: str = "") -> None:
        super().__init__(message)
        self.message, self.hint, self.command = message, hint, command

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def failure(self) -> Failure:
        """This error as a value."""
        return Failure(type(self).__name__, self.message, self.hint, self.command)

    @staticmethod
    def of(failure: Failure) -> "AppError":
        """The error that a value stands for."""
        kind = AppError.kinds.get(failure.kind, AppError)
        return kind(failure.message, failure.hint, failure.command)


class ModelMissing(AppError):
    """There is no model in the folder, or only a part of one."""


class ModelBroken(AppError):
    """The model's files are there but cannot be used."""


class ModelTooBig(AppError):
    """The model does not fit this machine's memory."""


class ModelUnsafe(AppError):
    """The model's files could run code or lead out of their folder: pickles, remote code, links, names with `..`."""


class HubRefused(AppError):
    """The hub does not give the repository or a file of it."""


class TokenNeeded(AppError):
    """The repository is given only to people who sign in and have been admitted."""


class HubUnreachable(AppError):
    """There is no way to the hub at the moment, or it must not be asked."""


class DownloadBroken(AppError):
    """What came from the hub is not what the hub said it was."""


class DiskFull(AppError):
    """There is not enough room on the disk."""


class DiskAbsent(AppError):
    """A folder is not there, most likely because its disk is not connected."""


class ContextFull(AppError):
    """The chat and the question do not fit the model's context."""


class MemoryShort(AppError):
    """The machine is short of memory at the moment; the engine gave up the request before the system would."""


class EngineStopped(AppError):
    """The engine ended without being asked to."""


class EngineHeld(AppError):
    """Another process holds the engine of this data folder."""


class StoreTooNew(AppError):
    """The database was written by a newer version of the app."""


class StoreFailed(AppError):
    """The data folder or the database cannot be written or read."""


class FileUnreadable(AppError):
    """A file that the user named cannot be read as text."""


class UsageError(AppError):
    """The words on the command line do not fit together."""
