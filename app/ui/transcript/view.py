"""The transcript: all turns of one conversation in one painted view.

Text that arrives is kept and shown as often as there is time for it: at most 30 times a second, and never for more
than a quarter of the time.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Thread
from time import perf_counter

from PySide6.QtCore import QEvent, QTimer, Signal, Slot
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.changes import Progress
from app.core.messages import Kind, Message, Role, State
from app.core.text import _
from app.markup.code import warm
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.markup.typesetter import Typesetter
from app.ui.theme import Theme
from app.ui.transcript.answer import Answer
from app.ui.transcript.coderow import CodeRow
from app.ui.transcript.conversation import Conversation
from app.ui.transcript.paintlog import PaintLog
from app.ui.transcript.proserow import ProseRow
from app.ui.transcript.question import Question
from app.ui.transcript.setting import Setting
from app.ui.transcript.turn import Turn

SLICE_SECONDS = 0.008
INTERVAL = 33
HIDDEN_INTERVAL = 250
SHARE = 4
"""A flush may take this part of the time between two."""
PLACED_AT_ONCE = 100
"""Older turns that are put above the first at once: putting them there costs more than making one."""


class Transcript(Conversation):
    """All turns of one conversation."""

    asked = Signal(str)
    """A button in here asks for a command."""
    fork_asked = Signal(object, int)
    """Think again: a message id, and so many characters of its thought to keep."""
    edit_asked = Signal(object)
    """The question with this message id is to be put into other words."""
    save_asked = Signal(object, object)
    """A file is to be written: its path and its bytes."""
    chosen = Signal(object)
    """Another version of a message is wanted: its id."""
    _typeset = Signal()
    """Formulas are known that were not; sent from their thread."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, paint_log: Path | None = None) -> None:
        self._typesetter = Typesetter(self._wake)
        super().__init__(theme, Setting(theme, self._typesetter.ask), parent)
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
        self._built: list[Turn] = []
        """Turns built above the first one, nearest first, that are not in their places yet."""
        self.flush_seconds = 0.0
        """What the last flush took, without painting."""
        self._growing: Answer | None = None
        self._places: dict[int, tuple[int, int, int]] = {}
        """For each chat that was left in its middle: a message, a row of it, and where that stood."""
        self._painted_thought = 0
        """Characters of the running thought that were on the screen."""
        self.setAccessibleName(_("Conversation"))
        self._flushing = QTimer(self, singleShot=True)
        self._flushing.timeout.connect(self.flush)
        self._building = QTimer(self, interval=0)
        self._building.timeout.connect(self._build_slice)
        self._retyping = QTimer(self, singleShot=True, interval=INTERVAL)
        self._retyping.timeout.connect(self._take_formulas)
        self._typeset.connect(self._mind_formulas)
        theme.changed.connect(self._retheme)

    # what it shows --------------------------------------------------------------------------------

    def open(self, messages: Iterable[Message], progress: Progress | None = None) -> None:
        """Show another conversation from its end; what lies above is built while the reader looks."""
        self._building.stop()
        self._flushing.stop()
        self.close_find()
        self._note_place()
        self.clear()
        self.marks.clear()
        self.fit_width()
        self._by_id, self._older, self._built = {}, list(messages), []
        self._growing = None
        self.follow = True
        height = 0
        first: list[Turn] = []
        place = self._places.get(self._older[-1].session) if self._older else None
        wanted = self.window().height() * 3 // 2
        while self._older and (height < wanted or (place is not None and place[0] not in self._by_id)):
            turn = self._make(self._older.pop())
            first.append(turn)
            height += sum(row.height + row.gap for row in turn.rows)
        for turn in reversed(first):
            self.push(turn)
        if progress is not None:
            self.progress(progress)
        self._mind_last()
        self._return_to(place)
        self.viewport().update()
        if self._older:
            self._building.start()

    def _note_place(self) -> None:
        """Remember where the reader is in this chat, unless that is its end."""
        if not self.turns:
            return
        session = self.turns[-1].message.session
        self._places.pop(session, None)
        if self.follow or not self.stack.rows:
            return
        index = self.row_at(0)
        turn = self.turn_at(index)
        if turn is not None:
            self._places[session] = (turn.message.id, index - self._firsts[self.turns.index(turn)], self.row_top(index))

    def _return_to(self, place: tuple[int, int, int] | None) -> None:
        """Show the chat where the reader left it, else its end."""
        turn = self._by_id.get(place[0]) if place is not None else None
        if place is None or turn is None or place[1] >= len(turn.rows):
            self.settle()
            return
        self.follow = False
        self.restore((turn.rows[place[1]], place[2]))

    def add(self, message: Message) -> None:
        """Put a message under the last one, and go to it if the reader is at the end or asked it."""
        if message.id in self._by_id:
            self.change(message)
            return
        with self.changes():
            self._drop_after(message.parent)
            self.push(self._make(message))
            self._painted_thought = 0
            if message.role is Role.USER:
                self.follow = True
            self._mind_last()
        self.viewport().update()

    def append(self, message_id: int, kind: Kind, text: str) -> None:
        """Put text at the end of a running answer."""
        turn = self._by_id.get(message_id)
        if isinstance(turn, Answer):
            turn.append(kind, text)
            self._growing = turn
            if not self._flushing.isActive():
                self._flushing.start(self._interval())

    def _interval(self) -> int:
        if not self.isVisible() or self.window().isMinimized():
            return HIDDEN_INTERVAL
        return max(INTERVAL, round(1000 * SHARE * (self.flush_seconds + self.painted_seconds)))

    @Slot()
    def flush(self) -> None:
        """Show all text that has arrived."""
        self._flushing.stop()
        turn, self._growing = self._growing, None
        if turn is None or not turn.waits:
            return
        started = perf_counter()
        with self.changes():
            turn.flush()
        self.mind_breath()
        self.grown(turn)
        self.flush_seconds = perf_counter() - started

    def retract(self, message_id: int, kind: Kind, characters: int) -> None:
        """Take so many characters away from the end of a running answer or of its thought."""
        turn = self._by_id.get(message_id)
        if isinstance(turn, Answer):
            with self.changes():
                turn.retract(kind, characters)

    def change(self, message: Message) -> None:
        """Show a message as it is now."""
        turn = self._by_id.get(message.id)
        if isinstance(turn, Answer):
            was_running = turn.message.state is State.RUNNING
            with self.changes():
                turn.change(message)
                self._mind_last()
            self.grown(turn)
            if was_running and message.state is not State.RUNNING:
                self.announce(
                    _("The answer is finished.") if message.state is State.DONE else _("The answer has ended.")
                )
            self.viewport().update()

    def progress(self, progress: Progress) -> None:
        """Show how far a running answer is."""
        turn = self._by_id.get(progress.message)
        if isinstance(turn, Answer):
            self.flush()
            with self.changes():
                turn.progress(progress, self.queue_words)
            self.mind_breath()

    def offer(self, possible: frozenset[str]) -> None:
        """Take which commands the last answer can offer."""
        if possible != self._possible:
            self._possible = possible
            with self.changes():
                self._mind_last()

    # what buttons and menus ask for ----------------------------------------------------------------

    def ask(self, command: str) -> None:
        """A button asks for a command."""
        self.asked.emit(command)

    def choose(self, message_id: int) -> None:
        """Another version is wanted."""
        self.chosen.emit(message_id)

    def ask_fork(self, message_id: int, characters: int) -> None:
        """Think again from a place on."""
        self.fork_asked.emit(message_id, characters)

    def ask_edit(self, message_id: int) -> None:
        """Put a question into other words."""
        self.edit_asked.emit(message_id)

    # building -------------------------------------------------------------------------------------

    def _make(self, message: Message) -> Turn:
        versions = self.versions(message.id)
        turn: Turn
        if message.role is Role.USER:
            turn = Question(self, message, versions)
        else:
            turn = Answer(self, message, versions, fold=self.fold_thoughts)
        self._by_id[message.id] = turn
        return turn

    def _drop_after(self, parent: int | None) -> None:
        """Take away what another branch had under that message."""
        if parent not in self._by_id:
            return
        while self.turns[-1].message.id != parent:
            turn = self.pop()
            del self._by_id[turn.message.id]
            self.forget_places()

    def _mind_last(self) -> None:
        for turn in self.turns[-3:]:
            if isinstance(turn, Answer):
                last = turn is self.turns[-1]
                turn.offer(self._possible if last else frozenset(), self.other_model)

    @Slot()
    def _build_slice(self) -> None:
        """Spend one slice on turns above the first one."""
        until = perf_counter() + SLICE_SECONDS
        while self._older and perf_counter() < until:
            self._built.append(self._make(self._older.pop()))
        near_top = self.verticalScrollBar().value() < 2 * self.viewport().height()
        if near_top or len(self._built) > PLACED_AT_ONCE or not self._older:
            self._place_built()
        if not self._older:
            self._building.stop()

    def build_all(self) -> None:
        """Build all turns now: something must know all texts."""
        while self._older:
            self._built.append(self._make(self._older.pop()))
        self._building.stop()
        self._place_built()

    def _place_built(self) -> None:
        if self._built:
            with self.changes():
                self.push_above(self._built[::-1])
                self._built.clear()

    def idle(self) -> bool:
        """Look for the colours of code in sight."""
        for index in self.seen(ahead=self.viewport().height()):
            row = self.stack.rows[index]
            if isinstance(row, CodeRow) and not row.section.coloured(row.block.group):
                if row.section.colour(row.block.group, SLICE_SECONDS / 2):
                    self.viewport().update()
                return True
        return False

    # formulas -------------------------------------------------------------------------------------

    def _wake(self) -> None:
        """Called in the thread of the formulas."""
        self._typeset.emit()

    @Slot()
    def _mind_formulas(self) -> None:
        if not self._retyping.isActive():
            self._retyping.start()

    @Slot()
    def _take_formulas(self) -> None:
        """Lay out anew what waited for formulas, once all of its formulas are there."""
        if not self._typesetter.take():
            return
        with self.changes():
            for row in self.setting.laid():
                page = row.page if isinstance(row, ProseRow) else None
                if page is not None and page.formulas and self._all_known(page.formulas):
                    self.setting.drop_picture(row)
                    row.forget()
                    row.section.unfit()
        self.viewport().update()

    def _all_known(self, formulas: Sequence[Formula]) -> bool:
        return all(self._typesetter.ask(formula) is not None for formula in formulas)

    def typeset(self, formula: Formula) -> Drawing | Refused | None:
        """The shapes of a formula, as far as they are known."""
        return self._typesetter.ask(formula)

    def ask_mathml(self, formula: Formula) -> None:
        """Have a formula written as MathML."""
        self._typesetter.ask_mathml(formula, self.note_mathml)

    def write_file(self, path: Path, content: bytes) -> None:
        """Hand a file on to be written."""
        self.save_asked.emit(path, content)

    # look -----------------------------------------------------------------------------------------

    def set_look(self, *, scale: float, wrap: bool, numbers: bool) -> None:
        """Take the size of texts and how code is shown."""
        setting = self.setting
        if (scale, wrap, numbers) == (setting.scale, setting.wrap, setting.numbers):
            return
        place = self.hold()
        setting.scale, setting.wrap, setting.numbers = scale, wrap, numbers
        self.code_bar.hide()
        self.rescale()
        self.restore(place)
        self.viewport().update()

    @Slot()
    def _retheme(self) -> None:
        """Other colours: all layouts hold the old ones."""
        place = self.hold()
        self.setting.renew()
        for row in self.stack.rows:
            if not isinstance(row, ProseRow | CodeRow):
                continue
            row.known = False
        self.restore(place)
        self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint, and note what was painted of a running answer."""
        super().paintEvent(event)
        last = self.turns[-1] if self.turns else None
        if self._log and isinstance(last, Answer) and last.message.state is State.RUNNING:
            if last.opened:
                self._painted_thought = last.reasoned
            self._log.note_painted(last.message.id, self._painted_thought, last.taken)

    def changeEvent(self, event: QEvent) -> None:
        """Show what has waited while the window was hidden."""
        super().changeEvent(event)
        if event.type() is QEvent.Type.WindowStateChange:
            self.flush()

    def log_start(self) -> None:
        """Note in the paint log that the window is there, and what that cost; load what the first code will need."""
        if self._log:
            self._log.note_start()
        self.warm_up()

    def warm_up(self) -> None:
        """Load the lexers of common languages in the background: the first code would wait for them."""
        Thread(target=_exhaust, name="lexers", daemon=True).start()

    def close_log(self) -> None:
        """Write no more to the paint log, and typeset no more formulas."""
        self._typesetter.close()
        if self._log:
            self._log.close()
            self._log = None


def _exhaust() -> None:
    for _language in warm():
        pass
