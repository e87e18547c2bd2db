"""Writes files that people asked for, out of the Qt thread."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, QThreadPool, Signal, Slot

from app.core.errors import Failure
from app.core.text import _


class Saver(QObject):
    """Writes one file after another; a file is there whole or as it was before."""

    failed = Signal(Failure)
    _refused = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(1)
        self._failures: list[Failure] = []
        self._refused.connect(self._tell)

    @Slot(object, object)
    def save(self, path: Path, content: bytes) -> None:
        """Write a file."""
        self._pool.start(partial(self._write, path, content))

    def _write(self, path: Path, content: bytes) -> None:
        part = path.with_name(f".{path.name}.part")
        try:
            part.write_bytes(content)
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            message = _("{name} could not be saved.").format(name=path.name)
            self._failures.append(Failure("SaveFailed", message, _reason(error)))
            self._refused.emit()

    @Slot()
    def _tell(self) -> None:
        while self._failures:
            self.failed.emit(self._failures.pop(0))


def _reason(error: OSError) -> str:
    return _("{reason}. Choose another folder.").format(reason=error.strerror or str(error))
