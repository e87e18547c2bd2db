"""Parts and generations as columns."""

import sqlite3
import struct
from collections.abc import Iterable
from itertools import chain, groupby

import msgspec

from app.core.messages import Generation, Kind, Part
from app.core.text import mend


def columns_of(part: Part) -> tuple[str, str, str, bytes]:
    """A part as kind, name, text and ids."""
    ids = struct.pack(f"<{len(part.ids)}I", *part.ids)
    return part.kind.value, mend(part.name), mend(part.text), ids


def part_of(kind: str, name: str, text: str, ids: bytes) -> Part:
    """The part that `columns_of` wrote."""
    return Part(Kind(kind), text, struct.unpack(f"<{len(ids) // 4}I", ids), name)


def fold(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Join the pieces an answer was written in: a piece continues the one before where their kind is the same."""
    folded = []
    for (kind, name), run in groupby(parts, key=lambda part: (part.kind, part.name)):
        pieces = list(run)
        ids = tuple(chain.from_iterable(piece.ids for piece in pieces))
        folded.append(Part(kind, "".join(piece.text for piece in pieces), ids, name))
    return tuple(folded)


def fields_of(generation: Generation) -> dict[str, object]:
    """A generation's columns by name; what is no number or word goes in as JSON."""
    failure = generation.failure
    return msgspec.structs.asdict(generation) | {
        "sampling": msgspec.json.encode(generation.sampling).decode(),
        "seed": _seed_column(generation.seed),
        "failure": None if failure is None else msgspec.json.encode(failure).decode(),
    }


def generation_of(row: sqlite3.Row) -> Generation:
    """The generation that `fields_of` wrote."""
    fields = dict(row) | {
        "sampling": msgspec.json.decode(row["sampling"]),
        "seed": None if row["seed"] is None else int(row["seed"]),
        "failure": None if row["failure"] is None else msgspec.json.decode(row["failure"]),
    }
    return msgspec.convert(fields, Generation)


def _seed_column(seed: int | None) -> int | str | None:
    """SQLite's integers end at 2^63; a greater seed is written as text."""
    return seed if seed is None or seed < 1 << 63 else str(seed)
