"""An answer as it streams: ids become text, text becomes thought and answer, both leave every 30 ms."""

import time
from collections.abc import Callable, Iterable, Sequence

from app.core.messages import Kind, Part, ThoughtEnd
from app.core.protocol import Delta, Event, Reclassified, Retracted
from app.core.reasoning import Mark, Output, Reclassify, Splitter
from app.core.releases import Thinking
from app.worker.layout import Layout
from app.worker.stops import Stops

SEND_EVERY = 0.03
"""Seconds between two deltas: a window shows about thirty frames a second, more would only cost."""


class _Growing:
    """Text and ids of one kind that wait to be sent."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.texts: list[str] = []
        self.ids: list[int] = []

    def part(self) -> Part:
        """All of it as one part."""
        return Part(self.kind, "".join(self.texts), tuple(self.ids))


class AnswerStream:
    """Splits, counts, times and sends one answer. Ids leave with the part that they belong to."""

    def __init__(self, request: int, layout: Layout, send: Callable[[Event], None], stop: Sequence[str] = ()) -> None:
        self._request, self._layout, self._send = request, layout, send
        self._text = layout.tokens.stream()
        self._splitter = Splitter(tags=layout.release.thinking is Thinking.TAGS)
        self._stops = Stops(stop)
        self._marks = {layout.marks.open_id: Mark.OPEN, layout.marks.close_id: Mark.CLOSE}
        self._ids: list[int] = []
        self._waiting: list[_Growing] = []
        self._sent_at = self._last_at = time.monotonic()
        self._answered = self._silent = self._replaying = False
        self._after_words = False
        """The app's own words came last; the blank behind them is no part of what follows."""
        self._released = 0
        """Characters, of both kinds."""
        self._ends: list[int] = []
        """Characters released when each token of the present stretch had been fed."""
        self.text_ids: list[int] = []
        """Ids of the answer without its thought."""
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

    @property
    def stopped(self) -> bool:
        """Whether a stop string came."""
        return bool(self._stops.hit)

    @property
    def stop_string(self) -> str:
        """The stop string that came."""
        return self._stops.hit

    def feed(self, token: int) -> str:
        """Take one generated token; returns the text that it completes."""
        inside = self.thinking
        self._ids.append(token)
        text = ""
        if mark := self._marks.get(token):
            pieces = self._splitter.feed(self._text.flush()) + self._splitter.mark(mark)
        else:
            text = self._text.feed(token)
            pieces = self._splitter.feed(text)
        if self.thinking and not inside and not self._answered:  # what came before was the opening tag
            self._move_counts()
        self._take(pieces, inside=inside or self.thinking)
        closed = any(isinstance(piece, Reclassify) for piece in pieces)
        self._count(inside=inside or self.thinking or closed or mark is not None)
        if self.thinking is not inside:
            self._ends.clear()
        self._ends.append(self._released)
        if self._last_at - self._sent_at >= SEND_EVERY:
            self._flush()
        return text

    def inject(self, ids: Iterable[int], mark: Mark, end: ThoughtEnd | None = None) -> list[int]:
        """Open or close the thought with ids of the app's own; they are returned for the cache."""
        inside = self.thinking
        self._take(self._splitter.feed(self._text.flush()) + self._splitter.mark(mark), inside=inside)
        return self._put(Kind.INJECTED, ids, inside=inside, end=end)

    def steer(self, ids: Iterable[int]) -> list[int]:
        """Put the user's words into the thought; their ids are returned for the cache."""
        self._take(self._splitter.feed(self._text.flush()), inside=True)
        return self._put(Kind.STEER, ids, inside=True)

    def resume(self, parts: Sequence[Part], fork: int | None = None) -> list[int]:
        """Stand where an earlier run stopped; returns the ids of what it wrote.

        Its tokens are fed once more, so that every state is as it was. With `fork` only so many characters of
        the thought are kept, to the end of the token in which they end, and what is kept is sent.
        """
        self._silent, self._replaying = fork is None, True
        fed: list[int] = []
        for part in parts:
            if not self._feed_again(part, fed, fork):
                break
        self._settle(inside=self.thinking)
        self._replaying = False
        if self._silent:
            self._waiting.clear()
        else:
            self._flush()
        self._silent = False
        self.first_at, self.reasoning_seconds, self.answer_seconds = None, 0.0, 0.0
        return fed

    def retract(self, tokens: int) -> None:
        """Take back the last tokens of the present stretch; nothing but `finish` comes after."""
        tokens = min(tokens, len(self._ends) - 1)
        self._text, self._splitter = self._layout.tokens.stream(), _ended(self._splitter)
        self._settle(inside=self.thinking)
        self._flush()
        characters = self._released - self._ends[-tokens - 1]
        if self.thinking:
            self.reasoning_tokens -= tokens
        else:
            self.answer_tokens -= tokens
            del self.text_ids[len(self.text_ids) - tokens :]
        self._send(Retracted(self._request, characters, tokens))

    def drop_ids(self, count: int) -> None:
        """Take back the last ids alone: their text was never sent."""
        self._settle(inside=self.thinking)
        self._flush()
        self.answer_tokens -= count
        del self.text_ids[len(self.text_ids) - count :]
        self._send(Retracted(self._request, 0, count))

    def finish(self, *, complete: bool) -> None:
        """Send what was held back, if the answer is complete.

        One that is cut may be continued: an unfinished character or tag is then left out, and its ids are kept.
        """
        inside = self.thinking
        if complete:
            self._take(self._splitter.feed(self._text.flush()) + self._splitter.finish(), inside=inside)
            if held := self._stops.finish():
                self._append(Part(Kind.TEXT, held, self._claim()))
        self._settle(inside=inside)
        self._flush()

    def _feed_again(self, part: Part, fed: list[int], fork: int | None) -> bool:
        """Feed one part of an earlier run; False once all that is wanted of the thought is there."""
        if part.kind is Kind.INJECTED:
            ids = list(part.ids) or self._layout.tokens.encode(part.text)
            fed += self.inject(ids, Mark.CLOSE if self.thinking else Mark.OPEN)
            return True
        if part.kind is Kind.STEER:
            fed += self.steer(part.ids or self._layout.steer(part.text))
            return True
        if not part.ids and (part.kind is Kind.REASONING) is not self.thinking:
            fed += self._turn_over()  # written by another model, whose marker is not known
        for token in part.ids or self._layout.tokens.encode(part.text):
            if fork is not None and self._released >= fork:
                return False
            self.feed(token)
            fed.append(token)
        return True

    def _turn_over(self) -> list[int]:
        """Open or close the thought as this model would write it."""
        marks, mark = self._layout.marks, Mark.CLOSE if self.thinking else Mark.OPEN
        token = marks.close_id if self.thinking else marks.open_id
        if token is not None:
            self.feed(token)
            return [token]
        return self.inject(marks.closing if self.thinking else marks.opening, mark)

    def _put(self, kind: Kind, ids: Iterable[int], *, inside: bool, end: ThoughtEnd | None = None) -> list[int]:
        fed = list(ids)
        self._settle(inside=inside)
        self._after_words = True
        self._ends.clear()
        text = self._layout.tokens.decode(fed)
        self._append(Part(kind, text.strip("\n") if kind is Kind.STEER else text, tuple(fed)))
        self._flush(end)
        return fed

    def _take(self, pieces: list[Output], *, inside: bool) -> None:
        for piece in pieces:
            if isinstance(piece, Reclassify):
                self._flush()
                if not self._silent:
                    self._send(Reclassified(self._request, piece.thought, piece.answer))
                self._move_counts()
                self._settle(inside=True)
            else:
                self._release(piece.kind, piece.text)
        if inside and not self.thinking:
            self._settle(inside=True)

    def _release(self, kind: Kind, text: str) -> None:
        self._answered = self._answered or kind is Kind.TEXT
        if self._after_words:
            text = text.lstrip(" ")
            self._after_words = not text
        if kind is Kind.TEXT:
            text = self._stops.feed(text)
        self._released += len(text)
        self._append(Part(kind, text, self._claim()))

    def _move_counts(self) -> None:
        """All tokens so far were of the thought."""
        self.text_ids.clear()
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
        if part.kind is Kind.TEXT:
            self.text_ids += part.ids
        if not self._waiting or self._waiting[-1].kind is not part.kind:
            self._waiting.append(_Growing(part.kind))
        self._waiting[-1].texts.append(part.text)
        self._waiting[-1].ids += part.ids

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

    def _flush(self, end: ThoughtEnd | None = None) -> None:
        self._sent_at = time.monotonic()
        if self._waiting and not self._replaying:
            parts = [growing.part() for growing in self._waiting]
            self._send(Delta(self._request, parts, self.reasoning_tokens + self.answer_tokens, end))
            self._waiting = []


def _ended(splitter: Splitter) -> Splitter:
    """A splitter in the same channel that holds nothing back."""
    return Splitter(tags=False, thinking=splitter.thinking)
