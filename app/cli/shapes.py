"""The sizes of models that people ask about before they have them.

Magistral: 4-bit weights in groups of 64, counted on mlx_lm's own module tree; shape from the published
configuration. Ministral 3 14B Reasoning: the published size of its 4-bit files, about 8.3 GB.
"""

from app.core.memory import Shape

KNOWN_SHAPES: dict[str, Shape] = {
    "Magistral Small, 4-bit": Shape(weights=13_260_072_960, layers=40, kv_heads=8, head_dim=128, context=131_072),
    "Ministral 3 14B, 4-bit": Shape(weights=8_300_000_000, layers=40, kv_heads=8, head_dim=128, context=262_144),
}
