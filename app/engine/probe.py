"""Asks a worker of its own, which loads nothing, what the engine computes on here."""

import socket
from pathlib import Path

import msgspec

from app.core.lines import Lines, LineTooLong
from app.core.protocol import VERSION, Describe, Described, Hello, decode_event, encode
from app.engine.spawn import spawn_worker

SECONDS_LIMIT = 60


def describe_engine(log: Path) -> Described | None:
    """The worker's own description of the machine, None where it does not start; waits for it."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                process = spawn_worker(None, theirs.fileno(), log)
        except OSError:
            return None
        try:
            ours.settimeout(SECONDS_LIMIT)
            ours.sendall(encode(Hello(VERSION)) + b"\n" + encode(Describe()) + b"\n")
            lines = Lines()
            while data := ours.recv(1 << 16):
                for line in lines.feed(data):
                    if isinstance(event := decode_event(line), Described):
                        return event
        except (OSError, msgspec.DecodeError, LineTooLong):
            return None
        finally:
            process.kill()
            process.wait()
    return None
