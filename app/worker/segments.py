"""Saved stretches of prefixes as a tree, which finds those that together are the longest prefix of some ids.

A segment holds the cache rows of some ids that come after those of its parent. A child may begin anywhere in
its parent, because a changed question or a dropped thought leaves a line in the middle of a segment. Shared
segments may be used by every chat and hang on shared ones only; private ones belong to one chat.
"""

import hashlib
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from app.worker.segmentfile import Packed, Precision

ID_BYTES = 4
ROWS = 512
"""Rows of a segment at most: what is lost when one is damaged, and written at once."""
LOSSLESS = frozenset({Precision.EXACT, Precision.CANONICAL})


def pack_ids(ids: Sequence[int]) -> bytes:
    """Ids as bytes, which are compared far faster than lists."""
    return array("I", ids).tobytes()


def unpack_ids(packed: bytes) -> list[int]:
    """What `pack_ids` was given."""
    return array("I", packed).tolist()


def count_common(one: bytes, other: bytes) -> int:
    """How many ids two packed lists begin with in common."""
    low, high = 0, min(len(one), len(other)) // ID_BYTES
    while low < high:
        middle = (low + high + 1) // 2
        if one[low * ID_BYTES : middle * ID_BYTES] == other[low * ID_BYTES : middle * ID_BYTES]:
            low = middle
        else:
            high = middle - 1
    return low


def key_of(parent: str, start: int, ids: bytes, session: int | None, precision: Precision) -> str:
    """The name of a segment: it says all that its rows depend on, and whose they are."""
    said = f"{parent}:{start}:{'' if session is None else session}:{precision.value}:".encode()
    return hashlib.sha256(said + ids).hexdigest()[:32]


@dataclass(slots=True, eq=False)
class Segment:
    """Rows `start` to `end` of a sequence; it says where they are, not what they are."""

    key: str
    parent: str
    """Key of the segment that holds the rows before these, empty for a beginning."""
    start: int
    ids: bytes
    session: int | None
    """The chat that it belongs to; None: shared."""
    precision: Precision
    size: int
    """Bytes of its file."""
    used: float = 0.0
    """Wall time of its last use; a chain's parents are at least as new as their children."""
    touched: float = 0.0
    """The last use that its file knows of."""
    waiting: Packed | None = None
    """Its content until its file is written."""

    @property
    def end(self) -> int:
        """One past its last row."""
        return self.start + len(self.ids) // ID_BYTES

    @property
    def name(self) -> str:
        """Its file's name: whose it is can be told without opening it."""
        owner = "shared" if self.session is None else str(self.session)
        return f"{owner}-{self.start}-{self.key}.safetensors"


