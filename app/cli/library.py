"""The model library without a window: a shelf, and somebody who drains its inbox until a thing is done."""

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from app.chat.changes import Change, Noticed
from app.chat.errands import Returned
from app.chat.shelf import Shelf
from app.chat.shelffront import ShelfFront
from app.cli.ending import FRAME, interrupts
from app.core.errors import AppError, EngineStopped
from app.core.owner import Owner
from app.core.places import Places
from app.core.text import _
from app.engine.inbox import Inbox
from app.engine.lock import Lock, this_process
from app.engine.probe import describe_engine
from app.store.preferences import Preferences

SETTLING = 10.0
"""Seconds after which what should have been written is not waited for any longer."""


class Library:
    """One command's shelf. What goes wrong, and has no row to stand in, is raised."""

    def __init__(self, root: Path) -> None:
        self.places = Places(root)
        self._inbox = Inbox()
        self._preferences = Preferences(root)
        self._failed: AppError | None = None
        front = ShelfFront(
            tell=self._hear,
            put=self._inbox.put,
            remember=self._preferences.set_state,
            set_preference=self._preferences.set,
            load=lambda folder: self._preferences.set("model", folder),
            leave=lambda _folder: None,
            reload=lambda: None,
        )
        self.shelf = Shelf(self.places, self._preferences, front)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shelf.close()
        self._preferences.save()

    def look(self) -> None:
        """Search the disk and wait for what it comes to; raises KeyboardInterrupt after Ctrl+C."""
        self.shelf.looked = False
        self.shelf.find()
        if not self.run(lambda: self.shelf.looked):
            raise KeyboardInterrupt

    def run(self, over: Callable[[], bool], show: Callable[[], None] = lambda: None) -> bool:
        """Fold in what comes until that is over; False where Ctrl+C came first. Raises what went wrong."""
        with interrupts() as seen:
            while not over():
                if seen:
                    return False
                self._inbox.wait(FRAME)
                self._drain()
                show()
        return True

    def settle(self) -> None:
        """Wait until the errands that were sent out have returned."""
        returned = self.shelf.errands.mark()
        deadline = time.monotonic() + SETTLING
        while not returned() and time.monotonic() < deadline:
            self._inbox.wait(FRAME)
            self._drain()

    def meet_machine(self) -> None:
        """Ask the engine what computes here, unless it has said that to the library before."""
        if self.shelf.machine:
            return
        if (described := describe_engine(self.places.worker_log)) is None:
            raise EngineStopped(_("The engine does not start."), _("See what is wrong: doctor"))
        self.shelf.meet(described.machine)

    def window(self) -> Owner | None:
        """The window that is open on this data folder."""
        return Lock(self.places.window_lock, this_process("models")).holder()

    def _drain(self) -> None:
        for item in self._inbox.drain():
            if isinstance(item, Returned):
                item.take()
        if failed := self._failed:
            self._failed = None
            raise failed

    def _hear(self, change: Change) -> None:
        if isinstance(change, Noticed) and change.failure.kind != "ModelReady":
            self._failed = AppError.of(change.failure)

    def check(self) -> None:
        """Raise what was told meanwhile."""
        self._drain()
