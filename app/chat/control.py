"""Going on with an answer, and cutting, steering and forking its thought: one mechanism, an answer with a beginning."""

from collections.abc import Callable, Sequence

from app.chat.answering import Answering
from app.chat.changes import Change, ConversationOpened, MessageAdded, MessageChanged, Phase
from app.chat.choices import Choices
from app.chat.conversation import Conversation
from app.chat.options import Options
from app.chat.running import stands_in_thought
from app.core.errors import UsageError
from app.core.messages import End, Generation, Kind, Message, Part, State
from app.core.text import _, mend


class Control:
    """What a person does with the answers of a chat. `begun` is called for a chat in which one begins."""

    def __init__(
        self,
        answering: Answering,
        choices: Choices,
        begun: Callable[[Conversation], None],
        tell: Callable[[Change], None],
    ) -> None:
        self._answering, self._choices, self._begun, self._tell = answering, choices, begun, tell

    def ask(
        self, conversation: Conversation, text: str, documents: Sequence[Part] = (), options: Options | None = None
    ) -> None:
        """Ask a question at the end of the branch."""
        messages = conversation.ask(text.strip(), documents)
        self._answering.begin(conversation, list(messages), self._choices.complete(conversation, options))
        self._begun(conversation)
        for message in messages:
            self._tell(MessageAdded(message))

    def retry(self, conversation: Conversation) -> None:
        """Answer the last question again, beside the answer that is there."""
        if not conversation.running and (answer := conversation.ask_again()):
            self._branch_off(conversation, [answer], self._choices.complete(conversation))

    def edit(self, conversation: Conversation, message: int, text: str) -> None:
        """Ask another question beside that one, with the draft's documents or else its own; the old branch stays."""
        if not conversation.running and text.strip() and (messages := conversation.edit(message, text.strip())):
            self._branch_off(conversation, list(messages), self._choices.complete(conversation))

    def fork(self, conversation: Conversation, message: int, characters: int) -> None:
        """Answer beside that answer, beginning with so many characters of its thought."""
        if conversation.running:
            return
        old = conversation.find(message)
        if old and (answer := conversation.fork(message, characters)):
            options = self._choices.complete_again(conversation, old.generation)
            self._branch_off(conversation, [answer], options)

    def can_resume(self, conversation: Conversation) -> bool:
        """Whether the last answer ended before it was complete."""
        last = conversation.last_answer
        return last is not None and _is_incomplete(last)

    def resume(
        self,
        conversation: Conversation,
        added: Sequence[Part] = (),
        options: Options | None = None,
        *,
        answer_now: bool = False,
    ) -> None:
        """Let the last answer go on where it ended, in its place."""
        last = conversation.last_answer
        if last is None or not _is_incomplete(last):
            return
        conversation.resume(last, added, answer_now=answer_now)
        self._answering.begin_again(conversation, self._choices.complete_again(conversation, _facts_of(last), options))
        self._begun(conversation)
        if running := conversation.running:
            self._tell(MessageChanged(running.message()))

    def can_answer_now(self, conversation: Conversation) -> bool:
        """Whether a thought runs, or the last answer ended inside its thought."""
        return _thinks(conversation) or _stopped_in_thought(conversation)

    def answer_now(self, conversation: Conversation) -> None:
        """Cut the thought short and have the model answer."""
        if conversation.running:
            self._answering.answer_now(conversation)
        elif _stopped_in_thought(conversation):
            self.resume(conversation, answer_now=True)

    def can_steer(self, conversation: Conversation) -> bool:
        """Whether there is a thought that words could be put into."""
        return self.can_answer_now(conversation)

    def steer(self, conversation: Conversation, text: str) -> None:
        """Put the user's words into the thought; one that had stopped goes on behind them."""
        text = mend(text.strip())
        if not text:
            return
        if _thinks(conversation):
            self._answering.steer(conversation, text)
        elif _stopped_in_thought(conversation):
            self.resume(conversation, [Part(Kind.STEER, text)])

    def _branch_off(self, conversation: Conversation, messages: list[Message], options: Options) -> None:
        self._answering.begin(conversation, messages, options)
        self._begun(conversation)
        self._tell(ConversationOpened())


def explain_no_way_on(conversation: Conversation, title: str) -> UsageError:
    """Why the last answer of a chat cannot go on, and what can be done."""
    last = conversation.last_answer
    failure = last.generation.failure if last and last.generation else None
    if conversation.running or (last and last.state is State.RUNNING):
        said, hint = _("The last answer of “{title}” is being written."), _("Wait for its end, or stop it first.")
    elif last is None:
        said, hint = _("“{title}” has no answer yet."), _("Ask a new question, or name another chat.")
    elif last.state is State.FAILED:
        said = _("The last answer of “{title}” failed before its first word.")
        hint = _("Ask the question again.")
        if failure:
            said, hint = f"{said} {{reason}}", failure.hint or hint
    elif not last.text:
        said, hint = _("The last answer of “{title}” is empty: the model said nothing."), _("Ask the question again.")
    else:
        said, hint = _("The last answer of “{title}” is complete."), _("Ask a new question, or name another chat.")
    return UsageError(said.format(title=title, reason=failure.message if failure else ""), hint)


def _thinks(conversation: Conversation) -> bool:
    running = conversation.running
    return running is not None and running.progress.phase is Phase.THINKING


def _stopped_in_thought(conversation: Conversation) -> bool:
    last = conversation.last_answer
    return last is not None and _is_incomplete(last) and stands_in_thought(last.parts, last.generation)


def _is_incomplete(answer: Message) -> bool:
    facts = answer.generation
    if answer.state is State.DONE:
        unfinished = not answer.text and stands_in_thought(answer.parts, facts)
        return facts is not None and (facts.end is End.LIMIT or unfinished)
    return answer.state is not State.RUNNING and (bool(answer.parts) or answer.state is not State.FAILED)


def _facts_of(answer: Message) -> Generation | None:
    """The facts that bind what goes on from an answer; without a word of it there are none."""
    return answer.generation if answer.parts else None
