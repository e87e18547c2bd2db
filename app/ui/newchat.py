"""The row above the list of chats that starts another one, with its key."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from app.ui.button import draw_focus
from app.ui.commands import key_of, title_of
from app.ui.theme import Theme

INSET = 10


class NewChatRow(QAbstractButton):
    """Looks like a row of the list; a plus before its words and its key at the right."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._key = key_of("chat.new")
        self.setText(title_of("chat.new"))
        self.setAccessibleName(self.text())
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """One row of the list."""
        return QSize(120, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the plus, the words and the key."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(INSET, 1, -INSET + 1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        if self.underMouse() or self.isDown():
            painter.setBrush(self._theme.color("selected", 1.0 if self.isDown() else 0.5))
            painter.drawRoundedRect(box, 8, 8)
        if self.hasFocus():
            draw_focus(painter, box, 8, self._theme)
        middle = QPointF(box.left() + 14, box.center().y())
        painter.setPen(QPen(self._theme.color("ink"), 1.5, c=Qt.PenCapStyle.RoundCap))
        painter.drawLine(middle - QPointF(5, 0), middle + QPointF(5, 0))
        painter.drawLine(middle - QPointF(0, 5), middle + QPointF(0, 5))
        painter.setFont(self._theme.font("thought"))
        painter.drawText(box.adjusted(28, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        painter.setFont(self._theme.font("tiny"))
        painter.setPen(self._theme.color("secondary"))
        right = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight
        painter.drawText(box.adjusted(0, 0, -8, 0), right, self._key)
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the hover."""
        self.update()
        super().leaveEvent(event)
