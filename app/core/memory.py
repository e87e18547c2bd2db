"""Memory arithmetic: what a model costs, what this machine can give, how long a context fits.

Pure numbers; the worker supplies the facts. A 32 GB Mac gives its GPU two thirds of its memory, larger ones
about three quarters. What a step of prefill takes beside the cache was measured on MLX's CPU backend over
widths from 640 to 5,120 (docs/full-size.md); on a GPU the same is assumed, less what is fused there.
"""

import re
from enum import IntEnum

import msgspec

from app.core.errors import UsageError
from app.core.text import _

VARIABLE = "LEMMA_MEMORY"
"""The environment variable that tells the engine how much memory the machine has, for tests and trials."""
GIB = 1024**3
RESERVE = GIB
"""Bytes kept free for the window, the tokenizer, freed buffers and the system's surprises."""
LEAST_CONTEXT = 2048
"""A model that cannot hold this many tokens is of no use and counts as too big."""
STEPS = (2048, 1024, 512, 256, 128, 64, 32)
"""Tokens of prefill that may be read at once, largest first."""
LEAST_STEP = STEPS[-1]
PADDING = 256
"""Rows that a cache grows by, so that up to as many are empty."""
WORTH_A_STEP = 0.95
"""Where memory is short, a larger step is worth a twentieth of the context: a GPU reads small steps slowly."""
FUSED_HEADS = (64, 80, 128)
"""Widths of a head for which Metal has attention in one kernel, without a matrix of scores."""
SIZE = re.compile(r"\s*([\d_]+(?:\.\d+)?)\s*(|[kmgt]i?b)\s*", re.IGNORECASE)


class Level(IntEnum):
    """How short of memory the whole machine is."""

    NORMAL = 0
    WARNING = 1
    CRITICAL = 2


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What computes, and the bytes it may use for a model."""

    device: str
    """"metal", "cuda" or "cpu"."""
    name: str
    memory: int
    limit: int
    pressure: Level | None = None
    """When the machine was looked at; None where the system does not say."""
    footprint: int = 0
    """Bytes that the engine's own process took at that moment."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of a model that decide its memory."""

    weights: int
    """Bytes."""
    layers: int
    hidden: int
    """Numbers of one token between two layers."""
    inner: int
    """Numbers of one token inside the widest part of a layer."""
    heads: int
    kv_heads: int
    head_dim: int
    context: int
    """Tokens the model was made for."""

    def cache_per_token(self, element_bytes: int = 2) -> int:
        """Bytes of key-value cache that one token of context costs."""
        return 2 * self.layers * self.kv_heads * self.head_dim * element_bytes

    def stored_per_token(self, bits: int = 8, group: int = 64) -> int:
        """Bytes of one token's cache on the disk, quantised with a 16-bit scale and bias for each group."""
        numbers = 2 * self.layers * self.kv_heads * self.head_dim
        return numbers * bits // 8 + numbers // group * 4

    def transient(self, step: int, rows: int, *, element_bytes: int = 2, fused: bool) -> int:
        """Bytes beside weights and cache while `step` tokens are read, the last of `rows` in the cache.

        MLX runs ahead by a layer and a half, so the arrays of as many are alive at once. Where attention is
        not fused, the scores of one layer and the mask are among them, and norms and rotations are computed in
        32 bits.
        """
        around = 7 * self.hidden + 6 * self.heads * self.head_dim + 7 * self.kv_heads * self.head_dim
        if fused:
            return step * (2 * self.inner + around) * element_bytes
        scores = step * rows * (self.heads * element_bytes + 1)
        return step * (2 * self.inner * element_bytes + around * 4) + scores

    def growth(self, rows: int, element_bytes: int = 2) -> int:
        """Bytes beside the cache while it grows: one layer after the other is copied."""
        return rows * self.cache_per_token(element_bytes) // self.layers


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model fits, and with how much context."""

    needed: int
    """Bytes for the weights, the reserve and the least context worth having."""
    limit: int
    context: int = 0
    """Tokens; 0 where the model does not fit."""
    step: int = 0
    """Tokens of prefill at most in one step at the end of a full context."""
    cache_bytes: int = 0
    """Bytes for key-value caches, those of all chats together."""
    transient: int = 0
    """Bytes set aside for one step of prefill."""
    element_bytes: int = 2
    fused: bool = True
    """Whether attention runs without a matrix of scores."""

    @property
    def fits(self) -> bool:
        """True where the model can be loaded."""
        return self.context > 0


def usable(device: str, memory: int, recommended: int | None = None) -> int:
    """Bytes a model may use: the device's own figure where there is one, else a share of the memory."""
    if recommended:
        return recommended
    if device == "metal":
        return memory * 2 // 3 if memory <= 32 * GIB else memory * 3 // 4
    return memory * 4 // 5


