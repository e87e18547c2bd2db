"""What the model thought and answered, over the full column."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.chat.changes import Phase, Progress
from app.core.messages import Kind, Message, State
from app.core.text import _
from app.ui.transcript.card import NoteCard
from app.ui.transcript.endings import Ending, describe_end
from app.ui.transcript.foot import HEIGHT as FOOT_HEIGHT
from app.ui.transcript.foot import Foot
from app.ui.transcript.row import Row, WidgetRow
from app.ui.transcript.section import Section
from app.ui.transcript.slip import Slip
from app.ui.transcript.thought import HEADER, INSET, ThoughtHead
from app.ui.transcript.turn import REPLY_GAP, Host, Turn
from app.ui.transcript.waiting import HEIGHT as WAITING_HEIGHT
from app.ui.transcript.waiting import WaitingLine
from app.ui.words import say_ended_thought, say_left_thought, say_reading, say_running_thought

THOUGHT_GAP = 4
"""Between the header and the thought."""
AFTER_THOUGHT = 12
AFTER_OPEN_THOUGHT = 20
SLIP_GAP = 10
BLOCK_GAP = 12


class Answer(Turn):
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
        self._possible: frozenset[str] = frozenset()
        self._other_model = ""
        self._answering = False
        self._waiting_words: tuple[str, int, int] = (_("Reading the question"), 0, 0)
        self._ending: Ending | None = None
        self._head: WidgetRow | None = None
        self._waiting: WidgetRow | None = None
        self._card: WidgetRow | None = None
        self._foot: WidgetRow | None = None
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
    def card(self) -> NoteCard | None:
        """The card of a failure or of another end that nobody wished for."""
        widget = self._card.realise() if self._card is not None else None
        return widget if isinstance(widget, NoteCard) else None

    @property
    def foot(self) -> Foot | None:
        """The quiet row under the answer."""
        widget = self._foot.realise() if self._foot is not None else None
        return widget if isinstance(widget, Foot) else None

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
        self._compose()

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

    # the end --------------------------------------------------------------------------------------

    def offer(self, possible: frozenset[str], other_model: str) -> None:
        """Take which commands can be offered, none of them unless this is the last answer."""
        if (possible, other_model) != (self._possible, self._other_model):
            self._possible, self._other_model = possible, other_model
            self._mind_end()
            self._compose()

    def _mind_end(self) -> None:
        """Say how the answer ended where it was not by itself, and offer what can be done and its versions."""
        ending = describe_end(self.message, self._possible, self._other_model)
        in_card = ending is not None and ending.card
        versions = len(self.siblings) > 1 and self.message.state is not State.RUNNING
        changed = ending != self._ending
        self._ending = ending
        if in_card and self._card is None:
            self._card = WidgetRow(BLOCK_GAP, self._make_card)
        elif not in_card:
            self._card = self._release(self._card)
        if (ending is not None and not in_card) or versions:
            if self._foot is None:
                self._foot = WidgetRow(BLOCK_GAP, self._make_foot, height=FOOT_HEIGHT)
        else:
            self._foot = self._release(self._foot)
        if changed:
            self._show_ending()

    def _show_ending(self) -> None:
        """Let the widgets that are there say it; they may have the keyboard."""
        for row in (self._card, self._foot):
            if row is not None and isinstance(row.widget, NoteCard | Foot):
                row.widget.show_ending(self._ending_in(row))
                row.known = False

    def _ending_in(self, row: WidgetRow) -> Ending:
        """What of the end a row says: the foot nothing that the card says already."""
        in_card = self._ending is not None and self._ending.card
        return Ending() if self._ending is None or in_card != (row is self._card) else self._ending

    def _make_card(self) -> QWidget:
        card = NoteCard(self.host.setting.theme, self.host.ground)
        card.asked.connect(self.host.ask)
        card.show_ending(self._ending or Ending())
        return card

    def _make_foot(self) -> QWidget:
        foot = Foot(self.host.setting.theme, self.host.ground)
        foot.asked.connect(self.host.ask)
        foot.chosen.connect(self.host.choose)
        if len(self.siblings) > 1 and self.message.state is not State.RUNNING:
            foot.show_versions(self.siblings, self.message.id)
        in_card = self._ending is not None and self._ending.card
        foot.show_ending(Ending() if self._ending is None or in_card else self._ending)
        return foot

    @staticmethod
    def _release(row: WidgetRow | None) -> WidgetRow | None:
        """Let a row's widget go; gives what to put in its place."""
        if row is not None:
            row.release()
        return None

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
        rows = list(self._order())
        if rows:
            rows[0].gap = REPLY_GAP
        self.rows = rows
        self.host.recompose(self)

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
