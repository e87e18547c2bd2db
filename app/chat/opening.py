"""Putting a desk together: one data folder's store, engine, preferences and inbox."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from app.chat.desk import Desk
from app.chat.log import keep_log
from app.core.door import Heard, RaiseWindow
from app.core.errors import EngineHeld
from app.core.lines import LineTooLong
from app.core.owner import Owner
from app.core.places import Places
from app.core.text import _
from app.engine.client import Engine
from app.engine.door import Door, Guest
from app.engine.inbox import Inbox
from app.engine.lock import Lock, is_alive, this_process
from app.store.failures import explain
from app.store.files import check_folder
from app.store.preferences import Preferences
from app.store.store import Store

DOOR_SECONDS = 5.0
"""How long a window that starts or ends at this moment may take to open its door or leave its lock."""


def open_desk(root: Path, role: str, worker: Sequence[str] | None = None) -> Desk:
    """A desk on a data folder, its database opening in the background and its engine not started yet.

    `worker` is another command line for the engine. Raises StoreFailed where the folder cannot be written.
    """
    check_folder(root)
    return _make_desk(root, this_process(role), worker)


def open_window_desk(root: Path, worker: Sequence[str] | None = None) -> Desk | None:
    """The one desk with a window; None where another window was open and has been raised instead.

    Its door is open and its lock held until `close`. Raises StoreFailed, or EngineHeld where another
    window holds the folder and does not answer.
    """
    check_folder(root)
    places, owner = Places(root), this_process("desktop")
    lock = Lock(places.window_lock, owner)
    try:
        if not _become_the_window(places, lock):
            return None
    except OSError as error:
        raise explain(error, root) from error
    desk = _make_desk(root, owner, worker)
    desk.keep_drafts()
    end_log = keep_log(places.desktop_log, desk.inbox.put)
    door = Door(places.door, desk.inbox)
    desk.at_close(door.shut, door.close, lock.release, end_log)
    try:
        door.open()
    except OSError as error:
        desk.close()
        raise explain(error, root) from error
    desk.shelf.open()
    return desk


def _make_desk(root: Path, owner: Owner, worker: Sequence[str] | None) -> Desk:
    places, inbox = Places(root), Inbox()
    store = Store(root, owner, is_alive, inbox.put)
    store.start()
    return Desk(places, store, Engine(places, inbox, owner, worker), inbox, Preferences(root))


def _become_the_window(places: Places, lock: Lock) -> bool:
    """Take the window's lock, or raise the window that has it; whether we are the window now."""
    deadline = time.monotonic() + DOOR_SECONDS
    while (holder := lock.acquire()) is not None:
        if _raise_window(places.door, deadline):
            return False
        if time.monotonic() > deadline:
            raise EngineHeld(
                _("{holder} holds the data folder and does not answer.").format(holder=name_window(holder)),
                _("Close it, then start again."),
            )
        time.sleep(0.05)
    return True


def _raise_window(door: Path, deadline: float) -> bool:
    """Whether a window comes forward; one that closes at this moment, or of another version, does not."""
    try:
        guest = Guest(door)
    except (OSError, ValueError):
        return False
    try:
        guest.say(RaiseWindow())
        return isinstance(next(guest.hear(max(0.1, deadline - time.monotonic())), None), Heard)
    except (OSError, msgspec.DecodeError, LineTooLong):
        return False
    finally:
        guest.leave()


def name_window(holder: Owner) -> str:
    """An open window as the subject of a sentence; for a moment its process is not known."""
    if not holder.pid:
        return _("An open window")
    return _("An open window (process {pid})").format(pid=holder.pid)
