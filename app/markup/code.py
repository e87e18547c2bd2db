"""What the characters of code are, lexed a little at a time, and what languages are called."""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from time import perf_counter
from typing import Any, NamedTuple

from app.markup.block import Hue, Span

LONGEST = 100_000
"""Characters of code above which it stays plain."""
LONGEST_LINE = 10_000
"""Characters of one line above which the code stays plain: nothing written by hand, and slow to match."""
COMMON = ("python", "bash", "json", "javascript", "c++", "html", "sql", "tex", "rust", "java", "typescript", "diff")
ALSO = {
    "asm": "nasm",
    "assembly": "nasm",
    "csv": "text",
    "jsonc": "json5",
    "jsonl": "json",
    "patch": "diff",
    "plain": "text",
    "plaintext": "text",
    "svg": "xml",
    "txt": "text",
    "vb": "vb.net",
}
"""Words that people put after a fence and Pygments does not list."""
NAMES = {"Text only": "Text", "S": "R", "TeX": "LaTeX", "Bash Session": "Console", "Rocq Prover": "Rocq"}
"""Names that people know better than Pygments' own."""
_CHECKED = 16
"""Tokens between two looks at the clock."""

_HUES = {
    "Token.Comment": Hue.COMMENT,
    "Token.Comment.Preproc": Hue.KEYWORD,
    "Token.Comment.PreprocFile": Hue.STRING,
    "Token.Generic.Deleted": Hue.REMOVED,
    "Token.Generic.Heading": Hue.NAME,
    "Token.Generic.Inserted": Hue.ADDED,
    "Token.Generic.Prompt": Hue.COMMENT,
    "Token.Generic.Subheading": Hue.NAME,
    "Token.Keyword": Hue.KEYWORD,
    "Token.Literal.Date": Hue.NUMBER,
    "Token.Literal.Number": Hue.NUMBER,
    "Token.Literal.String": Hue.STRING,
    "Token.Name.Attribute": Hue.NAME,
    "Token.Name.Builtin": Hue.NAME,
    "Token.Name.Class": Hue.NAME,
    "Token.Name.Constant": Hue.NAME,
    "Token.Name.Decorator": Hue.NAME,
    "Token.Name.Entity": Hue.STRING,
    "Token.Name.Exception": Hue.NAME,
    "Token.Name.Function": Hue.NAME,
    "Token.Name.Tag": Hue.NAME,
    "Token.Name.Variable": Hue.NAME,
    "Token.Operator.Word": Hue.KEYWORD,
}
"""The nearest listed ancestor of a token's type decides; without one it is plain."""


class _Place(NamedTuple):
    """Where lexing may begin again: the position, its line, and the lexer's stack of states there."""

    at: int
    line: int
    stack: tuple[str, ...]


_START = _Place(0, 0, ("root",))


