"""What an empty chat shows: one sentence, the keys that start, and what is loaded."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.changes import EngineState, EngineView
from app.core.text import _
from app.ui.commands import key_of
from app.ui.theme import COLUMN, GUTTER, Theme
from app.ui.words import name_model

TITLE_LINE = 28
LINE = 22
GAP = 8


class EmptyState(QWidget):
    """A quiet page with one sentence."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lines: list[str] = []
        self.show_engine(EngineView(EngineState.STARTING))

    def show_engine(self, view: EngineView) -> None:
        """Say what a question would meet."""
        lines = [_("Return sends, Shift+Return breaks the line. Nothing leaves this machine.")]
        if view.card is not None and view.card.release == "starter":
            key = key_of("model.choose")
            label = name_model(view.card)
            lines.append(_("{label} is a small stand-in for trying the app, not Magistral.").format(label=label))
            lines.append(_("Choose a model folder with {key}.").format(key=key))
        elif view.state in {EngineState.STARTING, EngineState.LOADING}:
            lines.append(_("You can write already: a question waits until the model is loaded."))
        if lines != self._lines:
            self._lines = lines
            self.setAccessibleName(" ".join([self._title(), *lines]))
            self.update()

    def _title(self) -> str:
        return _("What shall we work out?")

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the sentence a little above the middle."""
        painter = QPainter(self)
        width = min(COLUMN, self.width() - 2 * GUTTER)
        x = (self.width() - width) / 2
        font = self._theme.font("thought")
        flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter
        metrics = QFontMetrics(font)
        rows = [row for line in self._lines for row in _wrap(line, metrics, width)]
        height = TITLE_LINE + GAP + LINE * len(rows)
        y = max(GAP, (self.height() - height) * 0.45)
        painter.setFont(self._theme.font("lead", bold=True))
        painter.setPen(self._theme.color("ink"))
        painter.drawText(QRectF(x, y, width, TITLE_LINE), flags, self._title())
        painter.setFont(font)
        painter.setPen(self._theme.color("secondary"))
        y += TITLE_LINE + GAP
        for row in rows:
            painter.drawText(QRectF(x, y, width, LINE), flags, row)
            y += LINE
        painter.end()


def _wrap(line: str, metrics: QFontMetrics, width: float) -> list[str]:
    rows: list[str] = []
    for word in line.split(" "):
        longer = f"{rows[-1]} {word}" if rows else word
        if rows and metrics.horizontalAdvance(longer) <= width:
            rows[-1] = longer
        else:
            rows.append(word)
    return rows
