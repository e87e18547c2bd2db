"""Cuts long blocks of prose by one rule, so that no piece of a text is ever costly to lay out."""

import re
from collections.abc import Iterator, Sequence

LIMIT = 2000
"""Characters of prose that are laid out as one; longer blocks are cut where that does no harm."""
LEAST = 1000
"""Characters a piece has before it is cut."""
LIST_LIMIT = 1000
LIST_LEAST = 500
"""The same for lists: an item costs more than a sentence."""
_WHOLE = re.compile(
    r"\\\(.*?\\\)|\\\[.*?\\\]|\$\$.*?\$\$|(?<![\w\\$])\$[^$\n]{1,300}\$|(`+)[^`].*?\1|\[[^\]\n]{0,300}\]\([^)\s]{0,500}\)",
    re.DOTALL,
)
"""What a cut must not part: formulas, code and links."""
_SENTENCE = re.compile(r"[.!?\u3002\uff01\uff1f][\"')\]]*\s|[\u3002\uff01\uff1f]")
_QUOTED_BLANK = re.compile(r"\n[ >]*>[ \t]*\n")


def cut_list(text: str, items: Sequence[tuple[int, int | None]]) -> list[int]:
    """Where a list is cut: (start, number) of each item, the number None for bullets.

    An ordered list is cut only where the number written is the one shown, for each piece counts anew from it.
    """
    cuts, start, expected = [], 0, items[0][1] if items else None
    for at, number in items:
        if len(text) - start > LIST_LIMIT and at - start >= LIST_LEAST and number == expected:
            cuts.append(at)
            start = at
        if expected is not None:
            expected += 1
    return cuts


def cut_paragraph(text: str) -> list[int]:
    """Where a paragraph is cut: at a line's end, else a sentence's, else a word's, else anywhere."""
    cuts, start = [], 0
    while len(text) - start > LIMIT:
        start = _outside(text, start, _boundary(text, start + LEAST, start + LIMIT))
        if start >= len(text):
            break
        cuts.append(start)
    return cuts


def cut_lines(text: str) -> list[int]:
    """Where indented code is cut: at the ends of lines."""
    cuts, start = [], 0
    while len(text) - start > LIMIT:
        at = text.find("\n", start + LEAST)
        if at < 0 or at + 1 >= len(text):
            break
        start = at + 1
        cuts.append(start)
    return cuts


def cut_quote(text: str) -> list[int]:
    """Where a quote is cut: at its empty lines."""
    cuts, start = [], 0
    while len(text) - start > LIMIT:
        blank = _QUOTED_BLANK.search(text, start + LEAST)
        if blank is None or blank.end() >= len(text):
            break
        start = blank.end()
        cuts.append(start)
    return cuts


def parts(text: str, cuts: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each piece."""
    yield from zip((0, *cuts), (*cuts, len(text)), strict=True)


def _boundary(text: str, first: int, last: int) -> int:
    """The place to cut in a stretch of text."""
    line = text.find("\n", first, last)
    if line >= 0:
        return line + 1
    sentence = _SENTENCE.search(text, first, last)
    if sentence is not None:
        return sentence.end()
    space = text.find(" ", first, last)
    return space + 1 if space >= 0 else last


def _outside(text: str, start: int, at: int) -> int:
    """The cut, moved before the formula, the code or the link it would part, or behind one that is very long."""
    for whole in _WHOLE.finditer(text, start, min(len(text), at + 4 * LIMIT)):
        if whole.start() >= at:
            break
        if at < whole.end():
            return whole.start() if whole.start() - start >= LEAST // 2 else whole.end()
    return at
