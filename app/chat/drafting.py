"""What stands in the composers, per chat, and how many tokens that is."""

from collections.abc import Callable
from itertools import count

from app.core.protocol import Count, Counted
from app.core.text import mend

NEW = "new"
"""What the chat without a question is called on the disk."""


class Drafts:
    """Drafts by chat, None being the one that has no question yet. One count is under way at a time."""

    def __init__(self, send: Callable[[Count], None]) -> None:
        self._send = send
        self._drafts: dict[int | None, str] = {}
        self._numbers = count(1)
        self._counted = ("", 0)
        self._asked: tuple[int, str] | None = None
        self._next = ""
        self.changed = False
        """Whether drafts differ from what `kept` gave last."""
        self.countable = False
        """Whether the worker's tokenizer is there."""

    def keep(self, session: int | None, text: str) -> None:
        """Remember a chat's draft."""
        self.changed |= text != self.find(session)
        if text:
            self._drafts[session] = text
        else:
            self._drafts.pop(session, None)

    def find(self, session: int | None) -> str:
        """A chat's draft."""
        return self._drafts.get(session, "")

    def restore(self, kept: object) -> None:
        """Take what `kept` gave in an earlier run; anything else is no draft."""
        if isinstance(kept, dict):
            for name, text in kept.items():
                if isinstance(text, str) and (name == NEW or name.isdecimal()):
                    self._drafts[None if name == NEW else int(name)] = text

    def kept(self) -> dict[str, str]:
        """All drafts, as JSON holds them."""
        self.changed = False
        return {NEW if session is None else str(session): mend(text) for session, text in self._drafts.items()}

    def count(self, text: str) -> None:
        """Have a draft counted, as soon as the one before is."""
        self._next = text
        if not self.countable or self._asked or not text or text == self._counted[0]:
            return
        # Negative, so that it is never the number of an answer.
        self._asked = (-next(self._numbers), text)
        self._send(Count(self._asked[0], [mend(text)]))

    def take(self, event: Counted) -> None:
        """Note a count."""
        if self._asked and event.request == self._asked[0]:
            self._counted = (self._asked[1], event.counts[0])
            self._asked = None
            self.count(self._next)

    def use_tokenizer(self, *, ready: bool) -> None:
        """Another tokenizer counts from now on, or none."""
        self.countable, self._asked, self._counted = ready, None, ("", 0)
        self.count(self._next)

    def tokens(self, text: str) -> int | None:
        """How many tokens a draft is; None while that is not known."""
        return self._counted[1] if text == self._counted[0] else None
