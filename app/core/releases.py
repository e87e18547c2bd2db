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

    key: str
    """Key of its architecture."""
    label: str
    bits: int
    shape: Shape
    """Of its text model in that many bits, groups of 64."""


@dataclass(frozen=True, slots=True)
class Architecture:
    """The published numbers of a text model, from which its shape follows at any number of bits."""

    key: str
    label: str
    layers: int
    hidden: int
    inner: int
    context: int
    heads: int = 32
    kv_heads: int = 8
    head_dim: int = 128
    words: int = 131_072
    """Of Mistral's vocabulary."""
    tied: bool = False
    """Whether the embedding is the head, too."""

    def shape(self, bits: int) -> Shape:
        """The sizes with weights of so many bits, a 16-bit scale and bias for each group of 64."""
        layer = 2 * self.hidden * (self.heads + self.kv_heads) * self.head_dim + 3 * self.hidden * self.inner
        numbers = self.layers * layer + (1 if self.tied else 2) * self.words * self.hidden
        norms = (2 * self.layers + 1) * self.hidden
        return Shape(
            weights=numbers * bits // 8 + numbers // 64 * 4 + norms * 2,
            layers=self.layers,
            hidden=self.hidden,
            inner=self.inner,
            heads=self.heads,
            kv_heads=self.kv_heads,
            head_dim=self.head_dim,
            context=self.context,
        )


ARCHITECTURES = (
    Architecture("magistral-small", "Magistral Small", 40, 5120, 32_768, 131_072),
    Architecture("ministral-3-14b", "Ministral 3 14B", 40, 5120, 16_384, 262_144),
    Architecture("ministral-3-8b", "Ministral 3 8B", 34, 4096, 14_336, 262_144),
    Architecture("ministral-3-3b", "Ministral 3 3B", 26, 3072, 9_216, 262_144, tied=True),
    Architecture("draft-0.5b", "Mistral Small draft 0.5B", 24, 896, 4_864, 32_768, heads=14, kv_heads=2, head_dim=64),
    Architecture(
        "smollm2-135m",
        "SmolLM2 135M",
        30,
        576,
        1_536,
        8_192,
        heads=9,
        kv_heads=3,
        head_dim=64,
        words=49_152,
        tied=True,
    ),
)
"""Computed from the published shapes; Magistral's was measured too (docs/full-size.md)."""


def architecture(key: str) -> Architecture:
    """The row of that key."""
    return next(row for row in ARCHITECTURES if row.key == key)


def _known(key: str, bits: int = 4) -> KnownModel:
    row = architecture(key)
    return KnownModel(key, row.label, bits, row.shape(bits))


KNOWN_MODELS = (
    _known("magistral-small"),
    _known("ministral-3-14b"),
    _known("ministral-3-8b"),
    _known("ministral-3-3b"),
)
"""Largest first, in the smallest form that is advised."""


def largest_fitting(machine: Machine, below: int) -> tuple[KnownModel, Plan] | None:
    """The largest known model with less than so many bytes of weights that fits a machine, and how it fits."""
    for model in KNOWN_MODELS:
        planned = plan(machine, model.shape)
        if model.shape.weights < below and planned.fits:
            return model, planned
    return None
