"""How the next token is drawn: penalties on the logits, filters on the probabilities, one draw per position.

Each draw has a key of its own, made of the seed and of the token's place in the sequence. A seed therefore
says the same however the tokens were grouped into passes, and a guess that is thrown away uses up nothing.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Protocol

import mlx.core as mx
from mlx_lm.sample_utils import apply_min_p, apply_top_k, apply_top_p, make_logits_processors

from app.core.messages import Sampling

WINDOW = 64
"""Tokens back that a penalty looks at."""

Processor = Callable[[mx.array, mx.array], mx.array]
"""`(tokens so far, logits [1, vocabulary])` to logits; called once for each position that is computed."""


class Sampler(Protocol):
    """Draws one token for each row."""

    def __call__(self, logprobs: mx.array, position: int) -> mx.array:
        """Ids [rows] from log-probabilities [rows, vocabulary]; row 0 decides the token at that place."""
        ...


def greedy(logprobs: mx.array, position: int) -> mx.array:  # noqa: ARG001 - a Sampler
    """The likeliest token."""
    return mx.argmax(logprobs, axis=-1)


def make_sampling(sampling: Sampling, seed: int | None = None) -> tuple[Sampler, list[Processor]]:
    """What draws the tokens of a request and what comes before it, in mlx_lm's order and meaning.

    `seed` stands in where the sampling names none; without either the draw cannot be repeated.
    """
    penalty = sampling.repetition_penalty
    processors: list[Processor] = make_logits_processors(
        repetition_penalty=penalty if penalty != 1 else None,
        repetition_context_size=WINDOW,
        presence_penalty=sampling.presence_penalty,
        presence_context_size=WINDOW,
        frequency_penalty=sampling.frequency_penalty,
        frequency_context_size=WINDOW,
    )
    if sampling.temperature <= 0:
        return greedy, processors
    if sampling.seed is not None:
        seed = sampling.seed
    return _Draw(sampling, secrets.randbits(32) if seed is None else seed), processors


class _Draw:
    """Filters in mlx_lm's order - top-p, min-p, top-k - and then a draw at the temperature."""

    def __init__(self, sampling: Sampling, seed: int) -> None:
        self._sampling, self._seed = sampling, seed

    def __call__(self, logprobs: mx.array, position: int) -> mx.array:
        drawn = []
        for row in range(logprobs.shape[0]):
            logits = self._filter(logprobs[row : row + 1]) * (1 / self._sampling.temperature)
            drawn.append(mx.random.categorical(logits, key=self._key(position + row)))
        return mx.concatenate(drawn)

    def _filter(self, logprobs: mx.array) -> mx.array:
        wanted = self._sampling
        if 0 < wanted.top_p < 1:
            logprobs = apply_top_p(logprobs, wanted.top_p)
        if wanted.min_p > 0:
            logprobs = apply_min_p(logprobs, min(wanted.min_p, 1.0))
        if 0 < wanted.top_k < logprobs.shape[-1]:
            logprobs = apply_top_k(logprobs, wanted.top_k)
        return logprobs

    def _key(self, position: int) -> mx.array:
        words = hashlib.blake2b(f"{self._seed}:{position}".encode(), digest_size=8).digest()
        return mx.random.key(int.from_bytes(words, "little"))
