"""Guessing ahead: what a pass over several tokens costs, and guesses from what was said before.

A guess is worth its rows only where it often comes true and where a longer pass is cheap, and both are
known only on the spot: how often by text, how cheap by machine and model. So both are measured all along.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from statistics import median, median_low
from typing import Protocol

TAIL = 16
"""Ids by which a sequence is recognised."""


class Speculator(Protocol):
    """Guesses the next tokens."""

    def propose(self, ids: Sequence[int]) -> list[int]:
        """Guesses for the tokens after these, possibly none."""
        ...

    def learn(self, guessed: int, accepted: int) -> None:
        """A pass is over that checked so many guesses, of which the first so many were right."""
        ...


class Costs:
    """What a pass that checks guesses costs, in passes without; one per loaded model, kept between answers.

    Measured from the end of one pass to the end of the next, with whatever is done in between.
    """

    SIZES = (1, 2, 4, 8, 16)
    """Numbers of guesses that are tried; the next larger one only when the one below has been measured."""
    KNOWN = 3
    """Passes without guesses that are timed before anything is guessed."""
    SLOPE = 0.1
    """Supposed cost of one guess, until it is known."""
    WORTH = 1.1
    """A pass with guesses must write so many times more per second than one without."""
    FORGET_EVERY = 256
    """Passes without guesses after which the oldest measurement is dropped: it may have been a bad moment."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._last: float | None = None
        self._plain: deque[float] = deque(maxlen=31)
        self._ratios: dict[int, deque[float]] = {size: deque(maxlen=5) for size in self.SIZES}
        self._without = 0
        self._table = self._tabulate()

    def note(self, guessed: int) -> None:
        """A pass has just ended."""
        now = self._clock()
        last, self._last = self._last, now
        if last is None or now <= last:
            return
        if not guessed:
            self._plain.append(now - last)
            self._without += 1
            if self._without % self.FORGET_EVERY == 0:
                for ratios in self._ratios.values():
                    if ratios:
                        ratios.popleft()
        elif guessed in self._ratios and self.known:
            self._ratios[guessed].append(max(1.0, (now - last) / median(self._plain)))
        else:
            return
        self._table = self._tabulate()

    @property
    def known(self) -> bool:
        """Whether there is something to compare with; before that no guess is worth it."""
        return len(self._plain) >= self.KNOWN

    def pause(self) -> None:
        """What comes now is the beginning of something else: the time up to its end tells nothing."""
        self._last = None

    @property
    def sizes(self) -> list[int]:
        """The numbers of guesses that may be tried now."""
        return list(self._table)

    def of(self, guessed: int) -> float:
        """What a pass with so many guesses costs; for one of `sizes`."""
        return self._table[guessed]

    def choose(self, chance: Callable[[int], float], most: int) -> int:
        """How many guesses pay best, 0 where none do; `chance(i)` is that of guess i where those before are right."""
        best, best_rate = 0, self.WORTH
        if not self.known:
            return 0
        tokens, right, counted = 1.0, 1.0, 0
        for size, cost in self._table.items():
            if size > most:
                break
            while counted < size:
                right *= chance(counted)
                tokens += right
                counted += 1
            if tokens / cost > best_rate:
                best, best_rate = size, tokens / cost
        return best

    def _tabulate(self) -> dict[int, float]:
        """Costs by size, up to the first that is not measured: that one is supposed from the one below it.

        The supposition stays as one vote beside the measurements, so that one stall decides nothing.
        """
        table: dict[int, float] = {}
        slope = self.SLOPE
        for size, ratios in self._ratios.items():
            table[size] = median_low([1 + slope * size, *ratios])
            if not ratios:
                break
            slope = max(0.0, table[size] - 1) / size
        return table


