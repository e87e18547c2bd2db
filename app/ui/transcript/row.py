"""What every row of the transcript can do, and the rows that a widget stands in."""

from collections.abc import Callable
from itertools import count
from typing import Protocol

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

_serials = count(1)


class Row:
    """A stretch of the column. Its height is an estimate until it is laid out."""

    def __init__(self, gap: int) -> None:
        self.serial = next(_serials)
        """Ids of objects are used again, this never is."""
        self.gap = gap
        """Room above it."""
        self.height = 0
        self.summed = 0
        """Gap and height together, as they were summed up last."""
        self.known = False
        """Whether the height is right for the width in force."""

    def lay_out(self, width: int) -> None:
        """Find the height in a width of the column."""
        raise NotImplementedError

    def estimate(self, width: int) -> None:
        """Guess the height in a width, cheaply."""
        raise NotImplementedError

    def paint(self, painter: QPainter, x: int, y: int, clip: QRectF) -> None:
        """Paint it with its left upper corner at x, y; `clip` is what is seen, in the row's own measures."""


class Tall(Protocol):
    """A widget that knows how high it is in a width."""

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high it is."""
        ...


class WidgetRow(Row):
    """A row that is a widget while it is near the eye, and only a height otherwise."""

    def __init__(self, gap: int, make: Callable[[], QWidget], *, height: int = 0) -> None:
        super().__init__(gap)
        self._make = make
        self.widget: QWidget | None = None
        self._fixed = height
        """Its height in any width; 0 where the widget must tell."""
        self.height = height or 28

    def realise(self) -> QWidget:
        """The widget, made now if it is not there."""
        if self.widget is None:
            self.widget = self._make()
        return self.widget

    def estimate(self, width: int) -> None:
        """Widgets of one line have one height."""
        if self._fixed:
            self.height, self.known = self._fixed, True
        else:
            self.known = False

    def lay_out(self, width: int) -> None:
        """Ask the widget."""
        widget = self.realise()
        needed = _height(widget, width)
        self.height = self._fixed or needed
        self.known = True

    def release(self) -> None:
        """Let the widget go."""
        if self.widget is not None:
            self.widget.hide()
            self.widget.deleteLater()
            self.widget = None


def _height(widget: QWidget, width: int) -> int:
    tall: Callable[[int], int] | None = getattr(widget, "height_at", None)
    return tall(width) if tall is not None else widget.sizeHint().height()
