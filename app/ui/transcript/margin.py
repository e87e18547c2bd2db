"""The text of a thought: stretches of the model's own, and between them what the user put in."""

from PySide6.QtCore import QPointF, QRectF, Signal, Slot
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QMenu, QWidget

from app.core.messages import Kind
from app.core.text import _
from app.ui.commands import title_of
from app.ui.theme import Theme
from app.ui.transcript.prose import Prose

GAP = 10
"""Above and below a correction."""
RADIUS = 10
SLIP_X, SLIP_Y = 12, 8
LABEL_GAP = 6


class Slip(QWidget):
    """The user's own words in the model's thought: in ink, in a hairline, with who said it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.body = Prose(theme, "thought", "ink", self)
        self._label = _("You:")
        self._font = theme.font("thought", bold=True)
        self._label_width = QFontMetrics(self._font).horizontalAdvance(self._label) + LABEL_GAP
        self.setAccessibleName(_("Your correction"))

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high it is."""
        left = SLIP_X + self._label_width
        inner = width - left - SLIP_X
        self.body.setGeometry(left, SLIP_Y, inner, self.body.height_at(inner))
        return self.body.height() + 2 * SLIP_Y

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the hairline and the label."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        painter.setFont(self._font)
        painter.setPen(self._theme.color("ink"))
        painter.drawText(QPointF(SLIP_X, SLIP_Y + self.body.baseline()), self._label)
        painter.end()


class ThoughtText(QWidget):
    """Grows at its end, and knows how far into the thought any place of it is."""

    text_added = Signal(Prose)
    fork_asked = Signal(int)
    """Think again from so many characters of the model's own thought on."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._pieces: list[Prose | Slip] = []

    # text ---------------------------------------------------------------------------------------

    def append(self, kind: Kind, text: str) -> None:
        """Put text of the model's (REASONING) or of the user's (STEER) at the end."""
        last = self._pieces[-1] if self._pieces else None
        if kind is Kind.STEER:
            if not isinstance(last, Slip):
                last = Slip(self._theme, self)
                self._add(last)
            last.body.append(text)
        else:
            if not isinstance(last, Prose):
                last = Prose(self._theme, "thought", "secondary", self, caret=True)
                last.menu_opening.connect(self._offer_fork)
                self._add(last)
            last.append(text)

    def _add(self, piece: Prose | Slip) -> None:
        self._pieces.append(piece)
        piece.show()
        self.text_added.emit(piece if isinstance(piece, Prose) else piece.body)

    def retract(self, characters: int) -> None:
        """Take so many characters away from the end of what stands last."""
        if self._pieces:
            last = self._pieces[-1]
            (last if isinstance(last, Prose) else last.body).retract(characters)

    def text(self) -> str:
        """The text as shown, with who said what."""
        said = (
            piece.text() if isinstance(piece, Prose) else _("You: {text}").format(text=piece.body.text())
            for piece in self._pieces
        )
        return "\n\n".join(text for text in said if text)

    def proses(self) -> list[Prose]:
        """All running text in order."""
        return [piece if isinstance(piece, Prose) else piece.body for piece in self._pieces]

    @property
    def painted(self) -> int:
        """Characters of the model's own thought that have been on screen."""
        return sum(piece.painted for piece in self._own())

    def _own(self) -> list[Prose]:
        return [piece for piece in self._pieces if isinstance(piece, Prose)]

    # places -------------------------------------------------------------------------------------

    def place(self) -> int | None:
        """How many characters of the model's own thought stand before the caret; None where it is elsewhere."""
        focus = self.window().focusWidget()
        return next((self._before(piece) + piece.place for piece in self._own() if piece is focus), None)

    def place_at_end(self) -> None:
        """Put the caret at the end of the thought."""
        if own := self._own():
            own[-1].place_at_end()

    def _before(self, piece: Prose) -> int:
        """Characters of the stretches before one."""
        own = self._own()
        return sum(one.taken for one in own[: own.index(piece)])

    @Slot(QMenu, int)
    def _offer_fork(self, menu: QMenu, characters: int) -> None:
        piece = self.sender()
        if isinstance(piece, Prose):
            menu.addSeparator()
            action = menu.addAction(title_of("thought.fork"))
            at = self._before(piece) + characters
            action.triggered.connect(lambda: self.fork_asked.emit(at))

    # layout -------------------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high it is."""
        y = 0
        for piece in self._pieces:
            if isinstance(piece, Prose) and piece.empty:
                continue  # all of it was taken back
            if y:
                y += GAP
            height = piece.height_at(width)
            piece.setGeometry(0, y, width, height)
            y += height
        return y
