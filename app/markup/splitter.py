"""Cuts a growing Markdown text into blocks that do not change any more and a short open tail."""

import re
from collections.abc import Iterable
from typing import Any

from app.markup.block import Block, Kind
from app.markup.cutting import LIMIT, LIST_LIMIT
from app.markup.fence import OpenFence
from app.markup.formulas import numbered
from app.markup.grids import OpenTable
from app.markup.maths import BLOCK_OPENER, block_closer, ends_line, too_parted
from app.markup.stretch import DEFINITIONS, Stretch, blocks_of, stretches

_MAY_END = re.compile(r"\n(?:[ \t]*\n| {0,3}(?:#|```|~~~|[|:-][-|: \t]*\n))|^ {0,3}#")
"""Without one of these a paragraph goes on, as far as a freeze needs to know."""
PATIENCE = 4000
"""Characters to wait before a long block is looked at again that seemed to have ended and had not."""
_FENCE = re.compile(r" {0,3}(?:`{3,}[^`\n]*|~{3,}[^\n]*)\n")
_FENCE_BEGUN = re.compile(r" {0,3}(?:`{3,}[^`\n]*|~{3,}[^\n]*)$")
_BLANK = re.compile(r"(?:[ \t]*\n)+")
_BLANK_END = re.compile(r"\n[ \t]*\n\s*$")
_CONTAINERS = r"(?m)^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+[ \t>]*)*"
_OPENER = re.compile(_CONTAINERS + f"(?P<formula>{BLOCK_OPENER.pattern})")


def split(source: str) -> list[Block]:
    """The blocks of a whole text; the same, however it came in."""
    splitter = Splitter()
    splitter.take_whole(source)
    return splitter.blocks


