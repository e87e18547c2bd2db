"""The context ledger: what uses how many tokens, and what is left."""

from dataclasses import dataclass

LEAST_ROOM = 64
"""Tokens that must be left in a context, or the engine does not begin."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Tokens of one chat against its ceiling."""

    history: int
    """The prompt of the next question without the draft: reasoning prompt, instructions, earlier turns."""
    draft: int
    """What stands in the composer."""
    live: int
    """What the running answer has written so far."""
    ceiling: int
    """Tokens of prompt, thought and answer together; 0 until a model is loaded."""
    exact: bool
    """False where the tokenizer has not answered yet and a number is an estimate."""

    @property
    def used(self) -> int:
        """Everything that takes room."""
        return self.history + self.draft + self.live

    @property
    def left(self) -> int:
        """Room for the thought and the answer."""
        return max(0, self.ceiling - self.used)

    @property
    def share(self) -> float:
        """Used share of the ceiling, 0 to 1."""
        return min(1.0, self.used / self.ceiling) if self.ceiling else 0.0


def estimate_tokens(text: str) -> int:
    """About how many tokens a text is; 4.7 characters each, measured on English technical prose."""
    return round(len(text) / 4.7) + 1 if text else 0
