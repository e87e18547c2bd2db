"""Rows of a key-value cache in 8 bits, and back.

Each group of 64 numbers along a head keeps its least value and the distance of 255 even levels, both in
float32. `mx.quantize` does the same, but keeps them in the cache's 16 bits, which doubles the error, and
packs four levels into a word, which only a GPU unpacks quickly: nothing here computes on the levels.
"""

import mlx.core as mx

GROUP = 64
LEVELS = 255
LEAST_STEP = 1e-30
"""The step of a group whose numbers are all equal: its inverse is still a float32."""


def groups_of(width: int) -> int:
    """How many groups a head of that width has; one where it cannot be divided."""
    return width // GROUP if width % GROUP == 0 else 1


def quantise(rows: mx.array) -> tuple[mx.array, mx.array, mx.array]:
    """Levels [heads, rows, width] as uint8, and steps and least values [heads, rows, groups] as float32.

    A number comes back within half a step, 1/510 of its group's range. Not evaluated; where a number is
    not finite, its group's step or least value is not.
    """
    groups = groups_of(rows.shape[-1])
    x = mx.unflatten(rows.astype(mx.float32), -1, (groups, -1))
    least = x.min(axis=-1, keepdims=True)
    step = mx.maximum((x.max(axis=-1, keepdims=True) - least) / LEVELS, LEAST_STEP)
    levels = ((x - least) * (1 / step) + 0.5).astype(mx.uint8)
    return mx.flatten(levels, -2), step.squeeze(-1), least.squeeze(-1)


def dequantise(levels: mx.array, step: mx.array, least: mx.array, *, dtype: mx.Dtype) -> mx.array:
    """Rows [heads, rows, width] in the cache's type, not evaluated."""
    x = mx.unflatten(levels.astype(mx.float32), -1, (step.shape[-1], -1))
    return mx.flatten(x * step[..., None] + least[..., None], -2).astype(dtype)
