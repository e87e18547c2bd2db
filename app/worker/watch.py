"""Minding the machine's memory while the engine works.

What is kept aside leaves first, steps of prefill shrink with the pressure, and where nothing is left to ease it
new work is refused. The wired limit is never touched.
"""

from collections.abc import Callable

import mlx.core as mx

from app.core.errors import MemoryShort
from app.core.memory import Level, Plan, Shape, step_for
from app.core.protocol import Event, Noted
from app.core.text import _
from app.worker.live import Live
from app.worker.pace import Pace
from app.worker.prefix import Prefixes
from app.worker.pressure import Pressure

PATIENCE = 3
"""Looks at a critical shortage that nothing eases before work is refused: the system needs a moment to notice."""


class Watch:
    """Asks how much memory the system has left, and does what follows from that."""

    def __init__(
        self,
        pressure: Pressure,
        prefixes: Prefixes,
        pace: Pace,
        plan: Plan,
        shape: Shape,
        send: Callable[[Event], None],
    ) -> None:
        self._pressure, self._prefixes, self._pace, self._send = pressure, prefixes, pace, send
        self._plan, self._shape = plan, shape
        self._told = False
        self._looks = 0

    def chunk(self, live: Live) -> int:
        """Tokens of prefill to read next: as many as a person may wait for, as long as memory has room for them."""
        return min(self._pace.chunk(), step_for(self._plan, self._shape, live.rows, self._pressure.level()))

    def check(self, live: Live) -> None:
        """Ease a shortage; what `live` holds is in use.

        Raises MemoryShort where nothing is left to ease it.
        """
        level = self._pressure.level()
        if level is Level.NORMAL:
            self._told, self._looks = False, 0
            return
        shed = self._prefixes.shed(live)
        mx.clear_cache()
        if shed:
            self._tell()
            return
        self._looks = self._looks + 1 if level is Level.CRITICAL else 0
        if self._looks >= PATIENCE:
            raise MemoryShort(
                _("This computer has almost no memory left, so the engine stopped reading."),
                _("Close other apps, or free memory, and ask again. What was read is kept."),
                "chat.retry",
            )

    def ease(self, live: Live) -> None:
        """Ease a shortage in the middle of an answer, which goes on in any case: it takes little."""
        if self._pressure.level() is not Level.NORMAL and self._prefixes.shed(live):
            self._tell()

    def _tell(self) -> None:
        if self._told:
            return
        self._told = True
        error = MemoryShort(
            _("Memory is short: what was read in other chats left it."),
            _("It is read again from the disk when you return to them. Closing other apps helps."),
        )
        self._send(Noted(error.failure()))
