"""What the engine does while nobody waits for it: saves prefixes, and reads what will be asked next."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from app.core.errors import AppError
from app.core.protocol import Event, Prefilled, Prewarmed
from app.worker.layout import Prompt
from app.worker.live import Live
from app.worker.pace import Pace
from app.worker.prefix import SAVE_ROWS, Prefixes
from app.worker.ticket import Recall, WarmTicket
from app.worker.watch import Watch

FEW = 32
"""Rows that are read before what lies before them is saved: a file of its own for them would be a waste."""


@dataclass(slots=True)
class Warm:
    """A beginning of a prompt to come."""

    prompt: Prompt
    session: int | None
    fixed: bool = False
    ticket: WarmTicket | None = None
    """Who asked for it; None where it follows from an answer."""
    only_recall: bool = False
    """Only what is on the disk is wanted; nothing is computed."""


class Idle:
    """Takes one small step at a time; `urgent` says whether somebody waits now."""

    def __init__(
        self,
        prefixes: Prefixes,
        pace: Pace,
        watch: Watch,
        send: Callable[[Event], None],
        urgent: Callable[[], bool],
    ) -> None:
        self._prefixes, self._pace, self._watch, self._send, self._urgent = prefixes, pace, watch, send, urgent
        self._warms: list[Warm] = []

    def add(self, warm: Warm) -> None:
        """Read this when there is time; an earlier beginning of the same chat is of no use any more."""
        self.drop(warm.session)
        self._warms.append(warm)

    def recall(self, recall: Recall) -> None:
        """Bring a chat's prefix back from the disk when there is time, unless more than that is wanted anyway."""
        if not any(warm.session == recall.session for warm in self._warms):
            self._warms.append(Warm(recall.prompt, recall.session, only_recall=True))

    def drop(self, session: int | None) -> None:
        """A chat goes on otherwise: what was to be read for it is not needed."""
        for warm in [each for each in self._warms if each.session == session]:
            self._end(warm)

    def drop_all(self) -> None:
        """Nothing is to be read ahead any more."""
        for warm in list(self._warms):
            self._end(warm)

    def step(self) -> bool:
        """Do one thing; False where there is nothing to do."""
        try:
            if self._nearly_read() or not self._prefixes.save_any():
                if not self._warms:
                    return False
                self._read(self._warms[-1])
            return True
        except AppError as error:
            self._give_up(error)
            return True
        except Exception:  # noqa: BLE001 - idle work is never worth the worker's life
            traceback.print_exc()
            self._prefixes.clear()
            self._give_up(None)
            return True

    def _nearly_read(self) -> bool:
        """Whether so little is left to read that it had better be saved together with what is there."""
        if not self._warms:
            return False
        warm = self._warms[-1]
        return len(warm.prompt.ids) - self._prefixes.known([*warm.prompt.ids, 0], warm.session) <= FEW

    def _read(self, warm: Warm) -> None:
        """Read on until it is done or somebody waits."""
        if warm.ticket and warm.ticket.cancelled:
            self._end(warm)
            return
        # One more id than there is, so that its last row is computed, too.
        ids = [*warm.prompt.ids, 0]
        live = self._prefixes.take(Prompt(ids, warm.prompt.shared), warm.session, fixed=warm.fixed).live
        if warm.only_recall:
            self._end(warm)
            return
        size = partial(self._watch.chunk, live)
        if live.prefill(ids, fixed=warm.fixed, size=size, step=self._stepper(warm, live)):
            self._end(warm)

    def _stepper(self, warm: Warm, live: Live) -> Callable[[int, float], bool]:
        total = len(warm.prompt.ids)

        def step(read: int, seconds: float) -> bool:
            self._pace.note_prefill(read, seconds)
            if warm.ticket:
                self._send(Prefilled(warm.ticket.command.request, len(live.ids), total))
            if read:
                self._watch.check(live)
                self._prefixes.grow(live)
                self._prefixes.save(live, SAVE_ROWS)
            return not self._urgent() and not (warm.ticket and warm.ticket.cancelled)

        return step

    def _end(self, warm: Warm) -> None:
        self._warms.remove(warm)
        if warm.ticket:
            rows = self._prefixes.known([*warm.prompt.ids, 0], warm.session)
            self._send(self._pace.rates)
            self._send(Prewarmed(warm.ticket.command.request, rows))

    def _give_up(self, error: AppError | None) -> None:
        if error:
            traceback.print_exception(error)
        self.drop_all()
