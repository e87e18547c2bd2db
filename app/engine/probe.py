"""Asks a worker of its own, which loads nothing, what the engine computes on here, or what lies in a folder."""

import socket
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import msgspec

from app.core.errors import AppError, EngineStopped
from app.core.lines import Lines, LineTooLong
from app.core.protocol import (
    VERSION,
    Command,
    Describe,
    Described,
    Event,
    Examine,
    Examined,
    Failed,
    Hello,
    ModelCard,
    decode_event,
    encode,
)
from app.core.text import _
from app.engine.spawn import spawn_worker

SECONDS_LIMIT = 60
REQUEST = 1


def describe_engine(log: Path) -> Described | None:
    """The worker's own description of the machine, None where it does not start; waits for it."""
    with closing(_ask(log, Describe())) as events:
        return next((event for event in events if isinstance(event, Described)), None)


def examine_model(log: Path, data: Path, folder: Path) -> ModelCard:
    """What the worker says about a model's folder, without loading it; waits for it.

    Raises what a load would raise, and EngineStopped where the worker does not answer.
    """
    with closing(_ask(log, Examine(REQUEST, str(data), str(folder)))) as events:
        for event in events:
            match event:
                case Examined(card=card):
                    return card
                case Failed(failure=failure):
                    raise AppError.of(failure)
    raise EngineStopped(
        _("The engine did not say what lies in {folder}.").format(folder=folder),
        _("The log of the engine says why: {log}.").format(log=log),
    )


def _ask(log: Path, command: Command) -> Generator[Event]:
    """What a worker says after one command, until it ends or is wanted no more; nothing where it does not start."""
    ours, theirs = socket.socketpair()
    with ours:
        try:
            with theirs:
                process = spawn_worker(None, theirs.fileno(), log)
        except OSError:
            return
        try:
            ours.settimeout(SECONDS_LIMIT)
            ours.sendall(encode(Hello(VERSION)) + b"\n" + encode(command) + b"\n")
            lines = Lines()
            while data := ours.recv(1 << 16):
                yield from map(decode_event, lines.feed(data))
        except (OSError, msgspec.DecodeError, LineTooLong):
            return
        finally:
            process.kill()
            process.wait()
