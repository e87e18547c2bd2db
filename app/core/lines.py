"""Bytes of a stream into lines, wherever the stream was cut."""

from app.core.protocol import LINE_LIMIT


class LineTooLong(Exception):
    """The other side sent more than LINE_LIMIT bytes without a newline: it does not speak the protocol."""


class Lines:
    """Collects bytes and gives back whole lines, without their newlines."""

    def __init__(self) -> None:
        self._tail = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that these bytes complete, oldest first."""
        self._tail += data
        if b"\n" not in data:
            if len(self._tail) > LINE_LIMIT:
                raise LineTooLong
            return []
        *whole, rest = bytes(self._tail).split(b"\n")
        self._tail = bytearray(rest)
        return whole