def is_fused(device: str, shape: Shape, element_bytes: int) -> bool:
    """Whether a device reads a prompt without writing down the scores of its attention."""
    if device == "cuda":  # by cuDNN, which knows 16-bit numbers only
        return element_bytes == 2 and shape.head_dim <= max(FUSED_HEADS)
    return device == "metal" and shape.head_dim in FUSED_HEADS


def plan(
    machine: Machine,
    shape: Shape,
    *,
    element_bytes: int = 2,
    wanted: int | None = None,
    draft: int = 0,
    draft_per_token: int = 0,
) -> Plan:
    """How a model fits a machine; `wanted` caps the context below the model's own.

    Context comes first, then the largest step of prefill beside it. `draft` and `draft_per_token` are the
    bytes of a second model that guesses ahead, and of its cache.
    """
    fused = is_fused(machine.device, shape, element_bytes)
    per_token = shape.cache_per_token(element_bytes) + draft_per_token
    fixed = shape.weights + draft + RESERVE

    def beside(step: int, rows: int) -> int:
        return shape.transient(step, rows, element_bytes=element_bytes, fused=fused) + shape.growth(rows, element_bytes)

    def most(step: int) -> int:
        """The longest context at that step; what it takes grows evenly with its rows."""
        start = fixed + PADDING * per_token + beside(step, 0)
        return max(0, machine.limit - start) // (per_token + beside(step, 1) - beside(step, 0))

    needed = fixed + (LEAST_CONTEXT + PADDING) * per_token + beside(LEAST_STEP, LEAST_CONTEXT)
    if needed > machine.limit:
        return Plan(needed=needed, limit=machine.limit, element_bytes=element_bytes, fused=fused)
    cap = min(shape.context, wanted or shape.context)
    room = most(LEAST_STEP)
    enough = cap if room >= cap else max(LEAST_CONTEXT, int(room * WORTH_A_STEP))
    step = next(step for step in STEPS if most(step) >= enough)
    context = min(cap, most(step))
    transient = shape.transient(step, context, element_bytes=element_bytes, fused=fused)
    return Plan(
        needed=needed,
        limit=machine.limit,
        context=context,
        step=step,
        cache_bytes=machine.limit - fixed - transient - shape.growth(context, element_bytes),
        transient=transient,
        element_bytes=element_bytes,
        fused=fused,
    )


def step_for(planned: Plan, shape: Shape, rows_in_use: int, level: Level = Level.NORMAL) -> int:
    """Tokens of prefill to read next at most, on a cache of so many rows; halved at each level of pressure.

    A short cache leaves room for a larger step than the plan's where attention is not fused.
    """

    def fits(step: int) -> bool:
        rows = rows_in_use + step
        taken = shape.transient(step, rows, element_bytes=planned.element_bytes, fused=planned.fused)
        return taken <= planned.transient

    step = next((step for step in STEPS if fits(step)), LEAST_STEP)
    return max(LEAST_STEP, step >> level)


def parse_memory(text: str) -> int:
    """Bytes from "16000000000", "16GB" or "16GiB"; raises UsageError."""
    found = SIZE.fullmatch(text)
    size = 0.0
    if found:
        unit = found[2].lower()
        power = "bkmgt".index(unit[0]) if unit else 0
        size = float(found[1].replace("_", "")) * (1024 if "i" in unit else 1000) ** power
    if size < 1:
        raise UsageError(
            _("{variable} is “{text}”, which is not an amount of memory.").format(variable=VARIABLE, text=text),
            _("Set it to a number of bytes, or to one with a unit such as 16GB or 16GiB, or leave it out."),
        )
    return int(size)


def gigabytes(size: int) -> str:
    """Bytes as people read them: "13.3 GB"."""
    return f"{size / 1e9:.1f} GB"
