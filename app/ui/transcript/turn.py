"""What stands in the column for one message: a question's bubble, or an answer with its thought."""

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.chat.changes import Phase, Progress
from app.core.errors import Failure
from app.core.messages import End, Kind, Message, State
from app.core.text import _
from app.ui.theme import Theme
from app.ui.transcript.card import NoteCard
from app.ui.transcript.code import CodeCard
from app.ui.transcript.fences import Fences, Piece
from app.ui.transcript.prose import Prose
from app.ui.transcript.thought import ThoughtPane
from app.ui.transcript.waiting import WaitingLine
from app.ui.words import say_ended_thought, say_left_thought, say_reading, say_running_thought

BUBBLE_RADIUS = 14
BUBBLE_X, BUBBLE_Y = 14, 8
BUBBLE_SHARE = 0.8
BLOCK_GAP = 12
FILE_GAP = 4
THOUGHT_GAP = 4


class Question(QWidget):
    """What the user asked, at the right."""

    def __init__(self, theme: Theme, message: Message, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self.message = message
        self.body = Prose(theme, "text", "ink", self)
        self.body.append(message.text)
        self._natural = self.body.natural_width()
        self.files: Prose | None = None
        if names := [part.name for part in message.parts if part.kind is Kind.DOCUMENT]:
            self.files = Prose(theme, "thought", "secondary", self)
            self.files.append("\n".join(names))
            self._natural = max(self._natural, self.files.natural_width())
        self.setAccessibleName(_("Your question"))

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the turn is."""
        inner = min(self._natural, int(width * BUBBLE_SHARE) - 2 * BUBBLE_X)
        x, y = width - inner - BUBBLE_X, BUBBLE_Y
        if self.files is not None:
            self.files.setGeometry(x, y, inner, self.files.height_at(inner))
            y += self.files.height() + FILE_GAP
        self.body.setGeometry(x, y, inner, self.body.height_at(inner))
        return y + self.body.height() + BUBBLE_Y

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the bubble."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.color("fill"))
        left = self.body.x() - BUBBLE_X
        painter.drawRoundedRect(QRectF(left, 0, self.width() - left, self.height()), BUBBLE_RADIUS, BUBBLE_RADIUS)
        painter.end()


class Answer(QWidget):
    """What the model thought and answered, over the full column."""

    grew = Signal()
    asked = Signal(str)
    """A button in here asks for a command."""
    text_added = Signal(Prose)
    """A new stretch of running text stands in the answer."""

    def __init__(self, theme: Theme, message: Message, parent: QWidget, *, fold: bool) -> None:
        super().__init__(parent)
        self._theme, self._fold = theme, fold
        self.message = message
        self.thought: ThoughtPane | None = None
        self.blocks: list[Prose | CodeCard] = []
        self.card: NoteCard | None = None
        self.waiting: WaitingLine | None = None
        self.foot: WaitingLine | None = None
        self.taken = 0
        """Characters of the answer given so far."""
        self._blank = ""
        """The thought so far, while it is only space: no pane is worth that."""
        self._fences = Fences()
        self._last = True
        self._other_model = ""
        self._answering = False
        self.setAccessibleName(_("Answer"))
        self._fill()

    # content ------------------------------------------------------------------------------------

    def append(self, kind: Kind, text: str) -> None:
        """Put text at the end of the thought or of the answer."""
        if kind is Kind.REASONING:
            text, self._blank = self._blank + text, ""
            if self.thought is None and not text.strip():
                self._blank = text
                return
            self._mind_thought().append(text)
        elif kind is Kind.TEXT:
            self._leave_thought()
            self.taken += len(text)
            self._put(self._fences.feed(text))
        else:
            return
        self._drop_waiting()
        self.grew.emit()

    def change(self, message: Message) -> None:
        """Take the message as it is now; text that is already there stays where it is."""
        thought = self.thought.taken if self.thought else len(self._blank)
        same = len(message.text) == self.taken and len(message.reasoning) == thought
        self.message = message
        if same:
            self._finish()
        else:
            self._fill()
        self.grew.emit()

    def progress(self, progress: Progress, queue_words: str) -> None:
        """Show how far the running answer is; `queue_words` say what one in the queue waits for."""
        thinking = progress.phase is Phase.THINKING
        waited = self.waiting is not None
        if self.thought and (thinking or not self.taken):
            self._run_thought(self.thought, progress)
        elif thinking:
            self._mind_waiting().show_words(say_running_thought(progress), 0, 0)
        elif progress.phase is Phase.ANSWERING:
            self._leave_thought()
            if self.thought:
                self.thought.set_header(say_left_thought(progress), force=not self._answering)
            self._answering = True
        else:
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

    def set_last(self, *, last: bool) -> None:
        """Only the last answer offers to try again."""
        if last != self._last:
            self._last = last
            self._mind_card()
            self.grew.emit()

    def offer(self, other_model: str) -> None:
        """Name the command that a failed load offers beside choosing another folder."""
        if other_model != self._other_model:
            self._other_model = other_model
            self._mind_card()
            self.grew.emit()

    def _fill(self) -> None:
        opened = self.thought.open if self.thought else None
        for widget in (self.thought, self.card, self.waiting, self.foot, *self.blocks):
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.thought = self.card = self.waiting = self.foot = None
        self.blocks, self.taken, self._fences = [], 0, Fences()
        message = self.message
        self._blank = "" if message.reasoning.strip() else message.reasoning
        if message.reasoning.strip():
            folded = bool(message.text) and self._fold
            pane = self._mind_thought(opened=not folded if opened is None else opened)
            pane.append(message.reasoning)
            pane.set_running(running=message.state is State.RUNNING and not message.text)
        if message.text:
            self.taken = len(message.text)
            self._put(self._fences.feed(message.text))
        self._finish()

    def _finish(self) -> None:
        if self.message.state is State.RUNNING:
            if not self.thought and not self.blocks:
                self._mind_waiting()
            return
        self._put(self._fences.finish())
        self._drop_waiting()
        self._mind_foot()
        if self.thought:
            self.thought.set_running(running=False)
            self.thought.set_header(say_ended_thought(self.message.generation, self.message.state), force=True)
        self._mind_card()

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

    def _mind_thought(self, *, opened: bool = True) -> ThoughtPane:
        if self.thought is None:
            self.thought = ThoughtPane(self._theme, self)
            self.thought.grew.connect(self.grew)
            self.thought.answer_asked.connect(self._ask_answer)
            self.thought.text_added.connect(self.text_added)
            self.thought.header.setText(_("Thinking…"))
            self.thought.set_open(opened=opened, animated=False)
            self.thought.set_running(running=self.message.state is State.RUNNING and not self.taken)
            self.thought.show()
        return self.thought

    def _leave_thought(self) -> None:
        if self.thought and self.thought.running:
            self.thought.set_running(running=False)
            if self._fold and not self.thought.touched:
                self.thought.set_open(opened=False)

    def _ask_answer(self) -> None:
        self.asked.emit("chat.answer_now")

    def _mind_waiting(self) -> WaitingLine:
        if self.waiting is None:
            self.waiting = WaitingLine(self._theme, self)
            self.waiting.show_words(_("Reading the question"), 0, 0)
            self.waiting.show()
        return self.waiting

    def _drop_waiting(self) -> None:
        if self.waiting is not None:
            self.waiting.hide()
            self.waiting.deleteLater()
            self.waiting = None

    def _mind_foot(self) -> None:
        """An answer that did not end by itself says so, where its thought does not say it already."""
        message = self.message
        full = message.generation is not None and message.generation.end is End.LIMIT
        words = mark = ""
        if message.state is State.STOPPED and (self.taken or not self.thought):
            words = _("Stopped by you")
        elif message.state is State.DONE and full:
            words, mark = _("Cut off: the context is full."), "warn"
        if words and self.foot is None:
            self.foot = WaitingLine(self._theme, self, mark=mark)
            self.foot.show_words(words, 0, 0)
            self.foot.show()

    def _mind_card(self) -> None:
        failure = failure_of(self.message)
        if failure is None:
            return
        if self.card is None:
            self.card = NoteCard(self._theme, self, token="bad" if self.message.state is State.FAILED else "warn")
            self.card.asked.connect(self.asked)
        other = self._other_model if self._last and failure.command == "model.choose" else ""
        self.card.show_failure(failure, with_button=self._last, other=other)
        self.card.show()

    def texts(self) -> list[Prose]:
        """All running text, the thought first."""
        blocks = [block.body if isinstance(block, CodeCard) else block for block in self.blocks]
        return [self.thought.body, *blocks] if self.thought and self.thought.body else blocks

    # layout -------------------------------------------------------------------------------------

    def height_at(self, width: int) -> int:
        """Lay out in a width and say how high the turn is."""
        y = gap = 0
        for widget in (self.thought, self.waiting, *self.blocks, self.foot, self.card):
            if widget is None:
                continue
            if y:
                y += gap
            height = widget.height_at(width)
            widget.setGeometry(0, y, width, height)
            y += height
            gap = THOUGHT_GAP if widget is self.thought else BLOCK_GAP
        return y


def failure_of(message: Message) -> Failure | None:
    """What a card says under an answer that did not come to its end."""
    failure = message.generation.failure if message.generation else None
    if failure is not None:
        # Trying again restarts a stopped engine first: one click for both.
        command = "chat.retry" if failure.command in {"", "engine.restart"} else failure.command
        return Failure(failure.kind, failure.message, failure.hint, command)
    if message.state is State.INTERRUPTED:
        hint = _("What was written until then is kept.")
        return Failure("Interrupted", _("This answer was interrupted."), hint, "chat.retry")
    if message.state is State.FAILED:
        return Failure("Failed", _("This answer could not be finished."), "", "chat.retry")
    return None
