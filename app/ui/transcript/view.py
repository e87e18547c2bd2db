"""The scrolled column of turns: opens long chats from their end, follows a running answer, keeps the reader's place.

The outward surface is small on purpose, because its inside will be replaced by a painted, virtualised
view: `open`, `add`, `append`, `retract`, `change`, `progress`, `offer`, what thoughts can do, and the signals.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from time import perf_counter

from PySide6.QtCore import QPoint, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget

from app.chat.changes import Progress
from app.core.messages import Kind, Message, Role, State
from app.core.text import _
from app.ui.button import QuietButton
from app.ui.overbar import OverBar
from app.ui.theme import Theme
from app.ui.transcript.column import TOP, Column, Turn
from app.ui.transcript.paintlog import PaintLog
from app.ui.transcript.prose import Prose
from app.ui.transcript.question import Question
from app.ui.transcript.thought import ThoughtPane
from app.ui.transcript.turn import Answer

SLICE_SECONDS = 0.008
PLACED_AT_ONCE = 100
FOLLOW_MARGIN = 4
PAGE_SHARE = 0.9


class Transcript(QScrollArea):
    """All turns of one conversation."""

    asked = Signal(str)
    """A button in here asks for a command."""
    fork_asked = Signal(object, int)
    """Think again: a message id, and so many characters of its thought to keep."""
    edit_asked = Signal(object)
    """The question with this message id is to be put into other words."""
    chosen = Signal(object)
    """Another version of a message is wanted: its id."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, paint_log: Path | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.fold_thoughts = True
        self.queue_words = ""
        """What an answer in the queue waits for."""
        self.other_model = ""
        """The command that a failed load offers beside choosing another folder."""
        self.versions: Callable[[int], Sequence[int]] = lambda message_id: (message_id,)
        """All versions of a message, by their ids."""
        self._possible: frozenset[str] = frozenset()
        self._log = PaintLog(paint_log) if paint_log else None
        self._by_id: dict[int, Turn] = {}
        self._older: list[Message] = []
        """Messages above the first turn that are not built yet."""
        self._stale: set[Turn] = set()
        """Turns whose height may be another one, to be laid out at once."""
        self._follow = True
        self._moving = False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(_("Conversation"))
        self._column = Column()
        self.setWidget(self._column)
        self._bar = OverBar(self)
        self._edge = QFrame(self)
        self._edge.setAutoFillBackground(True)
        self._edge.setBackgroundRole(QPalette.ColorRole.Mid)
        self._edge.hide()
        self._jump = QuietButton(theme, _("Jump to end"), self, framed=True)
        self._jump.radius = 14
        self._jump.clicked.connect(self.jump_to_end)
        self._jump.hide()
        self._settling = QTimer(self, singleShot=True, interval=0)
        self._settling.timeout.connect(self._settle)
        self._building = QTimer(self, interval=0)
        self._building.timeout.connect(self._build_slice)
        self.verticalScrollBar().valueChanged.connect(self._scrolled)

    # what it shows ------------------------------------------------------------------------------

    def open(self, messages: Iterable[Message], progress: Progress | None = None) -> None:
        """Show another conversation from its end; what lies above is built while the reader looks."""
        self._building.stop()
        self._column.clear()
        self._by_id, self._older = {}, list(messages)
        self._stale.clear()
        self._follow = True
        built = 0
        while self._older and built < self.window().height() * 3 // 2:
            built += self._build_older().height()
        self._column.take_ahead()
        if progress is not None:
            self.progress(progress)
        self._mind_last()
        self._settle()
        if self._older:
            self._building.start()

    def add(self, message: Message) -> None:
        """Put a message under the last one, and go to it if the reader is at the end or asked it."""
        if message.id in self._by_id:
            self.change(message)
            return
        self._drop_after(message.parent)
        turn = self._make(message)
        self._column.turns.append(turn)
        self._by_id[message.id] = turn
        if message.role is Role.USER:
            self._follow = True
        self._mind_last()
        self._touch(turn)

    def append(self, message_id: int, kind: Kind, text: str) -> None:
        """Put text at the end of a running answer."""
        turn = self._by_id.get(message_id)
        if isinstance(turn, Answer):
            turn.append(kind, text)

    def retract(self, message_id: int, kind: Kind, characters: int) -> None:
        """Take so many characters away from the end of a running answer or of its thought."""
        turn = self._by_id.get(message_id)
        if isinstance(turn, Answer):
            turn.retract(kind, characters)

    def change(self, message: Message) -> None:
        """Show a message as it is now."""
        turn = self._by_id.get(message.id)
        if isinstance(turn, Answer):
            turn.change(message)
            self._mind_last()
            self._mind_edges()

    def progress(self, progress: Progress) -> None:
        """Show how far a running answer is."""
        turn = self._by_id.get(progress.message)
        if isinstance(turn, Answer):
            turn.progress(progress, self.queue_words)

    def offer(self, possible: frozenset[str]) -> None:
        """Take which commands the last answer can offer."""
        if possible != self._possible:
            self._possible = possible
            self._mind_last()

    def toggle_thought(self) -> None:
        """Fold or unfold the thought in sight."""
        if (pane := self._thought_in_sight()) is not None:
            pane.toggle()

    def enter_thought(self) -> None:
        """Put the caret at the end of the thought in sight."""
        if (pane := self._thought_in_sight()) is not None:
            pane.place_at_end()

    def place_in_thought(self) -> tuple[int, int] | None:
        """The message whose thought has the caret, and how many characters of it stand before; None without one."""
        for turn in self._column.turns:
            place = turn.thought.place() if isinstance(turn, Answer) and turn.thought else None
            if place is not None:
                return turn.message.id, place
        return None

    def version(self, step: int) -> int | None:
        """The version before (-1) or after (1) the shown one, of the newest message that has several."""
        for turn in reversed(self._column.turns):
            if len(turn.siblings) > 1:
                at = turn.siblings.index(turn.message.id) + step
                return turn.siblings[at] if 0 <= at < len(turn.siblings) else None
        return None

    def _thought_in_sight(self) -> ThoughtPane | None:
        """The newest thought that reaches into sight, else the newest of all."""
        panes = [turn.thought for turn in self._column.turns if isinstance(turn, Answer) and turn.thought]
        seen = [pane for pane in panes if not pane.visibleRegion().isEmpty()]
        return (seen or panes)[-1] if panes else None

    def has_thought(self) -> bool:
        """Whether there is a thought to fold."""
        return any(isinstance(turn, Answer) and turn.thought for turn in self._column.turns)

    def has_answer(self) -> bool:
        """Whether there is an answer to copy."""
        return any(isinstance(turn, Answer) and turn.taken for turn in self._column.turns)

    @property
    def last(self) -> Message | None:
        """The last message; while it runs, as it was when it began."""
        return self._column.turns[-1].message if self._column.turns else None

    @Slot()
    def jump_to_end(self) -> None:
        """Go to the end and follow it again."""
        self._follow = True
        self._settle()

    def page(self, direction: int) -> None:
        """Scroll by a page, up (-1) or down (1)."""
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + int(direction * self.viewport().height() * PAGE_SHARE))

    def log_start(self) -> None:
        """Note in the paint log that the window is there, and what that cost."""
        if self._log:
            self._log.note_start()

    def close_log(self) -> None:
        """Write no more to the paint log."""
        if self._log:
            self._log.close()
            self._log = None

    # building -----------------------------------------------------------------------------------

    def _make(self, message: Message) -> Turn:
        turn: Turn
        versions = self.versions(message.id)
        if message.role is Role.USER:
            turn = Question(self._theme, message, self._column, versions=versions)
            turn.body.dragged.connect(self._reach)
            turn.edit_asked.connect(self.edit_asked)
        else:
            turn = Answer(self._theme, message, self._column, fold=self.fold_thoughts, versions=versions)
            turn.grew.connect(self._grown)
            turn.asked.connect(self.asked)
            turn.fork_asked.connect(self.fork_asked)
            turn.text_added.connect(self._mind_text)
            for text in turn.texts():
                text.dragged.connect(self._reach)
            if self._log and message.state is State.RUNNING:
                self._log.watch(turn)
        turn.chosen.connect(self.chosen)
        self._column.fit(turn, self.viewport().width())
        return turn

    def _drop_after(self, parent: int | None) -> None:
        """Take away what another branch had under that message."""
        turns = self._column.turns
        if parent not in self._by_id:
            return
        while turns[-1].message.id != parent:
            turn = self._column.drop_last()
            del self._by_id[turn.message.id]
            self._stale.discard(turn)

    @Slot(Prose)
    def _mind_text(self, text: Prose) -> None:
        text.dragged.connect(self._reach)
        answer = self.sender()
        if self._log and isinstance(answer, Answer):
            self._log.watch(answer)

    def _build_older(self) -> Turn:
        message = self._older.pop()
        turn = self._make(message)
        self._column.ahead.append(turn)
        self._by_id[message.id] = turn
        return turn

    @Slot()
    def _build_slice(self) -> None:
        """Spend one slice on turns out of sight: those of another width first, then those not built yet."""
        until = perf_counter() + SLICE_SECONDS
        column, place = self._column, self._hold_place()
        refits = bool(column.unfit)
        while column.unfit and perf_counter() < until:
            column.fit(next(iter(column.unfit)), self.viewport().width())
        while self._older and perf_counter() < until:
            self._build_older()
        if not self._older and not column.unfit:
            self._building.stop()
        # Putting turns in their places costs more than building one, so many are placed at once.
        near_top = self.verticalScrollBar().value() < 2 * self.viewport().height()
        if refits or near_top or len(column.ahead) > PLACED_AT_ONCE or not self._older:
            column.take_ahead()
            self._reflow(place)

    def _mind_last(self) -> None:
        for turn in self._column.turns[-3:]:
            if isinstance(turn, Answer):
                last = turn is self._column.turns[-1]
                turn.offer(self._possible if last else frozenset(), self.other_model)

    # layout -------------------------------------------------------------------------------------

    def _touch(self, turn: Turn) -> None:
        self._stale.add(turn)
        if not self._settling.isActive():
            self._settling.start()

    @Slot()
    def _grown(self) -> None:
        turn = self.sender()
        if isinstance(turn, Answer):
            self._touch(turn)

    @Slot()
    def _settle(self) -> None:
        """Lay out what may have changed, then put everything in its place."""
        self._settling.stop()
        place = self._hold_place()
        for turn in self._stale:
            self._column.fit(turn, self.viewport().width())
        ends = self._stale <= set(self._column.turns[-1:])
        self._stale.clear()
        self._reflow(place, len(self._column.turns) - 1 if ends else 0)

    def _hold_place(self) -> tuple[Turn, int] | None:
        return self._column.turn_at(self.verticalScrollBar().value())

    def _reflow(self, place: tuple[Turn, int] | None, first: int = 0) -> None:
        """Put all turns from the first changed one where they stand now, and the reader where they were."""
        height = self._column.measure(first)
        self._moving = True
        self._column.resize(self.viewport().width(), max(height, self.viewport().height()))
        bar = self.verticalScrollBar()
        if self._follow:
            bar.setValue(bar.maximum())
        elif place is not None:
            bar.setValue(self._column.top_of(place[0]) - place[1])
        self._moving = False
        self._show_near()

    def _show_near(self) -> None:
        top = self.verticalScrollBar().value()
        self._column.place(top, top + self.viewport().height())
        self._mind_edges()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out what is in sight in the new width at once, and the rest while the reader looks."""
        super().resizeEvent(event)
        self._bar.place(self.size())
        self._edge.setGeometry(0, 0, self.width(), 1)
        self._jump.move((self.width() - self._jump.width()) // 2, self.height() - self._jump.height() - 12)
        if event.oldSize().width() != event.size().width():
            self._column.unfit.update(self._column.turns, self._column.ahead)
            top = self.verticalScrollBar().value()
            self._stale.update(self._column.near(top, top + self.height()))
            self._building.start()
        self._settle()

    # scrolling ----------------------------------------------------------------------------------

    @Slot()
    def _scrolled(self) -> None:
        if not self._moving:
            bar = self.verticalScrollBar()
            self._follow = bar.value() >= bar.maximum() - FOLLOW_MARGIN
            self._show_near()

    def _mind_edges(self) -> None:
        self._edge.setVisible(self.verticalScrollBar().value() > TOP)
        last = self._column.turns[-1] if self._column.turns else None
        running = last is not None and last.message.state is State.RUNNING
        wanted = running and not self._follow
        if wanted != (not self._jump.isHidden()):
            self._jump.adjustSize()
            self._jump.move((self.width() - self._jump.width()) // 2, self.height() - self._jump.height() - 12)
            self._jump.setVisible(wanted)

    @Slot(QPoint)
    def _reach(self, point: QPoint) -> None:
        """Scroll along with a selection that is dragged out of sight."""
        text = self.sender()
        if isinstance(text, QWidget):
            at = text.mapTo(self._column, point)
            self.ensureVisible(self._column.width() // 2, at.y(), 0, 16)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave the keys to the window."""
        event.ignore()
