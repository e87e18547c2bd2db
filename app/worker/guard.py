"""The loop guard: notices that a model goes round in circles, and how much of what it wrote is the circling.

Three searches run side by side over what is written. Tokens that repeat exactly, with whatever period; tokens that
repeat but for their numbers; and sentences that resemble sentences before them at a steady distance, so that a
copy may be reworded. What the last two find is judged in rewording.py.
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np
import numpy.typing as npt

from app.worker.rewording import NEVER, Passage, find_patience, is_idle, likeness

LONGEST = 512
"""Tokens in the longest period that is looked for."""
KEPT = 6 * LONGEST
"""Tokens whose text is kept."""
SENTENCES = 64
"""Sentences that a new one is compared with."""
RESEMBLING = 0.5
"""Likeness from which a sentence may end a copy of the passage that another one ended."""
STALE = 30
"""Words in sentences that were all written before, in whatever order, from which they are a loop."""
TRIES = 6
"""Distances that are tried for a sentence."""
CHAIN = 6
"""Ends of copies that are looked for at one distance."""
ALIKE = 0.6
"""Likeness from which a passage is a copy of the next one."""
DRIFT = 0.4
"""A copy may be longer or shorter than the last one by this part."""
END = re.compile(r"[.!?。！？؟۔।…;；\n]")  # noqa: RUF001 - full stops of all scripts
CLAUSE = re.compile(r"[,，、،:：]")  # noqa: RUF001
FENCE = re.compile(r"^\s*(?:```|~~~)", re.MULTILINE)
LONG_SENTENCE = 240
"""Characters after which a sentence ends at the next comma, and at twice as many anywhere."""
REACH = 6
"""Tokens about the end of the first copy among which its true end is looked for."""
NUMBER = -2
NOTHING = -1


@dataclass(frozen=True)
class Loop:
    """A loop that was found: the last so many tokens are repeats; without them one copy is left."""

    tokens: int
    near: bool


class Guard:
    """Watches one stretch, a thought or an answer, from its first token on."""

    def __init__(self) -> None:
        self._count = 0
        self._texts: deque[str] = deque(maxlen=KEPT)
        self._exact = _Periods()
        self._numberless = _Periods()
        self._sentences = _Sentences()
        self._places: deque[int] = deque(maxlen=KEPT)
        self._exact_needs: dict[int, tuple[int, float]] = {}
        self._near_needs: dict[int, tuple[int, float, int]] = {}
        self._after_digit = False

    def feed(self, token: int, text: str) -> Loop | None:
        """Take a token and the text that it completed; a loop, once it is certain."""
        self._texts.append(text)
        self._count += 1
        self._sentences.count = self._count
        found = self._feed_exact(token)
        if found:
            return Loop(self._settle(*found), near=False)
        run = self._feed_numberless(token, text) or self._sentences.feed(text)
        return Loop(run, near=True) if run else None

    def _feed_exact(self, token: int) -> tuple[int, int] | None:
        """Tokens that are repeats, and their period; None where there are none or too few."""
        self._exact.feed(token)
        for period in self._exact.find():
            run = self._exact.run(period)
            start = self._count - run
            known = self._exact_needs.get(period)
            if known is None or known[0] != start:
                known = (start, _find_needed_run(self._text(period), period, fenced=self._sentences.fenced))
                self._exact_needs[period] = known
            if run >= known[1]:
                return run, period
        return None

    def _settle(self, run: int, period: int) -> int:
        """The repeats to take back so that the copy that stays ends where a sentence or a line does.

        The first copy's first token may be another one, with a space before its word, which makes the run a little
        shorter; the text before a loop may by chance end like its copies do, which makes it longer.
        """
        first = len(self._texts) - run
        if first <= 0:
            return run
        begin = max(0, first - period - REACH)
        texts = list(islice(self._texts, begin, first + REACH + 1))
        cut = at = first - begin
        while period and cut - REACH < at > period and texts[at - 1].strip() == texts[at - 1 - period].strip():
            at -= 1
        if not "".join(texts[at : max(at, cut)]).strip():
            at = cut
        reach = min(period or REACH, max(3, min(REACH, period // 2)))
        for end in range(at, min(at + reach, len(texts)) if at > 0 else at):
            if END.search(texts[end - 1]):
                return run + cut - end - (texts[end].strip(" ") == "\n")
        return run + cut - at

    def _feed_numberless(self, token: int, text: str) -> int:
        digit = text.strip()[:1].isdecimal()
        if digit and self._after_digit and not text[:1].isspace():
            return 0
        self._after_digit = digit
        self._places.append(self._count)
        self._numberless.feed(NUMBER if digit else token)
        if digit:
            return 0  # more digits may follow
        for period in self._numberless.find():
            run = self._numberless.run(period)
            copies = run // period + 1
            start = self._numberless.count - run
            stage = copies if copies < 6 else 4 + copies.bit_length()  # a long run is looked at again now and then
            known = self._near_needs.get(period)
            if known is None or known[0] != start or known[2] != stage:
                known = (start, self._find_near_need(period, copies), stage)
                self._near_needs[period] = known
            if copies >= known[1] and run + 1 < len(self._places):
                return self._settle(self._count - self._places[-run - 1], 0)
        return 0

    def _find_near_need(self, period: int, copies: int) -> float:
        copies = min(copies, 5, (len(self._places) - 1) // period)
        if copies < 3:
            return NEVER
        ends = [self._places[-1 - at * period] for at in range(copies, -1, -1)]
        first = self._count - len(self._texts)
        if ends[0] < first:
            return NEVER
        texts = list(islice(self._texts, ends[0] - first, None))
        passages = [Passage.read("".join(texts[one - ends[0] : other - ends[0]])) for one, other in pairwise(ends)]
        return find_patience(passages, fenced=self._sentences.fenced)

    def _text(self, tokens: int) -> str:
        return "".join(islice(self._texts, max(0, len(self._texts) - tokens), None))


class _Periods:
    """For every period, how many of the last tokens are the same as those one period before."""

    def __init__(self) -> None:
        self.count = 0
        self._recent: npt.NDArray[np.int32] = np.full(8 * LONGEST, NOTHING, np.int32)
        self._end = LONGEST
        self._runs: npt.NDArray[np.int32] = np.zeros(LONGEST, np.int32)
        self._same: npt.NDArray[np.bool_] = np.zeros(LONGEST, np.bool_)
        self._enough: npt.NDArray[np.int32] = np.arange(2, 2 * LONGEST + 2, 2, dtype=np.int32)

    def feed(self, token: int) -> None:
        if self._end == len(self._recent):
            self._recent[:LONGEST] = self._recent[-LONGEST:]
            self._end = LONGEST
        end = self._end
        np.equal(self._recent[end - LONGEST : end][::-1], token, out=self._same)
        self._runs += 1
        self._runs *= self._same
        self._recent[end] = token
        self._end = end + 1
        self.count += 1

    def run(self, period: int) -> int:
        return int(self._runs[period - 1])

    def find(self) -> list[int]:
        """Periods of which there are three copies: the shortest, and the shortest that it does not explain."""
        np.greater_equal(self._runs, self._enough, out=self._same)
        first = int(self._same.argmax())
        if not self._same[first]:
            return []
        explained = int(self._runs[first]) + first + 1
        others = np.flatnonzero(self._same & (self._runs > explained))
        return [first + 1, *(int(period) + 1 for period in others[:1])]


def _find_needed_run(text: str, period: int, *, fenced: bool) -> float:
    """How many tokens must repeat exactly, with this text as the copy."""
    letters = sum(3 if character >= "\u3040" else 1 for character in text if character.isalpha())
    if not letters:
        return _need_without_letters(text, period)
    passage = Passage.read(text)
    if not fenced and not passage.is_ruled:
        return _need_of_words(text, period, letters)
    record = ("{" in text or '"' in text) and "\\" not in text and not passage.is_formula
    if letters >= 120 or (not record and letters >= (8 if period >= 16 else 15)):
        return 2.8 * period
    return max(60, (7 if letters >= 40 else 24) * period)


def _need_without_letters(text: str, period: int) -> float:
    if any(character.isdecimal() for character in text):
        return max(256, 12 * period)
    shouted = not text.strip("!? ")
    return max((32 if shouted else 240) * period / max(1, len(text)), (3 if shouted else 30) * period)


def _need_of_words(text: str, period: int, letters: int) -> float:
    for least, copies in ((36, 3.0), (18, 3.3), (10, 3.8)):
        if letters >= least:
            return (copies - 1) * period
    if letters >= 6 and len(Passage.read(2 * text).words) > 3:  # a phrase, wherever it is cut
        return 3 * period - 1 if END.search(text) else 2.9 * period
    if letters >= 6:
        return 7 * period
    return (24 if "\n" in text else 10) * period


@dataclass(frozen=True)
class _Sentence:
    passage: Passage
    start: int
    """Tokens before it."""
    end: float
    """Words from the beginning of the stretch to its end."""
    fenced: bool


class _Sentences:
    """The sentences and lines written, and the search for reworded copies among them."""

    def __init__(self) -> None:
        self.count = 0
        self.fenced = False
        self._kept: deque[_Sentence] = deque(maxlen=SENTENCES)
        self._parts: list[str] = []
        self._size = 0
        self._start = 0
        self._words = 0.0
        self._stale: list[_Sentence] = []

    def feed(self, text: str) -> int:
        """Tokens that are repeats, 0 most of the time."""
        if self._parts and text[:1].isspace() and self._ends_with_number():
            found = self._close(self.count - 1)
            self._take(text)
            return found
        self._take(text)
        found_end = END.search(text)
        if found_end and self._is_end(text, found_end):
            return self._close(self.count)
        if self._size > LONG_SENTENCE and (CLAUSE.search(text) or self._size > 2 * LONG_SENTENCE):
            return self._close(self.count, whole=self._size <= 2 * LONG_SENTENCE)
        return 0

    def _take(self, text: str) -> None:
        self._parts.append(text)
        self._size += len(text) * (3 if text[:1] >= "\u3040" else 1)

    def _ends_with_number(self) -> bool:
        """Whether the text so far ends in a number and a point, which may be a decimal point."""
        return self._parts[-1].endswith(".")

    def _is_end(self, text: str, found: re.Match[str]) -> bool:
        if found.group() != "." or found.end() != len(text):
            return "\n" in text or found.group() != "." or text[found.end()].isspace()
        before = text[: found.start()] or "".join(self._parts[-3:-1])
        return before[-1:].isalpha() or before[-1:] in ")]$\"'”»"

    def _close(self, end: int, *, whole: bool = True) -> int:
        passage = Passage.read("".join(self._parts))
        if len(FENCE.findall(passage.text)) % 2:
            self.fenced = not self.fenced
        if not passage.words and self._size < LONG_SENTENCE:
            return 0  # a number that begins a list item, or an empty line, belongs to what follows
        self._words += passage.length
        sentence = _Sentence(passage, self._start, self._words, self.fenced)
        self._parts, self._size, self._start = [], 0, end
        earlier = list(self._kept)
        self._kept.append(sentence)
        if not passage.words or not whole:
            return 0
        return self._search(sentence, earlier, end) or self._count_stale(sentence, earlier, end)

    def _count_stale(self, last: _Sentence, earlier: list[_Sentence], end: int) -> int:
        """Tokens since the last sentence that was not there before, where a few take turns without any order."""
        if last.fenced or last.passage.is_ruled or all(not last.passage.is_same(other.passage) for other in earlier):
            self._stale.clear()
            return 0
        self._stale.append(last)
        lengths = {" ".join(sentence.passage.words): sentence.passage.length for sentence in self._stale}
        words = sum(sentence.passage.length for sentence in self._stale)
        return end - self._stale[0].start if words >= max(STALE, 2 * sum(lengths.values())) else 0

    def _search(self, last: _Sentence, earlier: list[_Sentence], end: int) -> int:
        vocabulary = last.passage.vocabulary
        size = len(vocabulary)
        like = [
            at
            for at in range(len(earlier) - 1, -1, -1)
            if 2 * len(vocabulary & (other := earlier[at].passage.vocabulary)) >= RESEMBLING * (size + len(other))
        ]
        if len(like) < 2:
            return 0
        kept = [*earlier, last]
        for first in like[:TRIES]:
            chain = _find_chain(kept, like, first)
            if len(chain) < 4:
                continue
            passages = _cut(kept, chain)
            if len(passages) >= 3 and len(passages) >= find_patience(passages, fenced=last.fenced):
                return end - _find_first_repeat(kept, chain[: len(passages) + 1])
        return 0


def _find_chain(kept: list[_Sentence], like: list[int], first: int) -> list[int]:
    """Sentences that end copies, latest first: each about as far from the next as the first two are apart."""
    last = len(kept) - 1
    chain = [last, first]
    length = kept[last].end - kept[first].end
    while len(chain) < CHAIN:
        following = _find_end(kept, like, chain[-1], length)
        if following is None:
            break
        chain.append(following)
    # the first copy has nothing like it before it, so its beginning is told by its length alone
    beginning = _find_end(kept, range(chain[-1] - 1, -2, -1), chain[-1], length)
    return chain if beginning is None else [*chain, beginning]


def _find_end(kept: list[_Sentence], among: Iterable[int], before: int, length: float) -> int | None:
    """The sentence, of these from the latest on, that ends nearest to so many words before another's end."""
    best, off = None, DRIFT * length
    for at in among:
        if at < before:
            gap = _end(kept, before) - _end(kept, at) - length
            if abs(gap) <= off:
                best, off = at, abs(gap)
            elif gap > 0:
                break
    return best


