"""What `ask` prints: the thought dimmed on standard error, the answer plain on standard output."""

import sys
from typing import Any

import msgspec

from app import NAME
from app.chat.words import say_about
from app.core.messages import End, Generation, Kind, State
from app.core.text import _

DIM, PLAIN, CLEAR_LINE = "\033[2m", "\033[0m", "\r\033[K"
LONG_READ = 5.0
"""Seconds of reading from which on it is told how long it takes."""
CONTROLS = dict.fromkeys(code for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t")
"""What a model writes must not move the cursor or name the terminal, whatever document led it to."""


class Page:
    """One question's output; with `json` nothing but one object at the end."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._live = sys.stderr.isatty() and not json
        self._last: Kind | None = None
        self._has_progress = False
        self._told_reading = False

    def write(self, kind: Kind, text: str) -> None:
        """More of the thought or the answer."""
        if self._json:
            return
        self._clear_progress()
        if kind is not self._last:
            self._turn_to(kind)
        stream = sys.stdout if kind is Kind.TEXT else sys.stderr
        if stream.isatty():
            text = text.translate(CONTROLS)
            text = text if kind is Kind.TEXT else f"{DIM}{text}{PLAIN}"
        stream.write(text)
        stream.flush()

    def note(self, sentence: str) -> None:
        """Something the person should know."""
        self._clear_progress()
        print(sentence, file=sys.stderr)

    def progress(self, stage: str, done: int, total: int) -> None:
        """How far the model is loaded, on one line that vanishes; only where somebody looks."""
        if self._live:
            what = {"starter": _("Preparing the starter model"), "weights": _("Loading the model")}.get(
                stage, _("Reading the vocabulary")
            )
            self._show_progress(f"{what}… {done}/{total}")

    def read(self, done: int, total: int, seconds_left: float | None) -> None:
        """How far the prompt is read: a long one is announced, then a line runs along; only where somebody looks."""
        if not self._live:
            return
        left = "" if seconds_left is None else say_about(seconds_left)
        if not self._told_reading and (seconds_left or 0) >= LONG_READ:
            self._told_reading = True
            self.note(_("Reading {count} tokens takes {time}.").format(count=f"{total - done:,}", time=left))
        elif done < total:
            words = _("Reading {done} of {total} tokens").format(done=f"{done:,}", total=f"{total:,}")
            self._show_progress(_("{words}, {time} left").format(words=words, time=left) if left else words)

    def end(self, session: int, state: str, reasoning: str, answer: str, facts: Generation | None) -> None:
        """The answer is complete, or as complete as it will be."""
        if self._json:
            print(msgspec.json.encode(_describe(session, state, reasoning, answer, facts)).decode())
            return
        if self._last is Kind.TEXT:
            print()
        elif self._last:
            print(file=sys.stderr)
        if facts and facts.end is End.LIMIT:
            self.note(_("The answer was cut off: the context is full."))
        if facts and facts.end is End.LOOP:
            self.note(_("The answer only repeated itself and was stopped; the repeats were taken out."))
        if facts and facts.failure:
            self.note(f"{facts.failure.message} {facts.failure.hint}".rstrip())
        if state != State.DONE and (reasoning or answer):
            self.note(_("Go on with it: {app} ask --resume {session}").format(app=NAME.lower(), session=session))

    def _turn_to(self, kind: Kind) -> None:
        if self._last not in (None, Kind.TEXT):
            sys.stderr.write("\n\n" if sys.stderr.isatty() else "\n")
            sys.stderr.flush()
        self._last = kind

    def _show_progress(self, words: str) -> None:
        sys.stderr.write(f"{CLEAR_LINE}{DIM}{words}{PLAIN}")
        sys.stderr.flush()
        self._has_progress = True

    def _clear_progress(self) -> None:
        if self._has_progress:
            sys.stderr.write(CLEAR_LINE)
            self._has_progress = False


def _describe(session: int, state: str, reasoning: str, answer: str, facts: Generation | None) -> dict[str, Any]:
    described: dict[str, Any] = {"session": session, "state": state, "reasoning": reasoning, "answer": answer}
    if facts:
        tokens = facts.reasoning_tokens + facts.answer_tokens
        described |= {
            "model": facts.model,
            "fingerprint": facts.fingerprint,
            "sampling": facts.sampling,
            "seed": facts.seed,
            "end": facts.end,
            "thought_end": facts.thought_end,
            "counts": {
                "prompt": facts.prompt_tokens,
                "cached": facts.cached_tokens,
                "restored": facts.restored_tokens,
                "reasoning": facts.reasoning_tokens,
                "answer": facts.answer_tokens,
            },
            "passes": facts.passes or None,
            "tokens_per_pass": round(tokens / facts.passes, 3) if facts.passes else None,
            "seconds": {
                "queue": round(facts.queue_seconds, 3),
                "restore": round(facts.restore_seconds, 3),
                "prefill": round(facts.prefill_seconds, 3),
                "reasoning": round(facts.reasoning_seconds, 3),
                "answer": round(facts.answer_seconds, 3),
            },
        }
        if facts.failure:
            described["failure"] = facts.failure
    return described
