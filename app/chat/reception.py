"""Visitors at the window's door: `ask` from a terminal is answered in a chat of its own, or goes on with one."""

from typing import TYPE_CHECKING

from app.chat.changes import (
    Change,
    EngineChanged,
    EngineState,
    EngineView,
    MessageChanged,
    Phase,
    ProgressChanged,
    RaiseAsked,
    TextAppended,
)
from app.chat.conversation import Conversation
from app.chat.options import Options
from app.core.door import Ask, Document, Ended, Heard, Interrupt, Prepare, RaiseWindow, Reads, Refused, Resume, Said
from app.core.errors import AppError, Failure
from app.core.messages import Kind, Message, Part, State
from app.engine.door import Knock, Visitor

if TYPE_CHECKING:
    from app.chat.backstage import Backstage


class Reception:
    """Serves every visitor from the thread that owns the desk."""

    def __init__(self, desk: "Backstage") -> None:
        self._desk = desk
        self._asked: dict[Visitor, Conversation] = {}
        self._preparing: dict[Visitor, Conversation] = {}
        self._early: list[Knock] = []
        """Questions that came before the chats were open."""
        self._refusal: Failure | None = None

    def receive(self, knock: Knock) -> None:
        """Do what a visitor wants."""
        match knock.request:
            case RaiseWindow():
                knock.visitor.reply(Heard())
                self._desk.tell_window(RaiseAsked())
            case Ask() | Resume() | Prepare() as request:
                if self._desk.opened:
                    self._serve(knock.visitor, request)
                elif self._refusal:
                    _refuse(knock.visitor, self._refusal)
                else:
                    self._early.append(knock)
            case Interrupt():
                if conversation := self._asked.get(knock.visitor):
                    self._desk.stop_in(conversation)
            case None:
                self._asked.pop(knock.visitor, None)
                if conversation := self._preparing.pop(knock.visitor, None):
                    self._desk.warm_in(conversation, [])
                self._early = [early for early in self._early if early.visitor is not knock.visitor]

    def open(self) -> None:
        """Chats can be written from now on."""
        early, self._early = self._early, []
        for knock in early:
            self.receive(knock)

    def refuse(self, failure: Failure) -> None:
        """There will be no chats to write."""
        self._refusal = failure
        self.open()

    def hear(self, change: Change) -> None:
        """Pass on to visitors what concerns their chats."""
        if not self._asked:
            return
        match change:
            case TextAppended(session, _message, kind, text):
                for visitor in self._visitors(session):
                    visitor.reply(Said([Part(kind, text)]))
            case ProgressChanged(session, progress) if progress.phase is Phase.READING:
                for visitor in self._visitors(session):
                    visitor.reply(Reads(progress.read, progress.to_read, progress.seconds_left))
            case MessageChanged(message) if message.state is not State.RUNNING:
                for visitor in self._visitors(message.session):
                    del self._asked[visitor]
                    visitor.reply(_ending(message))
                    visitor.dismiss()
            case EngineChanged(EngineView(state=EngineState.STOPPED, failure=Failure() as failure)):
                self._give_up(failure)

    def _serve(self, visitor: Visitor, request: Ask | Resume | Prepare) -> None:
        match request:
            case Prepare(documents, budget, seed, keep):
                conversation = self._preparing[visitor] = Conversation()
                conversation.choose(thinking_budget=None, keep_thoughts=keep)
                self._desk.warm_in(conversation, _parts(documents), Options(budget, seed))
            case Ask():
                visitor.reply(Heard(waits=bool(self._desk.running)))
                conversation = self._asked[visitor] = self._preparing.pop(visitor, Conversation())
                conversation.choose(thinking_budget=None, keep_thoughts=request.keep_thoughts)
                options = Options(request.thinking_budget, request.seed, drawing=request.drawing)
                self._desk.ask_in(conversation, request.question, _parts(request.documents), options)
            case Resume(session, drawing):
                waits = bool(self._desk.running)
                try:
                    found = self._desk.resume_in(session, Options(drawing=drawing))
                except AppError as error:
                    _refuse(visitor, error.failure())
                else:
                    visitor.reply(Heard(waits=waits))
                    self._asked[visitor] = found

    def _give_up(self, failure: Failure) -> None:
        """Nobody at a terminal could start the engine again, so nobody is left waiting for that."""
        asked, self._asked = self._asked, {}
        for visitor, conversation in asked.items():
            _refuse(visitor, failure)
            self._desk.stop_in(conversation)

    def _visitors(self, session: int) -> list[Visitor]:
        return [
            visitor
            for visitor, conversation in self._asked.items()
            if conversation.session and conversation.session.id == session
        ]


def _parts(documents: list[Document]) -> list[Part]:
    return [Part(Kind.DOCUMENT, document.text, (), document.name) for document in documents]


def _refuse(visitor: Visitor, failure: Failure) -> None:
    visitor.reply(Refused(failure))
    visitor.dismiss()


def _ending(message: Message) -> Ended | Refused:
    facts = message.generation
    if facts and facts.failure and not message.text and not message.reasoning:
        return Refused(facts.failure)
    return Ended(message.session, message.state, message.reasoning, message.text, facts)
