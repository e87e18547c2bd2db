"""Comparisons of models with what the hub said of their files."""

from collections.abc import Callable

from app.chat.carrier import Carrier, Carriers
from app.chat.shelfrow import Transfer
from app.core.errors import Failure
from app.core.fetching import FileChecked, Progress, Refused, Report, Verified, Verify


class Checking:
    """What comparisons run, and what they found, by folder."""

    def __init__(self, carriers: Carriers, changed: Callable[[], None]) -> None:
        self._carriers, self._changed = carriers, changed
        self._running: dict[str, Carrier] = {}
        self.transfers: dict[str, Transfer] = {}
        self.found: dict[str, tuple[FileChecked, ...]] = {}
        self.failures: dict[str, Failure] = {}

    def begin(self, folder: str) -> None:
        """Compare a model, if that is not being done."""
        if folder not in self._running:
            self.forget(folder)
            self._running[folder] = self._carriers.carry(Verify(folder), lambda report: self._hear(folder, report))

    def forget(self, folder: str) -> None:
        """What was found there holds no more."""
        self.found.pop(folder, None)
        self.failures.pop(folder, None)
        if carrier := self._running.pop(folder, None):
            carrier.end()
        self.transfers.pop(folder, None)

    def runs(self, folder: str) -> bool:
        """Whether a model is being compared."""
        return folder in self._running

    def _hear(self, folder: str, report: Report) -> None:
        match report:
            case Progress(stage, done, total, rate, seconds):
                self.transfers[folder] = Transfer(stage, done, total, rate, seconds)
            case Verified(files=files):
                self.found[folder] = tuple(files)
            case Refused(failure):
                self.failures[folder] = failure
        if isinstance(report, Verified | Refused):
            del self._running[folder]
            self.transfers.pop(folder, None)
        self._changed()
