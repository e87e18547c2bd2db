"""Fenced code, cut into slices while it arrives; a slice that is complete never changes."""

import re
from collections.abc import Sequence
from dataclasses import replace

from app.markup.block import Block, Kind

LINES = 30
"""Lines of one slice."""
_OPENING = re.compile(r"( {0,3})(`{3,}|~{3,})([^\n]*)(?:\n|$)")


class OpenFence:
    """One block of fenced code, from its first line on."""

    def __init__(self, start: int) -> None:
        self.start = start
        """Where it begins in the text."""
        self._next = start
        """Where the next slice begins."""
        self._begun = False
        self._language = ""
        self._indent = re.compile("")
        self._closing = re.compile("")
        self._mark = "`"
        self._lines = 0
        """Lines in the slices so far."""

    def take(self, tail: str, at: int) -> tuple[list[Block], int, bool]:
        """The slices that are complete now, how much of the tail is done with, and whether the code has ended.

        The tail begins at `at` in the text: what was not done with before, and what has come since.
        """
        taken = line_start = 0 if self._begun else self._begin(tail)
        blocks: list[Block] = []
        pending: list[str] = []
        while (line_end := tail.find("\n", line_start)) >= 0:
            line = tail[line_start:line_end]
            if self._closing.fullmatch(line):
                if pending or not self._lines:
                    blocks.append(self._slice(pending, at + line_end + 1))
                return blocks, line_end + 1, True
            if len(pending) == LINES:
                blocks.append(replace(self._slice(pending, at + line_start), last=False))
                pending, taken = [], line_start
            pending.append(line)
            line_start = line_end + 1
        return blocks, taken, False

    def show(self, tail: str, at: int) -> list[Block]:
        """What is not in slices yet, open; the beginning of a closing line is not shown."""
        lines = tail.split("\n")
        if not lines[-1].strip(f" {self._mark}"):
            lines.pop()
        if not lines and self._lines:
            return []
        block = self._slice(lines, at + len(tail))
        self._lines, self._next = block.line, block.start
        return [replace(block, open=True)]

    def finish(self, tail: str, at: int) -> tuple[list[Block], int]:
        """The last slice, where the text ends before the code does, and how much of the tail is done with."""
        lines = tail.split("\n")
        end = at + len(tail)
        if not lines[-1].strip():
            end -= len(lines.pop())
        elif self._closing.fullmatch(lines[-1]):
            lines.pop()
        return [self._slice(lines, end)] if lines or not self._lines else [], len(tail)

    def take_whole(self, text: str) -> list[Block]:
        """All slices of a whole block."""
        blocks, taken, closed = self.take(text, self.start)
        return blocks if closed else blocks + self.finish(text[taken:], self.start + taken)[0]

    def _begin(self, tail: str) -> int:
        opening = _OPENING.match(tail)
        if opening is None:
            return 0
        self._begun = True
        self._mark = opening[2][0]
        self._language = (opening[3].split() or [""])[0]
        self._indent = re.compile(f" {{0,{len(opening[1])}}}")
        self._closing = re.compile(rf" {{0,3}}{re.escape(self._mark)}{{{len(opening[2])},}}[ \t]*")
        return opening.end()

    def _slice(self, lines: Sequence[str], end: int) -> Block:
        block = Block(
            Kind.CODE,
            self._next,
            end,
            "\n".join(self._indent.sub("", line, count=1) for line in lines),
            group=self.start,
            first=self._lines == 0,
            language=self._language,
            line=self._lines,
        )
        self._lines += len(lines)
        self._next = end
        return block