class Splitter:
    """The blocks of one text; a feed costs as much as the open tail is long, whatever came before.

    `feed`, `retract` and `finish` return the index of the first block that is new, changed or gone.
    """

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        """Those that stay, then those of the tail, which are open."""
        self.references: dict[str, Any] = {}
        """Link definitions so far, as the parser keeps them."""
        self._source: list[str] = []
        self._length = 0
        self._tail = ""
        self._at = 0
        """Where the tail begins."""
        self._frozen = 0
        """How many blocks are not the tail's."""
        self._roots: list[int] = []
        """For each frozen block where its outermost block of Markdown begins."""
        self._equations = 0
        self._group: OpenFence | OpenTable | None = None
        """The code or the table the tail is in."""
        self._root: int | None = None
        """Where the block began of which the tail is the last piece; None while the tail is all of it."""
        self._patience = 0
        """Length of the text before the pieces of the root are looked at again."""

    @property
    def source(self) -> str:
        """All of the text so far."""
        if len(self._source) > 1:
            self._source = ["".join(self._source)]
        return self._source[0] if self._source else ""

    def feed(self, text: str) -> int:
        """Add text to the end."""
        if not text:
            return len(self.blocks)
        self._source.append(text)
        self._length += len(text)
        self._tail += text
        first = self._frozen
        fresh = "\n" in text
        while True:
            before = self._at
            first = min(first, self._advance(fresh=fresh))
            if self._at == before:
                break
            fresh = True
        self._show_tail()
        return first

    def retract(self, characters: int) -> int:
        """Take so many characters away from the end."""
        if not characters:
            return len(self.blocks)
        kept = self.source[: max(0, self._length - characters)]
        count = self._frozen
        while count and self.blocks[count - 1].end > len(kept):
            count -= 1
        # The block before may have ended only because of what is gone.
        root = self._roots[count - 1] if count else 0
        while count and self._roots[count - 1] == root:
            count -= 1
        self._return_to(count, root if count or self._roots else 0)
        self._source, self._length = [kept[: self._at]], self._at
        self._tail = ""
        self.feed(kept[self._at :])
        return count

    def finish(self) -> int:
        """No more text comes: nothing is open afterwards."""
        first = self._frozen
        if (group := self._group) is not None:
            blocks, taken = group.finish(self._tail, self._at)
            self._freeze(blocks, group.start)
            self._move(taken)
            self._group = None
        first = min(first, self._end_prose())
        del self.blocks[self._frozen :]
        self._at, self._tail = self._length, ""
        return first

    def take_whole(self, source: str) -> None:
        """Split a whole text at once; the splitter must be new."""
        self._source, self._length, self._tail = [source], len(source), source
        self.finish()

    # moving on ----------------------------------------------------------------------------------

    def _advance(self, *, fresh: bool) -> int:
        """Freeze what can be; the tail moves on when something was. `fresh`: a line has ended."""
        if self._group is not None:
            return self._advance_group(self._group)
        if self._root is None and fresh and self._skip_blank():
            return self._frozen
        if _FENCE.match(self._tail) and self._root is None:
            self._group = OpenFence(self._at)
            return self._advance_group(self._group)
        long = len(self._tail) > (LIST_LIMIT if fresh else LIMIT)
        if not long and not (fresh and _MAY_END.search(self._tail)):
            return self._frozen
        return self._advance_prose(long=long)

    def _skip_blank(self) -> bool:
        blank = _BLANK.match(self._tail)
        if blank is None:
            return False
        self._move(blank.end())
        return True

    def _advance_group(self, group: OpenFence | OpenTable) -> int:
        blocks, taken, ended = group.take(self._tail, self._at)
        first = self._frozen
        self._freeze(blocks, group.start)
        self._move(taken)
        if ended:
            self._group = None
        return first

    def _advance_prose(self, *, long: bool) -> int:
        """Freeze all blocks of the tail but the last; cut the last where it is long."""
        found = self._complete()
        sure = self._sure(found)
        if self._root is not None and sure:
            return self._mend() if self._length >= self._patience else self._frozen
        first = self._frozen
        if sure:
            self._freeze_stretches(found, sure)
        elif self._root is None and len(found) == 1 and found[0].kind == "table_open":
            self._group = OpenTable(self._at)
            return min(first, self._advance_group(self._group))
        elif long:
            self._cut(found or stretches(self._tail))
        return first

    def _complete(self) -> list[Stretch]:
        """The blocks of the lines of the tail that have ended; half a line may look like something it is not."""
        return stretches(self._tail[: self._tail.rfind("\n") + 1])

    def _cut(self, found: list[Stretch]) -> None:
        """Freeze the pieces of a long block before it is known to be at its end."""
        if len(found) != 1 or found[0].kind in {"fence", "table_open"}:
            return
        whole = Stretch(found[0].kind, 0, len(self._tail), self._tail, items=found[0].items)
        pieces = list(blocks_of(whole, self._at, self._equations))
        if len(pieces) < 2:
            return
        if self._root is None:
            self._root = self._at
        self._freeze(pieces[:-1], root=self._root)
        self._move(pieces[-1].start - self._at)

    def _sure(self, found: list[Stretch]) -> int:
        """How many of the stretches cannot change any more, because they have ended and no formula in them is open."""
        if not found:
            return 0
        sure = len(found) if _closed(found[-1], self._tail) else len(found) - 1
        while sure and found[sure - 1].kind == DEFINITIONS and not _closed(found[sure - 1], self._tail):
            sure -= 1  # the title of a link may stand on the next line
        opener = _held(self._tail[: self._tail.rfind("\n") + 1], found) if sure else None
        while opener is not None and sure and found[sure - 1].end > opener:
            sure -= 1
        return sure

    def _freeze_stretches(self, found: list[Stretch], count: int) -> None:
        for stretch in found[:count]:
            self._freeze_stretch(stretch)
        self._move(found[count].start if count < len(found) else found[-1].end)

    # ends ---------------------------------------------------------------------------------------

    def _mend(self) -> int:
        """Look at the whole of a block that was cut while it grew, now that its end is there."""
        old = self._unwind()
        found = self._complete()
        sure = self._sure(found)
        if sure:
            self._freeze_stretches(found, sure)
        else:
            self._cut(found)
            self._patience = self._length + PATIENCE
        return self._keep(old)

    def _end_prose(self) -> int:
        """Freeze all there is."""
        old = self._unwind() if self._root is not None else None
        first = self._frozen
        for stretch in stretches(self._tail):
            self._freeze_stretch(stretch)
        return first if old is None else self._keep(old)

    def _unwind(self) -> tuple[int, list[Block]]:
        """Go back to where the block that was cut begins; the index of its pieces and they themselves."""
        root = self._root if self._root is not None else self._at
        count = self._frozen
        while count and self._roots[count - 1] >= root:
            count -= 1
        old = self.blocks[count : self._frozen]
        self._return_to(count, root)
        self._tail = self.source[root:]
        return count, old

    def _keep(self, old: tuple[int, list[Block]]) -> int:
        """Let pieces that came out the same be the same objects; the index of the first that did not."""
        count, pieces = old
        for piece in pieces:
            if count >= self._frozen or self.blocks[count] != piece:
                return count
            self.blocks[count] = piece
            count += 1
        return count

    def _return_to(self, count: int, at: int) -> None:
        """Forget all blocks from that index on; the tail is to begin there."""
        del self.blocks[count:], self._roots[count:]
        self._frozen, self._at, self._root, self._patience = count, at, None, 0
        self._group = None
        last = self.blocks[-1] if self.blocks else None
        self._equations = 0 if last is None else last.equation + _equations_in(last)

    def _freeze_stretch(self, stretch: Stretch) -> None:
        self._freeze(blocks_of(stretch, self._at, self._equations), root=self._at + stretch.start)
        if stretch.references:
            for label, target in stretch.references.items():
                self.references.setdefault(label, target)

    def _freeze(self, blocks: Iterable[Block], root: int = 0) -> None:
        del self.blocks[self._frozen :]
        for block in blocks:
            self.blocks.append(block)
            self._roots.append(root)
            self._equations = block.equation + _equations_in(block)
        self._frozen = len(self.blocks)

    def _move(self, characters: int) -> None:
        self._tail = self._tail[characters:]
        self._at += characters

    def _show_tail(self) -> None:
        """Put the tail's blocks behind those that stay."""
        del self.blocks[self._frozen :]
        if self._group is not None:
            self.blocks.extend(self._group.show(self._tail, self._at))
        elif _FENCE_BEGUN.match(self._tail):
            self.blocks.append(Block(Kind.CODE, self._at, self._length, "", group=self._at, open=True))
        elif self._tail.strip():
            text = self._tail.rstrip("\n")
            self.blocks.append(Block(Kind.PROSE, self._at, self._length, text, equation=self._equations, open=True))


