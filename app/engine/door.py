"""The window's door: other starts of the app knock here, to raise the window or to ask through it.

A Unix socket in the data folder, for its owner alone. What a visitor wants is left in the inbox, because
only the thread that owns the desk may act on it; that thread never waits for a visitor either.
"""

import os
import queue
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from app.core.door import Reply, Request, decode_reply, decode_request, encode
from app.core.lines import Lines, LineTooLong
from app.engine.inbox import Inbox

PATH_LIMIT = 100
"""Bytes: a Unix socket's address holds 104 on macOS. A deeper folder's socket lies in a private
temporary folder, and a file in its place says where."""
HIDDEN_PREFIX, HIDDEN_NAME = "door-", "sock"
RECEIVE = 1 << 16


class Knock(msgspec.Struct, frozen=True):
    """What a visitor wants; None when it left."""

    visitor: "Visitor"
    request: Request | None


class Visitor:
    """One open connection, from the window's side: a thread listens, another one sends."""

    def __init__(self, sock: socket.socket, inbox: Inbox) -> None:
        self._sock, self._inbox = sock, inbox
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._sender = threading.Thread(target=self._send_all, name="visitor-sender", daemon=True)
        self._listener = threading.Thread(target=self._listen, name="visitor", daemon=True)

    @property
    def present(self) -> bool:
        """False once the connection is over."""
        return self._listener.is_alive()

    def receive(self) -> None:
        """Begin to listen."""
        self._sender.start()
        self._listener.start()

    def reply(self, reply: Reply) -> None:
        """Say something, at once; a visitor that has left is no matter."""
        self._outgoing.put(encode(reply) + b"\n")

    def dismiss(self) -> None:
        """Nothing more will be said: hang up when all is sent."""
        self._outgoing.put(None)

    def show_out(self) -> None:
        """Hang up now, and wait until that is done."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._listener.join()

    def _send_all(self) -> None:
        with suppress(OSError):
            while (line := self._outgoing.get()) is not None:
                self._sock.sendall(line)
            self._sock.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        lines = Lines()
        with self._sock, suppress(OSError, msgspec.DecodeError, LineTooLong):
            try:
                while data := self._sock.recv(RECEIVE):
                    for line in lines.feed(data):
                        self._inbox.put(Knock(self, decode_request(line)))
            finally:  # it has left, or it does not speak the language and is shown out
                self._inbox.put(Knock(self, None))
                with suppress(OSError):
                    self._sock.shutdown(socket.SHUT_RDWR)
                self._outgoing.put(None)
                self._sender.join()


class Door:
    """Listens until it is closed."""

    def __init__(self, address: Path, inbox: Inbox) -> None:
        self._address, self._inbox = address, inbox
        self._place = address
        self._sock = socket.socket(socket.AF_UNIX)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._welcome, name="door", daemon=True)
        self._visitors: list[Visitor] = []

    def open(self) -> None:
        """Start to listen; the window's lock is held, so what lies at the address is a dead process's."""
        _clear(self._address)
        if len(os.fsencode(self._address)) > PATH_LIMIT:
            self._place = _private_folder() / HIDDEN_NAME
            self._address.write_text(str(self._place), encoding="utf-8")
        self._sock.bind(str(self._place))
        self._place.chmod(0o600)  # nobody can have connected before: it does not listen yet
        self._sock.listen()
        self._thread.start()

    def shut(self) -> None:
        """Stop listening, so that nobody comes to a window that closes; who is here may stay. Again is fine."""
        if self._closing.is_set():
            return
        self._closing.set()
        if self._thread.is_alive():
            with suppress(OSError), socket.socket(socket.AF_UNIX) as knock:
                knock.connect(str(self._place))  # closing a socket does not wake a thread in accept() everywhere
            self._thread.join()
        self._sock.close()
        with suppress(OSError):
            _clear(self._address)

    def close(self) -> None:
        """Stop listening and hang up on everybody; again is fine."""
        self.shut()
        for visitor in self._visitors:
            visitor.show_out()

    def _welcome(self) -> None:
        while not self._closing.is_set():
            try:
                sock, _address = self._sock.accept()
            except OSError:  # the visitor was quicker than we, or there are too many
                if self._closing.wait(0.1):
                    return
                continue
            if self._closing.is_set():
                sock.close()
                return
            self._visitors = [visitor for visitor in self._visitors if visitor.present]
            visitor = Visitor(sock, self._inbox)
            visitor.receive()
            self._visitors.append(visitor)


class Guest:
    """The other side: a second start of the app, at an open window's door."""

    def __init__(self, address: Path) -> None:
        """Raises OSError where nobody listens."""
        self._sock = socket.socket(socket.AF_UNIX)
        try:
            self._sock.connect(str(_resolve(address)))
        except OSError:
            self._sock.close()
            raise

    def say(self, request: Request) -> None:
        """Send one request; raises OSError where the window is gone."""
        self._sock.settimeout(None)
        self._sock.sendall(encode(request) + b"\n")

    def hear(self, tick: float) -> Iterator[Reply | None]:
        """Replies until the window says no more or is gone, and None each time that `tick` seconds bring none."""
        lines = Lines()
        while True:
            self._sock.settimeout(tick)
            try:
                data = self._sock.recv(RECEIVE)
            except TimeoutError:
                yield None
                continue
            except OSError:
                return
            if not data:
                return
            for line in lines.feed(data):
                yield decode_reply(line)

    def leave(self) -> None:
        """Close the connection."""
        self._sock.close()


def _resolve(address: Path) -> Path:
    return Path(address.read_text(encoding="utf-8")) if address.is_file() else address


def _clear(address: Path) -> None:
    """Remove a socket, and the private folder that a file in its place names."""
    with suppress(OSError, ValueError):
        place = _resolve(address)
        if place != address and place.name == HIDDEN_NAME and place.parent.name.startswith(HIDDEN_PREFIX):
            place.unlink(missing_ok=True)
            place.parent.rmdir()
    address.unlink(missing_ok=True)


def _private_folder() -> Path:
    """A temporary folder whose name is short, whatever TMPDIR says."""
    usual = tempfile.gettempdir()
    short = len(os.fsencode(usual)) < PATH_LIMIT - 30
    return Path(tempfile.mkdtemp(prefix=HIDDEN_PREFIX, dir=usual if short else "/tmp"))  # noqa: S108 - the folder is private
