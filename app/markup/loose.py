"""What to show of Markdown that is still being written: its markup must not flicker."""

import re

from app.markup.maths import BLOCK_OPENER, CLOSERS, block_closer

_DANGLING_LINK = re.compile(r"!?\[([^\]\[\n]*)\]\([^()\s]*$")
_UNDERLINE = re.compile(r"\n {0,3}(?:-{1,2}|=+)[ \t]*$")
_TRAILING = re.compile(r"(?:[*_~`\\]+|!\[[^\]\n]*|\n[ \t]*(?:[-+*]|\d{1,9}[.)]?|#{1,6})[ \t]*)$")
_MARKS = re.compile(r"\\.|(`+)|(\*{1,3}|__|~~)", re.DOTALL)
_REACH = 400
"""Further back than this a mark that is not closed was not meant as one."""


def calm(text: str) -> str:
    """The text with its last paragraph's markup closed, or taken away where it has no content yet.

    Up to the first change it is the text itself, so that places in it stay valid.
    """
    cut = unfinished_formula(text)
    if cut is not None:
        text = text[:cut]
    text = _UNDERLINE.sub("", text)
    while (shorter := _TRAILING.sub("", text)) != text:
        text = shorter
    start = text.rfind("\n\n") + 2 if "\n\n" in text else 0
    text = text[:start] + _DANGLING_LINK.sub(r"\1", text[start:])
    return text + _closers(text, max(start, len(text) - _REACH))


def unfinished_formula(text: str) -> int | None:
    """Where a formula begins whose end has not come, in the last lines; None where there is none."""
    at, open_at = 0, None
    while at < len(text):
        found = _next_opener(text, at)
        if found is None:
            break
        begin, closer, after = found
        end = text.find(closer, after)
        if end < 0:
            open_at = begin
            break
        at = end + len(closer)
    return open_at


_OPENER = re.compile(rf"\\\\|(`+)|\\\(|{BLOCK_OPENER.pattern}")


def _next_opener(text: str, at: int) -> tuple[int, str, int] | None:
    """The next delimiter from there: where it begins, what closes it, where its content begins."""
    while (match := _OPENER.search(text, at)) is not None:
        if match[1]:
            closing = re.compile(rf"(?<!`){match[1]}(?!`)").search(text, match.end())
            at = closing.end() if closing else match.end()
        elif match[0] == r"\\":
            at = match.end()
        elif match[0] == r"\(":
            return match.start(), r"\)", match.end()
        elif match[0] in CLOSERS:
            return match.start(), CLOSERS[match[0]], match.end()
        else:
            opener = BLOCK_OPENER.match(text, match.start())
            if opener is not None:
                return match.start(), block_closer(opener), match.end()
            at = match.end()
    return None


def _closers(text: str, start: int) -> str:
    """What closes the emphasis and the code that are open at the end of the text."""
    opened: list[str] = []
    at = start
    while (match := _MARKS.search(text, at)) is not None:
        at = match.end()
        if match[1]:
            closing = re.compile(rf"(?<!`){match[1]}(?!`)").search(text, at)
            if closing is None:
                return match[1] + "".join(reversed(opened))
            at = closing.end()
        elif match[2] and opened and opened[-1] == match[2]:
            opened.pop()
        elif match[2] and _opens(text, match):
            opened.append(match[2])
    return "".join(reversed(opened))


def _opens(text: str, mark: re.Match[str]) -> bool:
    """Whether such a mark begins emphasis: a space or nothing before it, something after it."""
    before = text[mark.start() - 1 : mark.start()]
    after = text[mark.end() : mark.end() + 1]
    return (not before or before.isspace() or before in "([\"'*_") and bool(after) and not after.isspace()
