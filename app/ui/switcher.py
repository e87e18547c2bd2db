"""The models of the disk in a small panel over the window: type to filter, choose, and know what a switch costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetrics, QKeyEvent, QKeySequence, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from app.chat.shelfrow import Place, Presence, ShelfRow
from app.chat.words import say_about
from app.core.memory import Machine
from app.core.text import _, plural
from app.ui.commands import key_of, title_of
from app.ui.field import HEIGHT as FIELD
from app.ui.field import Field
from app.ui.library.lines import break_lines
from app.ui.library.sheet import see_around
from app.ui.library.words import explain_misfit, say_fit, say_place, say_standing
from app.ui.overlay import MARGIN, Overlay
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.chat.shelf import Shelf
    from app.chat.switching import Switch

WIDTH = 560
ROW = 46
MOST_ROWS = 7
PADDING = 8
INSET = 10
LINE = 20
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Choosable:
    """One line of the panel; without a key it is the way to the library."""

    key: str
    title: str
    facts: str = ""
    standing: str = ""
    usable: bool = True


def list_models(rows: Sequence[ShelfRow], typed: str, machine: Machine | None) -> list[Choosable]:
    """The installed models that all typed words fit, those that cannot be loaded last; then the way to all."""
    words = typed.casefold().split()
    found = []
    for row in rows:
        text = f"{row.label} {row.repository} {row.folder}".casefold()
        if row.presence is Presence.INSTALLED and not row.draft and all(word in text for word in words):
            found.append(row)
    found.sort(key=lambda row: row.context == 0)
    lines = []
    for row in found:
        misfit = explain_misfit(row, machine, None)
        bits = _("{bits}-bit").format(bits=row.bits) if row.bits else ""
        place = "" if row.place is Place.OWN else say_place(row)
        facts = misfit or " · ".join(part for part in (bits, say_fit(row), place) if part)
        lines.append(Choosable(row.key, row.label, facts, say_standing(row), usable=not misfit))
    return [*lines, Choosable("", title_of("model.library"), standing=key_of("model.library"))]


def say_switch(switch: "Switch", loaded: str) -> str:
    """What a switch costs: "It reads this chat's 9,412 tokens anew, about 40 s; …"."""
    kept = ""
    if loaded and switch.tokens:
        kept = _("what {model} has read stays on the disk") if switch.kept else _("what {model} has read is not kept")
        kept = kept.format(model=loaded)
    if not switch.tokens:
        return _("This chat is empty: nothing has to be read anew.")
    words = plural("It reads this chat’s {count} token anew", "It reads this chat’s {count} tokens anew", switch.tokens)
    if switch.seconds is not None:
        words = f"{words}, {say_about(switch.seconds)}"
    return f"{words}; {kept}." if kept else f"{words}."


class SwitchModel(QAbstractListModel):
    """The lines as rows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.lines: list[Choosable] = []

    def fill(self, lines: list[Choosable]) -> None:
        """Show these lines."""
        if lines != self.lines:
            self.beginResetModel()
            self.lines = lines
            self.endResetModel()

    def rowCount(self, parent: Index | None = None) -> int:
        """How many there are."""
        return 0 if parent is not None and parent.isValid() else len(self.lines)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The words of a line."""
        line = self.lines[index.row()]
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (line.title, line.standing, line.facts) if part)
        return line.title if role == Qt.ItemDataRole.DisplayRole else None


class SwitchDelegate(QStyledItemDelegate):
    """Paints a line."""

    def __init__(self, theme: Theme, model: SwitchModel, parent: QObject) -> None:
        super().__init__(parent)
        self._theme, self._model = theme, model

    def sizeHint(self, _option: QStyleOptionViewItem, index: Index) -> QSize:
        """Two lines of text, one for the way to all models."""
        return QSize(0, ROW if self._model.lines[index.row()].key else ROW - 10)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw the name, its standing and its numbers; grey where it cannot be loaded."""
        line = self._model.lines[index.row()]
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("fill"))
            painter.drawRoundedRect(QRectF(box), 8, 8)
        words = box.adjusted(INSET, 4, -INSET, -4)
        top = QRect(words.x(), words.y(), words.width(), LINE) if line.facts else words
        small = self._theme.font("small")
        standing = QFontMetrics(small).horizontalAdvance(line.standing) + 2 if line.standing else 0
        font = self._theme.font("thought")
        title = QFontMetrics(font).elidedText(line.title, Qt.TextElideMode.ElideMiddle, top.width() - standing - 12)
        centre = Qt.AlignmentFlag.AlignVCenter
        painter.setFont(font)
        painter.setPen(self._theme.color("ink" if line.usable and line.key else "secondary"))
        painter.drawText(top, centre, title)
        painter.setFont(small)
        painter.setPen(self._theme.color("secondary"))
        painter.drawText(top, centre | Qt.AlignmentFlag.AlignRight, line.standing)
        if line.facts:
            below = QRect(words.x(), words.y() + LINE - 1, words.width(), LINE - 2)
            facts = QFontMetrics(small).elidedText(line.facts, Qt.TextElideMode.ElideRight, below.width())
            painter.drawText(below, centre, facts)
        painter.restore()


