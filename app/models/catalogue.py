"""The models that the library offers: rows of resources/models.toml, and which of them suits a machine."""

import tomllib
from collections.abc import Sequence
from enum import StrEnum
from functools import cache

import msgspec

from app.core.memory import Machine, Plan, Shape, gigabytes, plan
from app.core.releases import architecture
from app.core.roles import SOURCE
from app.core.text import _

ENOUGH_CONTEXT = 16_384
"""Tokens with which a long thought and its answer have room; with fewer a smaller model serves better."""


class RowKind(StrEnum):
    """What a model of the catalogue is there for."""

    MAIN = "main"
    SMALL = "small"
    """For machines on which the main ones have no room."""
    DRAFT = "draft"
    """Only guesses ahead for another."""
    STARTER = "starter"
    """Comes with the app."""


class CatalogueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One model of the catalogue."""

    repository: str
    """owner/name on the hub."""
    label: str
    release: str
    """Key of a row of core/releases.py."""
    shape: Shape
    bits: int
    size: int
    """Bytes to be fetched."""
    computed: bool
    """Whether the size is computed and not published."""
    context: int
    """Tokens it was made for."""
    licence: str
    official: str
    """The makers' own repository."""
    good_for: str
    """A sentence, in the language of the source; shown through `_`."""
    proven: bool
    """Whether the repository is known to exist and to be whole."""
    kind: RowKind


class _Written(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A row as the file has it."""

    repository: str
    label: str
    release: str
    shape: str
    bits: int
    size: int
    context: int
    licence: str
    official: str
    good_for: str
    proven: bool
    kind: RowKind
    computed: bool = False

    def row(self) -> CatalogueRow:
        values = {name: getattr(self, name) for name in self.__struct_fields__ if name != "shape"}
        return CatalogueRow(**values, shape=architecture(self.shape).shape(self.bits))


@cache
def load_catalogue() -> tuple[CatalogueRow, ...]:
    """All rows, best first."""
    written = tomllib.loads((SOURCE / "resources/models.toml").read_text(encoding="utf-8"))
    return tuple(each.row() for each in msgspec.convert(written["model"], list[_Written]))


def find_row(repository: str) -> CatalogueRow | None:
    """The row of a repository; on the hub two names never differ in case alone."""
    return next((row for row in load_catalogue() if row.repository.lower() == repository.lower()), None)


def find_row_by_name(name: str) -> CatalogueRow | None:
    """The row of which the repository has this name, whoever owns it: for a folder that somebody moved."""
    return next((row for row in load_catalogue() if row.repository.partition("/")[2].lower() == name.lower()), None)


def advise(machine: Machine, rows: Sequence[CatalogueRow]) -> tuple[CatalogueRow, Plan, str] | None:
    """The row that suits a machine best, how it fits, and why in a sentence; None where not one fits.

    The first main model with room for a long thought, else the small one, else the first that fits at all.
    """
    planned = [(row, fit) for row in rows if row.proven and (fit := plan(machine, row.shape)).fits]
    mains = [each for each in planned if each[0].kind is RowKind.MAIN]
    for row, fit in mains:
        if fit.context >= ENOUGH_CONTEXT:
            return row, fit, _say_main(machine, fit)
    for row, fit in planned:
        if row.kind is RowKind.SMALL:
            return row, fit, _say_small(rows, machine, fit)
    rest = [*mains, *(each for each in planned if each[0].kind is RowKind.STARTER)]
    return next(((row, fit, _say_last(row, machine, fit)) for row, fit in rest), None)


def _say_main(machine: Machine, fit: Plan) -> str:
    said = _(
        "It fits this machine with {count} tokens of context: the newest release, in the smallest of "
        "the forms that are known to work."
    ).format(count=f"{fit.context:,}")
    return said if machine.device != "cpu" else f"{said} {_('Without a GPU it will be very slow.')}"


def _say_small(rows: Sequence[CatalogueRow], machine: Machine, fit: Plan) -> str:
    """Why not the first main model, in numbers."""
    main = next((row for row in rows if row.kind is RowKind.MAIN and row.proven), None)
    said = _("It fits this machine with {count} tokens of context.").format(count=f"{fit.context:,}")
    if main is None:
        return said
    larger = plan(machine, main.shape)
    if larger.fits:
        why = _("{model} would have room for {count} only, too few for a long thought.").format(
            model=main.label, count=f"{larger.context:,}"
        )
    else:
        why = _("{model} needs {needed} of memory, and this machine can give {limit}.").format(
            model=main.label, needed=gigabytes(larger.needed), limit=gigabytes(larger.limit)
        )
    return f"{said} {why}"


def _say_last(row: CatalogueRow, machine: Machine, fit: Plan) -> str:
    if row.kind is RowKind.STARTER:
        return _("Only the starter fits: this machine can give {limit} to a model.").format(
            limit=gigabytes(machine.limit)
        )
    return _("It fits this machine, but only with {count} tokens of context.").format(count=f"{fit.context:,}")