def _end(kept: list[_Sentence], at: int) -> float:
    return kept[at].end if at >= 0 else kept[0].end - kept[0].passage.length


def _cut(kept: list[_Sentence], chain: list[int]) -> list[Passage]:
    """The passages between the ends of a chain, oldest first, as far back as they resemble each other.

    None at all where three do not, or where their numbers are news, which is told faster than likeness.
    """
    passages: list[Passage] = []
    for end, begin in pairwise(chain):
        passage = Passage.join([kept[at].passage for at in range(begin + 1, end + 1)])
        if len(passages) > 2 and likeness(passage.counts, passages[-1].counts) < ALIKE:
            break
        passages.append(passage)
        if len(passages) == 3 and not (is_idle(passages[::-1]) and _resemble(passages)):
            return []
    return passages[::-1]


def _resemble(passages: list[Passage]) -> bool:
    return all(likeness(one.counts, other.counts) >= ALIKE for one, other in pairwise(passages))


def _find_first_repeat(kept: list[_Sentence], chain: list[int]) -> int:
    """Tokens before the first sentence that repeats one of the copy before it."""
    length = kept[chain[0]].end - kept[chain[1]].end
    at = next(at for at in range(chain[-1] + 1, len(kept)) if at == chain[-2] + 1 or _repeats(kept, at, length))
    while at > 0 and _repeats(kept, at - 1, length):
        at -= 1
    if at == chain[-2] + 1:
        at = next((later for later in range(at, chain[-3] + 1) if _repeats(kept, later, length)), at)
    return kept[at].start


def _repeats(kept: list[_Sentence], at: int, length: float) -> bool:
    """Whether there is a sentence like this one so many words before it."""
    sentence = kept[at]
    return any(
        abs(sentence.end - other.end - length) <= 0.25 * length
        and likeness(sentence.passage.counts, other.passage.counts) > 0.6
        for other in kept[:at]
    )
