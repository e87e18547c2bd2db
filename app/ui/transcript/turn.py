"""What stands in the column for an answer: its thought, its text, and how it ended."""

from collections.abc import Sequence

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QWidget

from app.chat.changes import Phase, Progress
from app.core.messages import Kind, Message, State
from app.core.text import _
from app.ui.theme import Theme
from app.ui.transcript.card import NoteCard
from app.ui.transcript.code import CodeCard
from app.ui.transcript.endings import Ending, describe_end
from app.ui.transcript.fences import Fences, Piece
from app.ui.transcript.foot import Foot
from app.ui.transcript.prose import Prose
from app.ui.transcript.thought import ThoughtPane
from app.ui.transcript.waiting import WaitingLine
from app.ui.words import say_ended_thought, say_left_thought, say_reading, say_running_thought

BLOCK_GAP = 12
THOUGHT_GAP = 4


class Answer(QWidget):
    """What the model thought and answered, over the full column."""

    grew = Signal()
    asked = Signal(str)
    """A button in here asks for a command."""
    text_added = Signal(Prose)
    """A new stretch of running text stands in the answer."""
    chosen = Signal(object)
    """Another version is wanted: its message id."""
    fork_asked = Signal(object, int)
    """Think again: this message id, from so many characters of its thought on."""

    def __init__(
        self, theme: Theme, message: Message, parent: QWidget, *, fold: bool, versions: Sequence[int] = ()
    ) -> None:
        super().__init__(parent)
        self._theme, self._fold = theme, fold
        self.siblings = versions
        """All versions of this answer, this one among them."""
        self.message = message
        self.thought: ThoughtPane | None = None
        self.blocks: list[Prose | CodeCard] = []
        self.card: NoteCard | None = None
        self.waiting: WaitingLine | None = None
        self.foot: Foot | None = None
        self.taken = 0
        """Characters of the answer given so far."""
        self._texts: list[str] = []
        """They themselves."""
        self._blank = ""
        """The thought so far, while it is only space: no pane is worth that."""
        self._fences = Fences()
        self._possible: frozenset[str] = frozenset()
        self._other_model = ""
        self._answering = False
        self._opened = True
        """Whether the thought's pane is open when it is made."""
        self.setAccessibleName(_("Answer"))
        self._fill()

    # content ------------------------------------------------------------------------------------

    def append(self, kind: Kind, text: str) -> None:
        """Put text at the end of the thought or of the answer."""
        if kind in {Kind.REASONING, Kind.STEER}:
            if not self._think(kind, text):
                return
        elif kind is Kind.TEXT:
            self._leave_thought()
            self._say(text)
        else:
            return
        self._drop_waiting()
        self.grew.emit()

    def retract(self, kind: Kind, characters: int) -> None:
        """Take so many characters away from the end of the thought or of the answer."""
        if not characters:
            return
        if kind is Kind.TEXT:
            text = "".join(self._texts)
            self._drop_text()
            self._say(text[: len(text) - characters])
        elif self.thought is not None:
            self.thought.retract(kind, characters)
        else:
            self._blank = self._blank[: len(self._blank) - characters]
        self.grew.emit()

    def _think(self, kind: Kind, text: str) -> bool:
        """Put text at the end of the thought; whether there is a pane for it."""
        if kind is Kind.REASONING and self.thought is None and not text.strip():
            self._blank += text
            return False
        pane = self._mind_thought()
        if self._blank:
            text_before, self._blank = self._blank, ""
            pane.append(Kind.REASONING, text_before)
        pane.append(kind, text)
        return True

    def _say(self, text: str) -> None:
        self.taken += len(text)
        self._texts.append(text)
        self._put(self._fences.feed(text))

    def change(self, message: Message) -> None:
        """Take the message as it is now; text that is already there stays where it is."""
        thought = (self.thought.taken, self.thought.steered) if self.thought else (len(self._blank), 0)
        told = (len(message.reasoning), len(message.text_of(Kind.STEER)))
        # One that goes on is built anew: what its end flushed may have been half a fence.
        same = self.message.state is State.RUNNING and len(message.text) == self.taken and told == thought
        self.message = message
        if same:
            self._finish()
        else:
            self._fill()
        self.grew.emit()

    def progress(self, progress: Progress, queue_words: str) -> None:
        """Show how far the running answer is; `queue_words` say what one in the queue waits for."""
        waited = self.waiting is not None
        if progress.phase is Phase.THINKING:
            if self.thought:
                self._run_thought(self.thought, progress)
            else:
                self._mind_waiting().show_words(say_running_thought(progress), 0, 0)
        elif progress.phase is Phase.ANSWERING:
            self._leave_thought()
            if self.thought:
                self.thought.set_header(say_left_thought(progress), force=not self._answering)
            self._answering = True
        else:
            if self.thought:  # an answer that goes on is read again first
                self.thought.set_running(running=False)
                self.thought.set_header(say_left_thought(progress), force=True)
            words = queue_words if progress.phase is Phase.QUEUED else say_reading(progress)
            self._mind_waiting().show_words(words, progress.read, progress.to_read)
        if waited != (self.waiting is not None):
            self.grew.emit()

    def _run_thought(self, pane: ThoughtPane, progress: Progress) -> None:
        running = progress.phase is Phase.THINKING
        if running != pane.running:
            pane.set_running(running=running)
            self.grew.emit()
        pane.set_header(say_running_thought(progress))
        self._drop_waiting()

    def offer(self, possible: frozenset[str], other_model: str) -> None:
        """Take which commands can be offered, none of them unless this is the last answer."""
        if (possible, other_model) != (self._possible, self._other_model):
            self._possible, self._other_model = possible, other_model
            self._mind_end()
            self.grew.emit()

    def _fill(self) -> None:
        opened = self.thought.open if self.thought else None
        self._drop_text()
        for widget in (self.thought, self.card, self.waiting, self.foot):
            _drop(widget)
        self.thought = self.card = self.waiting = self.foot = None
        self._blank = ""
        message = self.message
        folded = bool(message.text) and self._fold
        self._opened = not folded if opened is None else opened
        for part in message.parts:
            if part.kind in {Kind.REASONING, Kind.STEER}:
                self._think(part.kind, part.text)
        if self.thought:
            self.thought.set_running(running=message.state is State.RUNNING and not message.text)
        if message.text:
            self._say(message.text)
        self._finish()

    def _drop_text(self) -> None:
        for block in self.blocks:
            _drop(block)
        self.blocks, self.taken, self._texts, self._fences = [], 0, [], Fences()

    def _finish(self) -> None:
        if self.message.state is State.RUNNING:
            if not self.thought and not self.blocks:
                self._mind_waiting()
        else:
            self._put(self._fences.finish())
            self._drop_waiting()
            if self.thought:
                self.thought.set_running(running=False)
                self.thought.set_header(say_ended_thought(self.message.generation, self.message.state), force=True)
        self._mind_end()

    def _put(self, pieces: list[tuple[Piece, str]]) -> None:
        for piece, text in pieces:
            last = self.blocks[-1] if self.blocks else None
            if piece is Piece.OPEN:
                self._add(CodeCard(self._theme, text.split(" ")[0], self))
            elif piece is Piece.CODE and isinstance(last, CodeCard):
                last.append(text)
            elif piece is Piece.TEXT:
                if not isinstance(last, Prose):
                    if not text.strip("\n"):
                        continue
                    last = Prose(self._theme, "text", "ink", self)
                    self._add(last)
                last.append(text)

    def _add(self, block: Prose | CodeCard) -> None:
        self.blocks.append(block)
        block.show()
        self.text_added.emit(block.body if isinstance(block, CodeCard) else block)

    def _mind_thought(self) -> ThoughtPane:
        if self.thought is None:
            self.thought = ThoughtPane(self._theme, self)
            self.thought.grew.connect(self.grew)
            self.thought.answer_asked.connect(self._ask_answer)
            self.thought.text_added.connect(self.text_added)
            self.thought.fork_asked.connect(self._ask_fork)
            self.thought.header.setText(_("Thinking…"))
            self.thought.set_open(opened=self._opened, animated=False)
            self.thought.set_running(running=self.message.state is State.RUNNING and not self.taken)
            self.thought.show()
        return self.thought

    def _leave_thought(self) -> None:
        if self.thought and self.thought.running:
            self.thought.set_running(running=False)
            if self._fold and not self.thought.touched:
                self.thought.set_open(opened=False)

    @Slot()
    def _ask_answer(self) -> None:
        self.asked.emit("chat.answer_now")

    @Slot(int)
    def _ask_fork(self, characters: int) -> None:
        self.fork_asked.emit(self.message.id, characters)

    def _mind_waiting(self) -> WaitingLine:
        if self.waiting is None:
            self.waiting = WaitingLine(self._theme, self)
            self.waiting.show_words(_("Reading the question"), 0, 0)
            self.waiting.show()
        return self.waiting

    def _drop_waiting(self) -> None:
        _drop(self.waiting)
        self.waiting = None

    def _mind_end(self) -> None:
        """Say how the answer ended where it was not by itself, and offer what can be done and its versions."""
        ending = describe_end(self.message, self._possible, self._other_model)
        in_card = ending is not None and ending.card
        if ending is not None and in_card:
            if self.card is None:
                self.card = NoteCard(self._theme, self)
                self.card.asked.connect(self.asked)
                self.card.show()
            self.card.show_ending(ending)
        else:
            _drop(self.card)
            self.card = None
        row = None if in_card else ending
        versions = self.siblings if len(self.siblings) > 1 and self.message.state is not State.RUNNING else ()
        if row is None and not versions:
            _drop(self.foot)
            self.foot = None
            return
        if self.foot is None:
            self.foot = Foot(self._theme, self)
            self.foot.asked.connect(self.asked)
            self.foot.chosen.connect(self.chosen)
            if versions:
                self.foot.show_versions(versions, self.message.id)
            self.foot.show()
        self.foot.show_ending(row or Ending())

    def texts(self) -> list[Prose]:
        """All running text, the thought first."""
        thought = self.thought.body.proses() if self.thought and self.thought.body else []
        return [*thought, *self.block_texts()]

    def block_texts(self) -> list[Prose]:
        """All running text of the answer proper."""
        return [block.body if isinstance(block, CodeCard) else block for block in self.blocks]

    # layout -------------------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the turn is."""
        y = gap = 0
        for widget in (self.thought, *self.blocks, self.waiting, self.card, self.foot):
            if widget is None:
                continue
            if y:
                y += gap
            height = widget.height_at(width)
            widget.setGeometry(0, y, width, height)
            y += height
            gap = THOUGHT_GAP if widget is self.thought else BLOCK_GAP
        return y


def _drop(widget: QWidget | None) -> None:
    if widget is not None:
        widget.hide()
        widget.deleteLater()
