"""`models`: the model library from a terminal; it does what the window's does, by the same shelf."""

import argparse
import getpass
import sys
from collections.abc import Callable
from pathlib import Path

from app.chat.shelfrow import Place, Presence, ShelfRow
from app.chat.stock import ON_THE_WAY, STARTER
from app.cli.ending import STOPPED
from app.cli.library import Library
from app.cli.modelname import choose_row, find_rows
from app.cli.modelpage import ModelPage
from app.core.errors import AppError, EngineHeld, UsageError
from app.core.fetching import FileCondition
from app.core.text import _
from app.engine.probe import examine_model
from app.models.naming import parse_repository
from app.models.record import read_record
from app.store.files import check_folder

DONE, FAILED = 0, 1
BUSY = (Presence.FETCHING, Presence.WAITING, Presence.QUEUED)


def models(arguments: argparse.Namespace, root: Path) -> int:
    """Obey one subcommand; the exit status. Raises AppError with what to do."""
    check_folder(root)
    page = ModelPage(json=arguments.json)
    with Library(root) as library:
        library.look()
        return DEEDS[arguments.deed](library, page, arguments)


def _list(library: Library, page: ModelPage, _arguments: argparse.Namespace) -> int:
    library.meet_machine()
    page.show_rows(library.shelf, library.shelf.rows)
    return DONE


