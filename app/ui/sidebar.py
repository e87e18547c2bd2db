"""The list of chats, newest first, in groups of days."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
    Slot,
)
from PySide6.QtGui import QFontMetrics, QHelpEvent, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.core.messages import Session
from app.core.text import _
from app.ui.button import draw_focus
from app.ui.downloadline import DownloadLine
from app.ui.newchat import NewChatRow
from app.ui.overbar import OverBar
from app.ui.theme import Theme

WIDTH = 230
ROW = 32
INSET = 10
PADDING = 8
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Group:
    """A heading of the list."""

    title: str


def group_of(updated: float, now: datetime) -> str:
    """The heading a chat stands under."""
    days = (now.date() - datetime.fromtimestamp(updated, tz=now.tzinfo).date()) / timedelta(days=1)
    if days < 1:
        return _("Today")
    if days < 2:
        return _("Yesterday")
    return _("This week") if days < 7 else _("Earlier")


class ChatModel(QAbstractListModel):
    """Headings and chats as one list of rows."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[Group | Session] = []
        self.running: frozenset[int] = frozenset()

    def fill(self, sessions: Sequence[Session], now: datetime) -> None:
        """Show these chats."""
        rows: list[Group | Session] = []
        title = ""
        for session in sessions:
            group = group_of(session.updated, now)
            if group != title:
                title = group
                rows.append(Group(title))
            rows.append(session)
        if rows != self.rows:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def row_of(self, session_id: int | None) -> int:
        """The row of a chat, -1 if it has none."""
        return next((at for at, row in enumerate(self.rows) if isinstance(row, Session) and row.id == session_id), -1)

    def rowCount(self, parent: Index | None = None) -> int:
        """How many rows there are."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The words of a row."""
        if role not in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            return None
        row = self.rows[index.row()]
        title = row.title or _("New chat")
        if role == Qt.ItemDataRole.AccessibleTextRole and isinstance(row, Session) and row.id in self.running:
            return _("{title}, being answered").format(title=title)
        return title

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings cannot be chosen."""
        if isinstance(self.rows[index.row()], Group):
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class ChatDelegate(QStyledItemDelegate):
    """Paints a row."""

    def __init__(self, theme: Theme, chats: ChatModel, parent: QAbstractItemView) -> None:
        super().__init__(parent)
        self._theme, self._chats, self._view = theme, chats, parent
        self._font, self._heading = theme.font("thought"), theme.font("tiny", bold=True)

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """All rows are equally high, so that none has to be asked."""
        return QSize(WIDTH, ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw a heading, or a chat with its dot while it thinks."""
        chats = self._chats
        row = chats.rows[index.row()]
        box: QRect = option.rect.adjusted(INSET, 0, -INSET, 0)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if isinstance(row, Group):
            painter.setFont(self._heading)
            painter.setPen(self._theme.color("secondary"))
            words = box.adjusted(PADDING, 8, 0, 0)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, row.title.upper())
        else:
            self._paint_chat(painter, option, box, row, running=row.id in chats.running)
        painter.restore()

    def _paint_chat(
        self, painter: QPainter, option: QStyleOptionViewItem, box: QRect, row: Session, *, running: bool
    ) -> None:
        state: QStyle.StateFlag = option.state
        painter.setPen(Qt.PenStyle.NoPen)
        shape = QRectF(box).adjusted(0, 1, 0, -1)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(self._theme.color("selected"))
            painter.drawRoundedRect(shape, 8, 8)
            if self._view.hasFocus():
                draw_focus(painter, shape, 8, self._theme)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(self._theme.color("selected", 0.5))
            painter.drawRoundedRect(shape, 8, 8)
        words = box.adjusted(PADDING, 0, -PADDING - (12 if running else 0), 0)
        if running:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._theme.color("accent"))
            painter.drawEllipse(QRectF(box.right() - PADDING - 5, box.center().y() - 2.5, 6, 6))
        painter.setFont(self._font)
        painter.setPen(self._theme.color("ink"))
        title = QFontMetrics(self._font).elidedText(
            row.title or _("New chat"), Qt.TextElideMode.ElideRight, words.width()
        )
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)

    def helpEvent(self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index) -> bool:
        """Show the whole title where it was cut."""
        title = index.data() if index.isValid() else ""
        room = WIDTH - 2 * (INSET + PADDING)
        if event.type() is QEvent.Type.ToolTip and title and QFontMetrics(self._font).horizontalAdvance(title) > room:
            QToolTip.showText(event.globalPos(), title, view)
            return True
        QToolTip.hideText()
        return False


class ChatList(QListView):
    """The scrolled list itself."""

    chosen = Signal(object)
    """A chat's id; ids are larger than a C int, so it travels as an object."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self.chats = ChatModel(self)
        self.setModel(self.chats)
        self.setItemDelegate(ChatDelegate(theme, self.chats, self))
        self.setUniformItemSizes(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setAccessibleName(_("Chats"))
        self.viewport().setAutoFillBackground(False)
        self._bar = OverBar(self)
        self.selectionModel().currentChanged.connect(self._choose)
        self._quiet = False
        self._current: int | None = None

    def show_chats(self, sessions: Sequence[Session], current: int | None, running: Iterable[int]) -> None:
        """Show these chats, one of them chosen, some of them thinking."""
        self._quiet = True
        bar, before = self.verticalScrollBar(), self._current
        place = bar.value()
        self.chats.fill(sessions, datetime.now().astimezone())
        self.chats.running = frozenset(running)
        row = self.chats.row_of(current)
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        elif row != self.currentIndex().row():
            self.setCurrentIndex(self.chats.index(row))
        if current == before:
            bar.setValue(place)  # the list was filled anew under the reader's eyes
        self._current = current
        self._quiet = False
        self.viewport().update()

    @Slot(QModelIndex)
    def _choose(self, index: QModelIndex) -> None:
        row = self.chats.rows[index.row()] if index.isValid() else None
        if isinstance(row, Session) and not self._quiet:
            self.chosen.emit(row.id)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bar.place(event.size())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows choose; letters belong to the composer, not to a search in the list."""
        if event.text().isprintable() and event.text().strip():
            event.ignore()
            return
        super().keyPressEvent(event)


class Sidebar(QWidget):
    """The new-chat row, the list, and the download under way."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.new_chat = NewChatRow(theme, self)
        self.list = ChatList(theme, self)
        self.download = DownloadLine(theme, self)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 1, 8)
        column.setSpacing(4)
        column.addWidget(self.new_chat)
        column.addWidget(self.list, 1)
        column.addWidget(self.download)
        self.setAccessibleName(_("Chats"))

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the paper and the hairline at the right."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.color("sidebar"))
        painter.fillRect(self.width() - 1, 0, 1, self.height(), self._theme.color("hairline"))
        painter.end()
