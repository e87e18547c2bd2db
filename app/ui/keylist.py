"""All commands with their keys, over the window, until the next key or click."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSizeF, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.core.text import _
from app.ui.commands import COMMANDS, key_of
from app.ui.theme import Theme

WIDTH = 400
ROW = 26
PADDING = 20
TITLE = 32
RADIUS = 14
MARGIN = 8


class KeyList(QWidget):
    """Made from the command table; lies over its parent."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._rows = [(row.title(), key_of(row.id)) for row in COMMANDS if row.keys]
        self._before: QWidget | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(_("Keys"))
        self.setAccessibleDescription("\n".join(f"{title}: {key}" for title, key in self._rows))
        self.hide()

    def open(self, over: QWidget) -> None:
        """Lie over a widget; the keyboard goes back to where it was afterwards."""
        self._before = over.window().focusWidget()
        self.setGeometry(over.rect())
        self.raise_()
        self.show()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def event(self, event: QEvent) -> bool:
        """Take every key, so that none starts a command underneath."""
        if event.type() is QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in {Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta}:
            self._leave()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._leave()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.hide()

    def _leave(self) -> None:
        self.hide()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self._theme.color("shadow", 0.24))
        columns, rows, high = self._share_out()
        width = (min(WIDTH * columns, self.width() - 2 * MARGIN) - PADDING * (columns + 1)) // columns
        size = QSizeF(width * columns + PADDING * (columns + 1), TITLE + high * rows + 2 * PADDING - 4)
        card = QRectF(
            QPointF((self.width() - size.width()) // 2, max(MARGIN, (self.height() - size.height()) // 2)), size
        )
        painter.setPen(QPen(self._theme.color("hairline"), 1))
        painter.setBrush(self._theme.color("card"))
        painter.drawRoundedRect(card.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)
        line = QRectF(card.left() + PADDING, card.top() + PADDING - 6, width, TITLE)
        painter.setFont(self._theme.font("title", bold=True))
        painter.setPen(self._theme.color("ink"))
        painter.drawText(line, Qt.AlignmentFlag.AlignVCenter, _("Keys"))
        painter.setFont(self._theme.font("small"))
        line.setHeight(high)
        for at, (title, key) in enumerate(self._rows):
            column, row = divmod(at, rows)
            place = line.translated(column * (width + PADDING), TITLE + row * high)
            painter.setPen(self._theme.color("ink"))
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter, title)
            painter.setPen(self._theme.color("secondary"))
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, key)
        painter.end()

    def _share_out(self) -> tuple[int, int, int]:
        """Columns, rows in each, and their height: two columns where one would be higher than the window."""
        room = self.height() - 2 * MARGIN - TITLE - 2 * PADDING
        columns = 1 if ROW * len(self._rows) <= room else 2
        rows = -(-len(self._rows) // columns)
        return columns, rows, min(ROW, room // rows)
