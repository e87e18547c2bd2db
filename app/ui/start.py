"""What the empty page offers while no real model is loaded: the choice, in numbers; no Qt."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.chat.changes import EngineView
from app.chat.shelfrow import Place, Presence, ShelfRow
from app.chat.words import say_size
from app.core.memory import gigabytes
from app.core.text import _
from app.ui.library.face import ON_ITS_WAY, Face, Line, Surroundings, Verb, draw_face, draw_failure
from app.ui.library.lines import NO_BREAK
from app.ui.library.sheet import is_usable
from app.ui.library.words import capitalise, say_fit, say_place
from app.ui.words import name_model

if TYPE_CHECKING:
    from app.chat.shelf import Shelf

MOST_FOUND = 2
"""Models of the disk that are offered at once; the library has the rest."""
BRIEF = frozenset({Verb.USE, Verb.DOWNLOAD, Verb.GO_ON, Verb.PAUSE})
STARTER = "starter"


@dataclass(frozen=True, slots=True)
class Choice:
    """The rows of the page, and a sentence above them."""

    sentence: str
    faces: tuple[tuple[str, Face], ...] = ()
    """Key and face of each, the likeliest first."""


def needs_choice(view: EngineView, chosen: str) -> bool:
    """Whether nobody has chosen a model yet, or the starter stands in for one."""
    if view.card is not None:
        return view.card.release == STARTER
    return not chosen


def make_choice(shelf: "Shelf", view: EngineView, around: Surroundings) -> Choice:
    """What to offer: what is on the disk first, then what is on its way, then what is advised."""
    rows = [row for row in shelf.rows if not row.draft and row.place is not Place.BUILT_IN]
    here = sorted((row for row in rows if is_usable(row) and not row.loaded), key=_rank)
    coming = [row for row in rows if row.presence in ON_ITS_WAY]
    advised = around.fitting if around.fitting and around.fitting.presence is Presence.AVAILABLE else None
    faces = [(row.key, _draw_here(row, around)) for row in here[:MOST_FOUND]]
    faces += [(row.key, _draw_coming(row, around)) for row in coming[:1]]
    if advised and advised.advised and not coming:
        faces.append((advised.key, _draw_advised(advised, around)))
    return Choice(_say_sentence(shelf, view, here, coming, faces), tuple(faces))


def _rank(row: ShelfRow) -> tuple[bool, bool, int]:
    return row.place is not Place.OWN, not row.advised, -(row.context or 0)


def _say_sentence(
    shelf: "Shelf",
    view: EngineView,
    here: Sequence[ShelfRow],
    coming: Sequence[ShelfRow],
    faces: Sequence[tuple[str, Face]],
) -> str:
    stand_in = name_model(view.card).replace(" ", NO_BREAK) if view.card else _("the starter")
    meanwhile = _("Until it is here, {model} answers, a small stand-in for trying the app.").format(model=stand_in)
    if here:
        words = _("A model is on this machine already.") if len(here) == 1 else _("Models are on this machine already.")
        meanwhile = _("Until you use one, {model} answers, a small stand-in.").format(model=stand_in)
    elif coming:
        words = _("You can ask already.")
    elif faces:
        words = _("Choose the model that thinks here; it is downloaded once.")
    elif not shelf.looked or shelf.machine is None:
        words = _("Looking for models on this machine…")
    else:
        words = _say_nothing_fits(shelf)
        meanwhile = _("{model} answers, a small stand-in for trying the app.").format(model=stand_in)
    return f"{words} {meanwhile}"


def _say_nothing_fits(shelf: "Shelf") -> str:
    """That no model has room here, in numbers."""
    needs = [row for row in shelf.rows if row.needed and not row.draft and row.place is not Place.BUILT_IN]
    smallest = min(needs, key=lambda row: row.needed, default=None)
    limit = gigabytes(shelf.machine.limit) if shelf.machine else ""
    if smallest is None:
        return _("This machine can give {limit} to a model.").format(limit=limit)
    return _("No model fits: {model} needs {needed} of memory, and this machine can give {limit}.").format(
        model=smallest.label, needed=gigabytes(smallest.needed), limit=limit
    )


def _draw_here(row: ShelfRow, around: Surroundings) -> Face:
    if row.place is Place.OWN:
        return _shorten(row, around, _("{model} is ready").format(model=row.label), [say_fit(row)])
    return _shorten(row, around, row.label, [say_place(row), say_size(row.size), say_fit(row)])


def _draw_coming(row: ShelfRow, around: Surroundings) -> Face:
    face = _shorten(row, around, row.label, [])
    if row.failure is None:
        return face
    mark = "warn" if row.presence is Presence.WAITING else "bad"
    return replace(face, lines=tuple(draw_failure(row.failure, mark)))


def _draw_advised(row: ShelfRow, around: Surroundings) -> Face:
    face = _shorten(row, around, row.label, [])
    lines = [Line(row.good_for, "ink"), Line(around.reason)]
    return replace(face, lines=tuple(line for line in lines if line.text))


def _shorten(row: ShelfRow, around: Surroundings, title: str, facts: Sequence[str]) -> Face:
    """The row as the library has it, with fewer words and fewer buttons."""
    face = draw_face(row, around)
    words = " · ".join(fact for fact in facts if fact)
    lines = (Line(capitalise(words)),) if words else ()
    actions = tuple(action for action in face.actions if action.verb in BRIEF)
    return replace(face, title=title, standing="", lines=lines, actions=actions, token=False)
