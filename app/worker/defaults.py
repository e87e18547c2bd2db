"""How a model wants to be sampled when nobody says otherwise."""

from pathlib import Path

import msgspec

from app.core.messages import Sampling
from app.worker.tokens import read_json

BOUNDS = {"temperature": (0.0, 5.0), "top_p": (0.0, 1.0), "min_p": (0.0, 1.0), "repetition_penalty": (0.5, 2.0)}
"""Values beyond these are slips in a file, not wishes."""


def own_sampling(folder: Path, usual: Sampling) -> Sampling:
    """The release's row with what the folder's generation_config.json says over it."""
    named = read_json(folder / "generation_config.json")
    found: dict[str, float | int] = {}
    for key, (least, most) in BOUNDS.items():
        value = named.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            found[key] = float(value)
    if isinstance(top_k := named.get("top_k"), int) and top_k >= 0:
        found["top_k"] = top_k
    if named.get("do_sample") is False:
        found["temperature"] = 0.0
    return msgspec.structs.replace(usual, **found)
