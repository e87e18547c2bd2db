"""Finding words in a text as a reader means them: whatever their case, however they are spaced."""

import re
from bisect import bisect_right
from functools import cache
from itertools import accumulate

GROWING = (range(0x80, 0x600), range(0x1E00, 0x2000), range(0xFB00, 0xFB20))
"""Where the characters are whose folded form is longer than they are; to look at all of Unicode takes too long."""


def find(text: str, wanted: str) -> list[tuple[int, int]]:
    """All places of the wanted words, as (start, end) in the text, in order and without overlap.

    Case is ignored in every script ("STRASSE" finds "Straße"), and white space matches any other white space.
    """
    needle = wanted.casefold()
    if not needle.strip():
        return []
    folded = text.casefold()
    pattern = re.compile(r"\s+".join(map(re.escape, re.split(r"\s+", needle))))
    spans = [match.span() for match in pattern.finditer(folded)]
    if not spans or len(folded) == len(text):
        return spans
    return _in_original(text, spans)


def _in_original(text: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places in the folded text as places in the text: a character that folds to several is taken whole."""
    grown = [match.span() for match in _growing().finditer(text)]
    extra = [0, *accumulate(len(text[start].casefold()) - 1 for start, _end in grown)]
    starts = [start + before for (start, _end), before in zip(grown, extra, strict=False)]

    def original(at: int, *, after: bool) -> int:
        index = bisect_right(starts, at)
        if index and at - extra[index] <= grown[index - 1][0]:  # in the middle of what one character became
            return grown[index - 1][after and at > starts[index - 1]]
        return at - extra[index]

    found: list[tuple[int, int]] = []
    for start, end in spans:
        place = (original(start, after=False), original(end, after=True))
        if not found or place[0] >= found[-1][1]:
            found.append(place)
    return found


@cache
def _growing() -> re.Pattern[str]:
    grown = (chr(code) for codes in GROWING for code in codes if len(chr(code).casefold()) > 1)
    return re.compile("[" + "".join(grown) + "]")
