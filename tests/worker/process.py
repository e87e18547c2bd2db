"""The real worker process, with a test in the desktop's place."""

import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from app.core.lines import Lines
from app.core.messages import Sampling
from app.core.protocol import (
    VERSION,
    Command,
    Event,
    Finished,
    Generate,
    Hello,
    Load,
    Loaded,
    Turn,
    Welcome,
    decode_event,
    encode,
)
from app.engine.spawn import spawn_worker

HANGS = 60
"""Seconds after which a silent worker fails the test; nothing is expected to take as long."""
GREEDY = Sampling(temperature=0.0, top_p=1.0)
AnyEvent = TypeVar("AnyEvent", bound=Event)


class Desk:
    """One end of the socket pair; the other is the worker's."""

    def __init__(self, process: "subprocess.Popen[bytes]", sock: socket.socket, log: Path) -> None:
        self.process, self.sock, self.log = process, sock, log
        self.heard: list[Event] = []
        """All events since the last `forget`, oldest first."""
        self._lines, self._waiting = Lines(), list[Event]()

    def send(self, *commands: Command) -> None:
        self.sock.sendall(b"".join(encode(command) + b"\n" for command in commands))

    def listen(self) -> Event | None:
        """The next event; None when the worker hung up."""
        while not self._waiting:
            try:
                data = self.sock.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return None
            self._waiting += map(decode_event, self._lines.feed(data))
        event = self._waiting.pop(0)
        self.heard.append(event)
        return event

    def until(self, kind: type[AnyEvent], that: Callable[[AnyEvent], bool] = lambda _event: True) -> AnyEvent:
        """Listen up to the first event of that kind."""
        while (event := self.listen()) is not None:
            if isinstance(event, kind) and that(event):
                return event
        raise AssertionError(f"no {kind.__name__}; {self.heard[-3:]}; {self.log.read_text(encoding='utf-8')[-2000:]}")

    def of(self, kind: type[AnyEvent]) -> list[AnyEvent]:
        return [event for event in self.heard if isinstance(event, kind)]

    def forget(self) -> None:
        self.heard.clear()

    def load(self, folder: Path | None, data: Path) -> Loaded:
        self.send(Load(str(data), str(folder) if folder else None, 4096))
        return self.until(Loaded)

    def finish(self, request: int) -> Finished:
        return self.until(Finished, lambda event: event.request == request)

    def end(self) -> int:
        """How the worker ends; it must do so by itself."""
        while self.listen() is not None:
            pass
        return self.process.wait(HANGS)


def ask(request: int, *turns: Turn, max_tokens: int = 20, **fields: object) -> Generate:
    return Generate(request, list(turns), sampling=GREEDY, max_tokens=max_tokens, **fields)  # type: ignore[arg-type]


@contextmanager
def running(log: Path, *, hello: int = VERSION, other: Sequence[str] | None = None) -> Iterator[Desk]:
    """A worker, or `other` in its place, that has been greeted; ended at the latest with the block."""
    ours, theirs = socket.socketpair()
    with ours:
        ours.settimeout(HANGS)
        with theirs:
            process = spawn_worker(other, theirs.fileno(), log)
        try:
            desk = Desk(process, ours, log)
            desk.send(Hello(hello))
            assert desk.until(Welcome).pid == process.pid
            yield desk
        finally:
            process.kill()
            process.wait()
