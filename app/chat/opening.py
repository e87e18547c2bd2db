"""Putting a desk together: one data folder's store, engine, preferences and inbox."""

import time
from collections.abc import Sequence
from pathlib import Path

from app.chat.desk import Desk
from app.chat.log import keep_log
from app.core.door import RaiseWindow
from app.core.errors import EngineHeld
from app.core.owner import Owner
from app.core.places import Places
from app.core.text import _
from app.engine.client import Engine
from app.engine.door import Door, Guest
from app.engine.inbox import Inbox
from app.engine.lock import Lock, is_alive, make_folder, this_process
from app.store.preferences import Preferences
from app.store.store import Store

DOOR_SECONDS = 5.0
"""How long a window that starts or ends at this moment may take to open its door or leave its lock."""


def open_desk(root: Path, role: str, worker: Sequence[str] | None = None) -> Desk:
    """A desk on a data folder, its database opening in the background and its engine not started yet.

    `worker` is another command line for the engine. Raises StoreFailed where the folder cannot be written.
    """
    make_folder(root)
    return _make_desk(root, this_process(role), worker)


def open_window_desk(root: Path, worker: Sequence[str] | None = None) -> Desk | None:
    """The one desk with a window; None where another window was open and has been raised instead.

    Its door is open and its lock held until `close`. Raises StoreFailed, or EngineHeld where another
    window holds the folder and does not answer.
    """
    make_folder(root)
    places, owner = Places(root), this_process("desktop")
    lock = Lock(places.window_lock, owner)
    if not _become_the_window(places, lock):
        return None
    desk = _make_desk(root, owner, worker)
    end_log = keep_log(places.desktop_log, desk.inbox.put)
    door = Door(places.door, desk.inbox)
    door.open()
    desk.at_close(door.close, lock.release, end_log)
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
        try:
            guest = Guest(places.door)
        except OSError:
            if time.monotonic() > deadline:
                raise EngineHeld(
                    _("An open window (process {pid}) holds the data folder and does not answer.").format(
                        pid=holder.pid
                    ),
                    _("Close it, then start again."),
                ) from None
            time.sleep(0.05)
            continue
        guest.say(RaiseWindow())
        next(guest.hear(DOOR_SECONDS), None)
        guest.leave()
        return False
    return True
