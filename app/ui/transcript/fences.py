"""Splits a growing answer into running text and fenced code; no Qt."""

import re
from dataclasses import dataclass
from enum import Enum, auto

_OPENS = re.compile(r" {0,3}(`{3,}|~{3,})([^`\n]*)$")
_MAY_OPEN = re.compile(r" {0,3}(`{0,2}|~{0,2}|`{3,}[^`]*|~{3,}.*)$")


class Piece(Enum):
    """What a stretch of the answer is."""

    TEXT = auto()
    OPEN = auto()
    """A code block begins; the text is its language."""
    CODE = auto()
    CLOSE = auto()


@dataclass(slots=True)
class Fences:
    """Takes text in any pieces and gives it back in order; only a line that may be a fence is held back."""

    _line: str = ""
    """The unfinished line, as far as it is held back."""
    _fresh: bool = True
    """True where the next character begins a line."""
    _fence: str = ""
    """The characters that opened the code block we are in."""

    def feed(self, text: str) -> list[tuple[Piece, str]]:
        """What the new text adds."""
        out: list[tuple[Piece, str]] = []
        for line in text.splitlines(keepends=True):
            self._take(line, out)
        return out

    def finish(self) -> list[tuple[Piece, str]]:
        """What was held back, at the end of the answer."""
        out: list[tuple[Piece, str]] = []
        if self._line:
            self._settle(out, "")
        return out

    def _take(self, piece: str, out: list[tuple[Piece, str]]) -> None:
        if not self._fresh:
            self._give(piece, out)
            self._fresh = piece.endswith("\n")
            return
        self._line += piece
        if piece.endswith("\n"):
            self._line = self._line[:-1]
            self._settle(out, "\n")
        elif not self._may_be_fence():
            line, self._line = self._line, ""
            self._give(line, out)
            self._fresh = False

    def _may_be_fence(self) -> bool:
        if self._fence:
            bare = self._line.lstrip(" ")
            return len(self._line) - len(bare) < 4 and not bare.rstrip(" ").strip(self._fence[0])
        return bool(_MAY_OPEN.match(self._line))

    def _settle(self, out: list[tuple[Piece, str]], end: str) -> None:
        line, self._line = self._line, ""
        found = _OPENS.match(line)
        if self._fence:
            if found and found[1].startswith(self._fence) and not found[2].strip():
                self._fence = ""
                out.append((Piece.CLOSE, ""))
                return
        elif found:
            self._fence = found[1]
            out.append((Piece.OPEN, found[2].strip()))
            return
        self._give(line + end, out)

    def _give(self, text: str, out: list[tuple[Piece, str]]) -> None:
        kind = Piece.CODE if self._fence else Piece.TEXT
        if out and out[-1][0] is kind:
            out[-1] = (kind, out[-1][1] + text)
        elif text:
            out.append((kind, text))
