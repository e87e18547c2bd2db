"""Why a prompt does not fit, and what to leave out of it."""

from app.core.errors import ContextFull
from app.core.messages import Kind
from app.core.protocol import Generate
from app.core.text import _
from app.worker.layout import Layout


def explain_full(layout: Layout, command: Generate, needed: int, ceiling: int) -> ContextFull:
    """The refusal of a prompt that is too long, with the one thing whose leaving out helps most."""
    return ContextFull(
        _("This chat takes {needed} tokens; the context holds {ceiling}.").format(
            needed=f"{needed:,}", ceiling=f"{ceiling:,}"
        ),
        _what_to_drop(layout, command, needed - ceiling),
        "chat.new",
    )


def _what_to_drop(layout: Layout, command: Generate, over: int) -> str:
    documents = {
        part.name: len(layout.tokens.encode(part.text))
        for turn in command.turns
        for part in turn.parts
        if part.kind is Kind.DOCUMENT
    }
    thinks = command.thinking_budget != 0
    kept = len(
        layout.build(command.turns, command.instructions, thinking=thinks, keep_thoughts=command.keep_thoughts).ids
    )
    bare = len(layout.build(command.turns, command.instructions, thinking=thinks, keep_thoughts=False).ids)
    if kept - bare > over:
        return _("Leave earlier thoughts out of this chat: they take {tokens} tokens.").format(
            tokens=f"{kept - bare:,}"
        )
    if documents:
        name, tokens = max(documents.items(), key=lambda item: item[1])
        return _("Start a new chat without {name}, which takes {tokens} tokens, or with a part of it.").format(
            name=name, tokens=f"{tokens:,}"
        )
    if len(command.turns) > 1:
        return _("Start a new chat: the earlier questions and answers here leave no room.")
    return _("Ask with less text.")
