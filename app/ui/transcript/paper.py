"""Messages on paper: the rows of the transcript in black on white, as a picture, a PDF or a print."""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QMarginsF, QObject, QRectF, QSizeF, QTimer, Signal, Slot
from PySide6.QtGui import QColor, QFont, QImage, QPagedPaintDevice, QPageLayout, QPageSize, QPainter, QPdfWriter
from PySide6.QtWidgets import QWidget
from shiboken6 import isValid

from app.core.messages import Message, Role
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.ui.theme import COLUMN, Theme, load_tokens
from app.ui.transcript.answer import Answer
from app.ui.transcript.coderow import CodeRow
from app.ui.transcript.proserow import ProseRow
from app.ui.transcript.question import Question
from app.ui.transcript.setting import Setting
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.thought import RULE_X
from app.ui.transcript.turn import Turn

MARGIN = 32
"""Around a picture."""
PAGE_MARGIN_MM = 18.0
PICTURE_SCALE = 2
TALLEST_PICTURE = 16_000
"""Points; what is higher is cut there, as no viewer would open it."""
LOOK_MS = 20
COLOUR_SECONDS = 0.005
PATIENCE = 400
"""Looks for formulas before what is missing stays as its source."""
Typeset = Callable[[Formula], Drawing | Refused | None]


class PaperTheme:
    """The light tokens, whatever the window shows."""

    dark = False
    contrast = False
    reduced_motion = True

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        self.tokens = load_tokens("light")

    def color(self, token: str, alpha: float = 1.0) -> QColor:
        """A token as a colour."""
        color = QColor(self.tokens[token])
        color.setAlphaF(alpha)
        return color

    def font(self, role: str, *, bold: bool = False) -> QFont:
        """The window's fonts."""
        return self._theme.font(role, bold=bold)


class PaperHost:
    """Stands in for the view that shows turns: nothing moves on paper."""

    def __init__(self, theme: Theme, typeset: Typeset) -> None:
        self.setting = Setting(cast("Theme", PaperTheme(theme)), typeset)
        self.setting.width = COLUMN

    @property
    def ground(self) -> QWidget:
        """Paper has no widgets; nobody asks."""
        raise NotImplementedError

    def recompose(self, turn: Turn, same: int = 0) -> None:
        """Rows are taken once, when all is there."""

    def fold(self, turn: Turn) -> None:
        """Nothing folds."""

    def ask(self, command: str) -> None:
        """Paper has no buttons."""

    def choose(self, message_id: int) -> None:
        """Paper has no buttons."""

    def show_steps(self, turn: Turn) -> None:
        """Paper has no buttons."""


