"""The reasoning pane: a header that says how long and how it ended, and the thought behind a thin rule."""

from itertools import groupby
from math import sin, tau
from operator import itemgetter
from time import monotonic

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, QTimer, QVariantAnimation, Signal, Slot
from PySide6.QtGui import QEnterEvent, QGuiApplication, QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QAbstractButton, QWidget

from app.core.messages import Kind
from app.core.text import _
from app.ui.button import QuietButton, draw_chevron, draw_focus
from app.ui.commands import hint_of
from app.ui.theme import Theme
from app.ui.transcript.margin import ThoughtText
from app.ui.transcript.prose import Prose

HEADER = 28
INSET = 20
"""From the pane's left edge to its text."""
RULE_X = 6
TAIL = 8
"""Room under an open thought."""
TICK_SECONDS = 0.25
"""Numbers change at most this often."""
BREATH_MS = 66
BREATH_SECONDS = 2.4


class ThoughtHeader(QAbstractButton):
    """The line that folds and unfolds; a checked header is an open thought."""

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


class ThoughtPane(QWidget):
    """One thought. Its text is laid out only once it is open."""

    grew = Signal()
    """The height is another one."""
    answer_asked = Signal()
    text_added = Signal(Prose)
    """A stretch of the thought stands in the pane from now on."""
    fork_asked = Signal(int)
    """Think again from so many characters of the thought on."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.running = False
        self.touched = False
        """True once the reader folded or unfolded it: from then on it does not fold by itself."""
        self.taken = 0
        """Characters of the model's own thought."""
        self.steered = 0
        """Characters that the user put into it."""
        self._waiting: list[tuple[Kind, str]] = []
        self._share = 0.0
        self._body_height = 0
        self._ticked = 0.0
        self.header = ThoughtHeader(theme, self)
        self.header.clicked.connect(self._toggle)
        # What most panes of a long chat never need is made when it is needed.
        self.body: ThoughtText | None = None
        self._copy: QuietButton | None = None
        self._now: QuietButton | None = None
        self._folding: QVariantAnimation | None = None
        self._breath: QTimer | None = None

    # text ---------------------------------------------------------------------------------------

    def append(self, kind: Kind, text: str) -> None:
        """Put text at the end of the thought: the model's own, or the user's (STEER)."""
        if kind is Kind.STEER:
            self.steered += len(text)
        else:
            self.taken += len(text)
        self._waiting.append((kind, text))
        if self._share > 0:
            self._lay_down()

    def retract(self, kind: Kind, characters: int) -> None:
        """Take so many characters away from its end."""
        if kind is Kind.STEER:
            self.steered -= characters
        else:
            self.taken -= characters
        self._lay_down().retract(characters)

    def _lay_down(self) -> ThoughtText:
        if self.body is None:
            self.body = ThoughtText(self._theme, self)
            self.body.text_added.connect(self.text_added)
            self.body.fork_asked.connect(self.fork_asked)
        for kind, texts in groupby(self._waiting, key=itemgetter(0)):
            self.body.append(kind, "".join(text for _kind, text in texts))
        self._waiting.clear()
        return self.body

    def place(self) -> int | None:
        """How many characters of the thought stand before the caret; None where the keyboard is elsewhere."""
        return self.body.place() if self.body is not None and self.open else None

    def place_at_end(self) -> None:
        """Put the caret at the end of the thought, unfolded."""
        self.touched = True
        self.set_open(opened=True, animated=False)
        self._lay_down().place_at_end()

    @Slot()
    def copy(self) -> None:
        """Put the whole thought on the clipboard."""
        QGuiApplication.clipboard().setText(self._lay_down().text())

    def set_header(self, words: str, *, force: bool = False) -> None:
        """Show the words of the header, at most four times a second unless forced."""
        now = monotonic()
        if force or now - self._ticked >= TICK_SECONDS:
            self._ticked = now
            self.header.setText(words)

    def set_running(self, *, running: bool) -> None:
        """Let the rule breathe, and offer to answer now."""
        if running == self.running:
            return
        self.running = running
        if self._now is None:
            self._now = self._button(_("Answer now"), "accent_text")
            self._now.setToolTip(hint_of("chat.answer_now"))
            self._now.clicked.connect(self.answer_asked)
        self._now.setVisible(running)
        self._mind_breath()
        self.update()

    # folding ------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        """Whether the text is, or is about to be, in sight."""
        return self.header.isChecked()

    def set_open(self, *, opened: bool, animated: bool = True) -> None:
        """Fold or unfold."""
        self.header.setChecked(opened)
        if opened:
            self._lay_down().show()
        duration = self._theme.fold_ms if animated and self.isVisible() else 0
        if self._folding is not None:
            self._folding.stop()
        if not duration:
            self._fold_to(1.0 if opened else 0.0)
            self._folded()
            return
        if self._folding is None:
            self._folding = QVariantAnimation(self)
            self._folding.valueChanged.connect(self._fold_to)
            self._folding.finished.connect(self._folded)
        self._folding.setDuration(duration)
        self._folding.setStartValue(self._share)
        self._folding.setEndValue(1.0 if opened else 0.0)
        self._folding.start()

    def toggle(self) -> None:
        """The reader folds or unfolds."""
        self.touched = True
        self.set_open(opened=not self.open)

    @Slot()
    def _toggle(self) -> None:
        self.touched = True
        self.set_open(opened=self.header.isChecked())

    @Slot(object)
    def _fold_to(self, share: float) -> None:
        if share != self._share:
            self._share = share
            self.grew.emit()

    @Slot()
    def _folded(self) -> None:
        if self.body is not None:
            self.body.setVisible(self._share > 0)
        self.grew.emit()

    def _button(self, words: str, ink: str) -> QuietButton:
        button = QuietButton(self._theme, words, self)
        button.ink = ink
        return button

    # layout and paint ---------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the pane is."""
        right = width
        for button in (self._now, self._copy):
            if button is None or button.isHidden():
                continue
            size = button.sizeHint()
            right -= size.width()
            button.setGeometry(right, 0, size.width(), HEADER)
        self.header.setGeometry(0, 0, max(0, right - 8), HEADER)
        if self._share <= 0 or self.body is None:
            return HEADER
        self._body_height = self.body.height_at(width - INSET)
        self.body.setGeometry(INSET, HEADER + 4, width - INSET, self._body_height)
        return HEADER + round(self._share * (4 + self._body_height + TAIL))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the rule."""
        if self._share <= 0 or event.rect().left() > RULE_X + 2:
            return
        painter = QPainter(self)
        color = self._theme.color("hairline")
        if self.running:
            depth = 0.0 if self._theme.reduced_motion else 0.3 * (1 + sin(tau * monotonic() / BREATH_SECONDS))
            color = self._theme.color("accent", 1.0 - depth)
        painter.fillRect(QRectF(RULE_X, HEADER + 4, 2, self.height() - HEADER - 4 - TAIL), color)
        painter.end()

    @Slot()
    def _breathe(self) -> None:
        self.update(RULE_X, HEADER, 2, self.height() - HEADER)

    def _mind_breath(self) -> None:
        if self.running and self.isVisible() and not self._theme.reduced_motion:
            if self._breath is None:
                self._breath = QTimer(self, interval=BREATH_MS)
                self._breath.timeout.connect(self._breathe)
            self._breath.start()
        elif self._breath is not None:
            self._breath.stop()

    def showEvent(self, event: QShowEvent) -> None:
        """Breathe while in sight."""
        super().showEvent(event)
        self._mind_breath()

    def hideEvent(self, event: QHideEvent) -> None:
        """Cost nothing out of sight."""
        super().hideEvent(event)
        self._mind_breath()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Show the buttons of the header."""
        if self._copy is None:
            self._copy = self._button(_("Copy"), "secondary")
            self._copy.setAccessibleName(_("Copy the thought"))
            self._copy.clicked.connect(self.copy)
        self._copy.show()
        self.height_at(self.width())
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        """Hide them again."""
        if self._copy is not None:
            self._copy.hide()
        self.height_at(self.width())
        super().leaveEvent(event)
