"""What `models` prints: tables for people, or one JSON object."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from app.chat.shelf import Shelf
from app.chat.shelfrow import Place, Presence, ShelfRow, Transfer
from app.chat.stock import ON_THE_WAY
from app.chat.words import say_about, say_size
from app.cli.page import CLEAR_LINE
from app.core.fetching import FileCondition, Stage
from app.core.protocol import ModelCard
from app.core.releases import Thinking
from app.core.text import _, plural
from app.models.record import Record


class ModelPage:
    """One command's output; with `json` nothing but one object at the end."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._live = sys.stderr.isatty() and not json
        self._shown = False
        self._told = ""
        """What a download waits for, where that was said."""

    def show_rows(self, shelf: Shelf, rows: Sequence[ShelfRow]) -> None:
        """A table of models, and which is advised here."""
        if self._json:
            self._print(
                {"machine": shelf.machine, "advice": shelf.advice, "folder": str(shelf.folder), "models": list(rows)}
            )
            return
        lines = [_describe_row(row) for row in rows]
        heads = (_("model"), _("size"), _("here"), _("state"), _("name"))
        widths = [max(len(line[column]) for line in (heads, *lines)) for column in range(len(heads) - 1)]
        for line in (heads, *lines):
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
            print("  ".join([*cells, line[-1]]))
        if shelf.absent:
            self.note(f"{shelf.absent.message} {shelf.absent.hint}")
        if advice := shelf.advice:
            row = shelf.row(advice.key)
            label = row.label if row else advice.key
            print(f"\n{_('Advised here: {label}.').format(label=label)} {advice.reason}")

    def show_result(self, row: ShelfRow | None, sentence: str = "", **more: object) -> None:
        """What a command came to."""
        if self._json:
            self._print({"model": row, **more})
        elif sentence:
            print(sentence)

    def show_check(self, row: ShelfRow) -> None:
        """What the comparison of its files found."""
        bad = [file for file in row.checked if file.condition in (FileCondition.DAMAGED, FileCondition.MISSING)]
        if not self._json:
            words = {
                FileCondition.WHOLE: _("whole"),
                FileCondition.DAMAGED: _("damaged"),
                FileCondition.MISSING: _("missing"),
                FileCondition.UNKNOWN: _("nothing to compare it with"),
            }
            for file in row.checked:
                print(f"{words[file.condition]:<10}  {file.name}")
        whole = plural("{count} file, and it is whole.", "{count} files, none of them damaged.", len(row.checked))
        self.show_result(row, "" if bad else whole, whole=not bad)

    def show_card(self, row: ShelfRow | None, card: ModelCard, record: Record | None) -> None:
        """Everything that is known of a model."""
        if self._json:
            self._print({"model": row, "card": card, "verified": record.verified if record else None})
            return
        for name, text in _describe_card(row, card, record):
            print(f"{name:<18}{text}")
        for remark in card.remarks:
            print(f"\n{remark.text}" + (f"\n  {remark.hint}" if remark.hint else ""))

    def show_transfer(self, row: ShelfRow | None, transfer: Transfer | None = None) -> None:
        """How far a download is, on one line that vanishes; where nobody looks only what it waits for, once."""
        if row is None:
            return
        told = transfer or row.transfer
        waits = row.failure.message if row.presence is Presence.WAITING and row.failure else ""
        if not self._live:
            if waits and waits != self._told:
                self._told = waits
                print(waits, file=sys.stderr)
        elif waits:
            self._show(waits)
        elif told:
            self._show(_say_transfer(told))

    def note(self, sentence: str) -> None:
        """Something the person should know."""
        self.end_progress()
        print(sentence, file=sys.stderr)

    def end_progress(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
            self._shown = False

    def _show(self, words: str) -> None:
        sys.stderr.write(CLEAR_LINE + words)
        sys.stderr.flush()
        self._shown = True

    def _print(self, described: dict[str, Any]) -> None:
        print(msgspec.json.encode(described).decode())


def _describe_row(row: ShelfRow) -> tuple[str, str, str, str, str]:
    fits = _("fits with {count} tokens").format(count=f"{row.context:,}") if row.context else _("does not fit")
    if row.context is None or row.draft:
        fits = ""
    return (row.label, say_size(row.size), fits, say_state(row), row.repository or row.folder)


def say_state(row: ShelfRow) -> str:
    """A row's state in a few words."""
    words = {
        Presence.INSTALLED: _("installed"),
        Presence.AVAILABLE: _("to be had") if row.proven else _("to be had, not proven"),
        Presence.FETCHING: _("downloading"),
        Presence.WAITING: _("waiting for the hub"),
        Presence.QUEUED: _("queued"),
        Presence.PAUSED: _("paused"),
        Presence.STOPPED: _("stopped"),
        Presence.ABSENT: _("disk not connected"),
        Presence.BROKEN: _("cannot be used"),
    }
    where = {
        Place.HUGGING_FACE: _("Hugging Face cache"),
        Place.LM_STUDIO: _("LM Studio"),
        Place.NAMED: _("named folder"),
        Place.BUILT_IN: _("comes with the app"),
    }
    said = [words[row.presence]]
    if row.presence in ON_THE_WAY and row.transfer and row.transfer.total:
        said[0] += f" {row.transfer.done * 100 // row.transfer.total} %"
    if row.presence is Presence.INSTALLED and row.place in where:
        said[0] = where[row.place]
    if row.default:
        said.append(_("guesses ahead") if row.draft else _("default"))
    return ", ".join(said)


def _say_transfer(transfer: Transfer) -> str:
    words: dict[Stage, Callable[[], str]] = {
        Stage.LISTING: lambda: _("Asking the hub"),
        Stage.CHECKING: lambda: _("Checking"),
        Stage.FETCHING: lambda: _("Downloading"),
        Stage.MOVING: lambda: _("Moving"),
    }
    said = words[transfer.stage]()
    if not transfer.total:
        return f"{said}…"
    said = _("{what}: {done} of {total}").format(
        what=said, done=say_size(transfer.done), total=say_size(transfer.total)
    )
    if transfer.rate:
        said += _(", {rate} a second").format(rate=say_size(int(transfer.rate)))
    if transfer.seconds is not None:
        said += _(", {time} left").format(time=say_about(transfer.seconds))
    return said


def _describe_card(row: ShelfRow | None, card: ModelCard, record: Record | None) -> list[tuple[str, str]]:
    sources = {
        "file": _("the model's own file"),
        "template": _("the model's own template"),
        "official": _("its makers' repository"),
        "ours": _("this app's own words"),
        "none": _("none"),
    }
    thinking = {
        Thinking.CONTROL: lambda: _("between control tokens"),
        Thinking.TAGS: lambda: _("between tags of plain text"),
        Thinking.OPENED: lambda: _("opened and closed by the app"),
        "": lambda: _("none"),
    }
    if record is None or not record.verified:
        checked = _("not compared with the hub")
    else:
        checked = plural("{count} file compared with the hub", "{count} files compared with the hub", len(record.files))
    bits = _("{bits}-bit").format(bits=card.bits) if card.bits else _("full precision")
    if card.group_size:
        bits += _(", groups of {size}").format(size=card.group_size)
    fits = _("{count} tokens of {own}").format(count=f"{card.context:,}", own=f"{card.own_context:,}")
    return [
        (_("model"), row.label if row else card.name),
        (_("folder"), card.folder),
        (_("release"), card.release),
        (_("architecture"), card.architecture),
        (_("weights"), f"{bits}, {say_size(card.weights_bytes)}"),
        (_("on the disk"), say_size(card.files_bytes)),
        (_("memory"), _("{size} at least").format(size=say_size(card.needed_bytes))),
        (_("context here"), fits if card.context else _("does not fit this machine")),
        (_("thinking"), thinking[card.thinking]()),
        (_("reasoning prompt"), sources.get(card.prompt_source, card.prompt_source)),
        (_("files"), checked),
    ]
