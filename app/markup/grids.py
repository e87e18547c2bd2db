"""Tables, cut into slices of rows while they arrive; a slice that is complete never changes."""

import re
from collections.abc import Sequence
from dataclasses import replace

from markdown_it.token import Token

from app.markup.block import Block, Kind
from app.markup.parser import make_parser

ROWS = 25
"""Rows of one slice."""
_PARSER = make_parser()
_SUSPECT = re.compile(r"(?:\t| {4}| {0,3}(?:[#>`~*+_-]|\d{1,9}[.)]))")
"""A line that may be something else than a row."""


class OpenTable:
    """One table, from its head on."""

    def __init__(self, start: int) -> None:
        self.start = start
        """Where it begins in the text."""
        self._next = start
        self._head = ""
        """Its first two lines."""
        self._rows = 0

    def take(self, tail: str, at: int) -> tuple[list[Block], int, bool]:
        """The slices that are complete now, how much of the tail is done with, and whether the table has ended."""
        taken = line_start = 0 if self._head else self._begin(tail)
        blocks: list[Block] = []
        pending: list[str] = []
        while (line_end := tail.find("\n", line_start)) >= 0:
            line = tail[line_start:line_end]
            if not self._is_row(line):
                if pending or not self._rows:
                    blocks.append(self._slice(pending, at + line_start))
                return blocks, line_start, True
            if len(pending) == ROWS:
                blocks.append(replace(self._slice(pending, at + line_start), last=False))
                pending, taken = [], line_start
            pending.append(line)
            line_start = line_end + 1
        return blocks, taken, False

    def show(self, tail: str, at: int) -> list[Block]:
        """What is not in slices yet, open."""
        lines = tail.split("\n")
        if not lines[-1].strip():
            lines.pop()
        if not lines and self._rows:
            return []
        block = self._slice(lines, at + len(tail))
        self._rows, self._next = block.line, block.start
        return [replace(block, open=True)]

    def finish(self, tail: str, at: int) -> tuple[list[Block], int]:
        """The last slice, where the text ends in the table, and how much of the tail is done with."""
        lines = tail.split("\n")
        taken = len(tail)
        if not self._is_row(lines[-1]):
            taken -= len(lines.pop())
        return [self._slice(lines, at + taken)] if lines or not self._rows else [], taken

    def take_whole(self, text: str) -> list[Block]:
        """All slices of a whole table."""
        blocks, taken, _ended = self.take(text, self.start)
        return blocks + self.finish(text[taken:], self.start + taken)[0]

    def _begin(self, tail: str) -> int:
        end = tail.find("\n", tail.find("\n") + 1)
        end = len(tail) if end < 0 or "\n" not in tail else end
        self._head = tail[:end]
        return min(end + 1, len(tail))

    def _is_row(self, line: str) -> bool:
        if not line.strip():
            return False
        if not _SUSPECT.match(line):
            return True
        tokens: list[Token] = []
        _PARSER.block.parse(f"{self._head}\n{line}\n", _PARSER, {}, tokens)
        return bool(tokens) and tokens[0].type == "table_open" and tokens[0].map == [0, 3]

    def _slice(self, rows: Sequence[str], end: int) -> Block:
        block = Block(
            Kind.TABLE,
            self._next,
            end,
            "\n".join((self._head, *rows)),
            group=self.start,
            first=self._rows == 0,
            line=self._rows,
        )
        self._rows += len(rows)
        self._next = end
        return block
