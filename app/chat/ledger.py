"""Drawing up the context ledger of a chat from what the worker counted, estimating only what it has not."""

from app.chat.conversation import Conversation
from app.core.budget import LEAST_ROOM, Ledger, estimate_tokens
from app.core.messages import End, Kind, Message, Role
from app.core.protocol import ModelCard


def draw_ledger(
    conversation: Conversation,
    card: ModelCard | None,
    draft_tokens: int | None,
    instructions: str = "",
    prompt_tokens: int | None = None,
) -> Ledger:
    """The ledger; `draft_tokens` is the tokenizer's count of the draft, None while it is not known.

    `prompt_tokens` is the worker's count of the next prompt without the draft's words, documents included.
    """
    draft = conversation.draft
    draft_size = draft_tokens if draft_tokens is not None else estimate_tokens(draft)
    known_draft = draft_tokens is not None or not draft
    running = conversation.running
    if running:
        history = running.progress.prompt_tokens
        known = bool(history)
        if not known:
            history, known = _count_history(conversation, card, instructions)
    elif prompt_tokens is not None:
        history, known = prompt_tokens, True
    else:
        history, known = _count_history(conversation, card, instructions)
        draft_size += sum(estimate_tokens(part.text) for part in conversation.attached)
        known = known and not conversation.attached
    return Ledger(
        history=history,
        draft=draft_size,
        live=running.progress.tokens if running else 0,
        ceiling=card.context if card else 0,
        exact=known_draft and known,
    )


def keeps_thoughts(conversation: Conversation, card: ModelCard | None) -> bool:
    """Whether earlier thoughts of a chat stay in its prompt: its own choice, else the model's."""
    chosen = conversation.choices.keep_thoughts
    return (card is not None and card.keeps_thoughts) if chosen is None else chosen


def is_full(conversation: Conversation, card: ModelCard | None, next_prompt: int | None = None) -> bool:
    """Whether the last answer ended at the model's ceiling, and there is no more room for it by now.

    `next_prompt` is the worker's count of the prompt after that answer, which is shorter where earlier
    thoughts have been left out since.
    """
    last = conversation.last_answer
    facts = last.generation if last else None
    if card is None or facts is None or facts.end is not End.LIMIT:
        return False
    prompt = facts.prompt_tokens
    if next_prompt is not None and last and last.text:
        kept = facts.reasoning_tokens if keeps_thoughts(conversation, card) else 0
        prompt = min(prompt, next_prompt - facts.answer_tokens - kept - card.turn_tokens)
    return prompt + facts.reasoning_tokens + facts.answer_tokens >= card.context - LEAST_ROOM


def _count_history(conversation: Conversation, card: ModelCard | None, instructions: str) -> tuple[int, bool]:
    """Tokens of the next prompt without the draft, and whether they were counted.

    The last answer whose facts the same model wrote says what the prompt was; what came after it, or all of
    a chat that another model answered, is estimated.
    """
    after: list[Message] = []
    for message in reversed(conversation.messages):
        facts = message.generation
        if card and facts and facts.fingerprint == card.fingerprint and facts.prompt_tokens:
            kept = facts.reasoning_tokens if keeps_thoughts(conversation, card) else 0
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
