"""One chat: its tree of messages, the branch that is shown, and the answer under way."""

import time
from collections.abc import Sequence

import msgspec

from app.chat.changes import Progress
from app.chat.drafting import Draft
from app.chat.options import Options
from app.chat.running import Continuation, RunningAnswer
from app.core.messages import (
    Generation,
    Kind,
    Message,
    Part,
    Role,
    Session,
    State,
    branch,
    new_id,
    newest_branch,
    title_from,
)
from app.core.protocol import Turn
from app.core.text import mend


class Conversation:
    """A chat on the desk or in the background. A new one has no session until its first question."""

    def __init__(
        self,
        session: Session | None = None,
        tree: Sequence[Message] = (),
        draft: Draft | None = None,
        *,
        private: bool = False,
    ) -> None:
        self.session = session
        self.private = private
        """Whether nothing of it may be kept among the saved prefixes."""
        self.composed = draft or Draft()
        self.awaited = Options()
        """What the next question is known to ask for before it is there."""
        self.running: RunningAnswer | None = None
        now = time.time()
        self._plan = session or Session(id=new_id(), title="", created=now, updated=now)
        """What the session will be: its number, and what was chosen for it before the first question."""
        self._tree = list(tree)
        self._branch = newest_branch(self._tree)

    @property
    def draft(self) -> str:
        """What stands in its composer."""
        return self.composed.text

    @property
    def attached(self) -> list[Part]:
        """The documents that go along with the next question."""
        return list(self.composed.documents)

    @property
    def number(self) -> int:
        """The chat's id, which it has before its first question."""
        return self._plan.id

    @property
    def choices(self) -> Session:
        """What was chosen for this chat: thinking budget, and whether thoughts are kept."""
        return self.session or self._plan

    @property
    def messages(self) -> list[Message]:
        """The shown branch, a running answer with what it has so far."""
        if self.running:
            return [*self._branch[:-1], self.running.message()]
        return list(self._branch)

    @property
    def progress(self) -> Progress | None:
        """The running answer in numbers."""
        return self.running.progress if self.running else None

    @property
    def last_question(self) -> Message | None:
        """The question that the branch ends with, answered or not."""
        return next((message for message in reversed(self._branch) if message.role is Role.USER), None)

    @property
    def last_answer(self) -> Message | None:
        """The answer that the branch ends with; None while it runs, and where there is none."""
        last = self._branch[-1] if self._branch and not self.running else None
        return last if last and last.role is Role.ASSISTANT else None

    def find(self, message: int) -> Message | None:
        """A message of whichever branch."""
        return next((node for node in self._tree if node.id == message), None)

    def siblings(self, message: int) -> list[int]:
        """The messages that stand at the same place of the tree, this one among them, oldest first."""
        here = self.find(message)
        if here is None:
            return []
        same = (node.id for node in self._tree if node.parent == here.parent and node.role is here.role)
        return sorted(same)

    def choose(self, *, thinking_budget: int | None, keep_thoughts: bool | None) -> None:
        """Set what holds for this chat; None leaves it to the preference and to the model."""
        self._plan = msgspec.structs.replace(self.choices, thinking_budget=thinking_budget, keep_thoughts=keep_thoughts)
        if self.session:
            self.session = self._plan

    def attach(self, documents: Sequence[Part]) -> None:
        """Let these documents, and no others, go along with the next question."""
        self.composed.documents = [mend_document(part) for part in documents]

    def ask(self, text: str, documents: Sequence[Part] = ()) -> tuple[Message, Message]:
        """Put a question and its empty answer at the end of the branch."""
        return self._ask((*map(mend_document, documents), Part(Kind.TEXT, mend(text))))

    def ask_again(self) -> Message | None:
        """Put a new answer beside the last one, under the same question; None where there is no question."""
        question = self.last_question
        return None if question is None else self._answer_under(question)

    def edit(self, message: int, text: str) -> tuple[Message, Message] | None:
        """Put another question beside that one, and its empty answer; None where there is none.

        The attached documents go along with it, and without any the old question's own.
        """
        old = self.find(message)
        if old is None or old.role is not Role.USER:
            return None
        self._branch = [] if old.parent is None else branch(self._tree, old.parent)
        documents = self.attached or [part for part in old.parts if part.kind is Kind.DOCUMENT]
        self.composed.documents = []
        return self._ask((*documents, Part(Kind.TEXT, mend(text))))

    def fork(self, message: int, characters: int) -> Message | None:
        """Put an answer beside that one which begins with so many characters of its thought; None without one."""
        old = self.find(message)
        question = self.find(old.parent) if old and old.parent else None
        if old is None or question is None or not old.reasoning:
            return None
        return self._answer_under(question, Continuation(old.parts, old.generation, fork=characters))

    def resume(self, last: Message, added: Sequence[Part] = (), *, answer_now: bool = False) -> None:
        """Let the answer that the branch ends with go on in its place, behind parts that are added to it."""
        grown = msgspec.structs.replace(last, state=State.RUNNING, parts=(*last.parts, *added))
        self.running = RunningAnswer(grown, new_id(), Continuation(grown.parts, last.generation, answer_now=answer_now))
        self._replace(grown)
        self.touch()

    def show_branch(self, message: int) -> bool:
        """Show the branch through that message, to its newest leaf; whether it is another one."""
        below = {message}
        leaf = message
        for node in sorted(self._tree, key=lambda node: node.id):
            if node.parent in below:
                below.add(node.id)
                leaf = node.id
        if self.running or self.find(message) is None or message in {node.id for node in self._branch}:
            return False
        self._branch = branch(self._tree, leaf)
        return True

    def finish(self, message: Message) -> None:
        """The running answer is over and kept as this message."""
        self._replace(message)
        self.running = None
        self.touch()

    def touch(self) -> None:
        """The chat changed now."""
        if self.session:
            self.session = msgspec.structs.replace(self.session, updated=time.time())

    def turns(self, fingerprint: str, answer: int | None = None) -> list[Turn]:
        """The prompt for an answer, the branch before it; without one, what the next question comes after.

        Token ids go along where the same model made them. An answer without a word says nothing and stays out.
        """
        before = self._branch if answer is None else branch(self._tree, answer)[:-1]
        return [
            Turn(message.role, parts_for(message.parts, message.generation, fingerprint))
            for message in before
            if message.role is Role.USER or message.text
        ]

    def _ask(self, parts: tuple[Part, ...]) -> tuple[Message, Message]:
        now = time.time()
        if self.session is None:
            text = next(part.text for part in parts if part.kind is Kind.TEXT)
            self.session = msgspec.structs.replace(self._plan, title=title_from(text), created=now, updated=now)
        question = Message(
            id=self._next_id(),
            session=self.session.id,
            parent=self._branch[-1].id if self._branch else None,
            role=Role.USER,
            state=State.DONE,
            created=now,
            parts=parts,
        )
        self._grow(question)
        return question, self._open_answer(question)

    def _answer_under(self, question: Message, continuation: Continuation | None = None) -> Message:
        self._branch = branch(self._tree, question.id)
        return self._open_answer(question, continuation)

    def _open_answer(self, question: Message, continuation: Continuation | None = None) -> Message:
        answer = Message(
            id=self._next_id(),
            session=question.session,
            parent=question.id,
            role=Role.ASSISTANT,
            state=State.RUNNING,
            created=time.time(),
        )
        self._grow(answer)
        self.running = RunningAnswer(answer, answer.id, continuation)
        self.touch()
        return answer

    def _next_id(self) -> int:
        """A new id, the greatest of the tree also after the clock was set back: the greatest is shown as the newest."""
        return max(new_id(), *(message.id + 1 for message in self._tree), 0)

    def _grow(self, message: Message) -> None:
        self._tree.append(message)
        self._branch.append(message)

    def _replace(self, message: Message) -> None:
        self._tree = [message if node.id == message.id else node for node in self._tree]
        self._branch = [message if node.id == message.id else node for node in self._branch]


def mend_document(part: Part) -> Part:
    """A document as it can be stored and sent."""
    return msgspec.structs.replace(part, text=mend(part.text), name=mend(part.name))


def parts_for(parts: Sequence[Part], facts: Generation | None, fingerprint: str) -> list[Part]:
    """Parts as a model takes them: the ids that another one made would say something else."""
    same = facts is not None and facts.fingerprint == fingerprint
    return [part if same or not part.ids else msgspec.structs.replace(part, ids=()) for part in parts]