class Odds:
    """How often the token that followed an earlier match follows again, by the length of the match.

    Known for every token, guessed or not: what would have been guessed is compared with what came.
    """

    EDGES = (3, 4, 5, 7, 10, 16)
    PRIOR = (0.45, 0.6, 0.7, 0.8, 0.88, 0.94)
    WEIGHT = 8
    """Comparisons that the prior counts for."""
    KEEP = 0.97
    """What the past is still worth after one more comparison."""

    def __init__(self) -> None:
        self._hits = [prior * self.WEIGHT for prior in self.PRIOR]
        self._trials = [float(self.WEIGHT)] * len(self.PRIOR)

    def of(self, length: int) -> float:
        """The chance that a match of this length goes on."""
        at = self._class(length)
        return self._hits[at] / self._trials[at]

    def note(self, length: int, *, hit: bool) -> None:
        """A match of this length went on, or did not."""
        at = self._class(length)
        self._hits[at] = self._hits[at] * self.KEEP + hit
        self._trials[at] = self._trials[at] * self.KEEP + 1

    def _class(self, length: int) -> int:
        return max(0, sum(length >= edge for edge in self.EDGES) - 1)


class Lookup:
    """Guesses that what followed the last words when they came before follows again; for one answer.

    Prompt and answer are indexed by runs of three ids; each new id costs a few dictionary look-ups, however
    long the text is.
    """

    GRAM = 3
    LONGEST = 16
    """Ids that a match is measured by at most."""
    CANDIDATES = 16
    """Earlier places looked at for the longest match, newest first."""

    def __init__(self, costs: Costs | None = None) -> None:
        self._costs = costs or Costs()
        self._odds = Odds()
        self._forget()

    def propose(self, ids: Sequence[int]) -> list[int]:
        """What followed before, as long as it pays."""
        self._follow(ids)
        if not self._length:
            return []
        count = self._costs.choose(lambda guess: self._odds.of(self._length + guess), Costs.SIZES[-1])
        period = len(self._ids) - self._at  # a run that overlaps itself goes on as it began
        return [self._ids[self._at + step % period] for step in range(count)]

    def learn(self, guessed: int, accepted: int) -> None:
        """Only the time counts: what is right is learned from the text itself."""
        self._costs.note(guessed)

    def _forget(self) -> None:
        self._costs.pause()
        self._ids: list[int] = []
        self._newest: dict[tuple[int, ...], int] = {}
        self._older: list[int] = []
        """For each place, the place before it that followed the same run; -1 for none."""
        self._at = self._length = 0
        """The place whose id is the guess, and how many ids before it agree with the last ones; 0 for no match."""

    def _follow(self, ids: Sequence[int]) -> None:
        """Take in what is new; another text, or one that was cut, is indexed anew."""
        if not continues(self._ids, ids):
            self._forget()
        if not self._ids:
            self._index(list(ids))
            self._search()
            return
        for token in ids[len(self._ids) :]:
            if self._length:
                hit = self._ids[self._at] == token
                self._odds.note(self._length, hit=hit)
                self._length = min(self._length + 1, self.LONGEST) if hit else 0
                self._at += 1
            self._index([token])
            if not self._length:
                self._search()

    def _index(self, new: list[int]) -> None:
        """Remember each place whose id is known by the run before it."""
        self._ids += new
        first, end = max(self.GRAM, len(self._older)), len(self._ids)
        self._older += [-1] * (min(self.GRAM, end) - len(self._older))
        if end <= first:
            return
        newest, older = self._newest, self._older
        grams = zip(*(self._ids[first - back : end - back] for back in range(self.GRAM, 0, -1)), strict=True)
        for place, gram in enumerate(grams, first):
            older.append(newest.get(gram, -1))
            newest[gram] = place

    def _search(self) -> None:
        """Find the place before which most agrees with the end, the newest of equals."""
        self._length = 0
        place = self._newest.get(tuple(self._ids[-self.GRAM :]), -1)
        for _candidate in range(self.CANDIDATES):
            if place < self.GRAM:
                break
            length = self._agreement(place)
            if length > self._length:
                self._at, self._length = place, length
            place = self._older[place]

    def _agreement(self, place: int) -> int:
        """How many ids before that place are those at the end; the run that it was found by is."""
        length = self.GRAM
        while length < min(self.LONGEST, place) and self._ids[place - 1 - length] == self._ids[-1 - length]:
            length += 1
        return length


def continues(known: Sequence[int], ids: Sequence[int], end: int | None = None) -> bool:
    """Whether ids go on from those known up to `end`, judged by the last of these: a mistake costs a guess, no more."""
    end = len(known) if end is None else end
    start = max(0, end - TAIL)
    return len(ids) >= end and list(ids[start:end]) == list(known[start:end])
