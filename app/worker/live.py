"""One sequence in memory: its key-value cache and the ids whose rows it holds."""

import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generation_stream
from mlx_lm.models.cache import KVCache, can_trim_prompt_cache, make_prompt_cache, trim_prompt_cache

from app.worker.decoding import Decoder

FIXED_CHUNK = 128
"""With a seed the chunks must not depend on the machine's speed: other chunks round differently."""

SETTLE_EVERY = 64
"""Tokens after which a running answer's ids are noted, so that its rows can be saved."""

Layers = list[tuple[mx.array, mx.array]]
"""Keys and values of some rows, layer by layer, each [1, heads, rows, dimension]."""


class Live:
    """Invariant: the cache's rows are those of `ids`, also after a cut anywhere."""

    def __init__(self, model: Any, session: int | None = None) -> None:
        self._model = model
        self._cache = make_prompt_cache(model)
        self.ids: list[int] = []
        self.session = session
        """The chat that it belongs to; None where it is nobody's yet, or must not be written anywhere."""
        self.shared: tuple[int, ...] = ()
        """Where stretches end that other chats may share."""
        self.canonical = 0
        """Leading rows that depend on their ids alone: computed in fixed chunks, never rounded."""
        self.saved = 0
        """Leading rows that are on the disk, as far as is known."""
        self.used = time.monotonic()
        self.passes = 0
        """Forward passes that wrote tokens."""

    @property
    def rows(self) -> int:
        """Rows of the cache, as the cache itself knows it."""
        return int(self._cache[0].offset)

    @property
    def size(self) -> int:
        """Bytes allocated."""
        return sum(layer.nbytes for layer in self._cache if not layer.empty())

    @property
    def plain(self) -> bool:
        """Whether every row is kept, so that stretches can be copied, saved and put together."""
        return all(type(layer) is KVCache for layer in self._cache)

    def keep(self, ids: Sequence[int]) -> None:
        """Keep the rows of these ids' longest common prefix with ours, but one: at least one is left to feed."""
        self.trim(min(common_prefix(self.ids, ids), len(ids) - 1))

    def trim(self, rows: int) -> None:
        """Keep so many rows, or none where the cache cannot do that."""
        if rows >= len(self.ids):
            return
        if can_trim_prompt_cache(self._cache):
            trim_prompt_cache(self._cache, self.rows - rows)
        else:  # a sliding window that has begun to slide
            self._cache = make_prompt_cache(self._model)
            rows = 0
        self.ids = self.ids[:rows]
        self.canonical, self.saved = min(self.canonical, rows), min(self.saved, rows)

    def copy(self, rows: int) -> "Live":
        """The first rows once more, in buffers of their own."""
        other = Live(self._model, self.session)
        if rows:
            other.append(self.ids[:rows], self.slice(0, rows))
        other.canonical, other.saved = min(self.canonical, rows), min(self.saved, rows)
        other.shared = self.shared
        return other

    def append(self, ids: Sequence[int], layers: Layers) -> None:
        """Take the rows of some more ids as they are."""
        with mx.stream(generation_stream):
            for layer, (keys, values) in zip(self._cache, layers, strict=True):
                if self.ids or not self.plain:
                    layer.update_and_fetch(keys, values)
                else:  # in one pass over the rows, with room for what comes
                    layer.state = _with_room(keys), _with_room(values), len(ids)
                mx.eval(layer.state)  # one by one: all at once would take memory for many layers twice
        self.ids += ids

    def slice(self, start: int, stop: int) -> Layers:
        """Rows as they are."""
        layers = []
        for layer in self._cache:
            keys, values = layer.keys_and_values()
            layers.append((keys[:, :, start:stop], values[:, :, start:stop]))
        return layers

    def prefill(
        self, ids: list[int], *, fixed: bool, size: Callable[[], int], step: Callable[[int, float], bool]
    ) -> bool:
        """Read all but the last of the ids, in chunks of `size()` tokens at most.

        `step(read, seconds)` comes before each chunk and after the last with what the one before was, and says
        whether to go on. Returns False if it was cut; the rows read so far stay.
        """
        read, seconds = 0, 0.0
        while len(self.ids) < len(ids) - 1:
            if not step(read, seconds):
                return False
            at = len(self.ids)
            stop = at - at % FIXED_CHUNK + FIXED_CHUNK if fixed else at + size()
            chunk = ids[at : min(stop, len(ids) - 1)]
            began = time.monotonic()
            with mx.stream(generation_stream):
                self._model(mx.array(chunk)[None], cache=self._cache)
                mx.eval([layer.state for layer in self._cache])
            self.ids += chunk
            if fixed and at == self.canonical and len(chunk) == FIXED_CHUNK:
                self.canonical += FIXED_CHUNK
            read, seconds = len(chunk), time.monotonic() - began
            mx.clear_cache()
        return step(read, seconds)

    def decode(self, ids: list[int], limit: int, **options: Any) -> Generator[int]:
        """Tokens after the ids, whose rows but the last must have been read."""
        decoder = Decoder(self._model, self._cache, ids, limit, **options)
        made: list[int] = []
        try:
            for token in decoder:
                made.append(token)
                if len(made) % SETTLE_EVERY == 0:
                    self.ids = (ids + made)[: self.rows]
                yield token
        finally:
            decoder.close()
            # The step ahead has read the last token already: the cache itself knows how far it is.
            self.ids = (ids + made)[: self.rows]
            self.passes += decoder.passes


def common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the longest common prefix; comparing slices is far faster than comparing in a loop."""
    low, high = 0, min(len(one), len(other))
    if one[:high] == other[:high]:
        return high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _with_room(rows: mx.array) -> mx.array:
    """Rows as a cache allocates them, in whole steps, and a step more for the question that follows."""
    batch, heads, count, width = rows.shape
    room = mx.zeros((batch, heads, KVCache.step + -count % KVCache.step, width), rows.dtype)
    return mx.concatenate([rows, room], axis=2)
