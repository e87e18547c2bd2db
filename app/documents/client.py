"""Asking the reader process for a file's text."""

import os
import socket
import subprocess
from pathlib import Path

import msgspec

from app.core.errors import AppError, FileUnreadable
from app.core.roles import READER, SOURCE, role_command
from app.core.text import _
from app.documents.reader import SECONDS_LIMIT, FileRead

PATIENCE = SECONDS_LIMIT + 10
"""Seconds until a reader that waits for something, instead of computing, is given up."""


def read_file(path: Path) -> str:
    """A file's text, read by a process of its own; waits for it, and raises FileUnreadable with what to do."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                role_command(READER, theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=SOURCE,
                process_group=0,  # Ctrl+C is for us, who then end it
            )
        try:
            return _converse(ours, path)
        finally:
            process.kill()
            process.wait()


def _converse(sock: socket.socket, path: Path) -> str:
    sock.settimeout(PATIENCE)
    try:
        with sock.makefile("rwb") as stream:
            stream.write(msgspec.json.encode(os.fsencode(path.absolute())) + b"\n")
            stream.flush()
            answer = msgspec.json.decode(stream.readline(), type=FileRead)
    except (OSError, msgspec.DecodeError) as error:
        raise FileUnreadable(
            _("{name} could not be read within the limits of time and memory.").format(name=path.name),
            _("Take the part that matters."),
        ) from error
    if answer.failure:
        raise AppError.of(answer.failure)
    return answer.text
