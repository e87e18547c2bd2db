"""Memory arithmetic: what a model costs, what this machine can give, how long a context fits.

Pure numbers; the worker supplies the facts. Figures from the published shapes and Metal's limits:
a 32 GB Mac gives its GPU two thirds of its memory, larger ones about three quarters.
"""

import msgspec

GIB = 1024**3
RESERVE = 3 * GIB // 2
"""Bytes kept free for activations, the window and the system's surprises."""
LEAST_CONTEXT = 2048
"""A model that cannot hold this many tokens is of no use and counts as too big."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What computes, and the bytes it may use for a model."""

    device: str
    """"metal", "cuda" or "cpu"."""
    name: str
    memory: int
    limit: int


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """The sizes of a model that decide its memory."""

    weights: int
    """Bytes."""
    layers: int
    kv_heads: int
    head_dim: int
    context: int
    """Tokens the model was made for."""

    def cache_per_token(self, element_bytes: int = 2) -> int:
        """Bytes of key-value cache that one token of context costs."""
        return 2 * self.layers * self.kv_heads * self.head_dim * element_bytes


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a model fits, and with how much context."""

    needed: int
    """Bytes for the weights, the reserve and the least context worth having."""
    limit: int
    context: int
    """Tokens; 0 where the model does not fit."""

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


def plan(machine: Machine, shape: Shape, *, element_bytes: int = 2, wanted: int | None = None) -> Plan:
    """How a model fits a machine; `wanted` caps the context below the model's own."""
    per_token = shape.cache_per_token(element_bytes)
    needed = shape.weights + RESERVE + LEAST_CONTEXT * per_token
    if needed > machine.limit:
        return Plan(needed=needed, limit=machine.limit, context=0)
    room = (machine.limit - shape.weights - RESERVE) // per_token
    cap = min(shape.context, wanted or shape.context)
    return Plan(needed=needed, limit=machine.limit, context=min(room, cap))


def gigabytes(size: int) -> str:
    """Bytes as people read them: "13.3 GB"."""
    return f"{size / 1e9:.1f} GB"
