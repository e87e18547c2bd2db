"""The desk: all chats, the one that is open, and the engine that answers.

One thread owns a desk; every other thread leaves its news in the inbox, and `drain` folds them in.
Nothing here waits: writes go to the store's thread, requests to the engine's.
"""

import logging
import time
from collections.abc import Callable, Sequence

import msgspec

from app.chat.answering import Answering, Committed, Kept, Lost, Options
from app.chat.changes import (
    Change,
    ConversationOpened,
    EngineState,
    EngineView,
    LedgerChanged,
    Mended,
    MessageAdded,
    MessageChanged,
    Noticed,
    ProgressChanged,
    SessionsChanged,
    session_of,
)
from app.chat.conversation import Conversation
from app.chat.drafting import Drafts
from app.chat.ledger import draw_ledger
from app.chat.log import describe_bug
from app.chat.reception import Reception
from app.chat.supervision import Supervision
from app.core.budget import Ledger
from app.core.errors import AppError, Failure
from app.core.messages import Message, Part, Session, State
from app.core.places import Places
from app.core.protocol import (
    Counted,
    Delta,
    Event,
    Failed,
    Finished,
    Load,
    Loaded,
    Loading,
    Prefilled,
    Reclassified,
    Started,
    TokenizerReady,
    Welcome,
)
from app.engine.client import Engine, News
from app.engine.door import Knock
from app.engine.inbox import Inbox
from app.engine.life import EngineEnded, EngineWaits
from app.store.preferences import Preferences
from app.store.store import Broken, Opened, Store
from app.store.store import Mended as StoreMended

DRAFTS_EVERY = 1.0
"""Seconds between two writes of what stands in the composers."""

log = logging.getLogger(__name__)


