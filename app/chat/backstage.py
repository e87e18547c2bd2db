"""What goes on behind a desk: its rooms joined, and what the other threads say folded in.

One thread owns a desk; every other thread leaves its news in the inbox, and `drain` folds them in.
Nothing here waits: writes go to the store's thread, requests to the engine's.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import count

from app.chat.answering import Answering, Committed, Kept, Lost
from app.chat.changes import (
    CameTooLate,
    Change,
    ConversationOpened,
    EngineView,
    LedgerChanged,
    Mended,
    MessageChanged,
    Noticed,
    ProgressChanged,
    SessionsChanged,
    session_of,
)
from app.chat.choices import Choices
from app.chat.control import Control, explain_no_way_on
from app.chat.conversation import Conversation
from app.chat.drafting import Drafts
from app.chat.engineroom import EngineRoom, Front, Rung
from app.chat.errands import Returned
from app.chat.library import Library
from app.chat.log import describe_bug
from app.chat.options import Options
from app.chat.reception import Reception
from app.core.errors import AppError, Failure
from app.core.messages import Message, Part, Session, State
from app.core.places import Places
from app.core.text import _
from app.engine.client import Engine, News
from app.engine.door import Knock
from app.engine.inbox import Inbox
from app.store.preferences import Preferences
from app.store.store import Broken, Opened, Store
from app.store.store import Mended as StoreMended

log = logging.getLogger(__name__)


class Backstage:
    """The rooms of a desk and the news they hear. `listener` hears of every change, in the owner's thread."""

    def __init__(self, places: Places, store: Store, engine: Engine, inbox: Inbox, preferences: Preferences) -> None:
        self._places, self._store, self._engine, self.inbox = places, store, engine, inbox
        self.preferences = preferences
        self.listener: Callable[[Change], None] | None = None
        self.opened = False
        """Whether the database is open, so that chats can be read and written."""
        numbers = count(-1, -1)  # never the number of an answer
        choices = self._choices = Choices(preferences)
        library = self._library = Library(store, self._tell)
        drafts = self._drafts = Drafts(engine.send, numbers)
        answering = self._answering = Answering(store, engine, inbox, self._tell)
        front = Front(lambda: self.conversation, lambda: self.opened, self._meet_worker, self._tell, inbox.put)
        self._room = EngineRoom(places.root, engine, answering, library, choices, drafts, numbers, front)
        self._control = Control(answering, choices, self._begin, self._tell)
        self._reception = Reception(self)
        self.conversation = Conversation(draft=drafts.of(None))
        self._before_close: list[Callable[[], None]] = []
        self._at_close: list[Callable[[], None]] = []
        self._has_bug = False
        self._keeps_drafts = False
        if preferences.notice:
            inbox.put(Noticed(preferences.notice))

    @property
    def engine(self) -> EngineView:
        """What the engine is doing."""
        return self._room.view

    @property
    def running(self) -> set[int]:
        """The chats in which an answer is under way."""
        return self._answering.sessions

    # chats that are not on the desk ---------------------------------------------------------------

    def ask_in(
        self, conversation: Conversation, text: str, documents: Sequence[Part] = (), options: Options | None = None
    ) -> None:
        """Ask a question in some chat, open or not."""
        conversation.composed.documents, conversation.awaited = [], Options()
        self._control.ask(conversation, text, documents, options)

    def stop_in(self, conversation: Conversation) -> None:
        """Stop some chat's answer."""
        self._room.touch()
        self._answering.stop(conversation)
        self._room.look()

    def resume_in(self, session: int | None, options: Options | None = None) -> Conversation:
        """Let the last answer of some chat go on, None being the newest; raises AppError where there is nothing to."""
        chosen = self._library.choose(session)
        conversation = self.conversation if self._open_id == chosen.id else self._fetch(chosen)
        if not self._control.can_resume(conversation):
            raise explain_no_way_on(conversation, chosen.title)
        self._control.resume(conversation, options=options)
        return conversation

    def warm_in(self, conversation: Conversation, documents: Sequence[Part], awaited: Options | None = None) -> None:
        """Let these go along with some chat's next question, and have them read ahead.

        `awaited` is what that question is known to ask for.
        """
        conversation.attach(documents)
        conversation.awaited = awaited or conversation.awaited
        self._room.warm(conversation)
        self._tell(LedgerChanged())

    # frames and the end --------------------------------------------------------------------------

    def keep_drafts(self) -> None:
        """Bring back the drafts of the last run, and keep them from now on: for the one desk with composers."""
        self._keeps_drafts = True
        self._drafts.restore(self.preferences.get_state("drafts"))

    def remember(self, key: str, value: object) -> None:
        """Keep something that the app remembers by itself, such as the window's place."""
        self.preferences.set_state(key, value)
        self._store.later(self.preferences.save)

    @property
    def restless(self) -> bool:
        """Whether `drain` should be called again soon though nothing rings: something is to be saved."""
        return self._answering.unsaved or (self._keeps_drafts and self._drafts.changed)

    def at_close(self, first: Callable[[], None], *last: Callable[[], None]) -> None:
        """Do one thing as the first of `close`, and the others as its last."""
        self._before_close.append(first)
        self._at_close += last

    def close(self) -> None:
        """Keep everything, end the engine, close the store. The only call that waits: 2 s at most."""
        for step in self._before_close:
            step()
        self._room.close()
        self._save_drafts(now=True)
        self._answering.close()
        self._engine.end()
        self._store.close()
        self._engine.close()
        for step in self._at_close:
            step()

    def drain(self) -> None:
        """Fold in everything that waits; once per frame. A bug in one thing does not lose the next."""
        for item in self.inbox.drain():
            try:
                self._take(item)
            except Exception:
                log.exception("news could not be taken: %r", type(item))
                if not self._has_bug:
                    self._has_bug = True
                    self.inbox.put(Noticed(describe_bug(self._places.desktop_log)))
        self._answering.tick()
        self._save_drafts()

    def tell_window(self, change: Change) -> None:
        """Tell a change that is about no chat to whoever shows the desk."""
        if self.listener:
            self.listener(change)

    # what follows --------------------------------------------------------------------------------

    def _take(self, item: object) -> None:
        match item:
            case News(_, event):
                if self._engine.is_current(item):
                    self._room.hear(event)
            case Committed() | Lost() | Kept():
                self._answering.note(item)
            case Opened(sessions, notice):
                self._open(sessions, notice)
            case Broken(failure):
                self._tell(Noticed(failure, unsaved=True))
                if not self.opened:
                    self._reception.refuse(failure)
            case StoreMended():
                self._tell(Mended())
            case Noticed():
                self._tell(item)
            case Rung():
                self._room.ring()
            case Knock():
                self._reception.receive(item)
            case Returned(take):
                take()

    def _open(self, sessions: list[Session], notice: Failure | None) -> None:
        self.opened = True
        self._library.fill(sessions)
        if notice:
            self._tell(Noticed(notice))
        self._room.meet_chats()
        self._reception.open()

    @property
    def _open_id(self) -> int | None:
        return self.conversation.session.id if self.conversation.session else None

    def _fetch(self, session: Session) -> Conversation:
        """A chat as it stands; raises AppError where it cannot be read."""
        live = self._answering.conversation_of(session.id)
        return live or Conversation(session, self._read(session.id), self._drafts.of(session.id))

    def _begin(self, conversation: Conversation) -> None:
        """An answer begins in a chat."""
        if session := conversation.session:
            if conversation.composed is self._drafts.of(None):
                self._drafts.settle(session.id)
            self._library.put_first(session)
        self._room.wake()

    def _meet_worker(self, waited: bool) -> None:  # noqa: FBT001 - it has one meaning
        """The engine is ours: answers that another process was writing have ended, one way or the other."""
        here = self.conversation
        if waited or (not here.running and any(each.state is State.RUNNING for each in here.messages)):
            self._read_again()

    def _read(self, session: int) -> list[Message]:
        return self._library.read(session, engine_is_ours=self._room.supervision.holds_engine)

    def _read_again(self) -> None:
        """Another process has answered in these chats until now."""
        if not self.opened:
            return
        try:
            self._library.fill()
            session = self.conversation.session
            if session and not self._answering.conversation_of(session.id):
                self._put_on_desk(Conversation(session, self._read(session.id), self._drafts.of(session.id)))
        except AppError as error:
            self._tell(Noticed(error.failure()))
            self._tell(SessionsChanged())

    def _put_on_desk(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self._tell(ConversationOpened())
        self._room.touch()
        self._room.look(documents=bool(conversation.attached))
        self._drafts.count(conversation.draft)
        self._tell(LedgerChanged())

    def _save_drafts(self, *, now: bool = False) -> None:
        if self._keeps_drafts and self._drafts.changed and (now or self._drafts.is_due()):
            self.remember("drafts", self._drafts.kept())

    def _keep_unused(self, late: CameTooLate) -> None:
        """Words that missed their thought become a draft again."""
        conversation = self._answering.conversation_of(late.session)
        if conversation and (session := conversation.session):
            self._drafts.put_back(conversation.composed, late.texts)
            words = _("Too late for the thought; it is kept as your next message.")
            place = "" if conversation is self.conversation else _("In “{title}”.").format(title=session.title)
            self._tell(Noticed(Failure("CameTooLate", words, place)))

    def _tell(self, change: Change) -> None:
        """Pass a change on; of chats that are not on the desk only their endings matter to a window."""
        self._reception.hear(change)
        if isinstance(change, CameTooLate):
            self._keep_unused(change)
        if isinstance(change, MessageChanged) and change.message.state is not State.RUNNING:
            self._library.move_up(change.message.session)
        if session_of(change) in (None, self._open_id) and self.listener:
            self.listener(change)
            if isinstance(change, MessageChanged | ProgressChanged):
                self.listener(LedgerChanged())
