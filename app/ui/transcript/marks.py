"""Marks in texts: a range carries a look, a badge's words and an action."""

from collections.abc import Callable
from dataclasses import dataclass

from app.ui.transcript.page import Mark
from app.ui.transcript.section import Section


@dataclass(frozen=True, slots=True)
class Range:
    """A stretch of a text that means something."""

    section: Section
    start: int
    end: int
    fill: str = ""
    """Token of the colour under it."""
    underline: bool = False
    ink: str = "accent"
    """Token of the underline."""
    badge: str = ""
    """Token of the dot at its end: how it stands with what is marked."""
    tip: str = ""
    """What is said of it under the mouse."""
    action: Callable[[], None] | None = None
    """What a click does."""


class Ranges:
    """All marks, by what put them there: each kind is replaced as a whole."""

    def __init__(self) -> None:
        self._kinds: dict[str, list[Range]] = {}

    def put(self, kind: str, ranges: list[Range]) -> list[Section]:
        """Replace the marks of a kind; the texts that look otherwise now."""
        before = self._kinds.get(kind, [])
        self._kinds[kind] = ranges
        sections = {id(one.section): one.section for one in (*before, *ranges)}
        for section in sections.values():
            self.show(section)
        return list(sections.values())

    def show(self, section: Section) -> None:
        """Give the rows of a text their marks; they may be other rows than before."""
        ranges = [one for kind in self._kinds.values() for one in kind if one.section is section]
        for row in section.rows:
            block = row.block
            marks = tuple(
                Mark(max(one.start, block.start), min(one.end, block.end), one.fill, one.underline, one.ink, one.badge)
                for one in ranges
                if one.start < block.end and one.end > block.start
            )
            if marks != row.marks:
                row.marks = marks

    def holds(self, section: Section) -> bool:
        """Whether anything in a text is marked."""
        return any(one.section is section for kind in self._kinds.values() for one in kind)

    def at(self, section: Section, offset: int) -> Range | None:
        """The mark at a place that says or does something."""
        for kind in self._kinds.values():
            for one in kind:
                if one.section is section and one.start <= offset < one.end and (one.tip or one.action):
                    return one
        return None

    def clear(self) -> None:
        """Forget all marks: their texts are gone."""
        self._kinds.clear()
