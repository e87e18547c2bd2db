"""What the model thought and answered, over the full column."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.chat.changes import Phase, Progress
from app.core.messages import Kind, Message, State
from app.core.text import _
from app.ui.transcript.ending import BLOCK_GAP, Ended
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.section import Section
from app.ui.transcript.slip import Slip
from app.ui.transcript.thought import HEADER, INSET, ThoughtHead
from app.ui.transcript.turn import REPLY_GAP, Host
from app.ui.transcript.waiting import HEIGHT as WAITING_HEIGHT
from app.ui.transcript.waiting import WaitingLine
from app.ui.words import say_ended_thought, say_left_thought, say_reading, say_running_thought

THOUGHT_GAP = 4
"""Between the header and the thought."""
AFTER_THOUGHT = 12
AFTER_OPEN_THOUGHT = 20
SLIP_GAP = 10


class Answer(Ended):
    """One answer. Text that arrives is kept until `flush`, which is called as often as there is time for it."""

    def __init__(self, host: Host, message: Message, versions: Sequence[int], *, fold: bool) -> None:
        super().__init__(host, message, versions)
        self._fold = fold
        self.thought: list[Section] = []
        """Stretches of the model's own thought and, between them, what the user put in."""
        self.text: Section | None = None
        self.taken = 0
        """Characters of the answer given so far."""
        self.opened = True
        """Whether the thought is, or would be, unfolded."""
        self.touched = False
        """Whether the reader folded or unfolded it: from then on it does not fold by itself."""
        self.running = False
        """Whether the thought goes on."""
        self._pending: list[tuple[Kind, str]] = []
        self._blank = ""
        """The thought so far, while it is only space: no header is worth that."""
        self._words = _("Thinking…")
        self._answering = False
        self._waiting_words: tuple[str, int, int] = (_("Reading the question"), 0, 0)
        self._head: WidgetRow | None = None
        self._waiting: WidgetRow | None = None
        self._fill()

    # text -----------------------------------------------------------------------------------------

    def append(self, kind: Kind, text: str) -> None:
        """Keep text for the end of the thought or of the answer."""
        if kind in {Kind.REASONING, Kind.STEER, Kind.TEXT}:
            self._pending.append((kind, text))

    @property
    def waits(self) -> bool:
        """Whether there is text that is not shown yet."""
        return bool(self._pending)

    def flush(self) -> None:
        """Show all text that was kept."""
        pending, self._pending = self._pending, []
        if len({kind for kind, _text in pending}) == 1 and self._grow(*pending[0], pending):
            return
        for kind, texts in groupby(pending, key=_kind_of):
            text = "".join(text for _kind, text in texts)
            if kind is Kind.TEXT:
                self._leave_thought()
                self._say(text)
            elif not self._think(kind, text):
                continue
            self._waiting = self._release(self._waiting)
        if pending:
            self._compose()

    def _grow(self, kind: Kind, _text: str, pending: Sequence[tuple[Kind, str]]) -> bool:
        """Put text behind the last section where nothing else changes, in no more time than that takes."""
        section = self.text if kind is Kind.TEXT else self.thought[-1] if self.thought and self.text is None else None
        steered = isinstance(section, Slip) != (kind is Kind.STEER)
        ended = self._waiting or self._card or self._foot or (kind is Kind.TEXT and self.running)
        if section is None or steered or ended or not section.rows or not self.rows:
            return False
        text = "".join(text for _kind, text in pending)
        begin = len(self.rows) - len(section.rows)
        shown = kind is Kind.TEXT or self.opened
        first = section.feed(text)
        if kind is Kind.TEXT:
            self.taken += len(text)
        if shown:
            del self.rows[begin + first :]
            self.rows.extend(section.rows[first:])
            if first == 0:
                self._compose()
            else:
                self.host.recompose(self, begin + first)
        return True

    def retract(self, kind: Kind, characters: int) -> None:
        """Take so many characters away from the end of the thought or of the answer."""
        self.flush()
        if not characters:
            return
        if kind is Kind.TEXT:
            if self.text is not None:
                self.taken -= min(characters, self.taken)
                self.text.retract(characters)
        elif self.thought:
            self.thought[-1].retract(characters)
        else:
            self._blank = self._blank[: len(self._blank) - characters]
        self._compose()

    def _think(self, kind: Kind, text: str) -> bool:
        """Put text at the end of the thought; whether there is a header for it."""
        if kind is Kind.REASONING and not self.thought and not text.strip():
            self._blank += text
            return False
        if self._blank:
            blank, self._blank = self._blank, ""
            self._stretch(Kind.REASONING).feed(blank)
        self._stretch(kind).feed(text)
        self._mind_head()
        return True

    def _stretch(self, kind: Kind) -> Section:
        """The last stretch of the thought, if it is of this kind, else a new one."""
        steered = kind is Kind.STEER
        if not self.thought or isinstance(self.thought[-1], Slip) != steered:
            if self.thought:
                self.thought[-1].finish()
            gap = SLIP_GAP if self.thought else THOUGHT_GAP
            setting = self.host.setting
            self.thought.append(
                Slip(setting, gap=gap)
                if steered
                else Section(setting, role="thought", ink="secondary", inset=INSET, gap=gap)
            )
        return self.thought[-1]

    def _say(self, text: str) -> None:
        self.taken += len(text)
        if self.text is None:
            self.text = Section(self.host.setting)
        self.text.feed(text)

    def change(self, message: Message) -> None:
        """Take the message as it is now; text that is already there stays where it is."""
        self.flush()
        told = (len(message.reasoning), len(message.text_of(Kind.STEER)), len(message.text))
        here = (self.reasoned, sum(len(one.source) for one in self.thought if isinstance(one, Slip)), self.taken)
        # One that goes on is built anew: what its end made final may have been half a block.
        same = self.message.state is State.RUNNING and told == here
        self.message = message
        if same:
            self._finish()
        else:
            self._fill()

    @property
    def reasoned(self) -> int:
        """Characters of the model's own thought."""
        return len(self._blank) + sum(len(one.source) for one in self.thought if not isinstance(one, Slip))

    def before(self, section: Section, offset: int) -> int:
        """Characters of the model's own thought before a place in one of its stretches."""
        count = 0
        for one in self.thought:
            if one is section:
                # blank lines before a stretch are not shown: who goes to its first word thinks them again
                shown = bool(one.rows) and offset > one.rows[0].block.start
                return count + (offset if shown and not isinstance(one, Slip) else 0)
            if not isinstance(one, Slip):
                count += len(one.source)
        return count

    def _fill(self) -> None:
        """Build everything anew from the message."""
        message = self.message
        known = bool(self.rows)
        self.release()
        if not known or not self.touched:
            self.opened = not (message.text and self._fold) if not known else self.opened
        self.thought, self.text, self.taken, self._blank = [], None, 0, ""
        self._head = self._waiting = self._card = self._foot = None
        self._answering = False
        for part in message.parts:
            if part.kind in {Kind.REASONING, Kind.STEER}:
                self._think(part.kind, part.text)
        if message.text:
            self._say(message.text)
        self.running = bool(self.thought) and message.state is State.RUNNING and not message.text
        self._finish()

    def _finish(self) -> None:
        if self.message.state is State.RUNNING:
            if not self.thought and self.text is None:
                self._mind_waiting()
        else:
            for section in self.sections:
                section.finish()
            self._waiting = self._release(self._waiting)
            self.running = False
            self._say_head(say_ended_thought(self.message.generation, self.message.state), force=True)
        self._mind_end()
        self._compose()

    # progress -------------------------------------------------------------------------------------

    def progress(self, progress: Progress, queue_words: str) -> None:
        """Show how far the running answer is; `queue_words` say what one in the queue waits for."""
        if progress.phase is Phase.THINKING:
            if self.thought:
                self._run(running=True)
                self._say_head(say_running_thought(progress))
                self._waiting = self._release(self._waiting)
            else:
                self._wait(say_running_thought(progress), 0, 0)
        elif progress.phase is Phase.ANSWERING:
            self._leave_thought()
            self._say_head(say_left_thought(progress), force=not self._answering)
            self._answering = True
        else:
            if self.thought:  # an answer that goes on is read again first
                self._run(running=False)
                self._say_head(say_left_thought(progress), force=True)
            words = queue_words if progress.phase is Phase.QUEUED else say_reading(progress)
            self._wait(words, progress.read, progress.to_read)
        self._compose()

    def _wait(self, words: str, done: int, total: int) -> None:
        self._waiting_words = (words, done, total)
        self._mind_waiting()
        if self._waiting is not None and isinstance(line := self._waiting.widget, WaitingLine):
            line.show_words(words, done, total)

    def _mind_waiting(self) -> None:
        if self._waiting is None:
            self._waiting = WidgetRow(BLOCK_GAP, self._make_waiting, height=WAITING_HEIGHT)

    def _make_waiting(self) -> QWidget:
        line = WaitingLine(self.host.setting.theme, self.host.ground)
        line.show_words(*self._waiting_words)
        return line

    def _run(self, *, running: bool) -> None:
        self.running = running
        if self.head is not None:
            self.head.set_running(running=running)

    def _leave_thought(self) -> None:
        if self.thought and self.running:
            self._run(running=False)
            if self._fold and not self.touched:
                self._open(opened=False)

    # the head of the thought ----------------------------------------------------------------------

    @property
    def head(self) -> ThoughtHead | None:
        """The widget of the thought's header, where there is one now."""
        widget = self._head.widget if self._head is not None else None
        return widget if isinstance(widget, ThoughtHead) else None

    @property
    def waiting(self) -> WaitingLine | None:
        """The line that says what it waits for."""
        widget = self._waiting.realise() if self._waiting is not None else None
        return widget if isinstance(widget, WaitingLine) else None

    @property
    def head_row(self) -> WidgetRow | None:
        """The row of the thought's header."""
        return self._head

    @property
    def words(self) -> str:
        """What the header says."""
        return self._words

    def _mind_head(self) -> None:
        if self._head is None:
            self._head = WidgetRow(REPLY_GAP, self._make_head, height=HEADER)
            self.running = self.message.state is State.RUNNING and not self.taken

    def _make_head(self) -> QWidget:
        head = ThoughtHead(self.host.setting.theme, self.host.ground)
        head.set_words(self._words, force=True)
        head.set_open(opened=self.opened)
        head.set_running(running=self.running)
        head.toggled.connect(self.toggle)
        head.copy_asked.connect(self.copy_thought)
        head.answer_asked.connect(self._ask_answer)
        head.steps_asked.connect(self._ask_steps)
        return head

    def _say_head(self, words: str, *, force: bool = False) -> None:
        if self.thought:
            self._words = words
            if self.head is not None:
                self.head.set_words(words, force=force)

    def _open(self, *, opened: bool) -> None:
        self.opened = opened
        if self.head is not None:
            self.head.set_open(opened=opened)

    def toggle(self) -> None:
        """The reader folds or unfolds the thought."""
        self.show_thought(opened=not self.opened)

    def show_thought(self, *, opened: bool) -> None:
        """Fold or unfold the thought because the reader wants it so."""
        self.touched = True
        self._open(opened=opened)
        self._arrange()
        self.host.fold(self)

    def copy_thought(self) -> None:
        """Put the whole thought on the clipboard."""
        QGuiApplication.clipboard().setText(self.thought_source())

    def copy_both(self) -> None:
        """Put the thought and the answer on the clipboard, the thought as a quote."""
        thought = "\n".join(f"> {line}".rstrip() for line in self.thought_source().split("\n"))
        answer = self.text.source if self.text is not None else ""
        QGuiApplication.clipboard().setText(f"{thought}\n\n{answer}".strip("\n"))

    def thought_source(self) -> str:
        """The thought as it came, with who said what."""
        said = (
            _("You: {text}").format(text=one.source) if isinstance(one, Slip) else one.source.strip("\n")
            for one in self.thought
        )
        return "\n\n".join(text for text in said if text)

    def _ask_answer(self) -> None:
        self.host.ask("chat.answer_now")

    def _ask_steps(self) -> None:
        self.host.show_steps(self)

    # rows -----------------------------------------------------------------------------------------

    @property
    def sections(self) -> list[Section]:
        """The stretches of the thought and the answer."""
        return [*self.thought, *([self.text] if self.text is not None else [])]

    def shown(self) -> list[Section]:
        """Without a folded thought."""
        return self.sections if self.opened else self.sections[len(self.thought) :]

    def spoken_as(self, section: Section) -> str:
        """Who says it."""
        if isinstance(section, Slip):
            return _("Your correction")
        return _("Thought") if section in self.thought else _("Answer")

    def _compose(self) -> None:
        self._arrange()
        self.host.recompose(self)

    def _arrange(self) -> None:
        """Put the rows in their order."""
        self.rows = list(self._order())
        if self.rows:
            self.rows[0].gap = REPLY_GAP

    def _order(self) -> Iterator[Row]:
        gap = REPLY_GAP
        if self._head is not None:
            yield self._head
            gap = AFTER_THOUGHT
            if self.opened:
                for section in self.thought:
                    yield from section.rows
                gap = AFTER_OPEN_THOUGHT
        if self.text is not None and self.text.rows:
            self.text.rows[0].gap = gap
            yield from self.text.rows
            gap = BLOCK_GAP
        for row in (self._waiting, self._card, self._foot):
            if row is not None:
                row.gap = gap
                yield row
                gap = BLOCK_GAP


def _kind_of(piece: tuple[Kind, str]) -> Kind:
    return piece[0]
