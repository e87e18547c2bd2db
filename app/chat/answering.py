"""The answers under way, in whichever chats.

Each is sent when its rows are committed and a model is loaded, folded in as it comes, checkpointed, and
closed with how it ended.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from app.chat.changes import CameTooLate, Change, MessageChanged, Phase, ProgressChanged, TextAppended, TextRetracted
from app.chat.conversation import Conversation, parts_for
from app.chat.options import Options
from app.chat.running import RunningAnswer
from app.core.errors import Failure
from app.core.messages import End, Generation, Kind, Message, State
from app.core.protocol import (
    AnswerNow,
    Cancel,
    Delta,
    Failed,
    Finished,
    Generate,
    ModelCard,
    Prefilled,
    Reclassified,
    Retracted,
    Started,
    Steer,
)
from app.engine.client import Engine
from app.engine.inbox import Inbox
from app.store.store import Store

SHOWN = (Kind.TEXT, Kind.REASONING, Kind.STEER)
"""What a person reads of an answer; the rest is between app and model."""
CHECKPOINT_EVERY = 0.15
"""Seconds: with a frame and a commit, no text that was on screen for 300 ms can be lost."""


@dataclass(slots=True)
class _Turn:
    conversation: Conversation
    options: Options
    committed: bool = False
    lost: bool = False
    """Its rows will never be on the disk."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The rows of an answer are on the disk; left in the inbox by the store's thread."""

    request: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The rows of an answer will never be on the disk; left there, too."""

    request: int
    failure: Failure


@dataclass(frozen=True, slots=True)
class Kept:
    """The end of an answer is on the disk; left there, too."""

    request: int


class Answering:
    """All running answers of a desk, by request."""

    def __init__(self, store: Store, engine: Engine, inbox: Inbox, tell: Callable[[Change], None]) -> None:
        self._store, self._engine, self._inbox, self._tell = store, engine, inbox, tell
        self._turns: dict[int, _Turn] = {}
        self._closing: dict[int, Conversation] = {}
        """Ended, but not on the disk, or not yet: reading such a chat there would show a running answer."""
        self._card: ModelCard | None = None
        self.reading_rate = 0.0
        """Tokens of prompt per second as measured before; 0 where never."""
        self._checkpointed_at = 0.0
        self._unsaved: set[int] = set()

    @property
    def sessions(self) -> set[int]:
        """The chats in which an answer is under way."""
        return {turn.conversation.session.id for turn in self._turns.values() if turn.conversation.session}

    @property
    def unsaved(self) -> bool:
        """Whether text waits for a checkpoint."""
        return bool(self._unsaved)

    def conversation_of(self, session: int) -> Conversation | None:
        """The conversation of a chat that is not on the disk as it is: an answer runs there or has just ended."""
        found = (*(turn.conversation for turn in self._turns.values()), *self._closing.values())
        return next((each for each in found if each.session and each.session.id == session), None)

    @property
    def busy(self) -> bool:
        """Whether any answer is under way."""
        return bool(self._turns)

    def begin(self, conversation: Conversation, messages: list[Message], options: Options) -> None:
        """Store new messages, the last of them an empty answer, and ask for it once they are committed."""
        if (running := conversation.running) and (session := conversation.session):
            then, dropped = self._register(conversation, running, options)
            self._store.add_turn(session, messages, then, dropped)

    def begin_again(self, conversation: Conversation, options: Options) -> None:
        """Let an answer that is on the disk already go on, once it is noted there that it runs."""
        if (running := conversation.running) and (session := conversation.session):
            then, dropped = self._register(conversation, running, options)
            self._store.reopen(running.message(), session, then, dropped)

    def note(self, word: Committed | Lost | Kept) -> None:
        """What the store says of the rows of an answer."""
        turn = self._turns.get(word.request)
        match word:
            case Committed(request) if turn:
                turn.committed = True
                self._send(request, turn)
            case Lost(request, failure) if turn:
                turn.lost = True
                self._fail(request, State.FAILED, failure)
            case Kept(request):
                self._closing.pop(request, None)

    def use_model(self, card: ModelCard) -> None:
        """A model is loaded: waiting requests go out."""
        self._card = card
        for request, turn in self._turns.items():
            self._send(request, turn)

    def stop(self, conversation: Conversation) -> None:
        """Stop a chat's answer; what is there is kept. One that has not begun ends at once."""
        if running := conversation.running:
            if running.sent:
                self._engine.send(Cancel(running.request))
            if running.progress.phase is Phase.QUEUED:
                self._close(running.request, State.STOPPED, None)

    def answer_now(self, conversation: Conversation) -> None:
        """Cut a chat's running thought short."""
        if (running := conversation.running) and running.sent:
            self._engine.send(AnswerNow(running.request))

    def steer(self, conversation: Conversation, text: str) -> None:
        """Put the user's words into a chat's running thought; they come back as a part of it."""
        if (running := conversation.running) and running.sent:
            running.corrections.append(text)
            self._engine.send(Steer(running.request, text))

    def abandon(self, conversation: Conversation) -> None:
        """The chat is deleted: its answer ends, and nothing more of it is written."""
        running = conversation.running
        if running and (turn := self._turns.get(running.request)):
            self._engine.send(Cancel(running.request))
            turn.lost = True
            self._close(running.request, State.STOPPED, None)
        for request in [request for request, each in self._closing.items() if each is conversation]:
            del self._closing[request]

    def stop_all(self) -> None:
        """End all answers here and now, with what is there of them: there will be no engine to end them."""
        for request, turn in list(self._turns.items()):
            if running := turn.conversation.running:
                self._close(request, State.STOPPED, running.run_facts(None) if running.sent else None)

    def take(self, event: Started | Prefilled | Delta | Reclassified | Retracted | Finished | Failed) -> None:
        """Fold one of the worker's events in; events of answers long closed are dropped."""
        turn = self._turns.get(event.request or 0)
        running = turn.conversation.running if turn else None
        if turn is None or running is None:
            return
        match event:
            case Finished(request, generation, unused):
                stopped = generation.end in (End.USER, End.LOOP)
                self._close(request, State.STOPPED if stopped else State.DONE, generation)
                # One that was sent while the end was on its way is in neither list of the worker's.
                late = [*unused, *(text for text in running.unheard if text not in unused)]
                if late:
                    self._tell(CameTooLate(running.session, tuple(late)))
            case Failed(failure):
                self._fail(running.request, State.FAILED, failure)
            case _:
                self._fold(event, running)
                self._tell(ProgressChanged(running.session, running.progress))

    def lose_engine(self, failure: Failure | None) -> None:
        """The worker is gone, or without a failure about to be replaced.

        Answers it had begun are kept as they are; others wait for the next worker.
        """
        for request, turn in list(self._turns.items()):
            running = turn.conversation.running
            if running is None or not running.sent:
                continue
            if running.progress.phase is Phase.QUEUED or (failure is None and running.untouched):
                running.requeue()
                self._tell(ProgressChanged(running.session, running.progress))
            elif failure:
                self._fail(request, State.INTERRUPTED, failure)
            else:
                self._close(request, State.STOPPED, running.run_facts(None))
        self._card = None

    def refuse_waiting(self, failure: Failure) -> None:
        """No model could be loaded: the questions that wait for one fail with the reason."""
        for request, turn in list(self._turns.items()):
            if turn.conversation.running and not turn.conversation.running.sent:
                self._fail(request, State.FAILED, failure)

    def tick(self) -> None:
        """Move the clocks of running thoughts and checkpoint what is due; called once per frame."""
        now = time.monotonic()
        if self._unsaved and now - self._checkpointed_at >= CHECKPOINT_EVERY:
            self._checkpointed_at = now
            for request in list(self._unsaved):
                self._save(request)
        for turn in self._turns.values():
            if turn.conversation.running:
                turn.conversation.running.tick()

    def close(self) -> None:
        """Keep every answer as far as it is, as interrupted."""
        for request, turn in list(self._turns.items()):
            running = turn.conversation.running
            if running:
                self._close(request, State.INTERRUPTED, running.run_facts(None) if running.sent else None)

    def _send(self, request: int, turn: _Turn) -> None:
        running = turn.conversation.running
        if running is None or running.sent or not turn.committed or self._card is None:
            return
        options, conversation, further = turn.options, turn.conversation, running.continuation
        sampling = options.drawing.over_own(options.own or self._card.sampling, options.seed)
        running.send(self._card, sampling, options.thinking_budget)
        self._engine.send(
            Generate(
                request=request,
                turns=conversation.turns(self._card.fingerprint, running.id),
                instructions=options.instructions,
                sampling=sampling,
                thinking_budget=options.thinking_budget,
                session=None if conversation.private else conversation.number,
                keep_thoughts=options.keep_thoughts,
                answer=parts_for(further.parts, further.facts, self._card.fingerprint) if further else [],
                fork=further.fork if further else None,
                answer_now=further is not None and further.answer_now,
                speculate=options.speculate,
                guard=options.guard,
            )
        )

    def _fold(self, event: Started | Prefilled | Delta | Reclassified | Retracted, running: RunningAnswer) -> None:
        match event:
            case Started():
                running.start(event, self.reading_rate)
                if running.told_anew:
                    self._store.rewrite(running.whole())
            case Prefilled(_, done, total):
                running.read(done, total, self.reading_rate)
            case Delta(request, parts):
                running.add(parts, event.thought_end)
                self._unsaved.add(request)
                for part in parts:
                    if part.text and part.kind in SHOWN:
                        self._tell(TextAppended(running.session, running.id, part.kind, part.text))
            case Reclassified(request, thought, answer):
                running.reclassify(thought, answer)
                self._rewrite(request, running)
                self._tell(MessageChanged(running.message()))
            case Retracted(request, characters, ids):
                if kind := running.retract(characters, ids):
                    self._rewrite(request, running)
                    if characters:
                        self._tell(TextRetracted(running.session, running.id, kind, characters))

    def _register(
        self, conversation: Conversation, running: RunningAnswer, options: Options
    ) -> tuple[Callable[[], None], Callable[[Failure], None]]:
        """Take a new request in; what the store says of its rows, in its own thread, is left in the inbox."""
        request = running.request
        self._turns[request] = _Turn(conversation, options)
        return (
            lambda: self._inbox.put(Committed(request)),
            lambda failure: self._inbox.put(Lost(request, failure)),
        )

    def _rewrite(self, request: int, running: RunningAnswer) -> None:
        self._unsaved.discard(request)
        self._store.rewrite(running.whole())

    def _save(self, request: int) -> None:
        self._unsaved.discard(request)
        turn = self._turns.get(request)
        if turn and (running := turn.conversation.running):
            self._store.checkpoint(running.id, running.take_unsaved(), running.facts(None))

    def _fail(self, request: int, state: State, failure: Failure) -> None:
        running = self._turns[request].conversation.running
        if running:
            self._close(request, state, running.run_facts(failure))

    def _close(self, request: int, state: State, generation: Generation | None) -> None:
        turn = self._turns.pop(request)
        self._unsaved.discard(request)
        conversation = turn.conversation
        if (running := conversation.running) is None or conversation.session is None:
            return
        message = running.close(state, generation)
        conversation.finish(message)
        self._closing[request] = conversation
        if not turn.lost:
            self._store.finish(message, conversation.session, lambda: self._inbox.put(Kept(request)))
        self._tell(MessageChanged(message))
