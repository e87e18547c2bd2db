"""One model in a list: its name, its numbers, what is in the way, how far it is, and what can be done."""

from functools import partial

from PySide6.QtCore import QRect, QRectF, Qt, Signal, Slot
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.ui.button import QuietButton, draw_focus
from app.ui.field import HEIGHT as FIELD
from app.ui.field import Field
from app.ui.library.face import Action, Face, Line, Verb
from app.ui.library.lines import break_lines
from app.ui.theme import Theme
from app.ui.transcript.waiting import draw_progress

PADDING = 14
"""At the sides, where the ring of the focus runs."""
TOP, BOTTOM = 14, 14
TITLE = 28
LINE = 20
BUTTON = 28
BAR = 12
"""Height that the bar takes, most of it air."""
MARK = 8
TEXT_X = 16
"""Of words behind a dot."""
GAP = 8
KEYS = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})
DELETES = frozenset({Qt.Key.Key_Delete, Qt.Key.Key_Backspace})


class RowButton(QuietButton):
    """A button that Return presses, too, and that leaves the arrows to its row."""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Press, or let the row have the key."""
        if event.key() in KEYS:
            self.click()
        elif event.key() in {Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Left, Qt.Key.Key_Right}:
            event.ignore()
        else:
            super().keyPressEvent(event)


class ModelRow(QWidget):
    """Draws a face; its buttons are those of the face, and keep the keyboard as long as they stay."""

    asked = Signal(str, str)
    """A verb, and the key of the model."""
    token_given = Signal(str, str)
    """An access token, and the key of the model."""
    entered = Signal()
    """The keyboard came here."""

    def __init__(self, theme: Theme, key: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.key = key
        self.repository = ""
        """Knows the row again where its key has changed."""
        self.face = Face("")
        self.buttons: dict[Verb, RowButton] = {}
        """Those that are shown, the likeliest first."""
        self._spare: dict[Verb, RowButton] = {}
        self.field: Field | None = None
        self._lines: list[tuple[Line, list[str]]] = []
        self._width = self._height = 0
        self._title_box = QRect()
        self._moving_box = QRect()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    # content ------------------------------------------------------------------------------------

    def show_face(self, face: Face) -> bool:
        """Show another face; whether the row may be of another height now."""
        old, self.face = self.face, face
        if face == old:
            return False
        if old.title and _stand_still(face) == _stand_still(old):
            self.update(self._moving_box)
        else:
            self._make_buttons()
            self._make_field()
            self._width = 0
            self.update()
        self.setAccessibleName(f"{face.title}, {face.standing}" if face.standing else face.title)
        self.setAccessibleDescription(face.text)
        return not self._width

    def _make_buttons(self) -> None:
        """Take a button that stays along, so that the keyboard stays on it."""
        lost = next((verb for verb, one in self.buttons.items() if one.hasFocus()), None)
        shown: dict[Verb, RowButton] = {}
        for action in self.face.actions:
            shown[action.verb] = self._find_button(action, framed=self.face.first and not shown)
        for verb, one in self.buttons.items():
            if verb not in shown:
                one.hide()
        self.buttons = shown
        for one in shown.values():
            one.show()
        if lost is not None and lost not in shown:
            self.focus_first()

    def _find_button(self, action: Action, *, framed: bool) -> RowButton:
        button = self._spare.get(action.verb)
        if button is None:
            button = self._spare[action.verb] = RowButton(self._theme, action.words, self)
            button.clicked.connect(partial(self._ask, action.verb))
        if button.text() != action.words:
            button.setText(action.words)
        button.set_framed(framed=framed)
        button.setAccessibleName(f"{action.words}: {self.face.title}")
        return button

    def _make_field(self) -> None:
        if self.face.token and self.field is None:
            self.field = Field(self._theme, _("Access token"), self)
            self.field.setEchoMode(Field.EchoMode.Password)
            self.field.returnPressed.connect(self._give_token)
        if self.field is not None:
            self.field.setVisible(self.face.token)

    def chain(self) -> list[QWidget]:
        """What Tab walks through, in order."""
        return [self, *([self.field] if self.field else []), *self.buttons.values()]

    def focus_first(self) -> None:
        """Put the keyboard on what a person most likely wants here."""
        first = next(iter(self.buttons.values()), None)
        (first or self).setFocus(Qt.FocusReason.OtherFocusReason)

    def holds_focus(self) -> bool:
        """Whether the keyboard is here or on one of the buttons."""
        focused = self.window().focusWidget()
        return focused is not None and (focused is self or self.isAncestorOf(focused))

    # what a person does -------------------------------------------------------------------------

    def _ask(self, verb: Verb, _checked: bool = False) -> None:  # noqa: FBT002 - Qt's signature
        token = self.field.text().strip() if self.field is not None and self.face.token else ""
        if token and verb in {Verb.GO_ON, Verb.DOWNLOAD}:
            self._give_token()
        else:
            self.asked.emit(verb.value, self.key)

    @Slot()
    def _give_token(self) -> None:
        if self.field is not None and (token := self.field.text().strip()):
            self.field.clear()
            self.token_given.emit(token, self.key)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Return does the first thing, Delete deletes."""
        if event.key() in KEYS and self.hasFocus():
            if self.buttons:
                next(iter(self.buttons.values())).click()
        elif event.key() in DELETES and (verb := self._ending_verb()):
            self.asked.emit(verb.value, self.key)
        else:
            super().keyPressEvent(event)

    def _ending_verb(self) -> Verb | None:
        return next((verb for verb in (Verb.DELETE, Verb.GIVE_UP) if verb in self.buttons), None)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A click puts the keyboard here; Qt has done that."""
        event.accept()

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Show the ring and come into sight."""
        super().focusInEvent(event)
        self._redraw()
        self.entered.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Hide the ring."""
        super().focusOutEvent(event)
        self._redraw()

    def _redraw(self) -> None:
        """With the hairlines above and below, which give way to the ring."""
        if (parent := self.parentWidget()) is not None:
            parent.update(self.geometry().adjusted(0, -1, 0, 2))

    # layout and paint ---------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the row is."""
        if width == self._width:
            return self._height
        self._width = width
        inner = width - 2 * PADDING
        small = self._theme.font("small")
        buttons = list(self.buttons.values())
        right = width - PADDING
        if self.face.first and buttons:
            one = buttons.pop(0)
            size = one.sizeHint()
            one.setGeometry(right - size.width(), TOP, size.width(), BUTTON)
            right -= size.width() + GAP
        self._title_box = QRect(PADDING, TOP, right - PADDING, TITLE)
        y = TOP + TITLE + 2
        self._lines = []
        for line in self.face.lines:
            rows = break_lines(line.text, small, inner - (TEXT_X if line.mark else 0))
            self._lines.append((line, rows))
            y += LINE * len(rows)
        y = self._place_progress(y, inner)
        y = self._place_field(y, inner)
        self._height = self._place_buttons(buttons, y, inner) + BOTTOM
        return self._height

    def _place_progress(self, y: int, inner: int) -> int:
        start = y
        if self.face.share is not None:
            y += BAR
        if self.face.moving:
            y += LINE
        self._moving_box = QRect(PADDING, start, inner, y - start)
        return y

    def _place_field(self, y: int, inner: int) -> int:
        if self.field is None or not self.face.token:
            return y
        self.field.setGeometry(PADDING, y + GAP, min(inner, 420), FIELD)
        return y + GAP + FIELD + LINE + 4

    def _place_buttons(self, buttons: list[RowButton], y: int, inner: int) -> int:
        if not buttons:
            return y
        x, y = PADDING - GAP, y + 4
        for one in buttons:
            width = one.sizeHint().width()
            if x > PADDING and x + width > PADDING + inner + GAP:
                x, y = PADDING - GAP, y + BUTTON
            one.setGeometry(x, y, width, BUTTON)
            x += width
        return y + BUTTON - 4

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the name, the lines, the bar and the ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_title(painter)
        y = self._title_box.bottom() + 3
        painter.setFont(self._theme.font("small"))
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        for line, rows in self._lines:
            x = PADDING
            if line.mark:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(self._theme.color(line.mark))
                painter.drawEllipse(QRectF(x, y + (LINE - MARK) / 2, MARK, MARK))
                x += TEXT_X
            painter.setPen(self._theme.color(line.token))
            for row in rows:
                painter.drawText(QRect(x, y, self.width() - x - PADDING + 1, LINE), flags, row)
                y += LINE
        self._paint_progress(painter)
        if self.field is not None and self.face.token:
            painter.setPen(self._theme.color("secondary"))
            note = QRect(PADDING, self.field.geometry().bottom() + 3, self.width() - 2 * PADDING, LINE)
            painter.drawText(note, flags, _("It is kept in the system’s keychain, nowhere else."))
        if self.hasFocus():
            draw_focus(painter, QRectF(self.rect()).adjusted(0, 2, 0, -2), 10, self._theme)
        painter.end()

    def _paint_title(self, painter: QPainter) -> None:
        flags = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        font, small = self._theme.font("text", bold=True), self._theme.font("small")
        standing = QFontMetrics(small).horizontalAdvance(self.face.standing) if self.face.standing else 0
        room = self._title_box.width() - (standing + 10 if standing else 0)
        title = QFontMetrics(font).elidedText(self.face.title, Qt.TextElideMode.ElideMiddle, max(80, room))
        painter.setFont(font)
        painter.setPen(self._theme.color("ink"))
        painter.drawText(self._title_box, flags, title)
        if standing:
            x = self._title_box.x() + QFontMetrics(font).horizontalAdvance(title) + 10
            painter.setFont(small)
            painter.setPen(self._theme.color("secondary"))
            painter.drawText(QRect(x, TOP + 1, standing + 2, TITLE), flags, self.face.standing)

    def _paint_progress(self, painter: QPainter) -> None:
        y, inner = self._moving_box.y(), self._moving_box.width()
        if self.face.share is not None:
            track = QRectF(PADDING, y + BAR - 5, inner, 2)
            draw_progress(painter, track, self.face.share, self._theme, alive=self.face.alive)
            y += BAR
        if self.face.moving:
            painter.setFont(self._theme.font("small"))
            painter.setPen(self._theme.color("secondary"))
            words = painter.fontMetrics().elidedText(self.face.moving, Qt.TextElideMode.ElideRight, inner)
            painter.drawText(QRect(PADDING, y, inner, LINE), Qt.AlignmentFlag.AlignVCenter, words)


def _stand_still(face: Face) -> tuple[object, ...]:
    """What of a face does not move while a download goes on; the moving part has its own place."""
    return (
        face.title,
        face.standing,
        face.lines,
        face.actions,
        face.first,
        face.token,
        face.share is None,
        not face.moving,
    )