@dataclass(frozen=True, slots=True)
class Link:
    """What one segment gives to a chain: its rows up to `end`."""

    segment: Segment
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """The longest known prefix of some ids. A value: it stays as it is while the tree changes."""

    links: tuple[Link, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows it has; 0 where nothing is known."""
        return self.links[-1].end if self.links else 0

    @property
    def lossless(self) -> bool:
        """Whether no row of it was ever rounded on the disk."""
        return all(link.segment.precision is not Precision.ROUNDED for link in self.links)


@dataclass(slots=True)
class Tree:
    """All segments of one model."""

    segments: dict[str, Segment] = field(default_factory=dict)
    _children: dict[str, dict[str, Segment]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments.values())

    def holds(self, segment: Segment) -> bool:
        """Whether it is still here; another one with the same key is not it."""
        return self.segments.get(segment.key) is segment

    def add(self, segment: Segment) -> bool:
        """Take a segment in; False where its parent is not here or cannot be its parent."""
        parent = self.segments.get(segment.parent)
        if segment.parent:
            if parent is None or not parent.start < segment.start <= parent.end:
                return False
            if parent.session not in (None, segment.session):
                return False
            if segment.precision is Precision.CANONICAL and parent.precision is not Precision.CANONICAL:
                return False
        elif segment.start:
            return False
        self.segments[segment.key] = segment
        self._children.setdefault(segment.parent, {})[segment.key] = segment
        return True

    def drop(self, segment: Segment) -> list[Segment]:
        """Take out a segment and all that hang on it; which these are, the children first."""
        if not self.holds(segment):
            return []
        dropped = [segment]
        for one in dropped:
            dropped += self._children.pop(one.key, {}).values()
            del self.segments[one.key]
        siblings = self._children[segment.parent]
        del siblings[segment.key]
        if not siblings:
            del self._children[segment.parent]
        return dropped[::-1]

    def drop_all(self, segments: Iterable[Segment]) -> list[Segment]:
        """Take out some segments and all that hang on them."""
        return [dropped for segment in list(segments) for dropped in self.drop(segment)]

    def find(
        self, ids: bytes, session: int | None, *, precisions: Collection[Precision] = frozenset(Precision)
    ) -> Found:
        """The longest chain whose ids are a prefix of these; of equally long ones a lossless one.

        It consists of shared segments and of the session's own, and only of such with one of these precisions.
        """
        best: tuple[int, bool] = (0, False)
        last: Segment | None = None
        left = [(segment, True) for segment in self._children.get("", {}).values()]
        while left:
            segment, lossless = left.pop()
            if segment.session not in (None, session) or segment.precision not in precisions:
                continue
            at = segment.start * ID_BYTES
            rows = segment.start + count_common(ids[at : at + len(segment.ids)], segment.ids)
            if rows == segment.start:
                continue
            lossless = lossless and segment.precision is not Precision.ROUNDED
            if (rows, lossless) > best:
                best, last = (rows, lossless), segment
            left += [(child, lossless) for child in self._children.get(segment.key, {}).values() if child.start <= rows]
        links: list[Link] = []
        end = best[0]
        while last is not None:
            links.append(Link(last, end))
            end, last = last.start, self.segments.get(last.parent)
        return Found(tuple(links[::-1]))

    def leaves(self) -> Iterator[Segment]:
        """The segments on which no other hangs."""
        return filter(self.is_leaf, self)

    def is_leaf(self, segment: Segment) -> bool:
        """Whether no other segment hangs on this one."""
        return segment.key not in self._children

    def useless(self) -> list[Segment]:
        """The shared segments on which no chat's own segment hangs any more."""
        needed: set[str] = set()
        for segment in self:
            above: Segment | None = segment if segment.session is not None else None
            while above is not None and above.key not in needed:
                needed.add(above.key)
                above = self.segments.get(above.parent)
        return [segment for segment in self if segment.key not in needed]


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be written next of a line."""

    before: Found
    """The rows before it."""
    end: int
    session: int | None
    precision: Precision

    @property
    def start(self) -> int:
        """Its first row."""
        return self.before.rows


def next_part(
    tree: Tree, ids: bytes, session: int, *, shared: Sequence[int], canonical: int, precision: Precision
) -> Part | None:
    """The first stretch of a line that is not kept as it should be; None where all of it is.

    Rows before the last of `shared` must be shared ones, so many `canonical` rows must be kept as such, and all
    others with this precision or a better one.
    """
    whole = len(ids) // ID_BYTES
    common, canonical = min(max(shared, default=0), whole), min(canonical, whole)
    enough = frozenset(Precision) if precision is Precision.ROUNDED else LOSSLESS
    only = frozenset({Precision.CANONICAL})
    for end, owner, precisions in (
        (min(common, canonical), None, only),
        (common, None, enough),
        (canonical, session, only),
        (whole, session, enough),
    ):
        before = tree.find(ids[: end * ID_BYTES], owner, precisions=precisions)
        if before.rows < end:
            edges = (*shared, canonical, before.rows + ROWS, end)
            stop = min(edge for edge in edges if edge > before.rows)
            return Part(before, stop, owner, Precision.CANONICAL if precisions is only else precision)
    return None
