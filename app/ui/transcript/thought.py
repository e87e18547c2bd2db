"""The line over a thought: folds it, says how long it was and how it ended, and offers what can be done with it."""

from time import monotonic

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.core.text import _
from app.ui.button import QuietButton, draw_chevron, draw_focus
from app.ui.commands import add_key, hint_of, title_of
from app.ui.theme import Theme

HEADER = 28
INSET = 20
"""From the column's left edge to the words."""
RULE_X = 6
TICK_SECONDS = 0.25
"""Numbers change at most this often."""


class ThoughtHeader(QAbstractButton):
    """The words and the chevron; a checked header is an open thought."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    def setText(self, text: str) -> None:
        """Show other words; they are the accessible name too."""
        if text != self.text():
            super().setText(text)
            self.setAccessibleName(text)

    def sizeHint(self) -> QSize:
        """As wide as its words."""
        return QSize(self._words_width() + INSET + 8, HEADER)

    def _words_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.text())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the chevron and the words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self._theme.color("ink" if self.underMouse() else "secondary"))
        draw_chevron(painter, QPointF(RULE_X + 1, HEADER / 2), down=self.isChecked())
        font = self._theme.font("small")
        font.setWeight(font.Weight.Medium)
        painter.setFont(font)
        words = self.rect().adjusted(INSET, 0, 0, 0)
        text = painter.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, text)
        if self.hasFocus():
            width = min(self.width(), INSET + painter.fontMetrics().horizontalAdvance(text) + 8)
            draw_focus(painter, QRectF(0, 1, width, HEADER - 2), 6, self._theme)
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the hover."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide the hover."""
        self.update()
        super().leaveEvent(event)


class ThoughtHead(QWidget):
    """The header with its buttons, which show on hover and focus."""

    toggled = Signal()
    answer_asked = Signal()
    copy_asked = Signal()
    steps_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._ticked = 0.0
        self._running = False
        self._pinned = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # else each painting around it paints it too
        self.header = ThoughtHeader(theme, self)
        self.header.clicked.connect(self.toggled)
        self._buttons: list[QuietButton] = []
        """Those that show on hover; most heads of a long chat never need them."""
        self._now: QuietButton | None = None

    def set_words(self, words: str, *, force: bool = False) -> None:
        """Show the words, at most four times a second unless forced."""
        now = monotonic()
        if force or now - self._ticked >= TICK_SECONDS:
            self._ticked = now
            self.header.setText(words)

    def set_open(self, *, opened: bool) -> None:
        """Show whether the thought is open."""
        self.header.setChecked(opened)

    def set_running(self, *, running: bool) -> None:
        """Offer to answer now while it runs."""
        if running == self._running:
            return
        self._running = running
        if self._now is None:
            self._now = self._button(_("Answer now"), "accent_text")
            self._now.setToolTip(hint_of("chat.answer_now"))
            self._now.clicked.connect(self.answer_asked)
        self._now.setVisible(running)
        self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        """Take the colours of another theme."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self.update()

    def set_pinned(self, *, pinned: bool) -> None:
        """Whether it lies over the text of its own thought, and so needs a ground."""
        if pinned != self._pinned:
            self._pinned = pinned
            self.update()

    def _button(self, words: str, ink: str) -> QuietButton:
        button = QuietButton(self._theme, words, self)
        button.ink = ink
        return button

    @Slot()
    def show_buttons(self) -> None:
        """Show what can be done with the thought."""
        if not self._buttons:
            copy = self._button(_("Copy"), "secondary")
            copy.setAccessibleName(title_of("copy.thought"))
            copy.setToolTip(add_key(title_of("copy.thought"), "copy.thought"))
            copy.clicked.connect(self.copy_asked)
            steps = self._button(_("Steps"), "secondary")
            steps.setAccessibleName(title_of("thought.steps"))
            steps.setToolTip(add_key(title_of("thought.steps"), "thought.steps"))
            steps.clicked.connect(self.steps_asked)
            self._buttons = [copy, steps]
        for button in self._buttons:
            button.show()
        self._arrange()

    def hide_buttons(self) -> None:
        """Hide them, unless one has the keyboard."""
        if any(button.hasFocus() for button in self._buttons):
            return
        for button in self._buttons:
            button.hide()
        self._arrange()

    def _arrange(self) -> None:
        right = self.width()
        for button in (self._now, *self._buttons):
            if button is None or button.isHidden():
                continue
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(right, 0, size.width(), HEADER)
        self.header.setGeometry(0, 0, max(0, min(right - 8, self.width())), HEADER)

    def height_at(self, _width: int) -> int:
        """Always one line."""
        return HEADER

    def resizeEvent(self, _event: QEvent) -> None:
        """Keep the buttons at the right."""
        self._arrange()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill the ground; while pinned, mark its lower edge."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("paper"))
        if self._pinned:
            painter.fillRect(QRect(0, self.height() - 1, self.width(), 1), self._theme.color("hairline"))
        painter.end()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the buttons."""
        self.show_buttons()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide them again."""
        self.hide_buttons()
        super().leaveEvent(event)
