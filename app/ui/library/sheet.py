"""The scrolled part of the library: the head and the rows in their sections."""

import sys
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.shelfrow import Place, Presence, ShelfRow
from app.core.text import _
from app.ui.library.adding import AddByName
from app.ui.library.face import Surroundings, draw_face, sort_rows
from app.ui.library.head import FolderHead
from app.ui.library.row import PADDING, ModelRow
from app.ui.theme import COLUMN, GUTTER, Theme

if TYPE_CHECKING:
    from app.chat.shelf import Shelf

HEADING = 32
SECTION_GAP = 16
EMPTY = 32
TOP, BOTTOM = 4, 32


class Sheet(QWidget):
    """Keeps a row for each model as long as the model is there, so that nothing flickers or loses the keyboard."""

    entered = Signal(object)
    """The keyboard came to this row."""
    grown = Signal()
    """Something is of another height."""
    asked = Signal(str, str)
    token_given = Signal(str, str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.head = FolderHead(theme, self)
        self.adding = AddByName(theme, self)
        self.adding.left.connect(self.leave_adding)
        self.adding.changed.connect(self.grown)
        self.head.name_asked.connect(self.adding.open)
        self.rows: list[ModelRow] = []
        """As they stand, from top to bottom."""
        self.last = ""
        """Key of the row that had the keyboard last."""
        self._sections: list[tuple[str, list[ModelRow], str]] = []
        """A heading, its rows, and the sentence where there are none."""
        self._tabs: list[QWidget] = []
        self._headings: list[tuple[QRect, str, bool]] = []

    # content ------------------------------------------------------------------------------------

    def show_shelf(self, shelf: "Shelf", now: datetime) -> None:
        """Show the models there are now."""
        self.head.show_folder(shelf.folder, shelf.moving, shelf.absent)
        around = see_around(shelf, now)
        focused = next((row for row in self.rows if row.holds_focus()), None)
        at = self.rows.index(focused) if focused else 0
        known = self._match(shelf.rows)
        installed, coming, others = ([known[row.key] for row in part] for part in sort_rows(shelf.rows))
        by_key = {row.key: row for row in shelf.rows}
        for widget in known.values():
            widget.show_face(draw_face(by_key[widget.key], around))
        looking = _("Looking for models on the disk…") if not shelf.looked else _("None yet.")
        self._sections = [
            (_("Installed"), installed, looking),
            (_("On its way"), coming, ""),
            (_("To be had"), others, ""),
        ]
        gone = [row for row in self.rows if row not in known.values()]
        self.rows = [*installed, *coming, *others]
        for row in self.rows:
            row.show()
        if focused in gone and self.rows:
            self.rows[min(at, len(self.rows) - 1)].setFocus(Qt.FocusReason.OtherFocusReason)
        for row in gone:
            row.hide()
            row.deleteLater()
        if self.adding.asked and not self.adding.isHidden():
            self.adding.show_result(shelf.looked_up, self._find_listed(shelf), shelf.machine)
        self._chain()

    def _find_listed(self, shelf: "Shelf") -> ShelfRow | None:
        repository = getattr(shelf.looked_up, "repository", "")
        return next((row for row in shelf.rows if repository and row.repository == repository), None)

    def _match(self, rows: list[ShelfRow]) -> dict[str, ModelRow]:
        """A widget for each model; one whose key changed is known by its repository."""
        keys = {row.key for row in rows}
        by_key = {widget.key: widget for widget in self.rows if widget.key in keys}
        spare = {widget.repository: widget for widget in self.rows if widget.key not in keys and widget.repository}
        for row in rows:
            if row.key not in by_key:
                widget = spare.pop(row.repository, None) or self._make_row(row.key)
                if self.last == widget.key:
                    self.last = row.key
                widget.key = row.key
                by_key[row.key] = widget
            by_key[row.key].repository = row.repository
        return by_key

    def _make_row(self, key: str) -> ModelRow:
        row = ModelRow(self._theme, key, self)
        row.asked.connect(self.asked)
        row.token_given.connect(self.token_given)
        row.entered.connect(self._note_focus)
        return row

    def _chain(self) -> None:
        """Let Tab go from row to row in the order in which they stand."""
        adding = self.adding
        found = adding.found.chain()[1:]
        chain = [adding.field, adding.look, adding.cancel, *found, *(one for row in self.rows for one in row.chain())]
        if chain != self._tabs:
            self._tabs = chain
            for before, one in pairwise(chain):
                QWidget.setTabOrder(before, one)

    # the keyboard -------------------------------------------------------------------------------

    @Slot()
    def _note_focus(self) -> None:
        row = self.sender()
        if isinstance(row, ModelRow):
            self.last = row.key
            self.entered.emit(row)

    def find_row(self, name: str) -> ModelRow | None:
        """The row of a key, or of a model in a folder of that name."""
        return next((row for row in self.rows if row.key == name or row.key.startswith(f"{name}/")), None)

    def focus_row(self, key: str) -> None:
        """Put the keyboard on that row, else on the first."""
        row = self.find_row(key) if key else None
        row = row or next(iter(self.rows), None)
        (row or self.head.name_button).setFocus(Qt.FocusReason.OtherFocusReason)

    def is_first(self, row: ModelRow) -> bool:
        """Whether nothing but headings stands above a row."""
        return bool(self.rows) and self.rows[0] is row

    def step(self, by: int) -> None:
        """Go to the row below (1) or above (-1)."""
        at = next((at for at, row in enumerate(self.rows) if row.holds_focus()), -1 if by > 0 else len(self.rows))
        if 0 <= at + by < len(self.rows):
            self.rows[at + by].setFocus(Qt.FocusReason.OtherFocusReason)

    def go_to_end(self, *, first: bool) -> None:
        """Go to the first row, or to the last."""
        if self.rows:
            self.rows[0 if first else -1].setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def leave_adding(self) -> None:
        """Take the field for a name away."""
        self.adding.asked = ""
        self.adding.hide()
        self.head.name_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.grown.emit()

    # layout and paint ---------------------------------------------------------------------------

    def find_anchor(self, top: int, height: int) -> tuple[ModelRow, int] | None:
        """A row that shall stay where it is in sight: the one with the keyboard, else the uppermost; and where."""
        if not top:
            return None
        seen = [row for row in self.rows if row.y() + row.height() > top and row.y() < top + height]
        row = next((row for row in seen if row.holds_focus()), None) or next(iter(seen), None)
        return (row, row.y() - top) if row else None

    def arrange(self, width: int) -> int:
        """Lay everything out in a width and say how high it is."""
        column = min(COLUMN + 2 * PADDING, width - 2 * (GUTTER - PADDING))
        x, y = (width - column) // 2, TOP
        height = self.head.height_at(column)
        self.head.setGeometry(x, y, column, height)
        y += height + 8
        if not self.adding.isHidden():
            height = self.adding.height_at(column)
            self.adding.setGeometry(x, y, column, height)
            y += height
        before, self._headings = self._headings, []
        for title, rows, nothing in self._sections:
            if not rows and not nothing:
                continue
            self._headings.append((QRect(x + PADDING, y, column - 2 * PADDING, HEADING), title, True))
            y += HEADING
            if not rows:
                self._headings.append((QRect(x + PADDING, y, column - 2 * PADDING, EMPTY), nothing, False))
                y += EMPTY
            for row in rows:
                height = row.height_at(column)
                row.setGeometry(x, y, column, height)
                y += height
            y += SECTION_GAP
        if self._headings != before:
            self.update()
        return y + BOTTOM - SECTION_GAP

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the headings, and a hairline between two rows."""
        painter = QPainter(self)
        for box, words, heading in self._headings:
            painter.setFont(self._theme.font("tiny", bold=True) if heading else self._theme.font("small"))
            painter.setPen(self._theme.color("secondary"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, words.upper() if heading else words)
        for _title, rows, _nothing in self._sections:
            for above, row in pairwise(rows):
                line = QRect(row.x() + PADDING, row.y(), row.width() - 2 * PADDING, 1)
                if line.intersects(event.rect()) and not (above.hasFocus() or row.hasFocus()):
                    painter.fillRect(line, self._theme.color("hairline"))
        painter.end()


def see_around(shelf: "Shelf", now: datetime) -> Surroundings:
    """What the rows of a shelf are seen against."""
    advice = shelf.advice
    advised = shelf.row(advice.key) if advice else None
    fitting = advised if advised and advised.place is not Place.BUILT_IN else None
    fitting = fitting or next((row for row in shelf.rows if is_usable(row)), None)
    return Surroundings(
        machine=shelf.machine,
        now=now,
        fitting=fitting,
        reason=advice.reason if advice else "",
        mac=sys.platform == "darwin",
    )


def is_usable(row: ShelfRow) -> bool:
    """Whether it is on the disk, fits, and is more than a stand-in."""
    return row.presence is Presence.INSTALLED and row.context != 0 and not row.draft and row.place is not Place.BUILT_IN
