"""Which process something belongs to: a process id alone is reused, so its start time goes with it."""

import msgspec


class Owner(msgspec.Struct, frozen=True):
    """A process of this machine."""

    pid: int
    started: float
    """Seconds since the epoch."""
    role: str = ""
    """"desktop" or "ask", for sentences."""