def _find(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """What is on the disk; folders that are named are remembered."""
    for folder in arguments.folder:
        library.shelf.add_folder(str(folder.absolute()))
    library.look()
    library.meet_machine()
    page.show_rows(library.shelf, [row for row in library.shelf.rows if _is_here(row)])
    return DONE


def _download(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """Fetch a model and show how far it is; Ctrl+C pauses."""
    shelf = library.shelf
    row = choose_row(shelf.rows, arguments.name, _is_own) if find_rows(shelf.rows, arguments.name) else None
    if row and row.presence is Presence.INSTALLED and row.place is not Place.OWN:
        raise UsageError(
            _("{label} is on this machine already, {folder}.").format(
                label=row.label, folder=row.folder or _("built in")
            ),
            _("Use it where it is: models use “{name}”").format(name=arguments.name),
        )
    if row and row.presence is Presence.FETCHING:
        raise EngineHeld(
            _("{label} is being downloaded by another window or terminal.").format(label=row.label),
            _("Pause it there first."),
        )
    name = row.repository if row else parse_repository(arguments.name)
    folder = row.folder if row and row.folder else str(shelf.folder / name)
    shelf.download(row.key if row else name, _read_token() if arguments.token else "")
    if not library.run(lambda: not _is_busy(shelf.row(folder)), lambda: page.show_transfer(shelf.row(folder))):
        shelf.pause(folder)
        library.settle()
        page.note(_("Paused. Go on with it: models download {name}").format(name=name))
        page.show_result(shelf.row(folder))
        return STOPPED
    page.end_progress()
    library.look()
    now = shelf.row(folder)
    page.show_result(
        now, _("{label} is here: {folder}").format(label=now.label, folder=folder) if now and not now.failure else ""
    )
    return _end(now)


def _verify(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """Compare the files with what the hub said of them; 1 where one is not as it should be."""
    shelf = library.shelf
    row = choose_row(shelf.rows, arguments.name, _is_here)
    shelf.verify(row.key)
    library.check()

    if not library.run(lambda: not shelf.checks(row.folder), lambda: page.show_transfer(shelf.row(row.key))):
        raise KeyboardInterrupt
    page.end_progress()
    now = shelf.row(row.key)
    if now is None or (now.failure and not now.checked):
        return _end(now)
    page.show_check(now)
    bad = (FileCondition.DAMAGED, FileCondition.MISSING)
    return FAILED if any(file.condition in bad for file in now.checked) else DONE


def _card(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """What a worker of its own says of a model, without loading it."""
    shelf = library.shelf
    known = find_rows(shelf.rows, arguments.name)
    row = None if not known and Path(arguments.name).is_dir() else choose_row(shelf.rows, arguments.name, _is_here)
    if row and not _is_here(row):
        raise UsageError(
            _("{label} is not on this machine yet.").format(label=row.label),
            _("Download it first: models download {name}").format(name=row.repository),
        )
    if row and row.key == STARTER:
        raise UsageError(_("The starter comes with the app; there is no more to say about it."))
    folder = Path(row.folder if row else arguments.name).absolute()
    card = examine_model(library.places.worker_log, library.places.root, folder)
    shelf.meet(card.machine)
    page.show_card(row, card, read_record(folder))
    return DONE


def _delete(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """Delete a downloaded model, after a word about where it goes."""
    shelf = library.shelf
    row = choose_row(shelf.rows, arguments.name, _is_own)
    if row.default and (window := library.window()):
        raise EngineHeld(
            _("The open window (process {pid}) uses {label}.").format(pid=window.pid, label=row.label),
            _("Delete it there, or close it first."),
        )
    begun = row.presence in ON_THE_WAY
    trash = shelf.trash and not begun
    if row.place is Place.OWN and not arguments.yes:
        where = _("It goes to the Trash.") if trash else _("It is gone for good: there is no Trash for it.")
        _confirm(_("Delete {label}, {folder}? {where}").format(label=row.label, folder=row.folder, where=where))
    shelf.delete(row.key)
    library.settle()
    library.look()
    now = next((each for each in shelf.rows if each.folder == row.folder), None)
    if now and now.failure:
        page.show_result(now)
        return _end(now)
    gone = _("{label} is in the Trash.") if trash else _("{label} is deleted.")
    page.show_result(row, gone.format(label=row.label), deleted=now is None, trash=trash)
    return DONE


def _use(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """Make a model the one that is loaded at the start; a folder may be named that is not known yet."""
    shelf = library.shelf
    if not find_rows(shelf.rows, arguments.name) and Path(arguments.name).is_dir():
        shelf.add_folder(str(Path(arguments.name).absolute()))
        library.look()
    row = choose_row(shelf.rows, arguments.name, _is_here)
    shelf.set_default(row.key)
    library.check()
    if library.window():
        page.note(_("The open window has it from its next start; choose it there to have it now."))
    said = _("{label} guesses ahead from now on.") if row.draft else _("{label} is loaded from now on.")
    page.show_result(shelf.row(row.key), said.format(label=row.label))
    return DONE


def _move(library: Library, page: ModelPage, arguments: argparse.Namespace) -> int:
    """Bring all downloads to another folder."""
    shelf, target = library.shelf, arguments.folder.absolute()
    if window := library.window():
        raise EngineHeld(
            _("A window (process {pid}) is open, and may use what would be moved.").format(pid=window.pid),
            _("Move them there, or close it first."),
        )
    if target == shelf.folder:
        raise UsageError(_("The downloads lie in {folder} already.").format(folder=target))
    shelf.move(str(target))

    def show() -> None:
        page.show_transfer(shelf.rows[0], shelf.moving)

    if not library.run(lambda: shelf.folder == target, show):
        page.note(_("Stopped. What was moved is there, the rest where it was; to go on, say it again."))
        return STOPPED
    page.end_progress()
    library.look()
    page.show_result(
        None, _("Downloads are in {folder} from now on.").format(folder=target), folder=str(target), models=shelf.rows
    )
    return DONE


DEEDS: dict[str, Callable[[Library, ModelPage, argparse.Namespace], int]] = {
    "list": _list,
    "find": _find,
    "download": _download,
    "verify": _verify,
    "card": _card,
    "delete": _delete,
    "use": _use,
    "move": _move,
}


def _end(row: ShelfRow | None) -> int:
    """The status of a command that came to this; raises what is wrong with the row."""
    if row and row.failure:
        raise AppError.of(row.failure)
    return DONE


def _is_here(row: ShelfRow) -> bool:
    return row.place is not Place.HUB and row.presence is not Presence.AVAILABLE


def _is_own(row: ShelfRow) -> bool:
    return row.place is Place.OWN


def _is_busy(row: ShelfRow | None) -> bool:
    return row is not None and row.presence in BUSY


def _confirm(question: str) -> None:
    """Ask, where somebody can answer; raises UsageError where nobody can, KeyboardInterrupt where they will not."""
    if not sys.stdin.isatty():
        raise UsageError(question, _("Say --yes to do it."))
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in (_("y"), _("yes")):
        raise KeyboardInterrupt


def _read_token() -> str:
    """The token, from where nobody else can read it: not from the command line."""
    if sys.stdin.isatty():
        return getpass.getpass(_("Token: ")).strip()
    return sys.stdin.readline().strip()
