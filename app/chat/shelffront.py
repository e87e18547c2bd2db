"""What the shelf sees of a desk, or of a command in a terminal."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.chat.changes import Change


@dataclass(frozen=True, slots=True)
class ShelfFront:
    """Whom the shelf tells, and who does what it cannot do itself."""

    tell: Callable[[Change], None]
    put: Callable[[object], None]
    """Leaves something in the inbox, from any thread."""
    remember: Callable[[str, object], None]
    """Keeps something in the app's own state."""
    set_preference: Callable[[str, object], None]
    load: Callable[[str], None]
    """Use a model from now on; an empty name is the starter."""
    leave: Callable[[Path], None]
    """End the engine if its model lies in that folder; the next question loads the one that is preferred then."""
    reload: Callable[[], None]
    """Load the present model again, with what else is preferred now."""
    chat_tokens: Callable[[], int] = lambda: 0
    """Tokens of the open chat that any other model has to read anew."""
    keeps_prefixes: Callable[[], bool] = lambda: False
    """Whether what the model has read stays on the disk."""
