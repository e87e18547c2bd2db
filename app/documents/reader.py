"""The reader role: reads one file within bounds of time and memory, answers, and ends."""

import os
import resource
import socket
from pathlib import Path

import msgspec

from app.core.errors import AppError, Failure
from app.documents.text import read_text

MEMORY_LIMIT = 1024**3
SECONDS_LIMIT = 20


class FileRead(msgspec.Struct, frozen=True):
    """What came of a file: its text, or why there is none."""

    text: str = ""
    failure: Failure | None = None


def run(descriptor: int) -> int:
    """Answer the one path that is asked for at the other end of an inherited socket."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_LIMIT, SECONDS_LIMIT))
    _limit_memory()
    with socket.socket(fileno=descriptor) as sock, sock.makefile("rwb") as stream:
        # Bytes, because a file's name need not be text.
        path = Path(os.fsdecode(msgspec.json.decode(stream.readline(), type=bytes)))
        try:
            answer = FileRead(read_text(path))
        except AppError as error:
            answer = FileRead(failure=error.failure())
        stream.write(encode(answer) + b"\n")
    return 0


def encode(answer: FileRead) -> bytes:
    """The answer as JSON, a failure's words without what UTF-8 cannot hold: they may name the file."""
    if answer.failure:
        message = os.fsencode(answer.failure.message).decode("utf-8", "replace")
        answer = FileRead(failure=msgspec.structs.replace(answer.failure, message=message))
    return msgspec.json.encode(answer)


def _limit_memory() -> None:
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    except (OSError, ValueError):
        return  # macOS does not know this limit; the limits on size and time still hold