class Filter(Field):
    """Keeps the keyboard while arrows move in the list."""

    stepped = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hand the arrows on."""
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_PageUp: -MOST_ROWS, Qt.Key.Key_PageDown: MOST_ROWS}
        if (step := steps.get(Qt.Key(event.key()))) is not None:
            self.stepped.emit(step)
        else:
            super().keyPressEvent(event)


class Switcher(Overlay):
    """The panel."""

    chosen = Signal(str)
    """The key of a model."""
    all_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._shelf: Shelf | None = None
        self._loaded = ""
        self._cost: list[str] = []
        self._cost_box = QRect()
        self.cost = ""
        """What a switch to the chosen line costs, in words."""
        self.filter = Filter(theme, _("Which model?"), self, bare=True)
        self.filter.textChanged.connect(self._fill)
        self.filter.returnPressed.connect(self._take)
        self.filter.stepped.connect(self._step)
        self.lines = SwitchModel(self)
        self.list = QListView(self)
        self.list.setModel(self.lines)
        self.list.setItemDelegate(SwitchDelegate(theme, self.lines, self.list))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.list.viewport().setAutoFillBackground(False)
        self.list.setAccessibleName(_("Models"))
        self.list.clicked.connect(self._take)
        self.list.selectionModel().currentChanged.connect(self._weigh)
        self.setAccessibleName(_("Choose a model"))

    def choose_from(self, shelf: "Shelf", loaded: str) -> None:
        """Open with the models of a shelf; `loaded` names the one that is loaded."""
        self._shelf, self._loaded = shelf, loaded
        self.filter.blockSignals(True)
        self.filter.clear()
        self.filter.blockSignals(False)
        self.list.setCurrentIndex(QModelIndex())
        self._fill()
        self.open(self.filter)

    def show_shelf(self, shelf: "Shelf") -> None:
        """Show what is there now, the chosen line kept."""
        if self.isVisible():
            self._shelf = shelf
            self._fill()

    @Slot()
    def _fill(self) -> None:
        shelf = self._shelf
        if shelf is None:
            return
        before = self._current()
        self.lines.fill(list_models(shelf.rows, self.filter.text(), shelf.machine))
        keys = [line.key for line in self.lines.lines]
        usable = [line.key for line in self.lines.lines if line.usable]
        other = [key for key in usable if (row := shelf.row(key)) and not row.loaded]
        wanted = before.key if before and before.key and before.key in keys else next(iter(other or usable), "")
        self.list.setCurrentIndex(self.lines.index(keys.index(wanted)))
        self._weigh()
        self.arrange()

    def _current(self) -> Choosable | None:
        at = self.list.currentIndex().row()
        return self.lines.lines[at] if 0 <= at < len(self.lines.lines) else None

    @Slot(int)
    def _step(self, by: int) -> None:
        at = min(max(0, self.list.currentIndex().row() + by), len(self.lines.lines) - 1)
        self.list.setCurrentIndex(self.lines.index(at))

    @Slot()
    def _weigh(self) -> None:
        """Say what the chosen line would cost."""
        line, shelf = self._current(), self._shelf
        cost = ""
        if line is not None and line.key and shelf is not None and (row := shelf.row(line.key)):
            if not line.usable:
                cost = self._say_misfit(shelf)
            elif row.loaded:
                cost = _("It is loaded.")
            else:
                cost = say_switch(shelf.reading_after_switch(line.key), self._loaded)
        if cost != self.cost:
            self.cost = cost
            self.arrange()
        spoken = [line.title, line.standing, cost] if line else []
        self.filter.setAccessibleDescription(", ".join(part for part in spoken if part))

    def _say_misfit(self, shelf: "Shelf") -> str:
        """What can be chosen in its place; the line itself has the numbers."""
        fitting = see_around(shelf, datetime.now().astimezone()).fitting
        if fitting is None:
            return _("It does not fit here.")
        return _("It does not fit here. {model} fits.").format(model=fitting.label)

    @Slot()
    def _take(self) -> None:
        line, shelf = self._current(), self._shelf
        if line is None or shelf is None or not line.usable:
            return
        self.leave()
        if not line.key:
            self.all_asked.emit()
        elif (row := shelf.row(line.key)) and not row.loaded:
            self.chosen.emit(line.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """The key that opened the panel closes it, and the library's opens the library."""
        pressed = QKeySequence(event.keyCombination()).toString(QKeySequence.SequenceFormat.NativeText)
        if pressed == key_of("model.choose"):
            self.leave()
        elif pressed == key_of("model.library"):
            self.leave()
            self.all_asked.emit()
        else:
            super().keyPressEvent(event)

    def arrange(self) -> None:
        """A panel in the upper part of the window, as high as its lines."""
        width = min(WIDTH, self.width() - 2 * MARGIN)
        inner = width - 2 * PADDING
        heights = [ROW if line.key else ROW - 10 for line in self.lines.lines]
        rows = sum(heights[:MOST_ROWS]) + (heights[-1] if len(heights) > MOST_ROWS else 0)
        self._cost = break_lines(self.cost, self.theme.font("small"), inner - 2 * INSET) if self.cost else []
        cost = LINE * len(self._cost) + 16 if self._cost else 0
        fixed = PADDING + FIELD + 8 + 8 + cost + PADDING
        top = min(self.height() // 8, 96)
        rows = max(ROW, min(rows, self.height() - top - MARGIN - fixed))
        x = (self.width() - width) // 2
        self.card = QRect(x, top, width, fixed + rows)
        x += PADDING
        y = top + PADDING
        self.filter.setGeometry(x + INSET, y, inner - 2 * INSET, FIELD)
        y += FIELD + 16
        self.list.setGeometry(x, y, inner, rows)
        self._cost_box = QRect(x + INSET, y + rows + 10, inner - 2 * INSET, LINE * len(self._cost))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the card, the hairlines and the cost."""
        super().paintEvent(event)
        painter = QPainter(self)
        hairline = self.theme.color("hairline")
        x, width = self.card.x() + 1, self.card.width() - 2
        painter.fillRect(x, self.list.y() - 8, width, 1, hairline)
        if self._cost:
            painter.fillRect(x, self._cost_box.y() - 6, width, 1, hairline)
            painter.setFont(self.theme.font("small"))
            painter.setPen(self.theme.color("secondary"))
            line = QRect(self._cost_box)
            line.setHeight(LINE)
            for words in self._cost:
                painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
                line.translate(0, LINE)
        painter.end()
