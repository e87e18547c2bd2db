"""A model of the shelf in words; no Qt."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from app.chat.shelfrow import Place, Presence, ShelfRow, Transfer
from app.chat.words import GIGABYTE, MEGABYTE, say_about, say_gigabytes, say_size
from app.core.fetching import FileChecked, FileCondition, Stage
from app.core.memory import Machine, gigabytes
from app.core.text import _, plural

KILOBYTE = 1_000
WEEK = 7
MOST_NAMES = 3
"""Files that are named before the rest is only counted."""


def say_facts(row: ShelfRow, now: datetime) -> str:
    """The line of numbers: "4-bit · 14.1 GB on disk · needs 13.3 GB · fits with 49,046 tokens of context here"."""
    facts = [_("{bits}-bit").format(bits=row.bits) if row.bits else ""]
    if row.size:
        here = row.presence in {Presence.INSTALLED, Presence.ABSENT, Presence.BROKEN}
        words = _("{size} on disk") if here else _("{size} to download")
        facts.append(words.format(size=say_size(row.size)))
    if row.draft:
        facts.append(_("guesses ahead for another model"))
    else:
        if row.needed:
            facts.append(_("needs {size} of memory").format(size=gigabytes(row.needed)))
        facts.append(say_fit(row))
    if row.used:
        facts.append(say_used(row.used, now))
    return " · ".join(fact for fact in facts if fact)


def say_fit(row: ShelfRow) -> str:
    """How much context there is room for; empty while the machine is not known."""
    if row.context is None:
        return ""
    if not row.context:
        return _("does not fit here")
    return plural("fits with {count} token of context here", "fits with {count} tokens of context here", row.context)


def explain_misfit(row: ShelfRow, machine: Machine | None, fitting: ShelfRow | None) -> str:
    """Why a model cannot be loaded here, in numbers, and which one can; empty where it can."""
    if row.context != 0 or row.draft:
        return ""
    if machine is None:
        words = _("It needs {needed} of memory, more than this machine can give.").format(needed=gigabytes(row.needed))
    else:
        words = _("It needs {needed} of memory; this machine can give {limit}.").format(
            needed=gigabytes(row.needed), limit=gigabytes(machine.limit)
        )
    if fitting is None or fitting.key == row.key:
        return words
    return f"{words} {_('{model} fits.').format(model=fitting.label)}"


def say_used(used: float, now: datetime) -> str:
    """When it was loaded last: "last used yesterday"."""
    day = datetime.fromtimestamp(used, tz=now.tzinfo).date()
    days = (now.date() - day) / timedelta(days=1)
    if days < 1:
        return _("last used today")
    if days < 2:
        return _("last used yesterday")
    if days < WEEK:
        return _("last used {count} days ago").format(count=int(days))
    return _("last used on {day}").format(day=day.isoformat())


def say_place(row: ShelfRow) -> str:
    """Where it lies or comes from: "in LM Studio’s folder, used in place"."""
    return {
        Place.OWN: _("in your folder of downloads"),
        Place.HUGGING_FACE: _("in the Hugging Face cache, used in place"),
        Place.LM_STUDIO: _("in LM Studio’s folder, used in place"),
        Place.NAMED: _("in {folder}, used in place").format(folder=name_folder(Path(row.folder).parent)),
        Place.BUILT_IN: _("comes with the app"),
        Place.HUB: row.repository,
    }[row.place]


def say_source(row: ShelfRow) -> str:
    """Where it lies or comes from, under which licence, and whether anybody has seen it work."""
    where = say_place(row) if row.place is Place.HUB else capitalise(say_place(row))
    facts = [where, row.licence, "" if row.proven else _("not proven to work")]
    return " · ".join(fact for fact in facts if fact)


def capitalise(words: str) -> str:
    """The words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def say_standing(row: ShelfRow) -> str:
    """What a model is at the moment: "loaded · default"."""
    words = [
        _("loaded") if row.loaded else "",
        (_("guesses ahead") if row.draft else _("default")) if row.default else "",
        _("advised") if row.advised and row.presence is Presence.AVAILABLE else "",
    ]
    return " · ".join(word for word in words if word)


