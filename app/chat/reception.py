"""Visitors at the window's door: `ask` from a terminal is answered in a chat of its own."""

from typing import TYPE_CHECKING

from app.chat.answering import Options
from app.chat.changes import Change, EngineChanged, EngineState, EngineView, MessageChanged, RaiseAsked, TextAppended
from app.chat.conversation import Conversation
from app.core.door import Ask, Ended, Heard, Interrupt, RaiseWindow, Refused, Said
from app.core.errors import Failure
from app.core.messages import Kind, Message, Part, State
from app.engine.door import Knock, Visitor

if TYPE_CHECKING:
    from app.chat.desk import Desk


class Reception:
    """Serves every visitor from the thread that owns the desk."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self._asked: dict[Visitor, Conversation] = {}
        self._early: list[Knock] = []
        """Questions that came before the chats were open."""
        self._refusal: Failure | None = None

    def receive(self, knock: Knock) -> None:
        """Do what a visitor wants."""
        match knock.request:
            case RaiseWindow():
                knock.visitor.reply(Heard())
                self._desk.tell_window(RaiseAsked())
            case Ask():
                if self._desk.opened:
                    self._ask(knock.visitor, knock.request)
                elif self._refusal:
                    _refuse(knock.visitor, self._refusal)
                else:
                    self._early.append(knock)
            case Interrupt():
                if conversation := self._asked.get(knock.visitor):
                    self._desk.stop_in(conversation)
            case None:
                self._asked.pop(knock.visitor, None)
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
            case MessageChanged(message) if message.state is not State.RUNNING:
                for visitor in self._visitors(message.session):
                    del self._asked[visitor]
                    visitor.reply(_ending(message))
                    visitor.dismiss()
            case EngineChanged(EngineView(state=EngineState.STOPPED, failure=Failure() as failure)):
                self._give_up(failure)

    def _ask(self, visitor: Visitor, ask: Ask) -> None:
        visitor.reply(Heard(waits=bool(self._desk.running)))
        conversation = self._asked[visitor] = Conversation()
        documents = [Part(Kind.DOCUMENT, document.text, (), document.name) for document in ask.documents]
        self._desk.ask_in(conversation, ask.question, documents, Options(ask.thinking_budget, ask.seed))

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


def _refuse(visitor: Visitor, failure: Failure) -> None:
    visitor.reply(Refused(failure))
    visitor.dismiss()


def _ending(message: Message) -> Ended | Refused:
    facts = message.generation
    if facts and facts.failure and not message.text and not message.reasoning:
        return Refused(facts.failure)
    return Ended(message.session, message.state, message.reasoning, message.text, facts)
