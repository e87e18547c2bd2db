"""A tiny Magistral that opens a thought wherever it begins to answer: `python -m tests.bench.thinker MODEL FOLDER`.

Random weights never write a thought's marker by themselves. One row of the head is turned towards what the model
computes behind a question's last token, and nowhere else is that row the likeliest.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.utils import load_model

from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.worker.layout import choose_layout
from app.worker.tokens import Tokens

QUESTIONS = ("Why?", "What is the sum of all of these numbers, and which of them are odd?")
ANY = range(1000, 130_000, 8_111)
"""Tokens that have nothing to do with one another."""
WEIGHT = 4.0
"""Of the row: enough to stand out among 131,072 words drawn at the model's own temperature."""


def main() -> None:
    """Copy the model and turn the row."""
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    shutil.copytree(source, folder)
    tokens = Tokens(source)
    layout = choose_layout(tokens, source)
    model, _config = load_model(source)
    text = model.language_model
    last: list[mx.array] = []
    others: list[mx.array] = []
    for question in QUESTIONS:
        ids = layout.build([Turn(Role.USER, [Part(Kind.TEXT, question)])], "", thinking=True).ids
        states = text.model(mx.array([[*ids, *[layout.marks.open_id] * 2, *ANY]]))[0].astype(mx.float32)
        states /= mx.linalg.norm(states, axis=-1, keepdims=True)
        last.append(states[len(ids) - 1])
        others += [
            states[1 : len(ids) - 1].mean(axis=0),
            *states[len(ids) : len(ids) + 2],
            states[-len(ANY) :].mean(axis=0),
        ]
    wanted = sum(last[1:], last[0])
    for usual in _independent(others):  # what other positions have in common is taken out of it
        wanted -= (wanted * usual).sum() * usual
    wanted /= mx.linalg.norm(wanted)
    head, row = text.lm_head, layout.marks.open_id
    packed = mx.quantize((wanted * WEIGHT).astype(mx.bfloat16)[None], group_size=head.group_size, bits=head.bits)
    file = folder / "model.safetensors"
    loaded: Any = mx.load(str(file))
    weights = dict(loaded)
    name = next(name for name in weights if name.endswith("lm_head.weight")).removesuffix(".weight")
    for leaf, value in zip(("weight", "scales", "biases"), packed, strict=True):
        weights[f"{name}.{leaf}"][row] = value[0]
    mx.eval(weights)
    file.unlink()
    mx.save_safetensors(str(file), weights, metadata={"format": "mlx"})


def _independent(vectors: list[mx.array]) -> list[mx.array]:
    """Vectors of length 1, at right angles to one another, that span the same."""
    found: list[mx.array] = []
    for vector in vectors:
        for other in found:
            vector = vector - (vector * other).sum() * other  # noqa: PLW2901 - the same vector, what is left of it
        found.append(vector / mx.linalg.norm(vector))
    return found


if __name__ == "__main__":
    main()
