"""What differs between model releases, as data.

A release is recognised by evidence in the model's own files (worker/tokens.py), never by its name alone.
Figures are the makers' own; see each model's card.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.core.messages import Sampling


class Thinking(StrEnum):
    """How a model marks its thought."""

    CONTROL = "control"
    """By control tokens, [THINK] and [/THINK]."""
    TAGS = "tags"
    """By ordinary text, <think> and </think>."""
    OPENED = "opened"
    """Not at all: the app opens and closes a thought for it."""


@dataclass(frozen=True, slots=True)
class Release:
    """One family of models that is treated alike."""

    key: str
    label: str
    thinking: Thinking
    sampling: Sampling
    thinking_budget: int | None
    """Tokens of thought at most unless the user says otherwise; None is no bound."""
    advised_context: int
    """Tokens past which quality is known to fall."""
    keeps_thoughts: bool
    """Whether earlier thoughts stay in the prompt."""


RELEASES: tuple[Release, ...] = (
    Release("magistral", "Magistral Small", Thinking.CONTROL, Sampling(), None, 40_960, keeps_thoughts=False),
    Release("magistral-1.0", "Magistral Small 1.0", Thinking.TAGS, Sampling(), None, 40_960, keeps_thoughts=False),
    Release("chat", "Chat model", Thinking.TAGS, Sampling(), None, 32_768, keeps_thoughts=False),
    Release(
        "starter",
        "SmolLM2 135M",
        Thinking.OPENED,
        Sampling(temperature=0.2, top_p=0.9, repetition_penalty=1.05),
        80,
        8_192,
        keeps_thoughts=False,
    ),
)


def release(key: str) -> Release:
    """The row of that key."""
    return next(row for row in RELEASES if row.key == key)