class Colouring:
    """The colours of one piece of code, which may still grow at its end."""

    def __init__(self, text: str, language: str) -> None:
        self._language = language
        self._spans: list[tuple[Span, ...]] = []
        self._places: list[_Place] = [_START]
        self._text = text
        self._tokens: Any = None
        self._open: list[Span] = []
        self._begin(_START)

    @property
    def text(self) -> str:
        """The code that is coloured."""
        return self._text

    def advance(self, seconds: float) -> bool:
        """Lex for at most about so long; True when all is known."""
        if self._tokens is None:
            return True
        deadline = perf_counter() + seconds
        try:
            for count, (at, kind, value) in enumerate(self._tokens, 1):
                self._note_place(self._offset + at)
                self._take(at, _hue(kind), value)
                if not count % _CHECKED and perf_counter() >= deadline:
                    return False
        except Exception:  # noqa: BLE001 - a lexer's mistake costs colours and nothing else
            self._tokens = None
            return True
        self._tokens = None
        self._end_line()
        del self._spans[self._line :]
        return True

    def extend(self, text: str) -> None:
        """Colour this text from now on; where it only grew, what was known is kept and shown until it is known anew.

        The colours of a growing text are those of its parts so far; make a new colouring when it is complete.
        """
        if text == self._text:
            return
        if not text.startswith(self._text):
            self._spans.clear()
            self._places = [_START]
        settled = self._text.rfind("\n", 0, max(0, self._text.rfind("\n")))
        self._text = text
        while len(self._places) > 1 and self._places[-1].at >= settled:
            self._places.pop()
        self._begin(self._places[-1])

    def spans(self, line: int) -> tuple[Span, ...]:
        """The coloured stretches of a line, counted from 0, as far as they are known."""
        return self._spans[line] if line < len(self._spans) else ()

    def _begin(self, place: _Place) -> None:
        self._offset, self._line, self._column = place.at, place.line, 0
        self._open, self._tokens = [], None
        kind = _lexer(self._language)
        if kind is None or len(self._text) > LONGEST or max(map(len, self._text.split("\n"))) > LONGEST_LINE:
            return
        text = self._text[place.at :].replace("\r", " ") + "\n"
        lexer = kind()
        self._tokens = (
            lexer.get_tokens_unprocessed(text, place.stack) if place.at else lexer.get_tokens_unprocessed(text)
        )

    def _note_place(self, at: int) -> None:
        """Remember the lexer's states at the beginning of a line, so that a longer text need not be lexed from there.

        Only the frame of Pygments' own loop knows them; lexers with another loop are started from the beginning.
        """
        if self._column or at <= self._places[-1].at:
            return
        frame = getattr(self._tokens, "gi_frame", None)
        if frame is None or frame.f_code is not _loop():
            return
        inside = frame.f_locals
        if inside["pos"] == at - self._offset:
            self._places.append(_Place(at, self._line, tuple(inside["statestack"])))

    def _take(self, at: int, hue: Hue, value: str) -> None:
        """Add the pieces of a token to their lines."""
        first, *others = value.split("\n")
        self._add(hue, len(first))
        for piece in others:
            self._end_line()
            self._add(hue, len(piece))

    def _add(self, hue: Hue, length: int) -> None:
        if hue is not Hue.PLAIN and length:
            last = self._open[-1] if self._open else None
            if last is not None and last.hue is hue and last.start + last.length == self._column:
                self._open[-1] = Span(last.start, last.length + length, hue)
            else:
                self._open.append(Span(self._column, length, hue))
        self._column += length

    def _end_line(self) -> None:
        spans = tuple(self._open)
        if self._line < len(self._spans):
            self._spans[self._line] = spans
        else:
            self._spans.append(spans)
        self._open, self._column, self._line = [], 0, self._line + 1


def warm() -> Iterator[str]:
    """Load the lexers of common languages, one at each step (20-60 ms); yields their names."""
    for language in COMMON:
        kind = _lexer(language)
        if kind is not None:
            kind()  # a lexer's rules are compiled for its first instance
        yield language


def label_of(language: str) -> str:
    """The name of a language for people ("Python", "C++"); a word that is not known stands as it is."""
    row = _rows().get(_word(language))
    return row.name if row else language.strip()


def suffix_of(language: str) -> str:
    """The usual ending of a file in a language, with its dot; ".txt" where there is none."""
    row = _rows().get(_word(language))
    return row.suffix if row else ".txt"


class _Row(NamedTuple):
    """What Pygments' own table says of a lexer."""

    module: str
    kind: str
    name: str
    suffix: str


@cache
def _rows() -> dict[str, _Row]:
    """Every word for a language, and no plugins: looking for those takes longer than a frame."""
    from pygments.lexers._mapping import LEXERS

    rows: dict[str, _Row] = {}
    for kind, (module, name, aliases, patterns, _types) in LEXERS.items():
        endings = (
            pattern[1:]
            for pattern in patterns
            if pattern.startswith("*.") and pattern[2:].isalnum() and pattern != "*.S"
        )
        row = _Row(module, kind, NAMES.get(name, name), next(endings, ".txt"))
        for word in (*aliases, name.casefold()):
            rows.setdefault(word.casefold(), row)
    for word, other in ALSO.items():
        if other in rows:
            rows[word] = rows[other]
    return rows


@cache
def _lexer(language: str) -> Any:
    """The class of a language's lexer, or None."""
    row = _rows().get(_word(language))
    if row is None or row.kind == "TextLexer":
        return None
    return getattr(import_module(row.module), row.kind)


@cache
def _loop() -> Any:
    from pygments.lexer import RegexLexer

    return RegexLexer.get_tokens_unprocessed.__code__


def _word(language: str) -> str:
    return language.strip().strip("{}.").removeprefix("language-").casefold()


@cache
def _hue(kind: Any) -> Hue:
    while kind is not None:
        found = _HUES.get(str(kind))
        if found is not None:
            return found
        kind = kind.parent
    return Hue.PLAIN
