"""What `ask` prints: the thought dimmed on standard error, the answer plain on standard output."""

import sys
from typing import Any

import msgspec

from app.core.messages import End, Generation, Kind
from app.core.text import _

DIM, PLAIN, CLEAR_LINE = "\033[2m", "\033[0m", "\r\033[K"
CONTROLS = dict.fromkeys(code for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t")
"""What a model writes must not move the cursor or name the terminal, whatever document led it to."""


class Page:
    """One question's output; with `json` nothing but one object at the end."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._live = sys.stderr.isatty() and not json
        self._last: Kind | None = None
        self._has_progress = False

    def write(self, kind: Kind, text: str) -> None:
        """More of the thought or the answer."""
        if self._json:
            return
        self._clear_progress()
        if kind is not self._last:
            self._turn_to(kind)
        stream = sys.stderr if kind is Kind.REASONING else sys.stdout
        if stream.isatty():
            text = text.translate(CONTROLS)
            text = f"{DIM}{text}{PLAIN}" if kind is Kind.REASONING else text
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
            sys.stderr.write(f"{CLEAR_LINE}{DIM}{what}… {done}/{total}{PLAIN}")
            sys.stderr.flush()
            self._has_progress = True

    def end(self, session: int, state: str, reasoning: str, answer: str, facts: Generation | None) -> None:
        """The answer is complete, or as complete as it will be."""
        if self._json:
            print(msgspec.json.encode(_describe(session, state, reasoning, answer, facts)).decode())
            return
        if self._last is Kind.TEXT:
            print()
        elif self._last is Kind.REASONING:
            print(file=sys.stderr)
        if facts and facts.end is End.LIMIT:
            self.note(_("The answer was cut off: the context is full."))
        if facts and facts.failure:
            self.note(f"{facts.failure.message} {facts.failure.hint}")

    def _turn_to(self, kind: Kind) -> None:
        if self._last is Kind.REASONING:
            sys.stderr.write("\n\n" if sys.stderr.isatty() else "\n")
            sys.stderr.flush()
        self._last = kind

    def _clear_progress(self) -> None:
        if self._has_progress:
            sys.stderr.write(CLEAR_LINE)
            self._has_progress = False


def _describe(session: int, state: str, reasoning: str, answer: str, facts: Generation | None) -> dict[str, Any]:
    described: dict[str, Any] = {"session": session, "state": state, "reasoning": reasoning, "answer": answer}
    if facts:
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
                "reasoning": facts.reasoning_tokens,
                "answer": facts.answer_tokens,
            },
            "seconds": {
                "queue": round(facts.queue_seconds, 3),
                "prefill": round(facts.prefill_seconds, 3),
                "reasoning": round(facts.reasoning_seconds, 3),
                "answer": round(facts.answer_seconds, 3),
            },
        }
        if facts.failure:
            described["failure"] = facts.failure
    return described
