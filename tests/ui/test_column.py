"""Whatever happens in any order, the column is its turns, in their order, with nothing between that nobody knows."""

from random import Random

import pytest
from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QApplication

from app.chat.changes import Phase, Progress
from app.core.messages import Kind, Message, Part, Role, State
from app.ui.theme import Theme
from app.ui.transcript.answer import Answer
from app.ui.transcript.row import WidgetRow
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.view import Transcript
from tests.markup.fuzz import SHORT

TEXTS = [
    *SHORT,
    "a \ud800 b $x$ \x00 \u2029 \ufffc\r\n",
    "A sentence with $x^2$ and **more**. " * 12,
    "\n\n",
    "```python\n" + "x = 1\n" * 40,
    "\n```\n\n",
]


class Reader:
    """Does at random what models and people do, and looks after each step."""

    def __init__(self, app: QApplication, seed: int) -> None:
        self.random = Random(seed)
        self.app = app
        self.view = Transcript(Theme(app, "light"))
        self.view.resize(700, 500)
        self.view.show()
        self.next = 1
        self.messages: list[Message] = []
        self.ask()

    def message(self, role: Role, state: State, *parts: Part) -> Message:
        parent = self.messages[-1].id if self.messages else None
        made = Message(id=self.next, session=1, parent=parent, role=role, state=state, created=0.0, parts=parts)
        self.next += 1
        self.messages.append(made)
        return made

    def ask(self) -> None:
        self.end()
        self.view.add(self.message(Role.USER, State.DONE, Part(Kind.TEXT, self.text())))
        self.view.add(self.message(Role.ASSISTANT, State.RUNNING))

    def text(self) -> str:
        return "".join(self.random.choice(TEXTS) for _ in range(self.random.randint(1, 6)))

    def think(self) -> None:
        self.write(Kind.REASONING)

    def say(self) -> None:
        self.write(Kind.TEXT)

    def steer(self) -> None:
        self.write(Kind.STEER)

    def write(self, kind: Kind) -> None:
        last = self.messages[-1]
        turn = self.view.turns[-1]
        answers = isinstance(turn, Answer) and turn.taken > 0
        if last.state is State.RUNNING and (kind is Kind.TEXT or not answers):
            self.view.append(last.id, kind, self.text())
            self.view.flush()

    def take_back(self) -> None:
        turn = self.view.turns[-1]
        if isinstance(turn, Answer) and turn.message.state is State.RUNNING and turn.taken:
            self.view.retract(turn.message.id, Kind.TEXT, self.random.randint(1, turn.taken))

    def report(self) -> None:
        phase = self.random.choice(list(Phase))
        self.view.progress(Progress(self.messages[-1].id, phase))

    def end(self) -> None:
        turn = self.view.turns[-1] if self.view.turns else None
        if isinstance(turn, Answer) and turn.message.state is State.RUNNING:
            parts = [Part(Kind.STEER if one.ink == "ink" else Kind.REASONING, one.source) for one in turn.thought]
            if turn.text is not None:
                parts.append(Part(Kind.TEXT, turn.text.source))
            fields = {name: getattr(turn.message, name) for name in turn.message.__struct_fields__}
            state = self.random.choice([State.DONE, State.STOPPED, State.FAILED])
            done = Message(**fields | {"state": state, "parts": tuple(parts)})
            self.messages[-1] = done
            self.view.change(done)

    def fold(self) -> None:
        self.view.toggle_thought()

    def scroll(self) -> None:
        bar = self.view.verticalScrollBar()
        bar.setValue(self.random.randint(0, max(0, bar.maximum())))

    def resize(self) -> None:
        self.view.resize(self.random.choice([420, 560, 700, 900]), self.random.choice([300, 500]))

    def enlarge(self) -> None:
        self.view.set_look(scale=self.random.choice([0.8, 1.0, 2.0]), wrap=self.random.random() < 0.5, numbers=False)

    def select(self) -> None:
        size = self.view.viewport().size()
        spots = [
            self.view.spot_at(QPointF(self.random.random() * size.width(), self.random.random() * size.height()))
            for _ in range(2)
        ]
        self.view.select(*spots)
        if spots[0] is not None:
            assert self.view.rect_of(spots[0]) is not None
        self.view.copy()

    def find(self) -> None:
        self.view.find_text(self.random.choice(["a", "word", "x", ""]))

    def reopen(self) -> None:
        self.end()
        self.view.open(self.messages)

    def wait(self) -> None:
        for _ in range(3):
            self.app.processEvents()

    def step(self) -> None:
        deeds = [self.think, self.say, self.wait] * 2
        deeds += [self.steer, self.take_back, self.report, self.end, self.ask, self.fold, self.scroll]
        deeds += [self.resize, self.enlarge, self.select, self.find, self.reopen]
        self.random.choice(deeds)()
        self.look()

    def look(self) -> None:
        view = self.view
        view.settle()
        assert view.stack.rows == [row for turn in view.turns for row in turn.rows]
        counts = [len(turn.rows) for turn in view.turns]
        assert view._firsts == [sum(counts[:index]) for index in range(len(counts))]
        top = 0
        for index, row in enumerate(view.stack.rows):
            assert view.stack.top(index) == top
            top += row.gap + row.height
        for index in view.seen():
            row = view.stack.rows[index]
            assert row.known, row
            if isinstance(row, WidgetRow):
                assert row.widget is not None
                assert row.widget.isVisible()
            if isinstance(row, TextRow):
                assert row.section.rows[row.section.rows.index(row)] is row
        if view.follow:
            assert view.verticalScrollBar().value() == view.verticalScrollBar().maximum()


@pytest.mark.parametrize("seed", range(6))
def test_the_column_is_its_turns_whatever_happens(seed: int, qapp: QApplication) -> None:
    reader = Reader(qapp, seed)
    for _ in range(150):
        reader.step()
    reader.view.close_log()
    reader.view.close()
    reader.view.deleteLater()
