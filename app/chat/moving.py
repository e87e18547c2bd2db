"""Bringing all downloads to another folder."""

import os
from collections.abc import Callable
from pathlib import Path

from app.chat.carrier import Carrier, Carriers
from app.chat.errands import Errands
from app.chat.shelfrow import Transfer
from app.core.errors import AppError, StoreFailed
from app.core.fetching import Completed, Move, Progress, Refused, Report
from app.core.text import _
from app.models.homes import explain_absence


class Moving:
    """One move at a time; `settled` hears that all is there, `stayed` why not."""

    def __init__(
        self,
        carriers: Carriers,
        errands: Errands,
        changed: Callable[[], None],
        settled: Callable[[Path, Path], None],
        stayed: Callable[[AppError], None],
    ) -> None:
        self._carriers, self._errands, self._changed = carriers, errands, changed
        self._settled, self._stayed = settled, stayed
        self._carrier: Carrier | None = None
        self.busy = False
        self.transfer: Transfer | None = None

    def begin(self, source: Path, target: Path, *, empty: bool) -> None:
        """Move what is there; of an empty folder only the new one is looked at."""
        self.busy = True
        if empty:
            self._errands.run(lambda: _check(target), lambda _none: self._settle(source, target), self._stay)
            return
        order = Move(str(source), str(target))
        self._carrier = self._carriers.carry(order, lambda report: self._hear(source, target, report))

    def close(self) -> None:
        """End it; it can be repeated."""
        if self._carrier:
            self._carrier.end()
            self._carrier.join()

    def _hear(self, source: Path, target: Path, report: Report) -> None:
        match report:
            case Progress(stage, done, total, rate, seconds):
                self.transfer = Transfer(stage, done, total, rate, seconds)
                self._changed()
            case Completed():
                self._settle(source, target)
            case Refused(failure):
                self._stay(AppError.of(failure))

    def _settle(self, source: Path, target: Path) -> None:
        self._end()
        self._settled(source, target)

    def _stay(self, error: AppError) -> None:
        self._end()
        self._stayed(error)

    def _end(self) -> None:
        self._carrier = self.transfer = None
        self.busy = False


def _check(folder: Path) -> None:
    if not folder.is_dir():
        raise explain_absence(folder, downloads=True)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StoreFailed(
            _("The folder {folder} cannot be written.").format(folder=folder),
            _("Choose another folder for downloads."),
            "model.library",
        )
