"""Requests on their way: what the reader thread may change while the MLX thread works."""

from dataclasses import dataclass, field
from time import monotonic

from app.core.protocol import Generate


@dataclass(slots=True, weakref_slot=True)
class Ticket:
    """One request and the flags that cut it. Only the reader thread sets them, only the MLX thread acts."""

    command: Generate
    cancelled: bool = False
    answer_now: bool = False
    queued_at: float = field(default_factory=monotonic)
