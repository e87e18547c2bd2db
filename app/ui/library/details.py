"""A model's card over the window: what it is, how it thinks, and what was found about it."""

from datetime import datetime

from PySide6.QtCore import QRect, Qt, Slot
from PySide6.QtGui import QKeyEvent, QPalette
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QWidget

from app.chat.shelfrow import ShelfRow
from app.core.protocol import ModelCard, Remark, Severity
from app.core.text import _
from app.ui.button import QuietButton
from app.ui.library.card import describe, explain_absence
from app.ui.library.row import RowButton
from app.ui.overbar import OverBar
from app.ui.overlay import MARGIN, Overlay
from app.ui.theme import Theme

WIDTH = 560
PADDING = 24
TITLE = 28
FOOT = 28 + 16
TERM = 140


class Details(Overlay):
    """Scrolls where the window is small; the words can be selected."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(theme, parent)
        self._title = self._label("", "title", bold=True)
        self._title.setParent(self)
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.viewport().setAutoFillBackground(False)
        self._bar = OverBar(self._scroll)
        self.close_button: QuietButton = RowButton(theme, _("Close"), self)
        self.close_button.set_framed(framed=True)
        self.close_button.clicked.connect(self.leave)
        self.rows: list[tuple[str, str]] = []
        """What is shown, term by term."""
        theme.changed.connect(self._ink)

    def show_model(self, row: ShelfRow, card: ModelCard | None, now: datetime) -> None:
        """Show what is known of a model; `card` only if it is the loaded one."""
        self.rows = describe(row, card, now)
        for remark in card.remarks if card else []:
            self.rows.append((_name(remark), f"{remark.text} {remark.hint}".strip()))
        self._title.setText(row.label)
        sheet = QWidget()
        grid = QGridLayout(sheet)
        grid.setContentsMargins(0, 0, 12, 0)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(0, TERM)
        grid.setColumnStretch(1, 1)
        for at, (term, words) in enumerate(self.rows):
            grid.addWidget(self._label(term, "small", soft=True), at, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(self._label(words, "small"), at, 1)
        if words := explain_absence(row, card):
            grid.addWidget(self._label(words, "small", soft=True), grid.rowCount(), 0, 1, 2)
        grid.setRowStretch(grid.rowCount(), 1)
        self._scroll.setWidget(sheet)
        sheet.setAutoFillBackground(False)  # which the scroll area has just switched on
        self._ink()
        self.setAccessibleName(row.label)
        self.setAccessibleDescription("\n".join(f"{term}: {words}" for term, words in self.rows))
        self.open(self.close_button)

    def _label(self, words: str, role: str, *, bold: bool = False, soft: bool = False) -> QLabel:
        label = QLabel(words)
        label.setTextFormat(Qt.TextFormat.PlainText)
        label.setWordWrap(True)
        label.setFont(self.theme.font(role, bold=bold))
        if soft:
            label.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        else:
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    @Slot()
    def _ink(self) -> None:
        for label in self.findChildren(QLabel):
            label.update()

    def arrange(self) -> None:
        """Be as high as the rows, or as the window."""
        width = min(WIDTH, self.width() - 2 * MARGIN)
        inner = width - 2 * PADDING
        sheet = self._scroll.widget()
        wanted = 0
        if sheet is not None and (grid := sheet.layout()) is not None:
            wanted = grid.heightForWidth(inner)
        fixed = 2 * PADDING + TITLE + 12 + FOOT
        height = min(wanted + fixed, self.height() - 2 * MARGIN)
        self.card = QRect((self.width() - width) // 2, (self.height() - height) // 2, width, height)
        x, y = self.card.x() + PADDING, self.card.y() + PADDING
        self._title.setGeometry(x, y - 4, inner, TITLE)
        self._scroll.setGeometry(x, y + TITLE + 12, inner, height - fixed)
        self._bar.place(self._scroll.size())
        size = self.close_button.sizeHint()
        bottom = self.card.bottom() + 1 - PADDING
        self.close_button.setGeometry(x + inner - size.width(), bottom - size.height(), size.width(), size.height())
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Scroll by keys; Esc and Return close."""
        bar = self._scroll.verticalScrollBar()
        steps = {
            Qt.Key.Key_Up: -bar.singleStep(),
            Qt.Key.Key_Down: bar.singleStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
        }
        if (step := steps.get(Qt.Key(event.key()))) is not None:
            bar.setValue(bar.value() + step)
        else:
            super().keyPressEvent(event)


def _name(remark: Remark) -> str:
    return _("Warning") if remark.severity is Severity.WARNING else _("Note")
