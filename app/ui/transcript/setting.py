"""What all rows share: theme, writer, sizes, and the layouts and pictures that are kept for a while."""

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QPainter, QPixmap

from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.ui.theme import LINES, Theme
from app.ui.transcript.writer import Writer

if TYPE_CHECKING:
    from app.ui.transcript.textrow import TextRow

LAYOUTS = 160
SCREENS = 3
"""So many views full of pictures are kept."""
TALLEST = 3000
"""Pixels; a higher row is painted directly."""
Paint = Callable[[QPainter, int, int], None]


class Setting:
    """How rows are set now. `epoch` changes with all that makes layouts and pictures worthless."""

    def __init__(self, theme: Theme, typeset: Callable[[Formula], Drawing | Refused | None]) -> None:
        self.theme = theme
        self.writer = Writer(theme, typeset)
        self.scale = 1.0
        """Text size, 0.8 to 2."""
        self.wrap = True
        """Whether long lines of code are broken rather than scrolled."""
        self.numbers = False
        """Whether lines of code are numbered."""
        self.width = 0
        """Of the column."""
        self.epoch = 0
        self.stale = False
        """Whether a row was laid out, by whoever asked for a place in it, and is higher or lower than was thought."""
        self._laid: OrderedDict[int, TextRow] = OrderedDict()
        self._pictures: OrderedDict[tuple[int, int, float], QPixmap] = OrderedDict()
        self._bytes = 0
        self.room = 8 << 20
        """Bytes of pictures that are kept."""

    def line(self, role: str = "text") -> float:
        """Height of a line of running text."""
        return LINES[role] * self.scale

    def fit_pictures(self, width: int, height: int, ratio: float) -> None:
        """Keep as many pictures as a view of this size can use, at most 48 MB."""
        self.room = min(48 << 20, int(SCREENS * 4 * width * height * ratio * ratio))

    def renew(self) -> None:
        """Forget all layouts and pictures."""
        self.epoch += 1
        for row in self._laid.values():
            row.forget()
        self._laid.clear()
        self.drop_pictures()

    def drop_pictures(self) -> None:
        """Forget all pictures."""
        self._pictures.clear()
        self._bytes = 0

    def keep(self, row: "TextRow") -> None:
        """Note that a row was used; those not used for long lose their layouts."""
        if row.gap + row.height != row.summed:
            self.stale = True
        self._laid[row.serial] = row
        self._laid.move_to_end(row.serial)
        while len(self._laid) > LAYOUTS:
            _serial, old = self._laid.popitem(last=False)
            old.forget()

    def laid(self) -> list["TextRow"]:
        """All rows that have a layout."""
        return list(self._laid.values())

    def discard(self, row: "TextRow") -> None:
        """A row is gone for good."""
        self._laid.pop(row.serial, None)

    def draw(self, painter: QPainter, row: "TextRow", x: int, y: int, width: int, paper: QColor, paint: Paint) -> None:
        """Draw a row that does not change from its picture; `paint` makes it."""
        ratio = painter.device().devicePixelRatio()
        if row.height * ratio > TALLEST:
            paint(painter, x, y)
            return
        key = (row.serial, self.epoch, ratio)
        picture = self._pictures.get(key)
        if picture is None:
            picture = QPixmap(int((width + 4) * ratio), int((row.height + 2) * ratio))
            picture.setDevicePixelRatio(ratio)
            picture.fill(paper)
            inner = QPainter(picture)
            paint(inner, 2, 1)
            inner.end()
            self._pictures[key] = picture
            self._bytes += picture.width() * picture.height() * 4
            while self._bytes > self.room:
                _key, old = self._pictures.popitem(last=False)
                self._bytes -= old.width() * old.height() * 4
        else:
            self._pictures.move_to_end(key)
        painter.drawPixmap(QPointF(x - 2, y - 1), picture)

    def drop_picture(self, row: "TextRow") -> None:
        """A row looks otherwise now."""
        for key in [key for key in self._pictures if key[0] == row.serial]:
            old = self._pictures.pop(key)
            self._bytes -= old.width() * old.height() * 4