class Paper(QObject):
    """Lays messages out a bit at a time, waits for their formulas, and is `ready` to be painted."""

    ready = Signal()

    def __init__(
        self, parent: QObject, theme: Theme, typeset: Typeset, messages: Sequence[Message], *, thoughts: bool
    ) -> None:
        super().__init__(parent)
        self._host = PaperHost(theme, typeset)
        self._typeset = typeset
        self._turns = [self._make(message, thoughts=thoughts) for message in messages]
        self.rows: list[TextRow] = [row for turn in self._turns for row in turn.rows if isinstance(row, TextRow)]
        self._left = list(self.rows)
        self._looks = 0
        self._timer = QTimer(self, interval=LOOK_MS)
        self._timer.timeout.connect(self._look)

    def _make(self, message: Message, *, thoughts: bool) -> Turn:
        if message.role is Role.USER:
            return Question(self._host, message, (message.id,))
        return Answer(self._host, message, (message.id,), fold=not thoughts)

    def begin(self) -> None:
        """Begin to lay out; `ready` comes later."""
        self._timer.start()

    @Slot()
    def _look(self) -> None:
        """Ask for all formulas of a few rows; rows whose formulas are known are done with."""
        self._looks += 1
        waiting: list[TextRow] = []
        for row in self._left[:20]:
            row.forget()
            row.lay_out(self._host.setting.width)
            page = row.page if isinstance(row, ProseRow) else None
            if isinstance(row, CodeRow) and not row.section.colour(row.block.group, COLOUR_SECONDS):
                waiting.append(row)
                continue
            if page is not None and any(self._typeset(formula) is None for formula in page.formulas):
                waiting.append(row)
            else:
                row.forget()
                row.section.unfit()
        self._left = waiting + self._left[20:]
        if not self._left or self._looks > PATIENCE:
            self._timer.stop()
            self.ready.emit()
            if isValid(self):  # while a dialog was open, the window may have been closed
                self.deleteLater()

    # painting ---------------------------------------------------------------------------------------

    def _placed(self) -> Iterator[tuple[TextRow, int]]:
        """The rows, laid out, each with its top."""
        y = 0
        for number, row in enumerate(self.rows):
            row.lay_out(self._host.setting.width)
            y += row.gap if number else 0
            yield row, y
            y += row.height

    @property
    def height(self) -> int:
        """All rows together."""
        bottom = 0
        for row, top in self._placed():
            bottom = top + row.height
        return bottom

    def _paint(self, painter: QPainter, row: TextRow, y: int) -> None:
        setting = self._host.setting
        row.lay_out(setting.width)
        row.section.backdrop(painter, row, 0, y)
        if row.section.role == "thought" and row.section.paper == "paper":
            above = 0 if row is row.section.rows[0] else row.gap
            painter.fillRect(QRectF(RULE_X, y - above, 2, row.height + above), setting.theme.color("hairline"))
        row.draw(painter, 0, y, QRectF(-4, -4, setting.width + 8, row.height + 8), None, ())

    def picture(self) -> QImage:
        """All of it as one picture."""
        height = min(self.height, TALLEST_PICTURE)
        image = QImage(
            PICTURE_SCALE * (COLUMN + 2 * MARGIN), PICTURE_SCALE * (height + 2 * MARGIN), QImage.Format.Format_RGB32
        )
        image.setDevicePixelRatio(PICTURE_SCALE)
        image.fill("white")
        painter = QPainter(image)
        painter.translate(MARGIN, MARGIN)
        for row, top in self._placed():
            if top < height:
                self._paint(painter, row, top)
        painter.end()
        return image

    def png(self) -> bytes:
        """The picture as a file."""
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        self.picture().save(buffer, "PNG")  # type: ignore[call-overload]  # the stub wants bytes
        return bytes(content.data())

    def pdf(self, title: str) -> bytes:
        """All of it as a PDF on A4."""
        content = QByteArray()
        buffer = QBuffer(content)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        writer = QPdfWriter(buffer)
        writer.setTitle(title)
        writer.setPageSize(QPageSize(QPageSize.PageSizeId.A4))
        writer.setPageMargins(QMarginsF(*[PAGE_MARGIN_MM] * 4), QPageLayout.Unit.Millimeter)
        self.print_on(writer)
        buffer.close()
        return bytes(content.data())

    def print_on(self, device: QPagedPaintDevice) -> int:
        """Paint on pages; rows are not parted, unless one is higher than a page. The number of pages."""
        painter = QPainter(device)
        room = device.pageLayout().paintRectPixels(cast("QPdfWriter", device).resolution())
        scale = room.width() / COLUMN
        painter.scale(scale, scale)
        page = QSizeF(COLUMN, room.height() / scale)
        y, pages = 0.0, 1
        for row in self.rows:
            row.lay_out(self._host.setting.width)
            gap = row.gap if y else 0
            if y and y + gap + row.height > page.height():
                device.newPage()
                pages, y, gap = pages + 1, 0.0, 0
            rest = row.height
            done = 0
            while rest > 0:
                shown = min(rest, int(page.height() - y - gap))
                painter.save()
                painter.setClipRect(QRectF(-8, y, page.width() + 16, gap + shown))
                painter.translate(0, y + gap - done)
                self._paint(painter, row, 0)
                painter.restore()
                done, rest = done + shown, rest - shown
                y += gap + shown
                if rest > 0:
                    device.newPage()
                    pages, y, gap = pages + 1, 0.0, 0
        painter.end()
        return pages
