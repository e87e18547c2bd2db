"""The app's log, and what becomes of an error that nobody foresaw."""

import logging
import os
import sys
import threading
from collections.abc import Callable
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from app import NAME
from app.chat.changes import Noticed
from app.core.errors import Failure
from app.core.text import _

SIZE_LIMIT = 1_000_000
"""Bytes after which the log moves aside; one older log is kept."""

log = logging.getLogger(__name__)


class PrivateLog(RotatingFileHandler):
    """A log for its owner alone; made at the first word, and silent where it cannot be made."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=SIZE_LIMIT, backupCount=1, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter("%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"))

    def _open(self) -> TextIOWrapper:
        file = Path(self.baseFilename)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        """A log that cannot be written must not disturb what it reports on."""


def write_log(file: Path) -> Callable[[], None]:
    """Write warnings and errors to a file; what ends that."""
    handler = PrivateLog(file)
    root = logging.getLogger()
    root.addHandler(handler)

    def undo() -> None:
        root.removeHandler(handler)
        handler.close()

    return undo


def keep_log(file: Path, tell: Callable[[Noticed], None]) -> Callable[[], None]:
    """Write the log to a file, and every bug with it; what ends that.

    `tell`, in any thread, says once that there was a bug.
    """
    end_log = write_log(file)
    said = threading.Event()

    def note(error: BaseException) -> None:
        log.error("unforeseen", exc_info=error)
        if not said.is_set():
            said.set()
            tell(Noticed(describe_bug(file)))

    def report(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        note(error)
        before[0](kind, error, trace)

    def report_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value:
            note(args.exc_value)
        before[1](args)

    def undo() -> None:
        if sys.excepthook is report:
            sys.excepthook, threading.excepthook = before
        end_log()

    before = sys.excepthook, threading.excepthook
    sys.excepthook, threading.excepthook = report, report_thread
    return undo


def describe_bug(file: Path) -> Failure:
    """What to say of an error that nobody foresaw, which is in this file."""
    return Failure(
        "Bug",
        _("Something happened that {app} did not foresee.").format(app=NAME),
        _("Your chats are kept. What happened is in {file}.").format(file=file),
    )
