"""How wide the columns of a table are."""

from collections.abc import Callable, Sequence

from app.markup.block import Runs, Table

Widths = tuple[float, ...]
Measure = Callable[[Runs, bool], tuple[float, float]]
"""The width of a cell on one line and that of its longest word; whether it stands in the head."""


def columns(table: Table, room: float, air: float, measure: Measure) -> Widths:
    """Widths from what stands in the columns, `air` included; together no wider than the room."""
    natural = [0.0] * len(table.head)
    least = [0.0] * len(table.head)
    for head, row in ((True, table.head), *((False, row) for row in table.rows)):
        for column, runs in enumerate(row[: len(natural)]):
            whole, word = measure(runs, head)
            natural[column] = max(natural[column], whole + air)
            least[column] = max(least[column], word + air)
    return share(natural, least, room)


def share(natural: Sequence[float], least: Sequence[float], room: float) -> Widths:
    """Give every column what it wants, else its longest word and a part of the rest, else a part of the room."""
    if sum(natural) <= room:
        return tuple(natural)
    wanted, needed = sum(natural), sum(least)
    if needed >= room:
        return tuple(width * room / needed for width in least)
    rest = (room - needed) / (wanted - needed)
    return tuple(low + (high - low) * rest for low, high in zip(least, natural, strict=True))
