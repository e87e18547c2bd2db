"""The window's door: who may knock, what is heard, and that nobody keeps the window waiting."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.core.door import Ask, Document, Ended, Heard, Interrupt, RaiseWindow, Said
from app.core.messages import Kind, Part
from app.engine.door import PATH_LIMIT, Door, Guest, Knock
from app.engine.inbox import Inbox

DEADLINE = 10.0


@contextmanager
def open_door(address: Path) -> Iterator[Inbox]:
    inbox = Inbox()
    door = Door(address, inbox)
    door.open()
    try:
        yield inbox
    finally:
        door.close()
        door.close()


@contextmanager
def visiting(address: Path) -> Iterator[Guest]:
    guest = Guest(address)
    try:
        yield guest
    finally:
        guest.leave()


def next_knock(inbox: Inbox) -> Knock:
    assert inbox.wait(DEADLINE)
    knock = inbox._items.pop(0)
    assert isinstance(knock, Knock)
    return knock


def test_a_guest_is_heard_and_answered(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address) as inbox, visiting(address) as guest:
        guest.say(RaiseWindow())
        knock = next_knock(inbox)
        assert knock.request == RaiseWindow()
        knock.visitor.reply(Heard())
        assert next(guest.hear(DEADLINE)) == Heard()
        ask = Ask("Why?", [Document("a.txt", "text" * 100_000)], 5, 2**64 - 1)
        guest.say(ask)
        assert next_knock(inbox).request == ask
        guest.say(Interrupt())
        assert next_knock(inbox).request == Interrupt()
        knock.visitor.reply(Said([Part(Kind.TEXT, "Because.")]))
        knock.visitor.reply(Ended(1, "done", "", "Because."))
        knock.visitor.dismiss()
        assert [type(reply) for reply in guest.hear(DEADLINE)] == [Said, Ended]
        assert next_knock(inbox).request is None


def test_a_guest_that_leaves_is_noted(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address) as inbox:
        with visiting(address) as guest:
            guest.say(RaiseWindow())
            visitor = next_knock(inbox).visitor
        assert next_knock(inbox) == Knock(visitor, None)
        visitor.reply(Heard())
        visitor.dismiss()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b'{"type":"unknown"}\n', b"\xff\xfe\n", b"\n"])
def test_a_visitor_that_speaks_another_language_is_shown_out(tmp_path: Path, garbage: bytes) -> None:
    address = tmp_path / "door.sock"
    with open_door(address) as inbox:
        with closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.connect(str(address))
            sock.settimeout(DEADLINE)
            sock.sendall(garbage)
            assert sock.recv(100) == b""
        assert next_knock(inbox).request is None
        with visiting(address) as guest:
            guest.say(RaiseWindow())
            assert next_knock(inbox).request == RaiseWindow()


def test_the_socket_is_for_its_owner_alone_and_goes_with_the_door(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address):
        assert address.stat().st_mode & 0o777 == 0o600
    assert not address.exists()
    with pytest.raises(OSError, match="No such file"):
        Guest(address)


def test_a_deep_folder_has_its_socket_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 80) / ("e" * 80)
    deep.mkdir(parents=True)
    address = deep / "door.sock"
    assert len(os.fsencode(address)) > PATH_LIMIT
    with open_door(address) as inbox, visiting(address) as guest:
        place = Path(address.read_text())
        assert len(os.fsencode(place)) < PATH_LIMIT
        assert place.parent.stat().st_mode & 0o777 == 0o700
        guest.say(RaiseWindow())
        assert next_knock(inbox).request == RaiseWindow()
    assert not address.exists()
    assert not place.parent.exists()


def test_what_a_dead_window_left_is_no_obstacle(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with closing(socket.socket(socket.AF_UNIX)) as dead:
        dead.bind(str(address))
    with pytest.raises(ConnectionRefusedError):
        Guest(address)
    with open_door(address) as inbox, visiting(address) as guest:
        guest.say(RaiseWindow())
        assert next_knock(inbox).request == RaiseWindow()


def test_a_file_that_names_some_other_place_loses_nothing_there(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    address = tmp_path / "door.sock"
    address.write_text(str(precious))
    with open_door(address):
        pass
    assert precious.read_text() == "mine"


def test_closing_hangs_up_on_everybody(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address) as inbox:
        guests = [Guest(address) for _number in range(5)]
        for guest in guests:
            guest.say(RaiseWindow())
            next_knock(inbox)
    for guest in guests:
        assert list(guest.hear(DEADLINE)) == []
        guest.leave()


def test_a_visitor_that_does_not_read_keeps_nobody_waiting(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address) as inbox, visiting(address) as guest:
        guest.say(RaiseWindow())
        visitor = next_knock(inbox).visitor
        began = time.monotonic()
        for _number in range(100):
            visitor.reply(Said([Part(Kind.TEXT, "x" * 100_000)]))
        assert time.monotonic() - began < DEADLINE
        visitor.dismiss()


def test_a_guest_is_told_nothing_when_the_window_is_silent(tmp_path: Path) -> None:
    address = tmp_path / "door.sock"
    with open_door(address), visiting(address) as guest:
        assert next(guest.hear(0.01)) is None
