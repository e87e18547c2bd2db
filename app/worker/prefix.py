"""The live key-value cache and the ids whose rows it holds."""

import time
from collections.abc import Callable, Generator
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generate_step, generation_stream
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache
from mlx_lm.utils import common_prefix_len

CHUNK_SECONDS = 0.5
"""A chunk of prefill aims at this long: it is the longest that a cancel waits."""
LEAST_CHUNK, MOST_CHUNK = 32, 2048
FIRST_CHUNK = 64
FIXED_CHUNK = 128
"""With a seed the chunks must not depend on the machine's speed: other chunks round differently."""


class Live:
    """One chat's cache. Invariant: its rows are those of `ids`, also after a cut anywhere."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self._cache = make_prompt_cache(model)
        self._chunk = FIRST_CHUNK
        self.ids: list[int] = []

    @property
    def rows(self) -> int:
        """Rows of the cache, as the cache itself knows it."""
        return int(self._cache[0].offset)

    def clear(self) -> None:
        """Forget everything."""
        self._cache = make_prompt_cache(self._model)
        self.ids = []

    def reuse(self, ids: list[int]) -> int:
        """Keep the longest common prefix with these ids and drop the rest; how many rows are kept.

        At least one id is left to feed, because a prediction needs one.
        """
        kept: int = min(common_prefix_len(self.ids, ids), len(ids) - 1)
        if kept == len(self.ids):
            return kept
        if not can_trim_prompt_cache(self._cache):  # a sliding window that has begun to slide
            self.clear()
            return 0
        trim_prompt_cache(self._cache, len(self.ids) - kept)
        self.ids = self.ids[:kept]
        return kept

    def prefill(self, ids: list[int], *, fixed: bool, step: Callable[[int], bool]) -> bool:
        """Read all but the last of the ids; `step(rows)` after each chunk says whether to go on.

        Returns False if it was cut; the rows read so far stay.
        """
        while len(self.ids) < len(ids) - 1:
            if not step(len(self.ids)):
                return False
            size = FIXED_CHUNK if fixed else self._chunk
            chunk = ids[len(self.ids) : min(len(self.ids) + size, len(ids) - 1)]
            began = time.monotonic()
            with mx.stream(generation_stream):
                self._model(mx.array(chunk)[None], cache=self._cache)
                mx.eval([layer.state for layer in self._cache])
            self.ids += chunk
            self._adapt(len(chunk), time.monotonic() - began)
            mx.clear_cache()
        return step(len(self.ids))

    def decode(self, ids: list[int], limit: int, **options: Any) -> Generator[int]:
        """Tokens after the ids, whose rows but the last must have been read."""
        steps = generate_step(
            mx.array(ids[len(self.ids) :]), self._model, max_tokens=limit, prompt_cache=self._cache, **options
        )
        made: list[int] = []
        try:
            for token, _ in steps:
                made.append(int(token))
                yield made[-1]
        finally:
            steps.close()
            # The step ahead has read the last token already: the cache itself knows how far it is.
            self.ids = (ids + made)[: self.rows]

    def _adapt(self, rows: int, seconds: float) -> None:
        if rows < self._chunk:
            return
        if seconds < CHUNK_SECONDS / 2:
            self._chunk = min(self._chunk * 2, MOST_CHUNK)
        elif seconds > CHUNK_SECONDS * 2:
            self._chunk = max(self._chunk // 2, LEAST_CHUNK)
