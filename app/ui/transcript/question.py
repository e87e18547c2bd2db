"""What the user asked: a bubble at the right of the column."""

from collections.abc import Sequence
from math import ceil

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from app.core.messages import Kind, Message
from app.core.text import _
from app.ui.theme import Theme
from app.ui.transcript.proserow import ProseRow
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.section import Section
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.turn import TURN_GAP, Host, Turn
from app.ui.transcript.versions import HEIGHT, OVERHANG, Versions

BUBBLE_RADIUS = 14
BUBBLE_X, BUBBLE_Y = 14, 8
BUBBLE_SHARE = 0.8
FILE_GAP = 4
VERSIONS_GAP = 2
SHORT = 4
"""Blocks up to which a bubble is made as narrow as its text; a longer one takes all the room it may."""


class Bubble(Section):
    """A text of the question. All texts of one question share a bubble."""

    def __init__(self, question: "Question", *, role: str, ink: str, gap: int, verbatim: bool) -> None:
        super().__init__(
            question.host.setting, role=role, ink=ink, paper="fill", gap=gap, breaks=True, verbatim=verbatim
        )
        self._question = question

    def padding(self, row: TextRow) -> tuple[int, int]:
        """Room inside the bubble, above its first and under its last row."""
        rows = self._question.text_rows() or [row]
        return BUBBLE_Y if row is rows[0] else 0, BUBBLE_Y if row is rows[-1] else 0

    def backdrop(self, painter: QPainter, row: TextRow, x: int, y: int) -> None:
        """Paint the part of the bubble that lies behind a row."""
        rows = self._question.text_rows()
        first, last = row is rows[0], row is rows[-1]
        left = x + self.inset - BUBBLE_X
        box = QRectF(left, y, self.setting.width - self.inset + BUBBLE_X, row.height)
        if not first:
            box.setTop(y - row.gap)
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.setting.theme.color("fill"))
        shape = box.adjusted(0, 0 if first else -2 * BUBBLE_RADIUS, 0, 0 if last else 2 * BUBBLE_RADIUS)
        painter.drawRoundedRect(shape, BUBBLE_RADIUS, BUBBLE_RADIUS)
        painter.restore()

    def measure(self, width: int) -> None:
        """Set the insets for a width of the column."""
        self._question.fit(width)

    def unfit(self) -> None:
        """Formulas are there that were not."""
        self._question.unfit()


class Question(Turn):
    """One question, its files named above it and its versions under it."""

    def __init__(self, host: Host, message: Message, versions: Sequence[int]) -> None:
        super().__init__(host, message, versions)
        self._fitted = (-1, -1)
        self.files: Bubble | None = None
        if names := [part.name for part in message.parts if part.kind is Kind.DOCUMENT]:
            self.files = Bubble(self, role="thought", ink="secondary", gap=TURN_GAP, verbatim=True)
        self.text = Bubble(self, role="text", ink="ink", gap=FILE_GAP if names else TURN_GAP, verbatim=False)
        if self.files is not None:
            self.files.take_whole("\n".join(names))
        self.text.take_whole(message.text.replace("\r\n", "\n"))
        self._versions = WidgetRow(VERSIONS_GAP, self._make_versions, height=HEIGHT) if len(versions) > 1 else None
        self.rows = self._compose()

    def _compose(self) -> list[Row]:
        rows: list[Row] = list(self.text_rows())
        if self._versions is not None:
            rows.append(self._versions)
        return rows

    def text_rows(self) -> list[TextRow]:
        """The rows of the bubble."""
        return [*(self.files.rows if self.files is not None else ()), *self.text.rows]

    @property
    def sections(self) -> list[Section]:
        """The names of the files and the question."""
        return [self.text] if self.files is None else [self.files, self.text]

    def spoken_as(self, section: Section) -> str:
        """Who says it."""
        return _("Attached files") if section is self.files else _("Your question")

    def fit(self, width: int) -> None:
        """Make the bubble as narrow as its text, in a width of the column."""
        epoch = self.host.setting.epoch
        if self._fitted == (width, epoch):
            return
        self._fitted = (width, epoch)
        widest = int(width * BUBBLE_SHARE) - 2 * BUBBLE_X
        self._inset(width, widest)
        rows = self.text_rows()
        if len(rows) > SHORT or not all(isinstance(row, ProseRow) for row in rows):
            return
        natural = max((row.natural(width) for row in rows if isinstance(row, ProseRow)), default=widest)
        self._inset(width, min(widest, max(1, ceil(natural))))

    def unfit(self) -> None:
        """The text is wider or narrower than it was: its formulas are there now."""
        self._fitted = (-1, -1)

    def _inset(self, width: int, inner: int) -> None:
        for section in (self.files, self.text):
            if section is not None:
                section.inset, section.inset_right = width - inner - BUBBLE_X, BUBBLE_X

    @property
    def versions(self) -> Versions | None:
        """The switch between versions, where there are several."""
        widget = self._versions.realise() if self._versions is not None else None
        return widget.versions if isinstance(widget, VersionsRow) else None

    def _make_versions(self) -> QWidget:
        holder = VersionsRow(self.host.setting.theme, self.host.ground, self)
        holder.versions.chosen.connect(self.host.choose)
        return holder


class VersionsRow(QWidget):
    """Puts the switch between versions at the right edge of the column."""

    def __init__(self, theme: Theme, parent: QWidget, question: Question) -> None:
        super().__init__(parent)
        self.versions = Versions(theme, self, question.siblings, question.message.id)

    def height_at(self, width: int) -> int:
        """One line; the switch stands at the right."""
        size = self.versions.sizeHint()
        self.versions.setGeometry(width - size.width() + OVERHANG, 0, size.width(), size.height())
        return HEIGHT
