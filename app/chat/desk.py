"""The desk: what a person can do with their chats. It all returns at once; what follows is told as changes."""

from collections.abc import Sequence

from app.chat.backstage import Backstage
from app.chat.changes import Change, ConversationOpened, EngineChanged, LedgerChanged, Noticed
from app.chat.conversation import Conversation
from app.chat.ledger import draw_ledger, is_full, keeps_thoughts
from app.chat.options import Options
from app.chat.shelf import Shelf
from app.chat.shelffront import ShelfFront
from app.core.budget import Ledger, estimate_tokens
from app.core.errors import AppError
from app.core.messages import Part, Session
from app.core.places import Places
from app.core.protocol import Rates, Stored
from app.engine.client import Engine
from app.engine.inbox import Inbox
from app.store.preferences import Preferences
from app.store.store import Store


class Desk(Backstage):
    """All chats, the one that is open, the engine that answers, and the models it can have."""

    def __init__(self, places: Places, store: Store, engine: Engine, inbox: Inbox, preferences: Preferences) -> None:
        super().__init__(places, store, engine, inbox, preferences)
        front = ShelfFront(
            tell=self._tell,
            put=inbox.put,
            remember=self.remember,
            set_preference=self.set_preference,
            load=self.load_model,
            leave=self._room.leave,
            reload=self.restart_engine,
            chat_tokens=self._count_chat,
            keeps_prefixes=self._keeps_prefixes,
        )
        self.shelf = Shelf(places, preferences, front)
        """The model library."""
        self.at_close(self.shelf.end, self.shelf.close)

    # the engine ----------------------------------------------------------------------------------

    @property
    def rates(self) -> Rates | None:
        """Tokens per second on this machine with the loaded model."""
        return self._room.outlook.rates

    @property
    def stored(self) -> Stored | None:
        """What is kept on the disk of what the model has read; None until a worker has said it."""
        return self._room.prefixes.stored

    def start_engine(self, folder: str | None = None) -> None:
        """Load the model that is named, else the one named last, else the preferred one; returns at once."""
        self._room.start(folder)

    def restart_engine(self) -> None:
        """Start the engine again after it stopped."""
        self._room.restart()

    def load_model(self, folder: str) -> None:
        """Use another model from now on; an empty name is the starter. A running answer is stopped and kept."""
        self.set_preference("model", folder)
        self._room.restart(folder)

    def free_memory(self) -> None:
        """End the engine until the next question; answers under way are stopped and kept."""
        self._room.rest()

    def drop_prefixes(self) -> None:
        """Delete what is kept on the disk of what the model has read."""
        self._room.drop_prefixes()

    # questions and answers -----------------------------------------------------------------------

    def send(self, text: str, documents: Sequence[Part] = (), options: Options | None = None) -> None:
        """Ask a question in the open chat, with its documents; while an answer is under way there nothing happens."""
        here = self.conversation
        if text.strip() and self.opened and not here.running:
            documents = [*here.attached, *documents]
            self.set_draft("")
            self.ask_in(here, text, documents, options)

    def retry(self) -> None:
        """Answer the last question of the open chat again, beside the answer that is there."""
        self._control.retry(self.conversation)

    def edit(self, message: int, text: str) -> None:
        """Ask another question beside that one, with the attached documents or else its own; the old branch stays."""
        self._control.edit(self.conversation, message, text)

    def show_branch(self, message: int) -> None:
        """Show the branch of the open chat through that message, to its newest end; not while an answer runs."""
        if self.conversation.show_branch(message):
            self._tell(ConversationOpened())
            self._changed_prompt()

    def stop(self) -> None:
        """Stop the open chat's answer; what is there is kept."""
        self.stop_in(self.conversation)

    @property
    def can_resume(self) -> bool:
        """Whether the open chat's last answer ended before it was complete, and there is room for more of it."""
        here = self.conversation
        prompt = None if here.attached else self._room.outlook.prompt_tokens(here)
        return self._control.can_resume(here) and not is_full(here, self.engine.card, prompt)

    def resume(self) -> None:
        """Let the open chat's last answer go on where it ended, in its place."""
        self._control.resume(self.conversation)

    @property
    def can_answer_now(self) -> bool:
        """Whether a thought of the open chat runs, or its last answer ended inside its thought."""
        return self._control.can_answer_now(self.conversation)

    def answer_now(self) -> None:
        """Cut the open chat's thought short and have it answer."""
        self._control.answer_now(self.conversation)

    @property
    def can_steer(self) -> bool:
        """Whether there is a thought in the open chat that words could be put into."""
        return self._control.can_steer(self.conversation)

    def steer(self, text: str) -> None:
        """Put words of the user into the open chat's thought."""
        self._control.steer(self.conversation, text)

    def fork(self, message: int, characters: int) -> None:
        """Answer beside that answer of the open chat, beginning with so many characters of its thought."""
        self._control.fork(self.conversation, message, characters)

    # chats ---------------------------------------------------------------------------------------

    @property
    def sessions(self) -> list[Session]:
        """All chats, the one that changed last first."""
        return self._library.sessions

    def open_session(self, session: int) -> None:
        """Put another chat on the desk."""
        found = self._library.find(session)
        if found is None or session == self._open_id:
            return
        try:
            self._put_on_desk(self._fetch(found))
        except AppError as error:
            self._tell(Noticed(error.failure()))

    def new_session(self) -> None:
        """Put an empty chat on the desk; it is kept from its first question on."""
        if self.conversation.session is not None:
            self._put_on_desk(Conversation(draft=self._drafts.of(None)))

    def delete_session(self, session: int) -> None:
        """Delete a chat with everything that was kept of it; an answer that runs there ends."""
        if self._library.find(session) is None:
            return
        if conversation := self._answering.conversation_of(session):
            self._answering.abandon(conversation)
        self._library.remove(session)
        self._room.prefixes.forget(session)
        self._room.outlook.forget(session)
        self._drafts.drop(session)
        if session == self._open_id:
            self._put_on_desk(Conversation(draft=self._drafts.of(None)))

    @property
    def chat_budget(self) -> int | None:
        """Tokens of thought at most in the open chat; None is the model's own."""
        return self._choices.budget(self.conversation)

    def set_chat_budget(self, budget: int | None) -> None:
        """Choose the thinking budget of the open chat; None is the preference."""
        self._choose(budget, self.conversation.choices.keep_thoughts)

    @property
    def keeps_thoughts(self) -> bool:
        """Whether earlier thoughts of the open chat stay in its prompt."""
        return keeps_thoughts(self.conversation, self.engine.card)

    def set_keep_thoughts(self, keep: bool | None) -> None:  # noqa: FBT001 - a choice of three
        """Choose whether they stay; None is the model's own choice."""
        self._choose(self.conversation.choices.thinking_budget, keep)

    # the composer --------------------------------------------------------------------------------

    def set_draft(self, text: str) -> None:
        """Remember what stands in the composer, per chat, and have it counted."""
        self._room.touch()
        if text and not self.conversation.draft:
            self._room.outlook.look_again(self.conversation)  # the model may have read on since it was told
        self._drafts.write(self.conversation.composed, text)
        self._save_drafts()
        self._drafts.count(text)
        self._tell(LedgerChanged())

    def put_back(self, text: str) -> None:
        """Put a text in front of what stands in the composer."""
        self._drafts.put_back(self.conversation.composed, [text])
        self.set_draft(self.conversation.draft)

    def attach(self, documents: Sequence[Part], awaited: Options | None = None) -> None:
        """Let documents go along with the open chat's next question; the model begins to read them.

        `awaited` is what that question is known to ask for.
        """
        self.warm_in(self.conversation, [*self.conversation.attached, *documents], awaited)

    def detach(self, index: int) -> None:
        """Take one of them back."""
        rest = self.conversation.attached
        del rest[index]
        self.warm_in(self.conversation, rest)

    def ledger(self) -> Ledger:
        """What uses how much of the open chat's context."""
        here = self.conversation
        draft, prompt = self._drafts.tokens(here.draft), self._room.outlook.prompt_tokens(here)
        return draw_ledger(here, self.engine.card, draft, self._choices.instructions, prompt)

    def reading_time(self) -> float | None:
        """Seconds until the first token of what is in the composer; None where that is not known."""
        draft = self._drafts.tokens(self.conversation.draft)
        size = estimate_tokens(self.conversation.draft) if draft is None else draft
        return self._room.outlook.reading_seconds(self.conversation, size)

    # preferences, frames, the end ----------------------------------------------------------------

    def set_preference(self, key: str, value: object) -> None:
        """Change a setting and keep it; raises UsageError where the value does not fit."""
        self.preferences.set(key, value)
        self._store.later(self.preferences.save)
        self._room.wind()
        self._changed_prompt()
        self.shelf.prefer(key)

    def _choose(self, budget: int | None, keep: bool | None) -> None:  # noqa: FBT001 - a choice of three
        here = self.conversation
        if (budget, keep) == (here.choices.thinking_budget, here.choices.keep_thoughts):
            return
        here.choose(thinking_budget=budget, keep_thoughts=keep)
        if here.session:
            self._library.keep(here.session)
        if here.attached:
            self._room.warm(here)  # with a thought they are read otherwise than without
        self._changed_prompt()

    def _count_chat(self) -> int:
        """Tokens of the open chat, without what every model has to read."""
        here = self.conversation
        return self.ledger().history if here.messages or here.attached else 0

    def _keeps_prefixes(self) -> bool:
        failed = self.stored is not None and self.stored.failure is not None
        return bool(self.preferences.get("keep_prefixes")) and not failed

    def _tell(self, change: Change) -> None:
        super()._tell(change)
        if isinstance(change, EngineChanged):
            self.shelf.see(change.view)
        if isinstance(change, LedgerChanged) and self.rates:
            self.shelf.hear_rate(self.rates.prefill)

    def _changed_prompt(self) -> None:
        """The next prompt of the open chat is another one."""
        self._room.touch()
        self._room.look()
        self._tell(LedgerChanged())
