"""The worker's end of the socket pair."""

import os
import socket
import threading

from app.core.protocol import Event, encode

EXIT_GONE = 0
RECEIVE = 1 << 16


class Link:
    """The socket to the desktop; several threads may send."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._lock = sock, threading.Lock()

    def send(self, event: Event) -> None:
        """One event as one line. A desktop that is gone ends the process: nobody is left to work for."""
        line = encode(event) + b"\n"
        try:
            with self._lock:
                self._sock.sendall(line)
        except OSError:
            os._exit(EXIT_GONE)

    def receive(self) -> bytes:
        """Some bytes, empty when the desktop is gone."""
        try:
            return self._sock.recv(RECEIVE)
        except OSError:
            return b""
