"""Prefixes on the disk: what was computed once survives a restart, a crash and a change of models.

The calling thread owns MLX: it rounds and copies rows to bytes, and makes arrays of bytes. A thread of its own
writes the bytes. Nothing here raises because of a disk or a file: what cannot be read is not known, and what
cannot be written stays unwritten, with a sentence in `stored`.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from app.core.errors import Failure
from app.core.protocol import Stored
from app.worker.eviction import choose_victims
from app.worker.prefixfolder import Foreign, Held, PrefixFolder, explain, is_orphan
from app.worker.segmentfile import (
    FORMAT,
    Damaged,
    Layers,
    Precision,
    Record,
    pack,
    payload_size,
    place,
    shape_of,
)
from app.worker.segments import LOSSLESS, Found, Part, Segment, Tree, key_of, next_part, pack_ids, unpack_ids

QUEUE_BYTES = 1_000_000_000
"""Bytes that may wait for the disk."""
QUEUE_PATIENCE = 0.2
"""Seconds that a full queue is waited for: on a healthy disk a segment of the largest model takes less."""
RETRY_SECONDS = 15.0
"""After this long a folder that could not be used is tried again."""
TOUCH_SECONDS = 60.0
"""A prefix that is used over and over tells its files so only this often."""
CLOSE_PATIENCE = 10.0


class PrefixFiles:
    """The saved prefixes of one model under `root`, which holds those of all models within one byte budget.

    `find`, `saved` and `stored` may be asked on any thread; `report` is called on the calling and on the
    writing thread.
    """

    def __init__(
        self, root: Path, fingerprint: str, *, budget: int, exact: bool, report: Callable[[Stored], None]
    ) -> None:
        self._fingerprint, self._budget, self._report = fingerprint, budget, report
        self._precision = Precision.EXACT if exact else Precision.ROUNDED
        self._readable = LOSSLESS if exact else frozenset(Precision)
        self._folder = PrefixFolder(root, fingerprint)
        self._changed = threading.Condition()
        """Guards everything below; held for moments, never while a file is read or written."""
        self._reporting = threading.Lock()
        self._tree = Tree()
        self._others: list[Foreign] = []
        """Files of other models."""
        self._queue: deque[Segment] = deque()
        self._failure: Failure | None = None
        self._retry_at = 0.0
        self._holding = self._busy = self._closing = False
        self._stamp = 0.0
        if budget > 0 or root.is_dir():
            self._open()
        self._writer = threading.Thread(target=self._work, name="prefix writer", daemon=True)
        self._writer.start()

    # what is known --------------------------------------------------------------------------------

    @property
    def stored(self) -> Stored:
        """What the disk holds of all models, and why nothing is added where that is so."""
        with self._changed:
            return Stored(self._size(), self._budget, self._folder.written_today, self._failure)

    def find(self, ids: Sequence[int], session: int | None, *, exact: bool = False) -> Found:
        """The longest known prefix of these ids; `exact`: of rows that depend on their ids alone. No disk access."""
        packed = pack_ids(ids)
        precisions = frozenset({Precision.CANONICAL}) if exact else self._readable
        with self._changed:
            return self._tree.find(packed, session, precisions=precisions)

    def saved(self, ids: Sequence[int], session: int, *, shared: Sequence[int] = (), canonical: int = 0) -> int:
        """How many leading rows of this line need not be written; with the same arguments as `write`."""
        packed = pack_ids(ids)
        with self._changed:
            part = self._next_part(packed, session, shared, canonical)
        return len(ids) if part is None else part.start

    # reading --------------------------------------------------------------------------------------

    def read(self, found: Found, start: int) -> Layers | None:
        """Keys and values of rows `start` to `found.rows`, layer by layer, evaluated, in the cache's own type.

        None where a file is damaged or gone: it is forgotten by now, and `find` finds what is left.
        """
        with self._changed:
            if not all(self._tree.holds(link.segment) for link in found.links):
                return None
            used = [(link.segment, link.end, link.segment.waiting) for link in found.links if link.end > start]
            touched = self._use(found, throttled=True)
        for segment in touched:
            self._folder.touch(segment)
        layers: Layers = []
        shape = None
        for segment, end, waiting in used:
            try:
                packed = waiting or self._folder.read(segment)
                if shape not in (None, packed.record.shape):
                    raise Damaged(segment.name)  # noqa: TRY301 - one answer to everything that is wrong
            except (Damaged, OSError):
                self._discard(segment)
                return None
            shape = packed.record.shape
            place(layers, packed, max(start, segment.start), end, start, found.rows)
        return layers

    def _use(self, found: Found, *, throttled: bool) -> list[Segment]:
        """Remember that a chain is used; its segments whose files must be told.

        All of a chain get the same time, so that a parent is never older than its child.
        """
        segments = [link.segment for link in found.links]
        self._stamp = max(time.time(), self._stamp + 1e-3)
        for segment in segments:
            segment.used = self._stamp
        if throttled and segments and abs(self._stamp - segments[-1].touched) < TOUCH_SECONDS:
            return []
        for segment in segments:
            segment.touched = self._stamp
        return [segment for segment in segments if segment.waiting is None]

    def _discard(self, segment: Segment) -> None:
        with self._changed:
            dropped = self._tree.drop(segment)
        self._remove(dropped)
        self._tell()

    # writing --------------------------------------------------------------------------------------

    def write(
        self,
        ids: Sequence[int],
        rows: Callable[[int, int], Layers],
        *,
        session: int,
        shared: Sequence[int] = (),
        canonical: int = 0,
    ) -> bool:
        """Save the next stretch of a line that is not saved; whether there is more to save.

        `rows(start, end)` gives slices of the live cache. Rows before the last position in `shared` may be used
        by other chats. The first `canonical` rows were computed with fixed chunk edges and are kept exactly.
        Where the disk cannot follow, True comes back without work having been done.
        """
        packed_ids = pack_ids(ids)
        with self._changed:
            part = self._next_part(packed_ids, session, shared, canonical) if self._ready() else None
            if part is None:
                return False
            if not self._changed.wait_for(self._has_room, QUEUE_PATIENCE):
                return True
        segment = self._pack(part, packed_ids, rows)
        if segment is None:
            return False
        with self._changed:
            if not self._ready():
                return False
            if self._tree.add(segment):  # else its parent has left meanwhile
                touched = self._use(part.before, throttled=False)
                segment.used = segment.touched = self._stamp
                self._queue.append(segment)
                self._changed.notify_all()
            else:
                touched = []
            more = self._next_part(packed_ids, session, shared, canonical) is not None
        for one in touched:
            self._folder.touch(one)
        return more

    def _ready(self) -> bool:
        return self._holding and self._failure is None and not self._closing

    def _has_room(self) -> bool:
        return sum(one.size for one in self._queue) < QUEUE_BYTES

    def _next_part(self, ids: bytes, session: int, shared: Sequence[int], canonical: int) -> Part | None:
        return next_part(self._tree, ids, session, shared=shared, canonical=canonical, precision=self._precision)

    def _pack(self, part: Part, ids: bytes, rows: Callable[[int, int], Layers]) -> Segment | None:
        """The segment of a part with its content; None where it cannot be kept."""
        layers = rows(part.start, part.end)
        shape = shape_of(layers)
        if shape is None:
            return None
        before = sum(link.segment.size for link in part.before.links)
        rounded = part.precision is Precision.ROUNDED
        if before + payload_size(shape, part.end - part.start, rounded=rounded) > self._budget:
            return None
        own = ids[part.start * 4 : part.end * 4]
        parent = part.before.links[-1].segment.key if part.before.links else ""
        key = key_of(parent, part.start, own, part.session, part.precision)
        record = Record(
            FORMAT,
            self._fingerprint,
            key,
            parent,
            part.start,
            unpack_ids(own),
            part.session,
            part.precision,
            shape,
        )
        packed = pack(record, layers)
        if packed is None or before + packed.size > self._budget:
            return None
        return Segment(key, parent, part.start, own, part.session, part.precision, packed.size, waiting=packed)

    # deleting -------------------------------------------------------------------------------------

    def forget(self, sessions: Iterable[int]) -> None:
        """Delete what belongs to these chats, of all models, and what was shared only by them."""
        self._sweep(None, set(sessions))

    def sweep(self, sessions: Iterable[int]) -> None:
        """Delete what belongs to no one of these chats, of all models."""
        self._sweep(set(sessions), set())

    def _sweep(self, kept: set[int] | None, forgotten: set[int]) -> None:
        with self._changed:
            holding = self._holding
            orphans = [one for one in self._tree if is_orphan(one.session, kept, forgotten)]
            dropped = self._tree.drop_all(orphans)
            dropped += self._tree.drop_all(self._tree.useless())
        if not holding:
            return
        self._remove(dropped)
        try:
            self._folder.sweep_others(kept, forgotten)
            self._look_at_others()
        except OSError as error:
            self._fail(error)
        self._tell()

    def clear(self) -> None:
        """Delete everything, of all models."""
        with self._changed:
            holding = self._holding
            self._tree, self._others = Tree(), []
            self._queue.clear()
            self._changed.notify_all()
        if not holding:
            return
        try:
            self._folder.clear()
        except OSError as error:
            self._fail(error)
        self._tell()

    def _remove(self, segments: list[Segment]) -> None:
        try:
            self._folder.remove(segments)
        except OSError as error:
            self._fail(error)

    # ending ---------------------------------------------------------------------------------------

    def flush(self, timeout: float) -> bool:
        """Wait until all that was given to `write` is on the disk; whether it is."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout)

    def close(self) -> None:
        """Write what waits and give the folder back."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._writer.join(CLOSE_PATIENCE)
        if not self._writer.is_alive():
            self._folder.close()

    # the writer's thread --------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._changed:
                while not (self._queue or self._closing or self._is_due()):
                    self._changed.wait(None if self._failure is None else self._retry_at - time.monotonic())
                if self._closing and not self._queue:
                    return
                segment = self._queue.popleft() if self._queue else None
                self._busy = True
            if segment is None:
                self._open()
            else:
                self._save(segment)
            del segment
            with self._changed:
                self._busy = False
                self._changed.notify_all()

    def _is_due(self) -> bool:
        return self._failure is not None and time.monotonic() >= self._retry_at

    def _save(self, segment: Segment) -> None:
        packed = segment.waiting
        if packed is None or not self._make_room(segment):
            return
        try:
            self._folder.write(segment, packed)
        except OSError as error:
            self._fail(error)
            return
        with self._changed:
            segment.waiting = None
            kept = self._tree.holds(segment)
        if kept:
            self._folder.touch(segment)  # it may have been used while it was written
        else:  # its chat was deleted meanwhile
            self._remove([segment])
        self._tell()

    def _make_room(self, segment: Segment | None = None) -> bool:
        """Delete what was used longest ago until a segment fits; whether it does and is still wanted."""
        with self._changed:
            if segment and not self._tree.holds(segment):
                return False
            excess = self._size() + (segment.size if segment else 0) - self._budget
            victims = choose_victims(self._tree, self._others, excess) if excess > 0 else []
            fits = sum(victim.size for victim in victims) >= excess
            if segment and not fits:  # all else waits, or holds what waits
                self._tree.drop(segment)
        try:
            for victim in victims:
                if isinstance(victim, Foreign):
                    victim.path.unlink(missing_ok=True)
                else:
                    self._folder.remove([victim])
        except OSError as error:
            self._fail(error)
            return False
        return fits

    def _size(self) -> int:
        return sum(one.size for one in self._tree if one.waiting is None) + sum(one.size for one in self._others)

    # trouble --------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Take the folder and look what is there, also again after trouble."""
        tree, failure = None, None
        try:
            self._folder.close()
            self._folder.open()
            tree = self._folder.scan()
            self._look_at_others()
            self._folder.check_room()
        except (Held, OSError) as error:
            failure = explain(error, self._folder.root)
        with self._changed:
            self._holding, self._failure = tree is not None, failure
            self._tree = Tree() if tree is None else tree
            self._retry_at = time.monotonic() + RETRY_SECONDS
        if tree is not None:
            self._make_room()
        self._tell()

    def _look_at_others(self) -> None:
        others = self._folder.scan_others()
        with self._changed:
            self._others = others

    def _fail(self, error: OSError) -> None:
        """Off for now; what waits is given up."""
        with self._changed:
            self._failure = explain(error, self._folder.root)
            self._retry_at = time.monotonic() + RETRY_SECONDS
            self._tree.drop_all([one for one in self._tree if one.waiting])
            self._queue.clear()
            self._changed.notify_all()
        self._tell()

    def _tell(self) -> None:
        with self._reporting:
            self._report(self.stored)
