"""Drawing up the context ledger of a chat from what the worker counted, estimating only what it has not."""

from app.chat.conversation import Conversation
from app.core.budget import Ledger, estimate_tokens
from app.core.messages import Message
from app.core.protocol import ModelCard
from app.core.releases import release


def draw_ledger(conversation: Conversation, card: ModelCard | None, draft: str, draft_tokens: int | None) -> Ledger:
    """The ledger; `draft_tokens` is the tokenizer's count of the draft, None while it is not known."""
    draft_size = draft_tokens if draft_tokens is not None else estimate_tokens(draft)
    ceiling = card.context if card else 0
    known_draft = draft_tokens is not None or not draft
    if running := conversation.running:
        progress = running.progress
        return Ledger(
            history=progress.prompt_tokens,
            draft=draft_size,
            live=progress.tokens,
            ceiling=ceiling,
            exact=known_draft and progress.prompt_tokens > 0,
        )
    messages = conversation.messages
    history = _history(messages, card)
    return Ledger(
        history=_estimate(messages) if history is None else history,
        draft=draft_size,
        live=0,
        ceiling=ceiling,
        exact=known_draft and history is not None,
    )


def _history(messages: list[Message], card: ModelCard | None) -> int | None:
    """What the last answer's own facts say the next prompt starts from; None where another model counted."""
    if not messages:
        return 0
    facts = messages[-1].generation
    if facts is None or card is None or facts.fingerprint != card.fingerprint or not facts.prompt_tokens:
        return None
    kept = facts.reasoning_tokens if release(card.release).keeps_thoughts else 0
    return facts.prompt_tokens + facts.answer_tokens + kept


def _estimate(messages: list[Message]) -> int:
    return sum(estimate_tokens(message.text) for message in messages)
