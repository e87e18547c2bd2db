"""Numbers that change faster than anybody reads them."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Slot

TICK_MS = 250


class Ticker(QObject):
    """Acts at once, then at most four times a second; the last wish is never forgotten."""

    def __init__(self, act: Callable[[], None], parent: QObject) -> None:
        super().__init__(parent)
        self._act, self._again = act, False
        self._timer = QTimer(self, singleShot=True, interval=TICK_MS)
        self._timer.timeout.connect(self._rest)

    def ask(self) -> None:
        """Act now or, if that was done just before, soon."""
        if self._timer.isActive():
            self._again = True
            return
        self._act()
        self._timer.start()

    @Slot()
    def _rest(self) -> None:
        if self._again:
            self._again = False
            self.ask()