def _equations_in(block: Block) -> int:
    return numbered(block.text) if block.kind is Kind.PROSE and "\\begin{" in block.text else 0


def _closed(stretch: Stretch, text: str) -> bool:
    """Whether the last stretch of complete lines has ended: nothing that follows may belong to it."""
    if stretch.kind in {"heading_open", "hr", "math_block"}:
        return True
    if stretch.kind == DEFINITIONS:
        return _BLANK_END.search(stretch.text) is not None
    return stretch.kind == "paragraph_open" and _BLANK.match(text, stretch.end) is not None


def _held(text: str, found: list[Stretch]) -> int | None:
    """Where a formula begins that has no end yet but may get one, outside fences; None where there is none."""
    at = 0
    fences = [(stretch.start, stretch.end) for stretch in found if stretch.kind == "fence"]
    while (match := _OPENER.search(text, at)) is not None:
        begin = match.start("formula")
        fence = next((end for start, end in fences if start <= begin < end), None)
        if fence is not None:
            at = max(fence, match.end())
            continue
        opener = BLOCK_OPENER.match(text, begin)
        closer = block_closer(opener) if opener else ""
        end = text.find(closer, match.end())
        if end < 0:
            if not too_parted(text[match.end() :]):
                return begin
            at = match.end()
        elif text[match.end() : end].strip() and ends_line(text, end + len(closer)):
            at = end + len(closer)
        else:
            at = match.end()
    return None
