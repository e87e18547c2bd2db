"""Places in the texts, the caret and the selection between two places.

A place is a text and an offset in its source, never a row: rows come and go while a text grows.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from PySide6.QtCore import QMimeData, QPointF, QRect, QRectF
from PySide6.QtGui import QGuiApplication, QPainter
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.transcript.gather import selected_html, selected_markdown
from app.ui.transcript.scroller import Scroller
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow


class Spot(NamedTuple):
    """A place in a text."""

    section: Section
    offset: int
    """In characters of the source."""


class Places(Scroller):
    """Adds the caret and the selection."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self.caret: Spot | None = None
        self.anchor: Spot | None = None
        self._chosen: list[Section] = []
        """Texts of which something is selected."""

    # told by whoever inherits -----------------------------------------------------------------------

    def shown_sections(self) -> Sequence[Section]:
        """All texts in the column, in order."""
        raise NotImplementedError

    def follow_link(self, address: str) -> None:
        """A link was clicked."""

    # places -----------------------------------------------------------------------------------------

    def row_of(self, spot: Spot) -> TextRow | None:
        """The row in which a place is."""
        rows = spot.section.rows
        at = bisect_right(rows, spot.offset, key=_start) - 1
        return rows[max(0, at)] if rows else None

    def index_of(self, row: TextRow) -> int | None:
        """Where a row stands in the stack; None where it is folded away."""
        try:
            return self.stack.rows.index(row)
        except ValueError:
            return None

    def spot_at(self, point: QPointF) -> Spot | None:
        """The place nearest to a point of the viewport."""
        rows = self.stack.rows
        if not rows:
            return None
        index = self.row_at(int(point.y()))
        row = self._text_near(index, down=False) or self._text_near(index, down=True)
        if row is None:
            return None
        at = self.stack.rows.index(row)
        if not row.known:
            self._lay_out_row(at)
        y = point.y() - self.row_top(at)
        if at == index and y < 0 and (before := self._text_near(index - 1, down=False)) is not None:
            if -y > row.gap / 2:
                return Spot(before.section, before.offset(before.end))
        elif at < index or y > row.height:
            return Spot(row.section, row.offset(row.end))
        if at > index:
            return Spot(row.section, row.offset(0))
        x = self.column_point(point).x()
        return Spot(row.section, row.offset(row.hit(x, min(max(y, 0), row.height - 1))))

    def _text_near(self, index: int, *, down: bool) -> TextRow | None:
        """The first row of text from there, downward or upward."""
        rows = self.stack.rows
        steps = range(index, len(rows)) if down else range(index, -1, -1)
        return next((row for step in steps if isinstance(row := rows[step], TextRow)), None)

    def rect_of(self, spot: Spot) -> QRectF | None:
        """Where the caret stands at a place, in the viewport; None where that is folded away."""
        row = self.row_of(spot)
        index = self.index_of(row) if row is not None else None
        if row is None or index is None:
            return None
        if not row.known:
            self._lay_out_row(index)
        return row.caret(row.position(spot.offset)).translated(self.left, self.row_top(index))

    # selection --------------------------------------------------------------------------------------

    def has_selection(self) -> bool:
        """Whether anything is selected."""
        return bool(self._chosen)

    def select(self, anchor: Spot | None, caret: Spot | None) -> None:
        """Select from one place to another; the caret is at the second."""
        self.anchor, self.caret = anchor, caret
        before = {id(section): section.selected for section in self._chosen}
        changed = list(self._chosen)
        for section in self._chosen:
            section.selected = None
        self._chosen = []
        if anchor is not None and caret is not None and anchor != caret:
            for section, start, end in self._between(anchor, caret):
                section.selected = (start, end)
                self._chosen.append(section)
        changed.extend(self._chosen)
        if any(before.get(id(section)) != section.selected for section in changed) or self.hasFocus():
            self.viewport().update()

    def _between(self, one: Spot, other: Spot) -> list[tuple[Section, int, int]]:
        sections = list(self.shown_sections())
        order = {id(section): index for index, section in enumerate(sections)}
        if id(one.section) not in order or id(other.section) not in order:
            return []
        first, last = sorted((one, other), key=lambda spot: (order[id(spot.section)], spot.offset))
        low, high = order[id(first.section)], order[id(last.section)]
        found = []
        for section in sections[low : high + 1]:
            start = first.offset if section is first.section else 0
            end = last.offset if section is last.section else len(section.source)
            if start < end:
                found.append((section, start, end))
        return found

    def select_all(self) -> None:
        """Select everything that is not folded away."""
        texts = [section for section in self.shown_sections() if section.rows]
        if texts:
            self.select(Spot(texts[0], 0), Spot(texts[-1], len(texts[-1].source)))

    def selection(self) -> list[Section]:
        """The texts of which something is selected."""
        return self._chosen

    def copy(self) -> bool:
        """Put the selection on the clipboard, as Markdown and for word processors; False where there is none."""
        if not self._chosen:
            return False
        data = QMimeData()
        data.setText(selected_markdown(self._chosen))
        data.setHtml(selected_html(self._chosen))
        QGuiApplication.clipboard().setMimeData(data)
        return True

    def forget_places(self) -> None:
        """Nothing is selected, and the caret is nowhere."""
        self.select(None, None)

    def paint_over(self, painter: QPainter, rect: QRect) -> None:
        """Paint the caret."""
        super().paint_over(painter, rect)
        if self.hasFocus() and self.caret is not None and not self.has_selection():
            box = self.rect_of(self.caret)
            if box is not None:
                painter.fillRect(QRectF(round(box.left()), box.top(), 2, box.height()), self._theme.color("accent"))


def _start(row: TextRow) -> int:
    return row.block.start
