"""Bringing all downloads to another folder."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.chat.carrier import Carrier, Carriers
from app.chat.errands import Errands
from app.chat.shelfmemory import rebase
from app.chat.shelfrow import Transfer
from app.core.errors import AppError, StoreFailed
from app.core.fetching import Completed, Move, Progress, Refused, Report
from app.core.text import _
from app.models.homes import explain_absence
from app.models.moving import find_models


@dataclass(frozen=True, slots=True)
class Carried:
    """What a move came to, whether or not it reached its end."""

    source: Path
    target: Path
    moved: dict[str, str]
    """Where folders that the app remembers lie now, by where they lay."""
    left: bool
    """Whether the source holds something still, or is on a disk that is not connected."""
    error: AppError | None = None
    """Why it ended before its end."""


class Moving:
    """One move at a time; `ended` hears what it came to. `known` are the folders that the app remembers."""

    def __init__(
        self,
        carriers: Carriers,
        errands: Errands,
        changed: Callable[[], None],
        known: Callable[[], Sequence[str]],
        ended: Callable[[Carried], None],
    ) -> None:
        self._carriers, self._errands, self._changed = carriers, errands, changed
        self._known, self._ended = known, ended
        self._carrier: Carrier | None = None
        self.busy = False
        self.transfer: Transfer | None = None

    def begin(self, source: Path, target: Path) -> None:
        """Move what is there; where nothing is, or its disk is away, only the new folder is looked at."""
        self.busy = True

        def go(holds_models: bool) -> None:  # noqa: FBT001 - an errand's result
            if holds_models:
                order = Move(str(source), str(target))
                self._carrier = self._carriers.carry(order, lambda report: self._hear(source, target, report))
            else:
                self._end(source, target)

        self._errands.run(lambda: _look(source, target), go, lambda error: self._end(source, target, error))

    def _hear(self, source: Path, target: Path, report: Report) -> None:
        match report:
            case Progress(stage, done, total, rate, seconds):
                self.transfer = Transfer(stage, done, total, rate, seconds)
                self._changed()
            case Completed():
                self._end(source, target)
            case Refused(failure):
                self._end(source, target, AppError.of(failure))

    def _end(self, source: Path, target: Path, error: AppError | None = None) -> None:
        known = list(self._known())
        self._errands.run(lambda: _survey(source, target, known, error), self._tell, self._give_up)

    def _tell(self, carried: Carried) -> None:
        self._carrier = self.transfer = None
        self.busy = False
        self._ended(carried)

    def _give_up(self, error: AppError) -> None:
        self._tell(Carried(Path(), Path(), {}, left=False, error=error))


def _look(source: Path, target: Path) -> bool:
    """Whether there is something to move; raises DiskAbsent, StoreFailed where the target is of no use."""
    if source.is_dir() and any(find_models(source)):
        return True
    if not target.is_dir():
        raise explain_absence(target, downloads=True)
    if not os.access(target, os.W_OK | os.X_OK):
        raise StoreFailed(
            _("The folder {folder} cannot be written.").format(folder=target),
            _("Choose another folder for downloads."),
            "model.library",
        )
    return False


def _survey(source: Path, target: Path, known: Sequence[str], error: AppError | None) -> Carried:
    """Which of the known folders lie in the target now."""
    moved = {
        folder: there
        for folder in known
        if (there := rebase(folder, source, target)) != folder and not Path(folder).exists() and Path(there).exists()
    }
    left = any(entry.is_dir() for entry in source.iterdir()) if source.is_dir() else True
    return Carried(source, target, moved, left, error)
