"""Splits what a model writes into its reasoning and its answer, while it is being written.

Two kinds of markers exist. Control tokens are told by their ids, so the caller reports them with `mark` and
no text is ever examined for them. Text tags, `<think>` and `</think>`, are looked for by `feed`, and the
difficulty is a tag that is only spoken of: in inline code, in a fenced block, between quotation marks.

Any cut of a stream into feeds gives the same parts. Nothing is held back but a tag that may still become
one (and the character after a quoted tag), white space before the first word, and newlines: no kind's text
begins or ends with a newline, all others are kept.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from app.core.messages import Kind
from app.core.quoting import Code

OPENING, CLOSING = "<think>", "</think>"
_QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»"}
_FIND_NEWLINE = re.compile(r"\n").search
_FIND_WATCHED = re.compile(r"[\n`~<]").search


class Mark(Enum):
    """A control token, known by its id."""

    OPEN = auto()
    CLOSE = auto()


@dataclass(frozen=True, slots=True)
class Piece:
    """New text; it continues the piece before it where the kind is the same."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Reclassify:
    """All text released so far is divided anew, because the end of the thought is known only now.

    Its first `thought` characters are the thought, its last `answer` characters the answer; what lies
    between is the closing tag and belongs to neither.
    """

    thought: int
    answer: int = 0


Output = Piece | Reclassify


class Splitter:
    """One turn of a model, divided as it arrives.

    `tags`: markers may be text. `thinking`: the turn starts inside a thought that the app or the template opened.
    """

    def __init__(self, *, tags: bool, thinking: bool = False) -> None:
        self._tags = tags
        self._kind = Kind.REASONING if thinking else Kind.TEXT
        self._seen = thinking
        self._lead: list[str] | None = []
        """White space before the first word of the turn; None from that word on."""
        self._held = ""
        """What may become a tag."""
        self._newlines = {Kind.TEXT: 0, Kind.REASONING: 0}
        """Newlines at the end of each kind's text, not released yet."""
        self._begun: set[Kind] = set()
        self._released = 0
        """Characters, of both kinds."""
        self._last = ""
        """The text released last; its end tells whether a tag stands behind a quotation mark."""
        self._code = Code()
        self._plain = False
        self._special = _FIND_NEWLINE

    @property
    def thinking(self) -> bool:
        """True inside a thought."""
        return self._kind is Kind.REASONING

    @property
    def thought_seen(self) -> bool:
        """True from the first thought on, be it empty."""
        return self._seen

    @property
    def thought_closed(self) -> bool:
        """True where there was a thought and it has ended."""
        return self._seen and not self.thinking

    def feed(self, text: str) -> list[Output]:
        """The pieces that the text of ordinary tokens gives, cut anywhere."""
        if self._plain and self._special(text) is None:
            if not text:
                return []
            self._last = text
            self._released += len(text)
            return [Piece(self._kind, text)]
        out: list[Output] = []
        if self._lead is not None and not self._held:
            body = text.lstrip()
            self._lead.append(text[: len(text) - len(body)])
            text = body
        if text:
            self._scan(self._held + text, out, final=False)
            self._choose_path()
        return out

    def mark(self, mark: Mark) -> list[Output]:
        """The pieces that a control token gives; it needs no opening tag and cares for no code."""
        out: list[Output] = []
        self._scan(self._held, out, final=True)
        if mark is Mark.OPEN:
            self._open()
        else:
            self._close(out)
        self._choose_path()
        return out

    def finish(self) -> list[Output]:
        """What was held back; the stream ends here.

        A thought still open although a closing tag had stood in code that hid it (a fence that was never
        closed): the thought ended there after all, and the text since is the answer.
        """
        out: list[Output] = []
        self._scan(self._held, out, final=True)
        if self._lead:
            self._release("", out)
        doubt = self._code.end()
        if doubt and self.thinking and Kind.TEXT not in self._begun:
            self._kind = Kind.TEXT
            out.append(Reclassify(doubt[0], self._released - doubt[1]))
        return out

    @property
    def _watching(self) -> bool:
        """Whether a tag could still mean something; once an answer follows a thought none can."""
        return self._tags and (self.thinking or not self._seen or Kind.TEXT not in self._begun)

    def _choose_path(self) -> None:
        """Find out whether ordinary text may take the short way through `feed`."""
        watching = self._watching
        self._special = _FIND_WATCHED if watching else _FIND_NEWLINE
        self._plain = (
            self._kind in self._begun
            and not self._newlines[self._kind]
            and not self._held
            and not (watching and self._code.at_edge)
        )

    def _scan(self, text: str, out: list[Output], *, final: bool) -> None:
        """Look for tags; `final` says that nothing follows which could complete one."""
        self._held = ""
        start = look = 0
        while self._watching and (at := text.find("<", look)) >= 0:
            rest = text[at : at + len(CLOSING)]
            tag = next((tag for tag in (OPENING, CLOSING) if tag.startswith(rest[: len(tag)])), "")
            look = at + 1
            if not tag:
                continue
            self._write(text[start:at], out)
            start = at
            end = at + len(tag)
            quote = _QUOTES.get(self._last[-1:]) if tag is CLOSING else None
            if not final and len(text) < (end + 1 if quote else end):
                self._held = text[at:]
                return
            if len(rest) >= len(tag):
                quoted = quote is not None and text[end : end + 1] == quote
                self._take(tag, out, quoted=quoted)
                start = look = end
        self._write(text[start:], out)

    def _take(self, tag: str, out: list[Output], *, quoted: bool) -> None:
        """Obey a whole tag, or release it as text."""
        if tag == OPENING and self._lead is not None:
            self._open()
        elif tag == OPENING:
            self._code.enter_tag()
            self._write(tag, out)
        elif self.thought_closed and Kind.TEXT not in self._begun:
            pass  # the closing tag again, before the answer began
        elif self.thought_closed or quoted:
            self._write(tag, out)
        elif self._code.hides_tags():
            before = self._released
            self._release(tag, out)
            self._code.pass_over((before, self._released))
        else:
            self._close(out)

    def _open(self) -> None:
        self._kind = Kind.REASONING
        self._seen = True
        self._turn_over()

    def _close(self, out: list[Output]) -> None:
        if not self._seen:
            self._seen = True
            self._newlines = {Kind.REASONING: self._newlines[Kind.TEXT], Kind.TEXT: 0}
            if self._begun:
                self._begun = {Kind.REASONING}
                out.append(Reclassify(self._released))
        self._kind = Kind.TEXT
        self._turn_over()

    def _turn_over(self) -> None:
        """Start afresh behind a marker: code does not reach across it."""
        self._lead = None
        self._last = ""
        self._code = Code()

    def _write(self, text: str, out: list[Output]) -> None:
        if text:
            if self._watching:
                self._code.read(text)
            self._release(text, out)

    def _release(self, text: str, out: list[Output]) -> None:
        """Hand text out, but for newlines at the ends of its kind."""
        if self._lead is not None:
            text = "".join(self._lead) + text
            self._lead = None
        kind = self._kind
        self._last = text
        if kind not in self._begun:
            text = text.lstrip("\n")
        body = text.rstrip("\n")
        if body:
            end = len(text) - len(body)
            body = "\n" * self._newlines[kind] + body
            self._newlines[kind] = end
            self._code.move_doubt(self._released, body)
            self._begun.add(kind)
            self._released += len(body)
            out.append(Piece(kind, body))
            return
        self._newlines[kind] += len(text)
