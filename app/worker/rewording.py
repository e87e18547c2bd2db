"""Whether passages that resemble each other are a model going round in circles, or an account of several cases.

A person who works through cases writes nearly the same sentence many times too. What tells the two apart is news:
in a loop only a counter moves, or words are exchanged for their like; in a derivation every passage brings a
number or a word that was not to be foreseen. Rows of tables, code and formulas resemble each other by nature, so
they are given far more time than prose.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

NEVER = math.inf
LAST = 5
"""Copies at the end of a run that are judged; what came before them may have had another pace."""
IDEOGRAPH = 0.6
"""A Han, Kana, Hangul or Thai character counts for this part of a word."""
LETTER = 0.3
"""A letter that stands alone, the name of a variable most often, counts for this part of a word."""
WORD = re.compile(
    r"第[一二三四五六七八九十百]+|[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\d+(?:[.,]\d+)*|[^\W\d_\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
HAN_DIGITS = {digit: float(value) for value, digit in enumerate("一二三四五六七八九十", 1)} | {"百": 100.0}
SYMBOLS = frozenset('{}[]()<>|=;\\/_&"`#$%^*+~@')
TIGHT_COMMA = re.compile(r"[,;](?=[^\s\d]|\d*[,;])")
STATEMENT = re.compile(
    r"(?:[{}]|\)[;:]?|\w;)[ \t]*\n|^[ \t]*(?:[A-Z]{4,} [A-Z]{3,}|</?\w+>|//|#include)\b", re.MULTILINE
)
"""A line that ends or begins like code."""
INDENTED = re.compile(r"^ {4,}(?![-*+•\d])\S|^[ \t]*(?:- )?\w+: ?\S+$", re.MULTILINE)
"""A line of code, or of a record: a name and a value."""
MATHEMATICS = re.compile(r"\$|\\[A-Za-z]{2,}|\\[(\[]")
NAME = re.compile(r"[A-Za-z]\w*(?:_|::|->|/|\.(?=[a-z]))\w")
"""A name as only programs and paths have them."""
LINE_MARK = re.compile(r"^[ \t]*(?:[-*+•] |\d+[.)] |\||>)")


@dataclass(frozen=True)
class Passage:
    """A stretch of text, as much of it as is compared."""

    text: str
    words: list[str]
    """Its words in small letters, without numbers; each character of a script without spaces is one."""
    numbers: list[float]
    """Its numbers, without their signs."""

    @classmethod
    def read(cls, text: str) -> "Passage":
        """The passage that a text is."""
        words: list[str] = []
        numbers: list[float] = []
        for word in WORD.findall(text.lower()):
            if word[0].isdecimal() or (word[0] == "第" and len(word) > 1):
                numbers.append(_value(word))
            else:
                words.append(word)
        return cls(text, words, numbers)

    @classmethod
    def join(cls, parts: Sequence["Passage"]) -> "Passage":
        """Several passages as one."""
        return cls(
            "".join([part.text for part in parts]),
            [word for part in parts for word in part.words],
            [number for part in parts for number in part.numbers],
        )

    def is_same(self, other: "Passage") -> bool:
        """Whether the other has the same words and numbers in the same order."""
        return self.words == other.words and self.numbers == other.numbers

    @cached_property
    def letters(self) -> list[str]:
        """Its words of a single letter, most often names of variables."""
        return [word for word in self.words if len(word) == 1 and word < "\u0e00"]

    @cached_property
    def counts(self) -> Counter[str]:
        """How often it has each word."""
        return Counter(self.words)

    @cached_property
    def vocabulary(self) -> frozenset[str]:
        """Its words once each, and a mark where it has numbers."""
        return frozenset(self.words) | ({"#"} if self.numbers else frozenset())

    @cached_property
    def length(self) -> float:
        """Its length in words."""
        return sum(map(_weigh, self.words))

    @cached_property
    def is_ruled(self) -> bool:
        """Whether it looks like code, a table, a record or a formula more than like sentences."""
        text = self.text
        if text.count("|") > 1 or "\t" in text or STATEMENT.search(text):
            return True
        if 2 * len(INDENTED.findall(text)) > text.strip().count("\n") + 1:
            return True
        solid = sum(not character.isspace() for character in text)
        signs = sum(character in SYMBOLS for character in text) + len(TIGHT_COMMA.findall(text))
        names = len(NAME.findall(text))
        return signs > 0.13 * solid or max(len(self.numbers), 2 * names) > 0.4 * max(1.0, self.length)

    @cached_property
    def is_formula(self) -> bool:
        """Whether it has mathematics in LaTeX, but is no row of a table in it."""
        return MATHEMATICS.search(self.text) is not None and "&" not in self.text

    @cached_property
    def is_verse(self) -> bool:
        """Whether it is broken into short lines that are no list."""
        lines = [line.rstrip() for line in self.text.splitlines() if line.strip()]
        if not self.text.endswith("\n") or any(LINE_MARK.match(line) for line in lines):
            return False
        return self.length <= 10 * len(lines) and (len(lines) > 2 or lines[-1][-1:] not in ".!?:")


def likeness(one: Counter[str], other: Counter[str]) -> float:
    """The share of words that two passages have in common, in whatever order: 0 to 1."""
    total = one.total() + other.total()
    return 2 * (one & other).total() / total if total else 0.0


def find_patience(passages: Sequence[Passage], *, fenced: bool = False) -> float:
    """How many such passages in a row are a loop; NEVER where they bring news. At least three must be given."""
    last = passages[-LAST:]
    if fenced or not is_idle(last):
        return NEVER
    length = sorted(passage.length for passage in last)[len(last) // 2]
    alike = min(likeness(one.counts, other.counts) for one, other in pairwise(last))
    if alike < 1:
        return _patience_with_wordings(passages, length, alike)
    if last[-1].is_ruled:
        return _patience_with_rows(last[-1], length)
    return _patience_with_copies(last, length)


def _patience_with_wordings(passages: Sequence[Passage], length: float, alike: float) -> float:
    last = passages[-LAST:]
    lively = last[-1].is_ruled or last[-1].is_verse or _grows(last) or _changes_sides(last)
    if lively or alike < 0.6 or length < 5:
        return NEVER
    astray = _changes_here_and_there(last[-4:])
    counting = any(passage.numbers != last[0].numbers for passage in last)
    if counting and not (astray and length >= 14 and 10 * len(last[-1].numbers) <= length):
        return NEVER  # words that change beside a number that counts are what was found out about it
    news, recurring = _compare_words(passages)
    steady = 0.8 if "\n" in last[-1].text.strip() else 0.68
    if news > 0.34 and recurring < 0.34 and not (astray and length >= 10 and alike >= steady):
        return NEVER
    return 4 if news <= 0.15 * length else NEVER


def _patience_with_rows(row: Passage, length: float) -> float:
    if row.is_formula:
        return 4 if length >= 5 else 10
    return 4 if row.text.count("|") > 1 and length >= 6 else NEVER


def _patience_with_copies(copies: Sequence[Passage], length: float) -> float:
    if any(copy.letters != copies[0].letters for copy in copies):
        return NEVER
    if length >= 8:
        return 3
    line = "\n" in copies[-1].text.strip(" ")
    if length >= (4.5 if line else 3.0):
        return 4
    return 8 if length >= 3 else NEVER


def _compare_words(passages: Sequence[Passage]) -> tuple[float, float]:
    """Words per passage that none before had, and what part of a passage's other words comes from earlier ones.

    Who rewords takes a few words in turn; who goes through a list has another word every time.
    """
    first = max(1, len(passages) - 3)
    seen = set().union(*(passage.counts for passage in passages[:first]))
    new = changed = old = 0.0
    for before, passage in zip(passages[first - 1 :], passages[first:], strict=False):
        fresh = passage.counts.keys() - seen
        new += sum(IDEOGRAPH if word >= "\u0e00" else 1.0 for word in fresh)
        if len(seen) > len(before.counts):
            other = passage.counts.keys() - before.counts.keys()
            changed += len(other)
            old += len(other - fresh)
        seen |= passage.counts.keys()
    return new / (len(passages) - first), old / changed if changed else 0.0


def _grows(passages: Sequence[Passage]) -> bool:
    """Whether every passage is longer than the one before it, as in rhymes that pile up."""
    return all(other.length >= one.length + 2 for one, other in pairwise(passages[-3:]))


def _changes_sides(passages: Sequence[Passage]) -> bool:
    """Whether a word that changes turns up in another place: cases are told apart by the same few words."""
    places: dict[str, set[int]] = {}
    for one, other in pairwise(passages):
        if len(one.words) != len(other.words):
            continue
        changes = [at for at, word in enumerate(one.words) if word != other.words[at]]
        if len(changes) <= 0.35 * len(one.words):  # else the passage is built another way
            for at in changes:
                places.setdefault(one.words[at], set()).add(at)
                places.setdefault(other.words[at], set()).add(at)
    return sum(max(at) - min(at) > 2 for at in places.values()) * 3 >= max(1, len(places))


def _changes_here_and_there(passages: Sequence[Passage]) -> bool:
    """Whether the words that change stand now in one place, now in another: a list changes in the same one."""
    heads, tails = set(), set()
    for one, other in pairwise(passages):
        if one.words != other.words:
            heads.add(_count_equal(one.words, other.words))
            tails.add(_count_equal(one.words[::-1], other.words[::-1]))
    return bool(heads) and (max(heads) - min(heads) > 1 or max(tails) - min(tails) > 1)


def _count_equal(words: list[str], others: list[str]) -> int:
    """How many words two lists have in common before the first that differs."""
    return next((at for at, (word, other) in enumerate(zip(words, others, strict=False)) if word != other), len(words))


def is_idle(passages: Sequence[Passage]) -> bool:
    """Whether the numbers of such passages tell nothing: they stay, or all count along with one counter."""
    rows = [passage.numbers for passage in passages]
    if len({len(row) for row in rows}) > 1:
        return _is_idle_in_any_order(rows) and len(rows[-1]) <= 0.15 * passages[-1].length
    words, numbers = passages[-1].length, len(rows[-1])
    pace: list[tuple[float, float]] = []
    slow = 0
    for column in zip(*rows, strict=True):
        steps = {round(after - before, 9) for before, after in pairwise(column)}
        if steps == {0}:
            continue
        if len(steps) == 1:
            pace.append((steps.pop(), column[-1]))
        elif all(abs(after - before) <= 0.01 * abs(before) for before, after in pairwise(column)):
            slow += 1
        else:
            return False
    counters = _count_counters(pace) + slow
    if counters < 2:
        return passages[-1].is_formula or len(pace) < 3 or len(pace) * 10 < words
    brisk = _count_counters([(step, value) for step, value in pace if abs(step) > 0.01 * abs(value)])
    return counters == 2 and brisk < 2 and words >= 10 and numbers <= 0.2 * words


def _count_counters(pace: list[tuple[float, float]]) -> int:
    """How many counters there are: a number and its neighbour that move in step are one."""
    pace.sort()
    counters = 0
    first = (math.nan, math.nan)
    for step, value in pace:
        gap = value - first[1]
        if step != first[0] or (gap and (gap > 1 or abs(step) > 1)):
            counters += 1
            first = (step, value)
    return counters


def _is_idle_in_any_order(rows: Sequence[list[float]]) -> bool:
    """The same where passages have different counts of numbers: at most one new one each, next to an old one."""
    seen = set(rows[0])
    for row in rows[1:]:
        fresh = set(row) - seen
        if len(fresh) > 1 or any(value - 1 not in seen and value + 1 not in seen for value in fresh):
            return False
        seen |= fresh
    return True


def _weigh(word: str) -> float:
    if word >= "\u0e00":
        return IDEOGRAPH
    return 1.0 if len(word) > 1 else LETTER


def _value(digits: str) -> float:
    if digits[0] == "第":
        digits = digits[1:]
        value = 0.0
        for digit in digits:
            worth = HAN_DIGITS[digit]
            value = max(1.0, value) * worth if worth == 100 else value + worth
        return value if digits[-1] != "十" or len(digits) < 2 else 10.0 * HAN_DIGITS[digits[0]]
    try:
        return float(digits.replace(",", ""))
    except ValueError:  # a date or a version has several points
        return float(re.sub(r"[.,]", "", digits))
