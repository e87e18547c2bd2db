"""The token loop: one forward pass after the other, with guesses checked several at a time.

Where nothing is guessed, the next pass is under way on a GPU before a token is handed out. Where something is, one
pass reads the last token and the guesses behind it; a guess stands if it is what would have been drawn
without it, so guessing changes how fast an answer comes and never what it is.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import mlx.core as mx
from mlx_lm.generate import generation_stream
from mlx_lm.models.cache import KVCache, QuantizedKVCache

from app.core.errors import EngineStopped
from app.core.text import _
from app.worker.sampling import Processor, Sampler, greedy
from app.worker.speculation import Speculator

HISTORY = 256
"""Tokens back that a processor is shown."""
TIDY_EVERY = 256
"""Tokens after which MLX gives back the buffers that it keeps for reuse, as mlx_lm does."""


@dataclass(frozen=True, slots=True)
class _Flight:
    """A pass under way: the tokens it draws, their log-probabilities, and the guesses it reads."""

    tokens: mx.array
    logprobs: mx.array
    guesses: tuple[int, ...]


class Decoder:
    """Iterates over the tokens after `ids`, at most `limit`; the cache holds rows for all of them but the last few.

    Invariant, also after `close()` between any two tokens: the cache's rows are those of the ids and of the
    tokens handed out, in order, and none beyond them. Raises EngineStopped before a token that was drawn
    from something that is no number.
    """

    def __init__(
        self,
        model: Any,
        cache: list[Any],
        ids: Sequence[int],
        limit: int,
        *,
        sampler: Sampler = greedy,
        processors: Sequence[Processor] = (),
        speculator: Speculator | None = None,
    ) -> None:
        self._model, self._cache = model, cache
        self._ids, self._end = list(ids), len(ids) + limit
        self._sampler, self._processors = sampler, processors
        # A sliding window cannot take rows back once it slides.
        takes_back = all(isinstance(layer, KVCache | QuantizedKVCache) for layer in cache)
        self._speculator = speculator if takes_back else None
        self._given = len(ids)
        self._vocabulary = 0
        # On a CPU nothing is gained by it, and a stop would wait for the pass under way.
        self._overlaps = mx.default_device() != mx.cpu
        self._steps = self._run()
        self.passes = 0
        """Forward passes that wrote tokens so far; a step ahead that was thrown away is none."""

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        return next(self._steps)

    def close(self) -> None:
        """End here; what was read beyond the last token handed out is taken back."""
        self._steps.close()

    @property
    def _room(self) -> int:
        return self._end - len(self._ids)

    def _run(self) -> Generator[int]:
        if self._room <= 0:
            return
        try:
            flight: _Flight | None = self._begin()
            while flight:
                ahead = None
                if self._overlaps and not flight.guesses and self._room > 1 and not self._propose():
                    ahead = self._dispatch(flight.tokens, (), len(self._ids) + 1)
                new, sound = self._settle(flight)
                if self._overlaps and sound and ahead is None:
                    ahead = self._go_on()
                for token in new:
                    self._given += 1
                    yield token
                if not sound:
                    raise _no_number()
                flight = ahead if self._overlaps else self._go_on()
        finally:
            self._keep(self._given)

    def _go_on(self) -> _Flight | None:
        """Start the pass behind what is sure, with guesses; None at the limit."""
        if self._room <= 0:
            return None
        guesses = self._propose()
        return self._dispatch(_array([self._ids[-1], *guesses]), guesses, len(self._ids))

    def _begin(self) -> _Flight:
        """Read what the cache lacks; all but the last id need no head over the vocabulary."""
        missing = self._ids[int(self._cache[0].offset) :]
        if len(missing) > 1:
            with mx.stream(generation_stream):
                self._model(_array(missing[:-1])[None], cache=self._cache)
                mx.eval([layer.state for layer in self._cache])
        return self._dispatch(_array(missing[-1:]), (), len(self._ids))

    def _propose(self) -> tuple[int, ...]:
        """Guesses that the vocabulary has, and no more than there is room for beside the token that is sure."""
        if self._speculator is None:
            return ()
        guesses = self._speculator.propose(self._ids)[: self._room - 1]
        return tuple(takewhile(lambda guess: 0 <= guess < self._vocabulary, guesses))

    def _dispatch(self, tokens: mx.array, guesses: tuple[int, ...], position: int) -> _Flight:
        """Start the pass that reads these tokens and draws, row by row, those from `position` on."""
        with mx.stream(generation_stream):
            rows = self._model(tokens[None], cache=self._cache)[0]
            self._vocabulary = rows.shape[-1]
            if self._processors:
                rows = mx.concatenate([self._process(rows, tokens, row, position) for row in range(len(rows))])
            logprobs = rows - mx.logsumexp(rows, axis=-1, keepdims=True)
            drawn = self._sampler(logprobs, position)
            flight = _Flight(drawn, mx.take_along_axis(logprobs, drawn[:, None], axis=-1)[:, 0], guesses)
        mx.async_eval(flight.tokens, flight.logprobs)  # type: ignore[no-untyped-call]
        return flight

    def _process(self, rows: mx.array, tokens: mx.array, row: int, position: int) -> mx.array:
        """One row's logits as the request wants them, given the tokens before it."""
        known = self._ids[max(0, position - 1 - HISTORY) : position - 1]
        history = mx.concatenate([_array(known), tokens[: row + 1]])
        logits = rows[row : row + 1]
        for processor in self._processors:
            logits = processor(history, logits)
        return logits

    def _settle(self, flight: _Flight) -> tuple[list[int], bool]:
        """The tokens that a pass has decided, and whether all of them come from numbers."""
        drawn: Any = flight.tokens.tolist()
        logprobs: Any = flight.logprobs.tolist()
        guessed = len(flight.guesses)
        accepted = next((at for at in range(guessed) if drawn[at] != flight.guesses[at]), guessed)
        sound = list(takewhile(math.isfinite, logprobs[: accepted + 1]))
        new: list[int] = drawn[: len(sound)]
        if accepted < guessed:
            self._keep(len(self._ids) + accepted)
        self.passes += 1
        if len(self._ids) // TIDY_EVERY != (len(self._ids) + len(new)) // TIDY_EVERY:
            mx.clear_cache()
        self._ids += new
        if self._speculator is not None:
            self._speculator.learn(guessed, accepted)
        return new, len(new) > accepted

    def _keep(self, rows: int) -> None:
        """Take back what each layer has read beyond so many rows."""
        for layer in self._cache:
            if layer.offset > rows:
                layer.trim(layer.offset - rows)


def _array(ids: list[int]) -> mx.array:
    return mx.array(ids, dtype=mx.uint32)


def _no_number() -> EngineStopped:
    return EngineStopped(
        _("The model computed something that is no number, so its answer ends here."),
        _("What was written is kept. Try again; if it happens again, download the model anew: its files are damaged."),
        "chat.retry",
    )
