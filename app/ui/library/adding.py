"""Adding a model by its name: what is there is shown before anything is fetched."""

from PySide6.QtCore import QRect, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.shelfrow import ShelfRow
from app.chat.words import say_size
from app.core.errors import Failure
from app.core.fetching import Listed
from app.core.memory import Machine, gigabytes
from app.core.text import _, plural
from app.ui.field import HEIGHT as FIELD
from app.ui.field import Field
from app.ui.library.face import TOKEN, Action, Face, Line, Verb, draw_failure
from app.ui.library.row import ModelRow, RowButton
from app.ui.library.words import explain_misfit, say_fit
from app.ui.theme import Theme

INSET = 14
GAP = 8
NOTE = 24


class AddByName(QWidget):
    """A field for a name, and a row for what it names."""

    look_asked = Signal(str)
    download_asked = Signal(str, str)
    """A repository, and an access token or nothing."""
    left = Signal()
    changed = Signal()
    """It may be of another height now."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.asked = ""
        """What was looked up last."""
        self.field = Field(theme, _("owner/name, or the address of its page"), self)
        self.field.returnPressed.connect(self._look)
        self.look = RowButton(theme, _("Look it up"), self)
        self.look.set_framed(framed=True)
        self.look.clicked.connect(self._look)
        self.cancel = RowButton(theme, _("Cancel"), self)
        self.cancel.clicked.connect(self.left)
        self.found = ModelRow(theme, "", self)
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.asked.connect(self._download)
        self.found.token_given.connect(self._download_with)
        self.found.hide()
        self._waiting = False
        self.hide()

    def open(self) -> None:
        """Ask for a name."""
        self.asked = ""
        self._waiting = False
        self.found.hide()
        self.field.clear()
        self.show()
        self.field.setFocus(Qt.FocusReason.OtherFocusReason)
        self.changed.emit()

    @Slot()
    def _look(self) -> None:
        if name := self.field.text().strip():
            self.asked, self._waiting = name, True
            self.found.hide()
            self.look_asked.emit(name)
            self.changed.emit()
            self.update()

    def show_result(self, result: Listed | Failure | None, row: ShelfRow | None, machine: Machine | None) -> None:
        """Show what a name turned out to be; `row` is what the shelf knows of it already."""
        if not self.asked:
            return
        waiting = result is None
        if result is not None:
            self.found.key = result.repository if isinstance(result, Listed) else self.asked
            self.found.show_face(draw_result(self.asked, result, row, machine))
        if waiting != self._waiting or self.found.isHidden() != waiting:
            self._waiting = waiting
            self.found.setVisible(not waiting)
        self.changed.emit()
        self.update()

    @Slot(str, str)
    def _download(self, _verb: str, key: str) -> None:
        self.download_asked.emit(key, "")

    @Slot(str, str)
    def _download_with(self, token: str, key: str) -> None:
        self.download_asked.emit(key, token)

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high it is."""
        right = width - INSET
        for button in (self.cancel, self.look):
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(right, (FIELD - size.height()) // 2, size.width(), size.height())
            right -= GAP
        self.field.setGeometry(INSET, 0, right - INSET, FIELD)
        y = FIELD
        if self._waiting:
            y += NOTE
        elif not self.found.isHidden():
            height = self.found.height_at(width)
            self.found.setGeometry(0, y, width, height)
            y += height
        return y + GAP

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Esc leaves the field, not the library."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Say that it is being looked up."""
        if self._waiting:
            painter = QPainter(self)
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("secondary"))
            line = QRect(INSET, FIELD, self.width() - 2 * INSET, NOTE)
            words = _("Looking {name} up…").format(name=self.asked)
            words = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, line.width())
            painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, words)
            painter.end()


def draw_result(name: str, result: Listed | Failure, row: ShelfRow | None, machine: Machine | None) -> Face:
    """What a name turned out to be, as a row."""
    if isinstance(result, Failure):
        token = result.kind == TOKEN
        actions = (Action(Verb.DOWNLOAD, _("Download")),) if token else ()
        return Face(name, lines=tuple(draw_failure(result)), actions=actions, token=token)
    facts = [
        result.architecture,
        _("{bits}-bit").format(bits=result.bits) if result.bits else "",
        _("{size} to download").format(size=say_size(result.size)),
        plural("{count} file", "{count} files", result.files),
        result.licence,
        say_fit(row) if row else "",
    ]
    lines = [Line(" · ".join(fact for fact in facts if fact))]
    misfit = explain_misfit(row, machine, None) if row else _guess_misfit(result, machine)
    if misfit:
        lines.append(Line(misfit, "ink", "warn"))
    words = _("Download ({size})").format(size=say_size(result.size))
    return Face(result.repository, lines=tuple(lines), actions=(Action(Verb.DOWNLOAD, words),), first=not misfit)


def _guess_misfit(listed: Listed, machine: Machine | None) -> str:
    """Weights that are larger than what the machine can give need no reckoning."""
    if machine is None or listed.size <= machine.limit:
        return ""
    return _("Its files are larger than the {limit} that this machine can give to a model.").format(
        limit=gigabytes(machine.limit)
    )
