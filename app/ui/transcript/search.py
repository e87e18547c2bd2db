"""Finding in all texts of a conversation, folded ones too."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from app.markup.finding import find
from app.ui.transcript.section import Section


class Hit(NamedTuple):
    """A place that was found."""

    section: Section
    start: int
    end: int


class Search:
    """What is looked for, where it was found, and which of the places is shown."""

    def __init__(self) -> None:
        self.wanted = ""
        self.hits: list[Hit] = []
        self.at = -1
        """The hit that is shown; -1 for none."""

    def look(self, wanted: str, sections: Sequence[Section]) -> None:
        """Find something in texts; the hit that is shown stays where it can."""
        shown = self.shown
        self.wanted = wanted
        self.hits = (
            [Hit(section, *place) for section in sections for place in find(section.source, wanted)] if wanted else []
        )
        self.at = self.hits.index(shown) if shown in self.hits else -1

    @property
    def shown(self) -> Hit | None:
        """The hit that is shown."""
        return self.hits[self.at] if 0 <= self.at < len(self.hits) else None

    def begin_at(self, order: Sequence[Section], section: Section | None, offset: int) -> None:
        """Show the first hit from a place on, else the first of all."""
        ranks = {id(one): rank for rank, one in enumerate(order)}
        here = (ranks.get(id(section), 0), offset)
        at = bisect_left(self.hits, here, key=lambda hit: (ranks[id(hit.section)], hit.start))
        self.at = (at if at < len(self.hits) else 0) if self.hits else -1

    def step(self, by: int) -> None:
        """Go to the next hit or the one before, round and round."""
        if self.hits:
            self.at = (self.at + by) % len(self.hits) if self.at >= 0 else 0
