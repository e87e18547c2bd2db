"""What stands in the composers, per chat, and how many tokens that is."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from app.core.messages import Part
from app.core.protocol import Count, Counted
from app.core.text import mend

SAVE_EVERY = 1.0
"""Seconds between two writes of what stands in the composers."""
NEW = "new"
"""What the chat without a question is called on the disk."""


@dataclass(slots=True)
class Draft:
    """A question that is not asked yet. There is one for each chat, whoever holds it."""

    text: str = ""
    documents: list[Part] = field(default_factory=list)


class Drafts:
    """Drafts by chat, None being the one that has no question yet. One count is under way at a time."""

    def __init__(self, send: Callable[[Count], None], numbers: Iterator[int]) -> None:
        self._send, self._numbers = send, numbers
        self._drafts: dict[int | None, Draft] = {}
        self._counted = ("", 0)
        self._asked: tuple[int, str] | None = None
        self._next = ""
        self.changed = False
        """Whether drafts differ from what `kept` gave last."""
        self.kept_at = 0.0
        """When that was, on the monotonic clock."""
        self.countable = False
        """Whether the worker's tokenizer is there."""

    def of(self, session: int | None) -> Draft:
        """A chat's draft."""
        return self._drafts.setdefault(session, Draft())

    def write(self, draft: Draft, text: str) -> None:
        """Something else stands in a composer."""
        self.changed |= text != draft.text
        draft.text = text

    def put_back(self, draft: Draft, texts: Sequence[str]) -> None:
        """Words that were on their way stand in a composer again, in front of what stands there."""
        self.write(draft, "\n\n".join(text for text in (*texts, draft.text) if text.strip()))

    def settle(self, session: int) -> None:
        """The chat without a question has got its first one, and a number with it."""
        if None in self._drafts:
            self._drafts[session] = self._drafts.pop(None)

    def drop(self, session: int) -> None:
        """The chat is no more."""
        dropped = self._drafts.pop(session, None)
        self.changed |= bool(dropped and dropped.text)

    def restore(self, kept: object) -> None:
        """Take what `kept` gave in an earlier run; anything else is no draft."""
        if isinstance(kept, dict):
            for name, text in kept.items():
                if isinstance(text, str) and (name == NEW or name.isdecimal()):
                    self.of(None if name == NEW else int(name)).text = text

    def is_due(self) -> bool:
        """Whether it is time to keep them again."""
        return self.changed and time.monotonic() - self.kept_at >= SAVE_EVERY

    def kept(self) -> dict[str, str]:
        """All drafts, as JSON holds them; documents are read again by whoever wants them."""
        self.changed, self.kept_at = False, time.monotonic()
        return {
            NEW if session is None else str(session): mend(draft.text)
            for session, draft in self._drafts.items()
            if draft.text
        }

    def count(self, text: str) -> None:
        """Have a draft counted, as soon as the one before is."""
        self._next = text
        if not self.countable or self._asked or not text or text == self._counted[0]:
            return
        self._asked = (next(self._numbers), text)
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
