"""What one question asks for beside its words."""

from dataclasses import dataclass

from app.core.drawing import OPEN, Drawing
from app.core.messages import Sampling


@dataclass(frozen=True, slots=True)
class Options:
    """The wishes of one question; what is left open is decided by whoever knows better."""

    thinking_budget: int | None = None
    """Tokens; None is the release's own."""
    seed: int | None = None
    instructions: str = ""
    drawing: Drawing = OPEN
    own: Sampling | None = None
    """What the drawing is laid over: how an answer began that goes on; None is the model's own."""
    keep_thoughts: bool | None = None
    speculate: bool = True
    guard: bool = True
