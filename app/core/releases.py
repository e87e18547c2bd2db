"""What differs between model releases, as data.

A release is recognised by evidence in the model's own files (worker/layout.py), never by its name alone.
Figures are the makers' own; see each model's card.
"""

from dataclasses import dataclass
from enum import StrEnum

from app.core.memory import Machine, Plan, Shape, plan
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
    Release("ministral-3", "Ministral 3", Thinking.CONTROL, Sampling(), None, 262_144, keeps_thoughts=True),
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


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model that people ask about before they have it."""

    label: str
    shape: Shape
    """Of its text model in 4 bits, groups of 64."""


def _known(label: str, layers: int, hidden: int, inner: int, context: int, *, tied: bool = False) -> KnownModel:
    """What all of them share: 32 heads of 128, 8 of them for keys, Mistral's 131,072 words."""
    heads, kv_heads, head_dim, words = 32, 8, 128, 131_072
    layer = 2 * hidden * (heads + kv_heads) * head_dim + 3 * hidden * inner
    numbers = layers * layer + (1 if tied else 2) * words * hidden
    norms = (2 * layers + 1) * hidden
    return KnownModel(
        label,
        Shape(
            weights=numbers // 2 + numbers // 64 * 4 + norms * 2,  # 4 bits, a 16-bit scale and bias for each group
            layers=layers,
            hidden=hidden,
            inner=inner,
            heads=heads,
            kv_heads=kv_heads,
            head_dim=head_dim,
            context=context,
        ),
    )


KNOWN_MODELS = (
    _known("Magistral Small", 40, 5120, 32_768, 131_072),
    _known("Ministral 3 14B", 40, 5120, 16_384, 262_144),
    _known("Ministral 3 8B", 34, 4096, 14_336, 262_144),
    _known("Ministral 3 3B", 26, 3072, 9_216, 262_144, tied=True),
)
"""Largest first, computed from the published shapes; Magistral's was measured too (docs/full-size.md)."""


def largest_fitting(machine: Machine, below: int) -> tuple[KnownModel, Plan] | None:
    """The largest known model with less than so many bytes of weights that fits a machine, and how it fits."""
    for model in KNOWN_MODELS:
        planned = plan(machine, model.shape)
        if model.shape.weights < below and planned.fits:
            return model, planned
    return None
