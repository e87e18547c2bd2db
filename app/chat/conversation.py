"""One chat: its tree of messages, the branch that is shown, and the answer under way."""

import time
from collections.abc import Sequence

import msgspec

from app.chat.changes import Progress
from app.chat.running import RunningAnswer
from app.core.messages import (
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

    def __init__(self, session: Session | None = None, tree: Sequence[Message] = ()) -> None:
        self.session = session
        self.draft = ""
        self.running: RunningAnswer | None = None
        self._tree = list(tree)
        self._branch = newest_branch(self._tree)

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

    def ask(self, text: str, documents: Sequence[Part] = ()) -> tuple[Message, Message]:
        """Put a question and its empty answer at the end of the branch."""
        text = mend(text)
        documents = [msgspec.structs.replace(part, text=mend(part.text), name=mend(part.name)) for part in documents]
        now = time.time()
        if self.session is None:
            self.session = Session(id=new_id(), title=title_from(text), created=now, updated=now)
        parent = self._branch[-1].id if self._branch else None
        question = Message(
            id=self._next_id(),
            session=self.session.id,
            parent=parent,
            role=Role.USER,
            state=State.DONE,
            created=now,
            parts=(*documents, Part(Kind.TEXT, text)),
        )
        self._grow(question)
        return question, self._open_answer(question)

    def ask_again(self) -> Message | None:
        """Put a new answer beside the last one, under the same question; None where there is no question."""
        question = self.last_question
        if question is None:
            return None
        self._branch = branch(self._tree, question.id)
        return self._open_answer(question)

    def finish(self, message: Message) -> None:
        """The running answer is over and kept as this message."""
        self._tree = [message if node.id == message.id else node for node in self._tree]
        self._branch = [message if node.id == message.id else node for node in self._branch]
        self.running = None
        self.touch()

    def touch(self) -> None:
        """The chat changed now."""
        if self.session:
            self.session = msgspec.structs.replace(self.session, updated=time.time())

    def turns(self, fingerprint: str, answer: int) -> list[Turn]:
        """The prompt for an answer: the branch before it.

        Token ids go along where the same model made them. An answer without a word says nothing and stays out.
        """
        before = branch(self._tree, answer)[:-1]
        return [
            Turn(message.role, [_for_model(part, message, fingerprint) for part in message.parts])
            for message in before
            if message.role is Role.USER or message.text
        ]

    def _open_answer(self, question: Message) -> Message:
        answer = Message(
            id=self._next_id(),
            session=question.session,
            parent=question.id,
            role=Role.ASSISTANT,
            state=State.RUNNING,
            created=time.time(),
        )
        self._grow(answer)
        self.running = RunningAnswer(answer, answer.id)
        self.touch()
        return answer

    def _next_id(self) -> int:
        """A new id, the greatest of the tree also after the clock was set back: the greatest is shown as the newest."""
        return max(new_id(), *(message.id + 1 for message in self._tree), 0)

    def _grow(self, message: Message) -> None:
        self._tree.append(message)
        self._branch.append(message)


def _for_model(part: Part, message: Message, fingerprint: str) -> Part:
    same = message.generation is not None and message.generation.fingerprint == fingerprint
    return part if same or not part.ids else msgspec.structs.replace(part, ids=())
