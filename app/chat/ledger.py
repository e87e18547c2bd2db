"""Drawing up the context ledger of a chat from what the worker counted, estimating only what it has not."""

from app.chat.conversation import Conversation
from app.core.budget import Ledger, estimate_tokens
from app.core.messages import Kind, Message, Role
from app.core.protocol import ModelCard
from app.core.releases import release


def draw_ledger(
    conversation: Conversation,
    card: ModelCard | None,
    draft: str,
    draft_tokens: int | None,
    instructions: str = "",
) -> Ledger:
    """The ledger; `draft_tokens` is the tokenizer's count of the draft, None while it is not known."""
    draft_size = draft_tokens if draft_tokens is not None else estimate_tokens(draft)
    known_draft = draft_tokens is not None or not draft
    running = conversation.running
    live = running.progress.tokens if running else 0
    if running and running.progress.prompt_tokens:
        history, known = running.progress.prompt_tokens, True
    else:
        history, known = _count_history(conversation.messages, card, instructions)
    return Ledger(
        history=history,
        draft=draft_size,
        live=live,
        ceiling=card.context if card else 0,
        exact=known_draft and known,
    )


def _count_history(messages: list[Message], card: ModelCard | None, instructions: str) -> tuple[int, bool]:
    """Tokens of the next prompt without the draft, and whether they were counted.

    The last answer whose facts the same model wrote says what the prompt was; what came after it, or all of
    a chat that another model answered, is estimated.
    """
    after: list[Message] = []
    for message in reversed(messages):
        facts = message.generation
        if card and facts and facts.fingerprint == card.fingerprint and facts.prompt_tokens:
            kept = facts.reasoning_tokens if release(card.release).keeps_thoughts else 0
            counted = facts.prompt_tokens + facts.answer_tokens + kept + card.turn_tokens
            return counted + _estimate(after), not after
        after.append(message)
    empty = card.empty_tokens if card else 0
    return empty + estimate_tokens(instructions) + _estimate(after), bool(card) and not after and not instructions


def _estimate(messages: list[Message]) -> int:
    parts = (
        part for message in messages for part in message.parts if message.role is Role.USER or part.kind is Kind.TEXT
    )
    return sum(estimate_tokens(part.text) for part in parts)
