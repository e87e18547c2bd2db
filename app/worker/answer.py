"""An answer as it streams: ids become text, text becomes thought and answer, both leave every 30 ms."""

import time
from collections.abc import Callable, Iterable

from app.core.messages import Kind, Part
from app.core.protocol import Delta, Event, Reclassified
from app.core.reasoning import Mark, Output, Reclassify, Splitter
from app.core.releases import Thinking
from app.worker.layout import Layout

SEND_EVERY = 0.03
"""Seconds between two deltas: a window shows about thirty frames a second, more would only cost."""


class AnswerStream:
    """Splits, counts, times and sends one answer. Ids leave with the part that they belong to."""

    def __init__(self, request: int, layout: Layout, send: Callable[[Event], None]) -> None:
        self._request, self._layout, self._send = request, layout, send
        self._text = layout.tokens.stream()
        self._splitter = Splitter(tags=layout.release.thinking is Thinking.TAGS)
        self._marks = {layout.marks.open_id: Mark.OPEN, layout.marks.close_id: Mark.CLOSE}
        self._ids: list[int] = []
        self._waiting: list[Part] = []
        self._sent_at = self._last_at = time.monotonic()
        self._answered = False
        self._after_words = False
        """The app's own words came last; the blank behind them is no part of what follows."""
        self.first_at: float | None = None
        self.reasoning_tokens = self.answer_tokens = 0
        self.reasoning_seconds = self.answer_seconds = 0.0

    @property
    def thinking(self) -> bool:
        """Whether the next token belongs to a thought."""
        return self._splitter.thinking

    @property
    def thought_seen(self) -> bool:
        """Whether there was a thought, if only an empty one."""
        return self._splitter.thought_seen

    def feed(self, token: int) -> None:
        """Take one generated token."""
        inside = self.thinking
        self._ids.append(token)
        if mark := self._marks.get(token):
            pieces = self._splitter.feed(self._text.flush()) + self._splitter.mark(mark)
        else:
            pieces = self._splitter.feed(self._text.feed(token))
        if self.thinking and not inside and not self._answered:  # what came before was the opening tag
            self._move_counts()
        self._take(pieces, inside=inside or self.thinking)
        closed = any(isinstance(piece, Reclassify) for piece in pieces)
        self._count(inside=inside or self.thinking or closed or mark is not None)
        if self._last_at - self._sent_at >= SEND_EVERY:
            self._flush()

    def inject(self, ids: Iterable[int], mark: Mark) -> list[int]:
        """Open or close the thought with ids of the app's own; they are returned for the cache."""
        inside, fed = self.thinking, list(ids)
        self._take(self._splitter.feed(self._text.flush()) + self._splitter.mark(mark), inside=inside)
        self._settle(inside=inside)
        self._after_words = True
        self._append(Part(Kind.INJECTED, self._layout.tokens.decode(fed), tuple(fed)))
        self._flush()
        return fed

    def finish(self) -> None:
        """Send what was held back."""
        inside = self.thinking
        self._take(self._splitter.feed(self._text.flush()) + self._splitter.finish(), inside=inside)
        self._settle(inside=inside)
        self._flush()

    def _take(self, pieces: list[Output], *, inside: bool) -> None:
        for piece in pieces:
            if isinstance(piece, Reclassify):
                self._flush()
                self._send(Reclassified(self._request, piece.thought, piece.answer))
                self._move_counts()
                self._settle(inside=True)
            else:
                text = piece.text
                self._answered = self._answered or piece.kind is Kind.TEXT
                if self._after_words:
                    text = text.lstrip(" ")
                    self._after_words = not text
                self._append(Part(piece.kind, text, self._claim()))
        if inside and not self.thinking:
            self._settle(inside=True)

    def _move_counts(self) -> None:
        """All tokens so far were of the thought."""
        self.reasoning_tokens += self.answer_tokens
        self.reasoning_seconds += self.answer_seconds
        self.answer_tokens, self.answer_seconds = 0, 0.0

    def _settle(self, *, inside: bool) -> None:
        """Ids without text, such as a marker's, go to the side on which they stand."""
        if ids := self._claim():
            self._append(Part(Kind.REASONING if inside else Kind.TEXT, "", ids))

    def _claim(self) -> tuple[int, ...]:
        ids, self._ids = tuple(self._ids), []
        return ids

    def _append(self, part: Part) -> None:
        if self._waiting and self._waiting[-1].kind is part.kind:
            last = self._waiting.pop()
            part = Part(part.kind, last.text + part.text, last.ids + part.ids)
        self._waiting.append(part)

    def _count(self, *, inside: bool) -> None:
        now = time.monotonic()
        if self.first_at is None:
            self.first_at = self._last_at = now
        if inside:
            self.reasoning_tokens += 1
            self.reasoning_seconds += now - self._last_at
        else:
            self.answer_tokens += 1
            self.answer_seconds += now - self._last_at
        self._last_at = now

    def _flush(self) -> None:
        self._sent_at = time.monotonic()
        if self._waiting:
            self._send(Delta(self._request, self._waiting, self.reasoning_tokens + self.answer_tokens))
            self._waiting = []