class Desk:
    """What a person can do with their chats. `listener` hears of every change, in the owner's thread."""

    def __init__(self, places: Places, store: Store, engine: Engine, inbox: Inbox, preferences: Preferences) -> None:
        self._places, self._store, self._engine, self.inbox = places, store, engine, inbox
        self.preferences = preferences
        self.listener: Callable[[Change], None] | None = None
        self.sessions: list[Session] = []
        self.conversation = Conversation()
        self.opened = False
        """Whether the database is open, so that chats can be read and written."""
        self._answering = Answering(store, engine, inbox, self._tell)
        self._supervision = Supervision(
            engine, self._answering, lambda: bool(preferences.get("restart_engine")), self._tell
        )
        self._reception = Reception(self)
        self._drafts = Drafts(engine.send)
        self._folder: str | None = None
        """The model named for this time; None is the preferred one."""
        self._before_close: list[Callable[[], None]] = []
        self._at_close: list[Callable[[], None]] = []
        self._has_bug = False
        self._keeps_drafts = False
        self._drafts_kept_at = 0.0
        if preferences.notice:
            inbox.put(Noticed(preferences.notice))

    # what the person does ------------------------------------------------------------------------

    @property
    def engine(self) -> EngineView:
        """What the engine is doing."""
        return self._supervision.view

    def start_engine(self, folder: str | None = None) -> None:
        """Load the model that is named, else the one named last, else the preferred one; returns at once."""
        self._folder = self._folder if folder is None else folder
        chosen = self.preferences.get("model") if self._folder is None else self._folder
        self._drafts.use_tokenizer(ready=False)
        self._supervision.start(Load(str(self._places.root), chosen or None, self.preferences.get("context") or None))

    def restart_engine(self) -> None:
        """Start the engine again after it stopped."""
        self._supervision.trust()
        self.start_engine()

    def load_model(self, folder: str) -> None:
        """Use another model from now on; an empty name is the starter. A running answer is stopped and kept."""
        self.set_preference("model", folder)
        self._supervision.trust()
        self.start_engine(folder)

    def send(self, text: str, documents: Sequence[Part] = (), options: Options | None = None) -> None:
        """Ask a question in the open chat; while an answer is under way there nothing happens."""
        if text.strip() and self.opened and not self.conversation.running:
            self.set_draft("")
            self.ask_in(self.conversation, text, documents, options)

    def ask_in(
        self,
        conversation: Conversation,
        text: str,
        documents: Sequence[Part] = (),
        options: Options | None = None,
    ) -> None:
        """Ask a question in some chat, open or not."""
        question, answer = conversation.ask(text.strip(), documents)
        self._answering.begin(conversation, [question, answer], self._complete(options))
        self._list(conversation)
        for message in (question, answer):
            self._tell(MessageAdded(message))
        self._wake_engine()

    def retry(self) -> None:
        """Answer the last question of the open chat again, beside the answer that is there."""
        if self.conversation.running or (answer := self.conversation.ask_again()) is None:
            return
        self._answering.begin(self.conversation, [answer], self._complete(None))
        self._list(self.conversation)
        self._tell(ConversationOpened())
        self._wake_engine()

    def stop(self) -> None:
        """Stop the open chat's answer; what is there is kept."""
        self._answering.stop(self.conversation)

    def stop_in(self, conversation: Conversation) -> None:
        """Stop some chat's answer."""
        self._answering.stop(conversation)

    def answer_now(self) -> None:
        """Cut the open chat's thought short and have it answer."""
        self._answering.answer_now(self.conversation)

    def open_session(self, session: int) -> None:
        """Put another chat on the desk."""
        found = next((each for each in self.sessions if each.id == session), None)
        if found is None or (self.conversation.session and self.conversation.session.id == session):
            return
        try:
            other = self._answering.conversation_of(session) or Conversation(found, self._read(session))
        except AppError as error:
            self._tell(Noticed(error.failure()))
            return
        self._put_on_desk(other)

    def new_session(self) -> None:
        """Put an empty chat on the desk; it is kept from its first question on."""
        if self.conversation.session is not None:
            self._put_on_desk(Conversation())

    def set_draft(self, text: str) -> None:
        """Remember what stands in the composer, per chat, and have it counted."""
        self.conversation.draft = text
        self._drafts.keep(self._open_id, text)
        self._save_drafts()
        self._drafts.count(text)
        self._tell(LedgerChanged())

    def keep_drafts(self) -> None:
        """Bring back the drafts of the last run, and keep them from now on: for the one desk with composers."""
        self._keeps_drafts = True
        self._drafts.restore(self.preferences.get_state("drafts"))
        self.conversation.draft = self._drafts.find(self._open_id)

    def set_preference(self, key: str, value: object) -> None:
        """Change a setting and keep it; raises UsageError where the value does not fit."""
        self.preferences.set(key, value)
        self._store.later(self.preferences.save)

    def remember(self, key: str, value: object) -> None:
        """Keep something that the app remembers by itself, such as the window's place."""
        self.preferences.set_state(key, value)
        self._store.later(self.preferences.save)

    def ledger(self) -> Ledger:
        """What uses how much of the open chat's context."""
        draft = self.conversation.draft
        return draw_ledger(
            self.conversation,
            self.engine.card,
            draft,
            self._drafts.tokens(draft),
            self.preferences.get("instructions"),
        )

    @property
    def running(self) -> set[int]:
        """The chats in which an answer is under way."""
        return self._answering.sessions

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
        self._save_drafts(now=True)
        self._answering.close()
        self._engine.end()
        self._store.close()
        self._engine.close()
        for step in self._at_close:
            step()

    # what the other threads say ------------------------------------------------------------------

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

    def _take(self, item: object) -> None:
        match item:
            case News(_, event):
                if self._engine.is_current(item):
                    self._hear(event)
            case Committed(request):
                self._answering.commit(request)
            case Lost(request, failure):
                self._answering.lose_rows(request, failure)
            case Kept(request):
                self._answering.keep(request)
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
            case Knock():
                self._reception.receive(item)

    def _hear(self, event: Event | EngineWaits | EngineEnded) -> None:
        match event:
            case Welcome():
                self._meet_worker()
            case Loading(stage, done, total):
                self._supervision.see(EngineView(EngineState.LOADING, stage, done, total))
            case TokenizerReady():
                self._drafts.use_tokenizer(ready=True)
            case Loaded(card):
                self._supervision.use(card)
                self._tell(LedgerChanged())
            case Failed(failure, None):
                self._supervision.refuse(failure)
            case Counted():
                self._drafts.take(event)
                self._tell(LedgerChanged())
            case EngineWaits(holder):
                self._supervision.wait_for(holder)
            case EngineEnded(failure):
                self._drafts.use_tokenizer(ready=False)
                if self._supervision.lose(failure):
                    self.start_engine()
            case Started() | Prefilled() | Delta() | Reclassified() | Finished() | Failed():
                if isinstance(event, Finished):
                    self._supervision.trust()
                self._answering.take(event)

    def _open(self, sessions: list[Session], notice: Failure | None) -> None:
        self.opened = True
        self.sessions = sessions
        self._tell(SessionsChanged())
        if notice:
            self._tell(Noticed(notice))
        self._reception.open()

    def _wake_engine(self) -> None:
        """A question is the wish to have an engine: start one that stopped, or could not load its model."""
        if self.engine.state in (EngineState.STOPPED, EngineState.FAILED):
            self.restart_engine()

    @property
    def _open_id(self) -> int | None:
        return self.conversation.session.id if self.conversation.session else None

    def _meet_worker(self) -> None:
        """The engine is ours: answers that another process was writing have ended, one way or the other."""
        waited, here = self._supervision.hold(), self.conversation
        if waited or (not here.running and any(each.state is State.RUNNING for each in here.messages)):
            self._read_again()

    def _read(self, session: int) -> list[Message]:
        """A chat from the disk. What seems to run there was left by a dead process where the engine is ours."""
        messages = self._store.messages(session)
        if not self._supervision.holds_engine:
            return messages
        return [
            msgspec.structs.replace(message, state=State.INTERRUPTED) if message.state is State.RUNNING else message
            for message in messages
        ]

    def _read_again(self) -> None:
        """Another process has answered in these chats until now."""
        if not self.opened:
            return
        try:
            self.sessions = self._store.sessions()
            session = self.conversation.session
            if session and not self._answering.conversation_of(session.id):
                self._put_on_desk(Conversation(session, self._read(session.id)))
        except AppError as error:
            self._tell(Noticed(error.failure()))
        self._tell(SessionsChanged())

    def _save_drafts(self, *, now: bool = False) -> None:
        due = now or time.monotonic() - self._drafts_kept_at >= DRAFTS_EVERY
        if self._keeps_drafts and self._drafts.changed and due:
            self._drafts_kept_at = time.monotonic()
            self.remember("drafts", self._drafts.kept())

    def _put_on_desk(self, conversation: Conversation) -> None:
        self.conversation = conversation
        conversation.draft = self._drafts.find(self._open_id)
        self._tell(ConversationOpened())
        self.set_draft(conversation.draft)

    def _complete(self, options: Options | None) -> Options:
        """The options of a question, from the preferences where it says nothing."""
        budget = options.thinking_budget if options else None
        if budget is None:
            preferred: int = self.preferences.get("thinking_budget")
            budget = None if preferred < 0 else preferred
        return Options(budget, options.seed if options else None, self.preferences.get("instructions"))

    def _list(self, conversation: Conversation) -> None:
        """Put a chat at the head of the list, where the one that changed last stands."""
        if session := conversation.session:
            self.sessions = [session, *(each for each in self.sessions if each.id != session.id)]
            self._tell(SessionsChanged())

    def _move_up(self, session: int) -> None:
        """A chat whose answer ended changed last."""
        for at, each in enumerate(self.sessions):
            if each.id == session:
                changed = msgspec.structs.replace(each, updated=time.time())
                self.sessions = [changed, *self.sessions[:at], *self.sessions[at + 1 :]]
        self.tell_window(SessionsChanged())

    def _tell(self, change: Change) -> None:
        """Pass a change on; of chats that are not on the desk only their endings matter to a window."""
        self._reception.hear(change)
        if isinstance(change, MessageChanged) and change.message.state is not State.RUNNING:
            self._move_up(change.message.session)
        if session_of(change) in (None, self._open_id) and self.listener:
            self.listener(change)
            if isinstance(change, MessageChanged | ProgressChanged):
                self.listener(LedgerChanged())

    def tell_window(self, change: Change) -> None:
        """Tell a change that is about no chat to whoever shows the desk."""
        if self.listener:
            self.listener(change)
