"""The rows of the model library, drawn from what lies on the disk, what is on its way, and the catalogue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from app.chat.downloads import Job
from app.chat.shelfrow import Advice, Place, Presence, ShelfRow, Transfer
from app.core.errors import Failure, ModelBroken
from app.core.fetching import FileChecked, FileCondition, Stage
from app.core.memory import Machine, Shape, plan
from app.core.text import _
from app.models.catalogue import (
    ENOUGH_CONTEXT,
    CatalogueRow,
    RowKind,
    advise,
    find_row,
    find_row_by_name,
    load_catalogue,
)
from app.models.finding import Found

STARTER = "starter"
"""Key of the model that comes with the app; it has no folder that anybody needs to know."""
ON_THE_WAY = (Presence.FETCHING, Presence.WAITING, Presence.QUEUED, Presence.PAUSED, Presence.STOPPED)


@dataclass(frozen=True, slots=True)
class Stock:
    """All that the rows are drawn from."""

    found: Sequence[Found] = ()
    jobs: Mapping[str, Job] = field(default_factory=dict)
    machine: Machine | None = None
    context: int | None = None
    """Tokens wanted at most."""
    default: str = ""
    """Folder of the model that is loaded at the start; empty for the starter."""
    draft: str = ""
    loaded: str | None = None
    """Folder, or STARTER, of the model in memory."""
    used: Mapping[str, float] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)
    """The key of a folder, where it is not the folder itself."""
    transfers: Mapping[str, Transfer] = field(default_factory=dict)
    """Comparisons under way, by folder."""
    checked: Mapping[str, tuple[FileChecked, ...]] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    """What went wrong with a model that is here, by folder."""


def draw_rows(stock: Stock) -> list[ShelfRow]:
    """What is installed, then what is on its way, then what is to be had; each in the order of the catalogue."""
    here = [_draw_found(stock, found) for found in stock.found]
    folders = {row.folder for row in here}
    here += [_draw_job(stock, job) for job in stock.jobs.values() if job.folder not in folders]
    own = {row.repository for row in here if row.place is Place.OWN or row.presence is Presence.INSTALLED}
    for row in load_catalogue():
        if row.kind is RowKind.STARTER:
            here.append(_draw_starter(stock, row))
        elif row.repository not in own:
            here.append(_draw_available(stock, row))
    order = {row.repository: number for number, row in enumerate(load_catalogue())}
    return sorted(here, key=lambda row: (_group(row), order.get(row.repository, len(order)), row.label.lower()))


def draw_advice(machine: Machine, rows: Sequence[ShelfRow]) -> Advice | None:
    """What is on the disk comes before a download of 14 GB, where a long thought has room in it."""
    for row in rows:
        known = find_row(row.repository)
        main = known is not None and known.kind is RowKind.MAIN and not row.draft
        if main and row.presence is Presence.INSTALLED and (row.context or 0) >= ENOUGH_CONTEXT:
            reason = _("It is on this machine already, and fits with {count} tokens of context.")
            return Advice(row.key, reason.format(count=f"{row.context:,}"))
    if (chosen := advise(machine, load_catalogue())) is None:
        return None
    key = next((row.key for row in rows if row.repository == chosen[0].repository), None)
    return Advice(key, chosen[2]) if key else None


def _group(row: ShelfRow) -> int:
    if row.presence in ON_THE_WAY:
        return 2
    return {Presence.INSTALLED: 0, Presence.AVAILABLE: 3}.get(row.presence, 1)


def _draw_found(stock: Stock, found: Found) -> ShelfRow:
    folder = str(found.folder)
    known = find_row(found.repository) or find_row_by_name(found.name)
    row = _describe(found.repository, found.name, known)
    row = replace(
        row,
        key=stock.keys.get(folder, folder),
        presence=Presence.INSTALLED,
        place=Place(found.place.value),
        folder=folder,
        size=found.size,
        licence=found.record.licence or row.licence if found.record else row.licence,
        draft=row.draft or "draft" in found.name.lower(),
        used=stock.used.get(folder),
        checked=stock.checked.get(folder, ()),
        loaded=stock.loaded == folder,
    )
    row = replace(row, default=folder == (stock.draft if row.draft else stock.default))
    if model := found.model:
        row = replace(row, bits=model.bits, proven=True)
        row = _measure(stock, row, model.shape, model.element_bytes)
    if job := stock.jobs.get(folder):
        return _lay_over(row, job, found)
    if found.unfinished and found.record:
        begun = Transfer(Stage.FETCHING, found.part_bytes, found.record.size)
        presence = Presence.FETCHING if found.busy else Presence.PAUSED
        row = _measure(stock, row, known.shape) if known else row
        failure = stock.failures.get(folder)
        return replace(row, presence=presence, size=found.record.size, transfer=begun, failure=failure)
    failure = stock.failures.get(folder) or found.failure or _say_damage(row)
    if found.failure:
        absent = found.failure.kind == "DiskAbsent"
        return replace(row, presence=Presence.ABSENT if absent else Presence.BROKEN, failure=failure)
    return replace(row, failure=failure, transfer=stock.transfers.get(folder))


def _say_damage(row: ShelfRow) -> Failure | None:
    """What the last comparison found, in a sentence."""
    bad = [file.name for file in row.checked if file.condition in (FileCondition.DAMAGED, FileCondition.MISSING)]
    if not bad:
        return None
    return ModelBroken(
        _("{count} of its files are damaged or missing: {names}.").format(count=len(bad), names=", ".join(bad[:3])),
        _("Download it again: only these files are fetched."),
    ).failure()


def _draw_job(stock: Stock, job: Job) -> ShelfRow:
    """A download of which nothing is on the disk yet."""
    known = find_row(job.order.repository)
    row = _describe(job.order.repository, job.order.repository.partition("/")[2], known)
    row = replace(row, key=stock.keys.get(job.folder, job.folder), place=Place.OWN, folder=job.folder)
    return _lay_over(_measure(stock, row, known.shape) if known else row, job, None)


def _lay_over(row: ShelfRow, job: Job, found: Found | None) -> ShelfRow:
    transfer = job.transfer
    if found and found.record and (transfer is None or not transfer.total):  # what was here before it began again
        transfer = Transfer(transfer.stage if transfer else Stage.FETCHING, found.part_bytes, found.record.size)
    size = (transfer.total if transfer and transfer.total else 0) or row.size
    return replace(row, presence=job.presence, transfer=transfer, failure=job.failure, size=size)


def _draw_starter(stock: Stock, known: CatalogueRow) -> ShelfRow:
    row = replace(
        _describe(known.repository, known.label, known),
        key=STARTER,
        presence=Presence.INSTALLED,
        place=Place.BUILT_IN,
        default=not stock.default,
        loaded=stock.loaded == STARTER,
        used=stock.used.get(STARTER),
    )
    return _measure(stock, row, known.shape)


def _draw_available(stock: Stock, known: CatalogueRow) -> ShelfRow:
    return _measure(stock, _describe(known.repository, known.label, known), known.shape)


def _describe(repository: str, name: str, known: CatalogueRow | None) -> ShelfRow:
    """A row with what the catalogue says."""
    row = ShelfRow(repository, name, Presence.AVAILABLE, Place.HUB, repository=repository)
    if known is None:
        return row
    return replace(
        row,
        label=known.label,
        repository=repository or known.repository,
        size=known.size,
        bits=known.bits,
        good_for=_(known.good_for),
        licence=known.licence,
        proven=known.proven,
        draft=known.kind is RowKind.DRAFT,
    )


def _measure(stock: Stock, row: ShelfRow, shape: Shape, element_bytes: int = 2) -> ShelfRow:
    """How much memory it takes on this machine, and how much context that leaves."""
    if stock.machine is None:
        return row
    fit = plan(stock.machine, shape, element_bytes=element_bytes, wanted=stock.context)
    return replace(row, needed=fit.needed, context=fit.context)
