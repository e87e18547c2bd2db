"""What the next question of a chat will cost before it is asked, and reading its beginning ahead."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from app.chat.choices import Choices
from app.chat.conversation import Conversation
from app.core.messages import Kind, Part, Role
from app.core.protocol import Cancel, Command, Estimate, Estimated, ModelCard, Prewarm, Rates, Turn

WORDS = Part(Kind.TEXT, "x", (0,))
"""Stands for the words of a question that is not written yet: one token, whichever."""


@dataclass(frozen=True, slots=True)
class _Asked:
    request: int
    conversation: Conversation


class Outlook:
    """Asks the worker about prompts to come. One estimate, of the open chat, counts at a time."""

    def __init__(self, send: Callable[[Command], None], numbers: Iterator[int], choices: Choices) -> None:
        self._send, self._numbers, self._choices = send, numbers, choices
        self._card: ModelCard | None = None
        self._asked: _Asked | None = None
        self._estimated: Estimated | None = None
        self._warming: dict[int, Conversation] = {}
        self._due: list[Conversation] = []
        """To be read ahead once there is a model, or once their answers are over."""
        self.rates: Rates | None = None
        """As measured on this machine with the loaded model."""

    @property
    def warms(self) -> bool:
        """Whether the beginning of a prompt is being read ahead."""
        return bool(self._warming)

    def use_model(self, card: ModelCard | None) -> None:
        """Another worker is asked from now on, or with None nobody."""
        self._card, self._asked, self._estimated = card, None, None
        for conversation in self._warming.values():  # the next model begins anew
            self._put_off(conversation)
        self._warming.clear()
        if card is None:
            self.rates = None

    def look(self, conversation: Conversation) -> None:
        """The next prompt of a chat is another one: have it counted, without the words of its question."""
        self._asked = self._estimated = None
        self.look_again(conversation)

    def look_again(self, conversation: Conversation) -> None:
        """Ask how much of it is computed by now; what was told holds until that is known."""
        if self._card is None or conversation.running:
            return
        self._asked = _Asked(next(self._numbers), conversation)
        turns = conversation.turns(self._card.fingerprint)
        self._send(
            Estimate(
                request=self._asked.request,
                turns=[*turns, Turn(Role.USER, [*conversation.attached, WORDS])],
                instructions=self._choices.instructions,
                session=None if conversation.private else conversation.number,
                keep_thoughts=conversation.choices.keep_thoughts,
                thinking=self._choices.thinks(conversation),
            )
        )

    def warm(self, conversation: Conversation) -> None:
        """Have a chat's documents read ahead as soon as that is possible, in place of what was to be read for it."""
        self._due = [each for each in self._due if each is not conversation]
        if conversation.attached and (self._card is None or conversation.running):
            self._put_off(conversation)
        if self._card is None or conversation.running:
            return
        if not conversation.attached:
            for request in [number for number, each in self._warming.items() if each is conversation]:
                self._send(Cancel(request))
            return
        request = next(self._numbers)
        self._warming[request] = conversation
        turns = conversation.turns(self._card.fingerprint)
        self._send(
            Prewarm(
                request=request,
                turns=[*turns, Turn(Role.USER, conversation.attached)],
                instructions=self._choices.instructions,
                session=None if conversation.private else conversation.number,
                keep_thoughts=conversation.choices.keep_thoughts,
                thinking=self._choices.thinks(conversation),
                fixed=conversation.awaited.seed is not None,
            )
        )

    def catch_up(self) -> None:
        """Have read ahead what could not be before."""
        for conversation in list(self._due) if self._card else []:
            if not conversation.running:
                self.warm(conversation)

    def forget(self, session: int) -> None:
        """A chat is deleted: nothing of it is read ahead any more."""
        self._due = [each for each in self._due if each.number != session]

    def _put_off(self, conversation: Conversation) -> None:
        if all(each is not conversation for each in self._due):
            self._due.append(conversation)

    def take(self, estimated: Estimated) -> None:
        """Note an estimate; one that something has overtaken is no use."""
        if self._asked and estimated.request == self._asked.request:
            self._estimated = estimated

    def end(self, request: int) -> bool:
        """A reading ahead is over, however it ended; whether it was one."""
        return self._warming.pop(request, None) is not None

    def prompt_tokens(self, conversation: Conversation) -> int | None:
        """Tokens of a chat's next prompt without the words of its question; None where it was not counted."""
        if self._estimated and self._asked and self._asked.conversation is conversation:
            return self._estimated.tokens - len(WORDS.ids)
        return None

    def reading_seconds(self, conversation: Conversation, draft: int) -> float | None:
        """How long a chat's next prompt takes to read, with a draft of so many tokens; None where that is unknown."""
        tokens = self.prompt_tokens(conversation)
        if tokens is None or self._estimated is None or not self.rates or not self.rates.prefill:
            return None
        return max(0, tokens - self._estimated.cached + draft) / self.rates.prefill
