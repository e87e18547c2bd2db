"""Guesses by a small model with the same vocabulary."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generation_stream
from mlx_lm.models.cache import KVCache, make_prompt_cache
from mlx_lm.utils import common_prefix_len

from app.worker.speculation import Costs, continues
from app.worker.tokens import read_json


class Draft:
    """Guesses what a small model finds likeliest; one per loaded model, kept between answers.

    Its own cache follows the ids by their common prefix. A long text is caught up with piece by piece, beside
    the large model's first tokens, so that these do not wait for it.
    """

    CATCH_UP = 256
    """Ids read at most before one guess."""
    PRIOR, WEIGHT, KEEP = 0.7, 8.0, 0.97
    """Supposed chance of a guess, the comparisons it counts for, and what the past is worth after one more."""
    REST, LONGEST_REST = 32, 1024
    """Tokens without a guess after guessing stopped paying; twice as many each time."""

    def __init__(self, model: Any, costs: Costs | None = None) -> None:
        self._model, self._costs = model, costs or Costs()
        self._rest = self.REST
        self._resting_until = 0
        self._hits, self._trials = self.PRIOR * self.WEIGHT, self.WEIGHT
        self.forget()

    def forget(self) -> None:
        """Give the memory of the cache back."""
        self._cache: list[Any] = make_prompt_cache(self._model)
        self._takes_back = all(isinstance(layer, KVCache) for layer in self._cache)
        self._ids: list[int] = []
        self._sure = 0
        self._guesses: list[int] = []
        self._costs.pause()

    def propose(self, ids: Sequence[int]) -> list[int]:
        """As many of the small model's likeliest tokens as pay."""
        if not self._takes_back:
            return []
        if not continues(self._ids, ids, self._sure):
            self._turn_to(ids)
        if len(ids) < self._resting_until:
            return []
        if ready := self._foreseen(ids):
            return ready
        chance = self._hits / self._trials
        count = self._costs.choose(lambda _guess: chance, Costs.SIZES[-1])
        if not count and self._costs.known:
            self._resting_until = len(ids) + self._rest
            self._rest = min(2 * self._rest, self.LONGEST_REST)
            self._hits, self._trials = self.PRIOR * self.WEIGHT, self.WEIGHT
        self._guesses = self._guess(ids, count) if count else []
        return list(self._guesses)

    def learn(self, guessed: int, accepted: int) -> None:
        """How many came true, and what the pass cost, the guessing included."""
        self._costs.note(guessed)
        if guessed:
            failed = accepted < guessed
            keep = self.KEEP ** (accepted + failed)
            self._hits = self._hits * keep + accepted
            self._trials = self._trials * keep + accepted + failed
            if not failed:
                self._rest = self.REST

    def _turn_to(self, ids: Sequence[int]) -> None:
        """Another text, or one that was cut: go on from what it shares with the one before."""
        self._sure = int(common_prefix_len(self._ids, list(ids)))
        self._keep(self._sure)
        self._guesses = []
        self._resting_until = 0
        self._costs.pause()

    def _foreseen(self, ids: Sequence[int]) -> list[int]:
        """What is left of the last guesses where they were not checked and the ids go on with the first of them."""
        new = list(ids[self._sure :])
        if len(new) < len(self._guesses) and new == self._guesses[: len(new)]:
            return self._guesses[len(new) :]
        return []

    def _guess(self, ids: Sequence[int], count: int) -> list[int]:
        held = min(self._agreement(ids), len(ids) - 1)
        self._keep(held)
        missing = list(ids[held:])
        if len(missing) > self.CATCH_UP:
            self._read(missing[: self.CATCH_UP])
            self._sure = len(self._ids)
            return []
        if len(missing) > 2:  # the usual two are the last guess, which was not read, and what the large model drew
            self._read(missing[:-1])
            missing = missing[-1:]
        self._ids += missing
        self._sure = len(self._ids)
        drawn = []
        with mx.stream(generation_stream):
            last = mx.array(missing, dtype=mx.uint32)
            for _step in range(count):
                last = mx.argmax(self._model(last[None], cache=self._cache)[:, -1], axis=-1)
                drawn.append(last)
            guesses: Any = mx.concatenate(drawn).tolist()
        self._ids += guesses[:-1]
        return list(guesses)

    def _agreement(self, ids: Sequence[int]) -> int:
        """Rows that are of these ids, from the first on: guesses among them that came true."""
        at, end = self._sure, min(len(self._ids), len(ids))
        while at < end and self._ids[at] == ids[at]:
            at += 1
        return at

    def _keep(self, rows: int) -> None:
        for layer in self._cache:
            layer.trim(layer.offset - rows)
        del self._ids[rows:]

    def _read(self, new: list[int]) -> None:
        with mx.stream(generation_stream):
            self._model(mx.array(new, dtype=mx.uint32)[None], cache=self._cache)
            mx.eval([layer.state for layer in self._cache])
        self._ids += new
        mx.clear_cache()
        self._costs.pause()


def same_vocabulary(one: Path, other: Path) -> bool:
    """Whether two model folders name the same ids by the same words, control tokens included."""
    words = _vocabulary(one)
    return bool(words) and words == _vocabulary(other)


def _vocabulary(folder: Path) -> dict[str, object]:
    """Each word's id; empty where tokenizer.json cannot be read or is of another kind."""
    described = read_json(folder / "tokenizer.json")
    model, added = described.get("model"), described.get("added_tokens")
    words = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(words, dict) or not isinstance(added, list):
        return {}
    return {**words, **{str(token.get("content")): token.get("id") for token in added if isinstance(token, dict)}}
