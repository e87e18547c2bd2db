"""The transcript for screen readers: a list whose children are the rows of text, formulas as their LaTeX."""

from typing import Protocol, cast
from weakref import WeakSet

from PySide6.QtCore import QObject, QRect
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QAccessibleInterface, QWindow
from PySide6.QtWidgets import QAccessibleWidget, QWidget

from app.core.text import _
from app.ui.transcript.stack import Stack
from app.ui.transcript.textrow import TextRow


class Spoken(Protocol):
    """A view that can be read aloud."""

    stack: Stack

    def window(self) -> QWidget:
        """The window it is in."""
        ...

    def screen_rect(self, row: TextRow) -> QRect:
        """Where a row is on the screen."""
        ...

    def spoken(self, row: TextRow) -> str:
        """What a row says."""
        ...


class RowInterface(QAccessibleInterface):
    """One row of text; no widget stands behind it."""

    def __init__(self, parent: "ListInterface", row: TextRow) -> None:
        super().__init__()
        self._parent, self._row = parent, row

    def isValid(self) -> bool:
        """Whether the row is still there."""
        return self._row in self._parent.view.stack.rows

    def object(self) -> QObject | None:  # type: ignore[override]  # none is right, by Qt's own documentation
        """None: it is painted."""
        return None

    def window(self) -> QWindow:
        """The window it is in."""
        return self._parent.view.window().windowHandle()

    def parent(self) -> QAccessibleInterface:
        """The list."""
        return self._parent

    def child(self, _index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # as above
        """It has no parts."""
        return None

    def childCount(self) -> int:
        """It has no parts."""
        return 0

    def childAt(self, _x: int, _y: int) -> QAccessibleInterface | None:  # type: ignore[override]  # as above
        """It has no parts."""
        return None

    def indexOfChild(self, _child: QAccessibleInterface) -> int:
        """It has no parts."""
        return -1

    def role(self) -> QAccessible.Role:
        """Text."""
        return QAccessible.Role.StaticText

    def rect(self) -> QRect:
        """Where it is on the screen."""
        return self._parent.view.screen_rect(self._row)

    def setText(self, kind: QAccessible.Text, text: str) -> None:
        """It cannot be changed."""

    def state(self) -> QAccessible.State:
        """Readable, no more."""
        state = QAccessible.State()
        state.readOnly = True
        return state

    def text(self, kind: QAccessible.Text) -> str:
        """Who says it where that is new, then the words."""
        if kind is not QAccessible.Text.Name:
            return ""
        return self._parent.view.spoken(self._row)


class ListInterface(QAccessibleWidget):
    """The conversation."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view, QAccessible.Role.List, _("Conversation"))
        self.view = cast("Spoken", view)
        self._kept: dict[int, RowInterface] = {}
        """Qt does not own them: without a reference they die."""

    def rows(self) -> list[TextRow]:
        """The rows of text in their order."""
        return [row for row in self.view.stack.rows if isinstance(row, TextRow)]

    def childCount(self) -> int:
        """How many rows of text there are."""
        return len(self.rows())

    def child(self, index: int) -> QAccessibleInterface | None:  # type: ignore[override]  # as above
        """A row."""
        rows = self.rows()
        if not 0 <= index < len(rows):
            return None
        row = rows[index]
        if row.serial not in self._kept:
            if len(self._kept) > 2 * len(rows) + 100:
                self._kept.clear()
            self._kept[row.serial] = RowInterface(self, row)
        return self._kept[row.serial]

    def indexOfChild(self, child: QAccessibleInterface) -> int:
        """Which row it is."""
        serial = next((serial for serial, one in self._kept.items() if one is child), None)
        return next((index for index, row in enumerate(self.rows()) if row.serial == serial), -1)


_views: "WeakSet[QWidget]" = WeakSet()
_lists: list[QAccessibleInterface] = []
"""Qt asks for an interface once and does not keep it alive."""
_installed: list[bool] = []


def install(view: QWidget) -> None:
    """Let a view be read aloud."""
    _views.add(view)
    if not _installed:
        _installed.append(True)
        QAccessible.installFactory(_make)


def _make(_name: str, target: QObject) -> QAccessibleInterface | None:
    if not isinstance(target, QWidget) or target not in _views:
        return None
    _lists.append(ListInterface(target))
    return _lists[-1]


def announce(view: QObject, words: str) -> None:
    """Say something once."""
    QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(view, words))
