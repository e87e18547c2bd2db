"""Rules that find formulas in Markdown: four kinds of delimiters, bare environments, and which dollars are money."""

import re
from collections.abc import Iterator

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

ENVIRONMENTS = "equation|align|gather|multline|alignat|flalign|eqnarray|cases|displaymath"
BLOCK_OPENER = re.compile(rf"\\\[|\$\$|\\begin\{{({ENVIRONMENTS})(\*?)\}}")
CLOSERS = {r"\(": r"\)", r"\[": r"\]", "$$": "$$"}
PARTED_LIMIT = 4000
"""A formula with an empty line in it and longer than this is a delimiter that was forgotten."""


def closing_dollar(text: str, opening: int, end: int) -> int:
    """Where the single `$` at `opening` closes, or -1 where it is money.

    What opens has no space after it and no letter, digit or backslash before it; what closes has no space before it
    and no digit after it; no empty line stands between.
    """
    if opening + 1 >= end or text[opening + 1] in " \t\n":
        return -1
    if opening and (text[opening - 1].isalnum() or text[opening - 1] == "\\"):
        return -1
    at = text.find("$", opening + 1, end)
    while at > 0 and _escaped(text, at):
        at = text.find("$", at + 1, end)
    if at < 0 or text[at - 1] in " \t\n" or text[at + 1 : at + 2].isdigit():
        return -1
    return -1 if "\n\n" in text[opening:at] else at


def _escaped(text: str, at: int) -> bool:
    """Whether an odd number of backslashes stands before."""
    before = at
    while before and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def block_closer(opener: re.Match[str]) -> str:
    """What ends the formula that begins with this match of `BLOCK_OPENER`."""
    return rf"\end{{{opener[1]}{opener[2]}}}" if opener[1] else CLOSERS[opener[0]]


def ends_line(text: str, after: int) -> bool:
    """Whether nothing but a full stop or a comma follows on the line, as after a formula that stands alone."""
    end = text.find("\n", after)
    return text[after : end if end >= 0 else len(text)].strip() in {"", ".", ","}


def too_parted(body: str) -> bool:
    """Whether this is too long and too loose to be one formula."""
    return len(body) > PARTED_LIMIT and "\n\n" in body


def inline_formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # as the parser calls it
    """Rule for formulas in running text; its tokens are `math_inline` and `math_display`."""
    text, start = state.src, state.pos
    two = text[start : start + 2]
    if two in CLOSERS:
        body = start + 2
        end = text.find(CLOSERS[two], body, state.posMax)
        after = end + 2
    elif text[start] == "$":
        body, end = start + 1, closing_dollar(text, start, state.posMax)
        after = end + 1
    else:
        return False
    if end < 0 or not text[body:end].strip():
        return False
    if not silent:
        token = state.push("math_display" if two in {r"\[", "$$"} else "math_inline", "", 0)
        token.content, token.markup, token.meta = text[body:end], text[start:body], {"end": after}
    state.pos = after
    return True


def block_formula(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001  # see above
    """Rule for formulas on lines of their own; its token is `math_block`."""
    start, text = state.bMarks[first] + state.tShift[first], state.src
    opener = BLOCK_OPENER.match(text, start, state.eMarks[first])
    if opener is None or state.is_code_block(first):
        return False
    closer = block_closer(opener)
    end = text.find(closer, opener.end())
    after = end + len(closer)
    if end < 0 or not text[opener.end() : end].strip() or not ends_line(text, after):
        return False
    line = first
    while line < last - 1 and state.eMarks[line] < after:
        line += 1
    if state.eMarks[line] < after or not _stays_inside(state, first, line):
        return False
    body = "\n".join(_inner_lines(state, first, line, start, after))
    if silent or too_parted(body):
        return not too_parted(body)
    state.line = line + 1
    token = state.push("math_block", "", 0)
    if opener[1] is None:
        inner = body[len(opener[0]) :]
        body = inner[: inner.rfind(closer)]
    token.content, token.markup, token.map = body, opener[0], [first, state.line]
    token.meta = {"start": start, "end": after}
    return True


def _stays_inside(state: StateBlock, first: int, last: int) -> bool:
    """Whether no line leaves the list or quote the formula began in; lazy lines may, as in a paragraph."""
    parted = False
    for line in range(first + 1, last + 1):
        if state.isEmpty(line):
            parted = True
        elif parted and state.sCount[line] < state.blkIndent:
            return False
    return True


def _inner_lines(state: StateBlock, first: int, last: int, start: int, after: int) -> Iterator[str]:
    """The lines without what quotes and lists put before them."""
    for line in range(first, last + 1):
        begin = start if line == first else state.bMarks[line] + min(state.tShift[line], max(0, state.blkIndent))
        yield state.src[begin : min(state.eMarks[line], after)]


def hide_pipes(line: str, stand_in: str) -> str:
    """The line with another character for each pipe inside a formula, so that a table is not cut there."""
    if "|" not in line or not ("$" in line or "\\(" in line):
        return line
    out, at = list(line), 0
    while at < len(line):
        end = -1
        if line.startswith("\\(", at) and not _escaped(line, at):
            end = line.find("\\)", at + 2)
        elif line.startswith("$$", at):
            end = line.find("$$", at + 2)
        elif line[at] == "$":
            end = closing_dollar(line, at, len(line))
        if end > at:
            out[at:end] = [stand_in if each == "|" else each for each in out[at:end]]
            at = end + 1
        at += 1
    return "".join(out)
