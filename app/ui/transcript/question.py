"""What the user asked: a bubble at the right of the column."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QMenu, QWidget

from app.core.messages import Kind, Message
from app.core.text import _
from app.ui.commands import title_of
from app.ui.theme import Theme
from app.ui.transcript.prose import Prose
from app.ui.transcript.versions import OVERHANG, Versions

BUBBLE_RADIUS = 14
BUBBLE_X, BUBBLE_Y = 14, 8
BUBBLE_SHARE = 0.8
FILE_GAP = 4
VERSIONS_GAP = 2


class Question(QWidget):
    """One question, its files named above it and its versions under it."""

    chosen = Signal(object)
    """Another version is wanted: its message id."""
    edit_asked = Signal(object)
    """The message with this id is to be put into other words."""

    def __init__(self, theme: Theme, message: Message, parent: QWidget, *, versions: Sequence[int] = ()) -> None:
        super().__init__(parent)
        self._theme = theme
        self.message = message
        self.body = Prose(theme, "text", "ink", self)
        self.body.append(message.text)
        self.body.menu_opening.connect(self._offer_edit)
        self._natural = self.body.natural_width()
        self.files: Prose | None = None
        if names := [part.name for part in message.parts if part.kind is Kind.DOCUMENT]:
            self.files = Prose(theme, "thought", "secondary", self)
            self.files.append("\n".join(names))
            self._natural = max(self._natural, self.files.natural_width())
        self.siblings = versions
        """All versions of this question, this one among them."""
        self.versions: Versions | None = None
        if len(versions) > 1:
            self.versions = Versions(theme, self, versions, message.id)
            self.versions.chosen.connect(self.chosen)
        self.setAccessibleName(_("Your question"))

    @Slot(QMenu, int)
    def _offer_edit(self, menu: QMenu, _characters: int) -> None:
        menu.addSeparator()
        menu.addAction(title_of("question.edit"), self._ask_edit)

    @Slot()
    def _ask_edit(self) -> None:
        self.edit_asked.emit(self.message.id)

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the turn is."""
        inner = min(self._natural, int(width * BUBBLE_SHARE) - 2 * BUBBLE_X)
        x, y = width - inner - BUBBLE_X, BUBBLE_Y
        if self.files is not None:
            self.files.setGeometry(x, y, inner, self.files.height_at(inner))
            y += self.files.height() + FILE_GAP
        self.body.setGeometry(x, y, inner, self.body.height_at(inner))
        bottom = y + self.body.height() + BUBBLE_Y
        if self.versions is None:
            return bottom
        size = self.versions.sizeHint()
        self.versions.setGeometry(width - size.width() + OVERHANG, bottom + VERSIONS_GAP, size.width(), size.height())
        return bottom + VERSIONS_GAP + size.height()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bubble."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("fill"))
        left = self.body.x() - BUBBLE_X
        bottom = self.body.geometry().bottom() + 1 + BUBBLE_Y
        painter.drawRoundedRect(QRectF(left, 0, self.width() - left, bottom), BUBBLE_RADIUS, BUBBLE_RADIUS)
        painter.end()
