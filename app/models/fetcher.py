"""The fetcher role: the only one that may open an internet socket. It carries out one order, and ends.

Nobody asks it to pause or to stop: its process is ended, and what is on the disk stays good for the next one.
"""

import os
import socket
import sys
import threading
import traceback
from pathlib import Path

import msgspec

from app.core.errors import AppError, Failure
from app.core.fetching import (
    Completed,
    Fetch,
    Look,
    Move,
    Order,
    Progress,
    Refused,
    Report,
    Stage,
    Verify,
    Waiting,
    decode_order,
    encode,
)
from app.core.lines import Lines
from app.core.text import _, mend

QUIET = {
    "HF_HUB_DISABLE_XET": "1",  # its transfers cannot go on where a killed process was
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_UPDATE_CHECK": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",  # the first bar would start a second copy of a bundled app
    "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
    "HF_DEBUG": "",  # it would log requests
}
LOOK_TRIES = 3
"""How often a person who waits for an answer is kept waiting."""


def run(descriptor: int) -> int:
    """Carry out the one order that comes over an inherited socket; ends at once when the other side is gone."""
    os.environ.update(QUIET)  # before huggingface_hub is imported, which reads it once
    try:
        sock = socket.socket(fileno=descriptor)
    except OSError:
        sys.stderr.write(_("The fetcher is started by the app itself.") + "\n")
        return 2
    with sock:
        if (line := _hear(sock)) is None:
            return 0
        threading.Thread(target=_end_with, args=(sock,), name="watch", daemon=True).start()
        mouth = _Mouth(sock)
        mouth.say(_carry_out(decode_order(line), mouth))
    return 0


class _Mouth:
    """Says reports, from any thread; there is no sense in going on when nobody hears them."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._lock = sock, threading.Lock()

    def say(self, report: Report) -> None:
        if isinstance(report, Refused | Waiting):
            report = msgspec.structs.replace(report, failure=_mend(report.failure))
        try:
            with self._lock:
                self._sock.sendall(encode(report) + b"\n")
        except OSError:
            os._exit(0)


def _hear(sock: socket.socket) -> bytes | None:
    """The first line, None where the other side ends before it."""
    lines = Lines()
    while data := sock.recv(1 << 16):
        if found := lines.feed(data):
            return found[0]
    return None


def _end_with(sock: socket.socket) -> None:
    """Wait for the other side's end, and end."""
    try:
        while sock.recv(1 << 16):
            continue
    except OSError:
        pass
    os._exit(0)


def _carry_out(order: Order, mouth: _Mouth) -> Report:
    """Do what is ordered; the last report."""
    try:
        match order:
            case Verify():
                from app.models.verifying import verify

                return verify(Path(order.folder), mouth.say)
            case Move():
                from app.models.moving import move

                move(order, mouth.say)
                return Completed(order.target)
            case Look():
                return _look(order, mouth)
            case Fetch():
                return _fetch(order, mouth)
    except AppError as error:
        return Refused(error.failure())
    except Exception:  # noqa: BLE001 - the desktop is told of a bug too
        traceback.print_exc()
        message, hint = _("The fetcher went wrong."), _("What is on the disk stays there. Its log says more.")
        return Refused(AppError(message, hint).failure())


def _look(order: Look, mouth: _Mouth) -> Report:
    from app.models.naming import parse_repository

    repository = parse_repository(order.repository)
    mouth.say(Progress(Stage.LISTING, 0, 0))
    from app.models.hub import CommitGone, Hub
    from app.models.listing import look
    from app.models.patience import ask_patiently

    hub = Hub(order.token)
    try:
        return ask_patiently(lambda: look(hub, repository), mouth.say, LOOK_TRIES).told()
    except CommitGone:
        from app.models.downloading import moving

        raise moving(repository) from None


def _fetch(order: Fetch, mouth: _Mouth) -> Report:
    from app.models.downloading import download
    from app.models.hub import Hub
    from app.models.official import fetch_official

    hub = Hub(order.token)
    download(hub, order, mouth.say)
    if order.official and order.prompts:
        fetch_official(hub, order.official, Path(order.prompts))
    return Completed(order.folder)


def _mend(failure: Failure) -> Failure:
    """Its words without what UTF-8 cannot hold: they may name a file."""
    return msgspec.structs.replace(failure, message=mend(failure.message), hint=mend(failure.hint))