def say_amount(done: int, total: int) -> str:
    """How much of how much: "4.2 of 14.1 GB"."""
    if total >= GIGABYTE:
        return _("{done} of {total} GB").format(done=f"{done / GIGABYTE:.1f}", total=say_gigabytes(total))
    return _("{done} of {total} MB").format(done=round(done / MEGABYTE), total=max(1, round(total / MEGABYTE)))


def say_rate(rate: float) -> str:
    """Bytes per second as people read them: "52 MB/s"."""
    if rate >= 10 * MEGABYTE:
        return _("{rate} MB/s").format(rate=round(rate / MEGABYTE))
    if rate >= MEGABYTE / 10:
        return _("{rate} MB/s").format(rate=f"{rate / MEGABYTE:.1f}")
    return _("{rate} kB/s").format(rate=max(1, round(rate / KILOBYTE)))


def say_transfer(row: ShelfRow) -> str:
    """How far a download, a comparison or a move is; empty where there is none."""
    transfer = row.transfer
    amount = say_amount(transfer.done, transfer.total) if transfer and transfer.total else ""
    standing = {
        Presence.QUEUED: _("Waits for the download before it"),
        Presence.WAITING: _("Waits for the hub"),
        Presence.PAUSED: _("Paused"),
        Presence.STOPPED: _("Stopped"),
    }.get(row.presence, "")
    if standing:
        return _join(standing, amount if transfer and transfer.done else "")
    if transfer is None:
        return _("Beginning…") if row.presence is Presence.FETCHING else ""
    stage = {
        Stage.LISTING: _("Reading the list of files…"),
        Stage.CHECKING: _("Checking"),
        Stage.MOVING: _("Moving"),
    }.get(transfer.stage, "")
    return _join(stage, amount if transfer.stage is not Stage.LISTING else "", *_say_pace(transfer))


def say_briefly(row: ShelfRow) -> str:
    """The same where there is little room: "30 % · about 3 min left"."""
    share, transfer = share_of(row.transfer), row.transfer
    if row.presence is not Presence.FETCHING or share is None or transfer is None:
        return say_transfer(row)
    return _join(f"{share:.0%}", *_say_pace(replace(transfer, rate=0.0)))


def _say_pace(transfer: Transfer) -> list[str]:
    pace = [say_rate(transfer.rate)] if transfer.rate and transfer.stage is Stage.FETCHING else []
    if transfer.seconds is not None and transfer.seconds >= 1:
        pace.append(_("{time} left").format(time=say_about(transfer.seconds)))
    return pace


def share_of(transfer: Transfer | None) -> float | None:
    """How much of it is done, from 0 to 1; None where that is not known."""
    if transfer is None or not transfer.total:
        return None
    return min(1.0, transfer.done / transfer.total)


def say_checked(checked: Sequence[FileChecked]) -> str:
    """What the last comparison of a model's files found; empty where there was none."""
    if not checked:
        return ""
    bad = [one.name for one in checked if one.condition in {FileCondition.DAMAGED, FileCondition.MISSING}]
    unknown = sum(one.condition is FileCondition.UNKNOWN for one in checked)
    if bad:
        names = ", ".join(bad[:MOST_NAMES])
        rest = len(bad) - MOST_NAMES
        if rest > 0:
            names = _("{names} and {count} more").format(names=names, count=rest)
        return _("{bad} of {count} files are damaged or missing: {names}.").format(
            bad=len(bad), count=len(checked), names=names
        )
    if unknown == len(checked):
        return _("There is nothing to compare its files with.")
    whole = len(checked) - unknown
    words = plural("{count} file is as the hub has it.", "{count} files are as the hub has them.", whole)
    if not unknown:
        return words
    others = plural("{count} has nothing to be compared with.", "{count} have nothing to be compared with.", unknown)
    return f"{words} {others}"


def is_damaged(checked: Sequence[FileChecked]) -> bool:
    """Whether the last comparison found a file that is damaged or missing."""
    return any(one.condition in {FileCondition.DAMAGED, FileCondition.MISSING} for one in checked)


def name_folder(path: Path) -> str:
    """A folder as people write it: below their own with a tilde."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path != home and path.is_relative_to(home) else str(path)


def _join(*words: str) -> str:
    return " · ".join(word for word in words if word)
