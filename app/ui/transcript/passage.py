"""Where the pieces of a text stand in its document, and what a stretch of the document holds of them."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.markup.block import Display, Listing, Paragraph, Piece, Run, Runs, Table


def units(text: str) -> int:
    """How long a text is to Qt, which counts in units of UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def characters(text: str, count: int) -> int:
    """How many characters of a text the first units of UTF-16 hold."""
    if text.isascii():
        return min(count, len(text))
    return len(text.encode("utf-16-le", "surrogatepass")[: 2 * max(0, count)].decode("utf-16-le", "ignore"))


@dataclass(frozen=True, slots=True)
class Segment:
    """A run in the document."""

    start: int
    end: int
    run: Run
    shown: bool = True
    """False for a formula that stands as one object or as its source: it is taken as a whole."""
    tip: str = ""
    """Why a formula is shown as its source."""

    def source(self, position: int) -> int:
        """The place in the block's Markdown for a place in this run."""
        run = self.run
        if position <= self.start:
            return run.at
        if position >= self.end:
            return run.at + run.length
        if not self.shown:
            middle = (self.start + self.end) / 2
            return run.at if position < middle else run.at + run.length
        within = characters(run.text, position - self.start)
        return min(run.at + run.length, run.at + self._lead + within)

    def place(self, offset: int) -> int:
        """The place in the document for a place in the block's Markdown that lies in this run."""
        run = self.run
        if offset <= run.at:
            return self.start
        if offset >= run.at + run.length:
            return self.end
        if not self.shown:
            return self.start if offset - run.at < run.length / 2 else self.end
        within = min(len(run.text), max(0, offset - run.at - self._lead))
        return self.start + units(run.text[:within])

    @property
    def _lead(self) -> int:
        """Markup before the characters: as much as after them, as backticks and asterisks go in pairs."""
        return max(0, (self.run.length - len(self.run.text)) // 2)


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table in the document; row 0 is the head."""

    row: int
    column: int
    start: int
    end: int
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece in the document."""

    piece: Piece
    start: int
    end: int
    segments: Sequence[Segment] = ()
    cells: Sequence[Cell] = ()


class Passage:
    """All pieces of a document, in order."""

    def __init__(self, parts: Sequence[Part], segments: Sequence[Segment]) -> None:
        self.parts, self.segments = parts, segments
        self._starts = [segment.start for segment in segments]
        self._offsets: list[int] | None = None

    def segment_at(self, position: int) -> Segment | None:
        """The run that holds the character after a place."""
        index = bisect_right(self._starts, position) - 1
        if index < 0 or position >= self.segments[index].end:
            return None
        return self.segments[index]

    def source_at(self, position: int) -> int:
        """The place in the block's Markdown nearest to a place in the document."""
        index = bisect_right(self._starts, position) - 1
        if index >= 0:
            return self.segments[index].source(position)
        return self.segments[0].run.at if self.segments else 0

    def position_of(self, offset: int) -> int:
        """The place in the document nearest to a place in the block's Markdown."""
        if self._offsets is None:
            self._offsets = [segment.run.at for segment in self.segments]
        index = bisect_right(self._offsets, offset) - 1
        if index >= 0:
            return self.segments[index].place(offset)
        return self.segments[0].start if self.segments else 0

    def cut(self, start: int, end: int) -> tuple[Piece, ...]:
        """The pieces between two places; words inside one paragraph come without its marker or heading."""
        touched = [part for part in self.parts if part.start < end and part.end > start]
        pieces = [piece for part in touched for piece in _trimmed(part, start, end)]
        if len(pieces) == 1 and isinstance(pieces[0], Paragraph):
            part, piece = touched[0], pieces[0]
            if part.start < start or part.end > end:
                return (replace(piece, heading=0, depth=0, quotes=0, marker=""),)
        return tuple(pieces)


def _trimmed(part: Part, start: int, end: int) -> Iterator[Piece]:
    piece = part.piece
    if start <= part.start and end >= part.end:
        yield piece
    elif isinstance(piece, Paragraph):
        yield replace(piece, runs=_runs(part.segments, start, end))
    elif isinstance(piece, Listing):
        first, last = (characters(piece.text, place - part.start) for place in (max(start, part.start), end))
        yield replace(piece, text=piece.text[first:last])
    elif isinstance(piece, Table):
        yield _rows(part, piece, start, end)
    elif not isinstance(piece, Display) or part.start < end:
        yield piece


def _rows(part: Part, table: Table, start: int, end: int) -> Piece:
    """The rows touched, with the head; of a single cell its words."""
    cells = [cell for cell in part.cells if cell.start <= end and cell.end >= start]
    words = [cell for cell in cells if cell.start < end and cell.end > start]
    if len(cells) == 1 or len(words) <= 1:
        cell = (words or cells)[0]
        return Paragraph(_runs(cell.segments, start, end))
    rows = {cell.row for cell in cells}
    return replace(table, rows=tuple(row for number, row in enumerate(table.rows, 1) if number in rows))


def _runs(segments: Sequence[Segment], start: int, end: int) -> Runs:
    kept: list[Run] = []
    for segment in segments:
        if segment.start >= end or segment.end <= start:
            continue
        run = segment.run
        if segment.shown:
            first = characters(run.text, start - segment.start) if start > segment.start else 0
            last = characters(run.text, end - segment.start) if end < segment.end else len(run.text)
            run = run if (first, last) == (0, len(run.text)) else replace(run, text=run.text[first:last])
        kept.append(run)
    return tuple(kept)
