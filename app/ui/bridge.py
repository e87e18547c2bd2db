"""The single wake-up: other threads ring, and a frame later the Qt thread takes everything that waits."""

from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

FRAME_MS = 33


class Drained(Protocol):
    """Whoever takes what waits."""

    @property
    def restless(self) -> bool:
        """Whether to come again a frame later though nothing rings."""

    def drain(self) -> None:
        """Take everything that waits."""


class Bridge(QObject):
    """Turns rings from any thread into frames in the Qt thread."""

    rang = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk: Drained | None = None
        self._rung = False
        self._frame = QTimer(self, singleShot=True, interval=FRAME_MS)
        self._frame.timeout.connect(self._flush)
        self.rang.connect(self._wake, Qt.ConnectionType.QueuedConnection)

    def ring(self) -> None:
        """Say that something waits; called from any thread, carries nothing."""
        self.rang.emit()

    def serve(self, desk: Drained) -> None:
        """From now on drain a desk once per frame in which something rang, and once for what came before."""
        self._desk = desk
        if self._rung:
            self._frame.start()

    @Slot()
    def _wake(self) -> None:
        self._rung = True
        if self._desk is not None and not self._frame.isActive():
            self._frame.start()

    @Slot()
    def _flush(self) -> None:
        self._rung = False
        if self._desk is not None:
            self._desk.drain()
            if self._desk.restless:
                self._frame.start()
