"""What a row of the library shows and offers, as a value made from a model of the shelf; no Qt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.chat.shelfrow import Place, Presence, ShelfRow
from app.chat.words import say_size
from app.core.errors import Failure
from app.core.fetching import Stage
from app.core.memory import Machine
from app.core.text import _
from app.ui.library.words import (
    explain_misfit,
    is_damaged,
    say_checked,
    say_facts,
    say_source,
    say_standing,
    say_transfer,
    share_of,
)

ON_ITS_WAY = frozenset({Presence.FETCHING, Presence.WAITING, Presence.QUEUED, Presence.PAUSED, Presence.STOPPED})
TOKEN = "TokenNeeded"
"""Kind of the failure that an access token mends."""


class Verb(StrEnum):
    """What can be done with a model."""

    USE = "use"
    DOWNLOAD = "download"
    GO_ON = "go on"
    PAUSE = "pause"
    GIVE_UP = "give up"
    MEND = "mend"
    LOOK = "look"
    DEFAULT = "default"
    GUESS = "guess"
    DETAILS = "details"
    VERIFY = "verify"
    REVEAL = "reveal"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Action:
    """A button."""

    verb: Verb
    words: str


@dataclass(frozen=True, slots=True)
class Line:
    """A sentence or a row of numbers under the name."""

    text: str
    token: str = "secondary"
    """Colour of the theme."""
    mark: str = ""
    """Colour of a dot before it; empty: none."""


@dataclass(frozen=True, slots=True)
class Face:
    """One row, ready to be drawn."""

    title: str
    standing: str = ""
    lines: tuple[Line, ...] = ()
    moving: str = ""
    """How far a download is."""
    share: float | None = None
    """For the bar; None: no bar."""
    alive: bool = False
    """Whether the bar moves at the moment."""
    actions: tuple[Action, ...] = ()
    first: bool = True
    """Whether the first of them is what a person most likely wants."""
    token: bool = False
    """Whether an access token is asked for."""

    @property
    def text(self) -> str:
        """All lines, for whoever has them read out."""
        return "\n".join([*(line.text for line in self.lines), *([self.moving] if self.moving else [])])


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a row is seen against."""

    machine: Machine | None
    now: datetime
    fitting: ShelfRow | None = None
    """The advised model, or another that fits."""
    reason: str = ""
    """Why it is advised."""
    mac: bool = False


def sort_rows(rows: Sequence[ShelfRow]) -> tuple[list[ShelfRow], list[ShelfRow], list[ShelfRow]]:
    """The installed ones, those on their way, and those to be had, the advised one first in each."""
    sections: tuple[list[ShelfRow], list[ShelfRow], list[ShelfRow]] = ([], [], [])
    for row in sorted(rows, key=lambda row: not row.advised):
        at = 1 if row.presence in ON_ITS_WAY else 2 if row.presence is Presence.AVAILABLE else 0
        sections[at].append(row)
    return sections


def draw_face(row: ShelfRow, around: Surroundings) -> Face:
    """A model as the library shows it."""
    transfer = row.transfer
    actions = offer(row, around)
    return Face(
        title=row.label,
        standing=say_standing(row),
        lines=tuple(_draw_lines(row, around)),
        moving=say_transfer(row),
        share=share_of(transfer),
        alive=bool(transfer) and row.presence in {Presence.FETCHING, Presence.INSTALLED, Presence.BROKEN},
        actions=actions,
        first=bool(actions) and actions[0].verb in FIRST and not (row.context == 0 and not row.draft),
        token=row.failure is not None and row.failure.kind == TOKEN,
    )


FIRST = frozenset({Verb.USE, Verb.DOWNLOAD, Verb.GO_ON, Verb.PAUSE, Verb.MEND, Verb.LOOK, Verb.GUESS})


def _draw_lines(row: ShelfRow, around: Surroundings) -> list[Line]:
    lines = [Line(row.good_for, "ink"), Line(say_facts(row, around.now)), Line(say_source(row))]
    if row.advised and around.reason and row.presence is Presence.AVAILABLE:
        lines.append(Line(around.reason, "ink"))
    if misfit := explain_misfit(row, around.machine, around.fitting):
        lines.append(Line(misfit, "ink", "warn"))
    if row.failure is not None:
        lines += draw_failure(row.failure, "warn" if row.presence is Presence.WAITING else "bad")
    elif checked := say_checked(row.checked):
        lines.append(Line(checked))
    return [line for line in lines if line.text]


def draw_failure(failure: Failure, mark: str = "bad") -> list[Line]:
    """What happened and what to do."""
    words = f"{failure.message} {failure.hint}".strip()
    return [Line(words, "ink", mark)]


def offer(row: ShelfRow, around: Surroundings) -> tuple[Action, ...]:
    """What can be done with a model, the likeliest first."""
    if row.transfer is not None and row.transfer.stage is Stage.MOVING:
        return ()
    if row.presence is Presence.AVAILABLE:
        words = _("Download ({size})").format(size=say_size(row.size)) if row.size else _("Download")
        return (Action(Verb.DOWNLOAD, words),)
    if row.presence in ON_ITS_WAY:
        return *_offer_coming(row.presence), Action(Verb.GIVE_UP, _("Give up…"))
    if row.presence is Presence.ABSENT:
        return (Action(Verb.LOOK, _("Look again")),)
    if row.presence is Presence.BROKEN:
        mend = [Action(Verb.MEND, _("Fetch what is damaged"))] if _is_mendable(row) else []
        return *mend, *_keep_house(row, around)
    return tuple(_offer_installed(row, around))


def _offer_coming(presence: Presence) -> list[Action]:
    if presence is Presence.PAUSED:
        return [Action(Verb.GO_ON, _("Continue"))]
    if presence is Presence.STOPPED:
        return [Action(Verb.GO_ON, _("Try again"))]
    again = [Action(Verb.GO_ON, _("Try now"))] if presence is Presence.WAITING else []
    return [Action(Verb.PAUSE, _("Pause")), *again]


def _offer_installed(row: ShelfRow, around: Surroundings) -> list[Action]:
    actions: list[Action] = []
    fits = row.context != 0
    if is_damaged(row.checked) and _is_mendable(row):
        actions.append(Action(Verb.MEND, _("Fetch what is damaged")))
    if row.draft:
        actions.append(Action(Verb.GUESS, _("Stop guessing ahead") if row.default else _("Let it guess ahead")))
    elif fits and not row.loaded:
        actions.append(Action(Verb.USE, _("Use")))
    if fits and not row.default and not row.draft:
        actions.append(Action(Verb.DEFAULT, _("Make default")))
    actions.append(Action(Verb.DETAILS, _("Details")))
    if row.place is Place.OWN and row.transfer is None:
        actions.append(Action(Verb.VERIFY, _("Verify")))
    return [*actions, *_keep_house(row, around)]


def _keep_house(row: ShelfRow, around: Surroundings) -> list[Action]:
    actions: list[Action] = []
    if row.folder and row.place is not Place.BUILT_IN:
        actions.append(Action(Verb.REVEAL, _("Show in Finder") if around.mac else _("Show in the file manager")))
    if row.place is Place.OWN:
        actions.append(Action(Verb.DELETE, _("Delete…")))
    return actions


def _is_mendable(row: ShelfRow) -> bool:
    return bool(row.repository) and row.place is Place.OWN and row.transfer is None
