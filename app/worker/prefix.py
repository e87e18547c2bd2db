"""Prefixes: what was computed once is not computed again, from memory first, then from the disk.

Several sequences lie in memory, each with its cache. A request takes the one that shares most with its prompt;
what the disk knows beyond that is read and put behind it, and only the rest is computed. All sequences together
stay within the bytes that the memory plan gives; the one used longest ago leaves first, after it was saved.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.worker.kvfiles import PrefixFiles
from app.worker.layout import Prompt
from app.worker.live import FIXED_CHUNK, Live, common_prefix

SAVE_ROWS = 512
"""Rows that wait to be saved before a running prefill or answer is interrupted for that."""
WORTH_READING = 16
"""Rows that the disk must know beyond memory to be asked for them: fewer are computed as fast."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A sequence to go on from."""

    live: Live
    cached: int
    """Its rows, none of which is computed again."""
    restored: int = 0
    """Those of them that came from the disk."""
    seconds: float = 0.0
    """Reading and dequantising them."""


class Prefixes:
    """All sequences of one model.

    `room` and `aside`: bytes for all, and for those that no request uses; `row`: bytes of one row.
    """

    def __init__(
        self, model: Any, *, room: int, row: int, aside: int | None = None, files: PrefixFiles | None = None
    ) -> None:
        self._model, self._room, self._row, self._aside, self._files = model, room, row, aside, files
        self._lives: tuple[Live, ...] = ()
        """Replaced, never changed, so that another thread may look through it."""
        self._gone: set[int | None] = set()
        """Deleted chats: what was begun for them before must not be written after."""

    @property
    def size(self) -> int:
        """Bytes of all sequences."""
        return sum(live.size for live in self._lives)

    def take(self, prompt: Prompt, session: int | None, *, fixed: bool = False) -> Taken:
        """The sequence with the longest prefix of these ids; at least one id is left, because a prediction needs one.

        `fixed`: only rows that depend on their ids alone, so that the same seed gives the same text.
        """
        began = time.monotonic()
        ids = prompt.ids
        source, common = self._nearest(ids, fixed=fixed)
        self._make_room(source, len(ids) * self._row)
        live = self._claim(source, common, len(ids), session)
        self._lives = (live, *(other for other in self._lives if other is not live))
        try:
            restored = self._restore(live, ids, session, fixed=fixed)
        except BaseException:
            self.discard(live)  # its layers may disagree about how far they are
            raise
        live.session, live.shared, live.used = session, prompt.shared, time.monotonic()
        live.saved = self._saved(live)
        self._make_room(live)  # the source counts as set aside only now
        return Taken(live, len(live.ids), restored, time.monotonic() - began if restored else 0.0)

    def known(self, ids: list[int], session: int | None) -> int:
        """How many of the ids need not be computed; any thread may ask."""
        return max(0, min(max(self._in_memory(ids), self._on_disk(ids, session)), len(ids) - 1))

    def lies_on_disk(self, ids: list[int], session: int | None) -> bool:
        """Whether the disk knows so much more than memory that it is worth reading; any thread may ask."""
        return self._on_disk(ids, session) >= self._in_memory(ids) + WORTH_READING

    def grow(self, live: Live) -> None:
        """A sequence has become longer: others make room for it."""
        live.used = time.monotonic()
        self._make_room(live)

    def discard(self, live: Live) -> None:
        """Forget a sequence whose layers may disagree about how far they are."""
        self._lives = tuple(other for other in self._lives if other is not live)

    def clear(self) -> None:
        """Forget all sequences in memory."""
        self._lives = ()

    def shed(self, live: Live | None = None) -> bool:
        """Give memory back: all sequences but one leave it; whether there were any."""
        others = [other for other in self._lives if other is not live]
        for other in others:
            self._evict(other)
        return bool(others)

    def forget(self, sessions: Sequence[int]) -> None:
        """Chats are deleted: so are their sequences."""
        self._gone.update(sessions)
        self._lives = tuple(live for live in self._lives if live.session not in self._gone)

    def welcome(self, session: int | None) -> None:
        """A request of this chat came, so it is there, deleted before or not."""
        self._gone.discard(session)

    def save(self, live: Live, least: int = 1) -> bool:
        """Write the next stretch of a sequence to the disk if so many rows wait for that; whether it did."""
        session, before = live.session, live.saved
        if self._files is None or session is None or session in self._gone or not live.plain:
            return False
        if len(live.ids) - before < least:
            return False
        self._files.write(live.ids, live.slice, session=session, shared=live.shared, canonical=live.canonical)
        live.saved = self._saved(live)
        return live.saved > before  # else it is off, or slower than the model: the rows wait for another occasion

    def save_any(self) -> bool:
        """Write a stretch of whichever sequence has one to write."""
        return any(self.save(live) for live in self._lives)

    def _in_memory(self, ids: list[int]) -> int:
        return max((common_prefix(live.ids, ids) for live in self._lives), default=0)

    def _on_disk(self, ids: list[int], session: int | None) -> int:
        return self._files.find(ids, session).rows if self._files else 0

    def _saved(self, live: Live) -> int:
        if self._files is None or live.session is None:
            return 0
        return self._files.saved(live.ids, live.session, shared=live.shared, canonical=live.canonical)

    def _nearest(self, ids: list[int], *, fixed: bool) -> tuple[Live | None, int]:
        best: tuple[Live | None, int] = (None, 0)
        for live in self._lives:
            common = min(common_prefix(live.ids, ids), len(ids) - 1)
            if fixed:
                common = min(common, live.canonical) // FIXED_CHUNK * FIXED_CHUNK
            if common > best[1]:
                best = live, common
        return best

    def _claim(self, live: Live | None, common: int, rows: int, session: int | None) -> Live:
        """A sequence of exactly so many common rows that a request may go on from, up to `rows`.

        What it would drop is lost to nobody: it is on the disk, or stays in a sequence of its own, unless
        there is no room for two.
        """
        if live is None or not common:
            return Live(self._model, session)
        if len(live.ids) == common and live.session in (None, session):
            return live
        live.saved = self._saved(live)
        if live.plain and (live.session != session or live.saved < len(live.ids)):
            if live.size + rows * self._row <= self._room:
                return live.copy(common)
            self._save_all(live)
        live.trim(common)
        return live

    def _restore(self, live: Live, ids: list[int], session: int | None, *, fixed: bool) -> int:
        """Put behind the sequence what the disk knows; how many rows that are."""
        while self._files and live.plain:
            found = self._files.find(ids[:-1], session, exact=fixed)
            if found.rows < len(live.ids) + WORTH_READING:
                return 0
            layers = self._files.read(found, len(live.ids))
            if layers is None:  # damaged, and forgotten by now
                continue
            start = len(live.ids)
            rows = found.rows - found.rows % FIXED_CHUNK - start if fixed else found.rows - start
            if rows <= 0:
                return 0
            live.append(
                ids[start : start + rows], [(keys[:, :, :rows], values[:, :, :rows]) for keys, values in layers]
            )
            if fixed:
                live.canonical = len(live.ids)
            return rows
        return 0

    def _make_room(self, live: Live | None, more: int = 0) -> None:
        """Let others leave until there is room for this one and so many bytes more."""
        own = (live.size if live else 0) + more
        others = sorted((other for other in self._lives if other is not live), key=lambda other: other.used)
        aside = sum(other.size for other in others)
        for other in others:
            if aside + own <= self._room and (self._aside is None or aside <= self._aside):
                return
            aside -= other.size
            self._evict(other)

    def _evict(self, live: Live) -> None:
        live.saved = self._saved(live)  # the disk may have let go of some of it
        self._save_all(live)
        self.discard(live)

    def _save_all(self, live: Live) -> None:
        while self.save(live):
            pass
