"""One window per data folder, also while one of them closes."""

import threading
from pathlib import Path

import pytest

from app.chat.changes import RaiseAsked
from app.chat.desk import Desk
from app.chat.opening import open_window_desk
from app.core.errors import EngineHeld, StoreFailed
from app.core.places import Places
from app.engine.door import Door, Knock
from app.engine.inbox import Inbox
from app.engine.lock import Lock, this_process
from tests import double
from tests.chat.desks import scene


def test_a_start_while_the_window_closes_opens_the_next_one(tmp_path: Path) -> None:
    opened: list[Desk | None] = []
    with scene(tmp_path, window=True, deaf=True, answers=[[{"say": "A word."}, {"hang": True}]]) as play:
        play.send()
        play.until_text("A word.")
        worker = double.command(tmp_path)
        second = threading.Thread(target=lambda: opened.append(open_window_desk(tmp_path / "data", worker)))
        second.start()
        inbox = play.desk.inbox
        with inbox._filled:  # it knocks, and nobody looks into the inbox any more
            assert inbox._filled.wait_for(lambda: any(isinstance(item, Knock) for item in inbox._items), 10)
        play.desk.close()
        second.join()
    (desk,) = opened
    assert desk is not None
    desk.close()
    assert not any(isinstance(change, RaiseAsked) for change in play.changes)


def test_a_window_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.opening.DOOR_SECONDS", 0.2)
    places = Places(tmp_path)
    lock, door = Lock(places.window_lock, this_process("desktop")), Door(places.door, Inbox())
    assert lock.acquire() is None
    door.open()
    try:
        with pytest.raises(EngineHeld, match="does not answer"):
            open_window_desk(tmp_path)
        places.window_lock.write_text("")
        with pytest.raises(EngineHeld, match=r"^An open window holds"):
            open_window_desk(tmp_path)
    finally:
        door.close()
        lock.release()


def test_a_door_that_cannot_open_is_told_and_nothing_is_held(tmp_path: Path) -> None:
    (tmp_path / "door.sock" / "inside").mkdir(parents=True)
    with pytest.raises(StoreFailed, match="cannot be used"):
        open_window_desk(tmp_path)
    assert Lock(Places(tmp_path).window_lock, this_process("desktop")).holder() is None
