"""Reads a block of Markdown into pieces that can be laid out, each run knowing where it stands in the block's text."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from markdown_it.token import Token

from app.core.text import _
from app.markup.block import Align, Block, Display, Kind, Listing, Paragraph, Piece, Rule, Run, Runs, Style, Table
from app.markup.loose import calm, unfinished_formula
from app.markup.parser import NESTING, make_parser

_PARSER = make_parser()
_STYLES = {"strong": Style.STRONG, "em": Style.EMPHASIS, "s": Style.STRUCK}
_ALIGNS = {"text-align:center": Align.CENTRE, "text-align:right": Align.RIGHT}
_SAFE_LINK = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
_TASK = re.compile(r"\[([ xX])\] ")
_SPACES = re.compile(r"[ \t]*")


def read(block: Block, references: Mapping[str, Any], *, breaks: bool = False) -> tuple[Piece, ...]:
    """The pieces of a block of prose or of a table.

    `references` are the link definitions of the text; `breaks` keeps line breaks, as in what a person typed. Where the
    block is open, markup that is not finished does not show.
    """
    reader = _Reader(block, references, breaks=breaks)
    return tuple(reader.read())


def plain(pieces: Iterable[Piece]) -> str:
    """The text as it is read aloud: no markup, formulas as their LaTeX, one line for a paragraph or a row."""
    return "\n".join(_plain_lines(pieces))


def _plain_lines(pieces: Iterable[Piece]) -> Iterator[str]:
    for piece in pieces:
        match piece:
            case Paragraph():
                text = "".join(run.text for run in piece.runs)
                yield f"{piece.marker} {text}" if piece.marker else text
            case Display():
                yield piece.latex.strip()
            case Listing():
                yield piece.text
            case Table():
                for row in (piece.head, *piece.rows):
                    yield " | ".join("".join(run.text for run in cell) for cell in row)
            case Rule():
                pass


@dataclass
class _Place:
    """Where in lists and quotes the reader is."""

    depth: int = 0
    quotes: int = 0
    marker: str = ""
    numbers: list[int | None] = field(default_factory=list)
    """For each open list the number of its next item, None where it has bullets."""

    def take_marker(self) -> str:
        marker, self.marker = self.marker, ""
        return marker


class _Reader:
    """One pass over the tokens of one block."""

    def __init__(self, block: Block, references: Mapping[str, Any], *, breaks: bool) -> None:
        self._block, self._breaks = block, breaks
        self._text = calm(block.text) if block.open and block.kind is Kind.PROSE else block.text
        self._env = {"references": dict(references)}
        self._place = _Place()
        self._starts = [0]
        for match in re.finditer("\n", self._text):
            self._starts.append(match.end())
        self._starts.append(len(self._text))

    def read(self) -> Iterator[Piece]:
        tokens: list[Token] = []
        _PARSER.block.parse(self._text, _PARSER, self._env, tokens)
        if any(token.level >= NESTING - 1 for token in tokens):
            return iter((self._verbatim(),))
        pieces = list(self._pieces(tokens))
        rest = unfinished_formula(self._block.text) if self._block.open and self._block.kind is Kind.PROSE else None
        return iter(pieces if rest is None else self._with_loose(pieces, rest))

    def _verbatim(self) -> Paragraph:
        """All of the text as it stands, for what is nested beyond reason."""
        return Paragraph(_lines(self._text, 0))

    def _with_loose(self, pieces: list[Piece], at: int) -> list[Piece]:
        """Put a formula whose end has not come yet behind the pieces, as its muted source."""
        text = self._block.text
        source = text[at:]
        run = Run(source.strip(), Style.MUTED, at=at, length=len(source))
        before = pieces[-1] if pieces else None
        if not isinstance(before, Paragraph) or not text[:at].rpartition("\n")[2].strip():
            return [*pieces, Paragraph((run,))]
        space = (Run(" ", at=at - 1, length=1),) if text[at - 1].isspace() else ()
        return [*pieces[:-1], replace(before, runs=(*before.runs, *space, run))]

    # blocks -------------------------------------------------------------------------------------

    def _pieces(self, tokens: list[Token]) -> Iterator[Piece]:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            match token.type:
                case "paragraph_open" | "heading_open":
                    yield self._paragraph(token, tokens[at + 1])
                    at += 2
                case "math_block":
                    yield self._display(token)
                case "fence" | "code_block":
                    yield self._listing(token)
                case "hr":
                    self._place.take_marker()
                    yield Rule(self._place.depth, self._place.quotes)
                case "table_open":
                    end = next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")
                    yield self._table(tokens[at:end])
                    at = end
                case "list_item_close" if self._place.marker:
                    yield Paragraph(
                        (),
                        depth=self._place.depth,
                        quotes=self._place.quotes,
                        marker=self._place.take_marker(),
                        tight=True,
                    )
                case _:
                    self._move(token)
            at += 1

    def _move(self, token: Token) -> None:
        place = self._place
        match token.type:
            case "bullet_list_open":
                place.depth += 1
                place.numbers.append(None)
            case "ordered_list_open":
                place.depth += 1
                place.numbers.append(int(token.attrGet("start") or 1) if token.attrGet("start") != 0 else 0)
            case "bullet_list_close" | "ordered_list_close":
                place.depth -= 1
                place.numbers.pop()
            case "list_item_open":
                number = place.numbers[-1]
                place.marker = "•" if number is None else f"{number}{token.markup or '.'}"
                place.numbers[-1] = None if number is None else number + 1
            case "blockquote_open":
                place.quotes += 1
            case "blockquote_close":
                place.quotes -= 1
            case "footnote_reference_open":
                place.depth += 1
                place.marker = str(token.meta["label"])
            case "footnote_reference_close":
                place.depth -= 1
                place.marker = ""

    def _paragraph(self, opening: Token, inline: Token) -> Paragraph:
        runs = self._runs(inline.content, self._offsets(inline), breaks=self._breaks)
        marker = self._place.take_marker()
        task = _TASK.match(inline.content) if marker == "•" else None
        if task and runs:
            marker = "☐" if task[1] == " " else "☑"
            first = runs[0]
            runs = (replace(first, text=first.text[4:], at=first.at + 4, length=first.length - 4), *runs[1:])
        return Paragraph(
            runs,
            heading=int(opening.tag[1]) if opening.type == "heading_open" else 0,
            depth=self._place.depth,
            quotes=self._place.quotes,
            marker=marker,
            tight=opening.hidden,
        )

    def _display(self, token: Token) -> Display:
        return Display(
            token.content,
            token.markup,
            self._place.depth,
            self._place.quotes,
            self._place.take_marker(),
            at=token.meta["start"],
            length=token.meta["end"] - token.meta["start"],
        )

    def _listing(self, token: Token) -> Listing:
        first, last = token.map or (0, 0)
        if token.type == "fence":
            first += 1
        start = self._starts[min(first, len(self._starts) - 1)]
        end = self._starts[min(first + token.content.count("\n"), last, len(self._starts) - 1)]
        return Listing(
            token.content.removesuffix("\n"),
            token.info.strip().split(" ")[0] if token.info.strip() else "",
            self._place.depth,
            self._place.quotes,
            self._place.take_marker(),
            at=start,
            length=max(0, end - start),
        )

    def _table(self, tokens: list[Token]) -> Table:
        rows: list[list[Runs]] = []
        aligns = [_ALIGNS.get(str(token.attrGet("style")), Align.LEFT) for token in tokens if token.type == "th_open"]
        at = 0
        for index, token in enumerate(tokens):
            if token.type == "tr_open":
                rows.append([])
                at = self._starts[(token.map or [0])[0]]
            elif token.type == "inline":
                offsets = self._cell_offsets(token.content, at)
                rows[-1].append(self._runs(token.content, offsets))
                at = offsets[-1] if index else at
        return Table(tuple(rows[0]), tuple(map(tuple, rows[1:])), tuple(aligns), self._place.depth, self._place.quotes)

    # where things stand --------------------------------------------------------------------------

    def _offsets(self, inline: Token) -> list[int]:
        """For each character of the token, and its end, the place in the text."""
        first = (inline.map or [0])[0]
        offsets: list[int] = []
        for number, line in enumerate(inline.content.split("\n")):
            begin = self._starts[min(first + number, len(self._starts) - 1)]
            end = self._starts[min(first + number + 1, len(self._starts) - 1)]
            found = self._text.rfind(line, begin, end)
            if found < 0:  # a tab that stood half in a list's margin was written out
                found = min(end, self._text.find(line.strip(), begin, end) if line.strip() else begin)
            found = max(begin, found)
            offsets.extend(range(found, min(end, found + len(line)) + 1))
            offsets.extend([end] * (found + len(line) - end))
        last = len(self._block.text)  # what was put behind it to close its markup does not count
        if offsets and offsets[-1] > last:
            offsets = [min(offset, last) for offset in offsets]
        return offsets or [0]

    def _cell_offsets(self, content: str, at: int) -> list[int]:
        end = self._text.find("\n", at)
        end = len(self._text) if end < 0 else end
        found = self._text.find(content, at, end)
        if found >= 0:
            return [found + i for i in range(len(content) + 1)]
        found = self._text.find(content.replace("|", "\\|"), at, end)
        offsets, place = [], max(found, at)
        for each in content:
            place += each == "|" and self._text.startswith("\\", place)
            offsets.append(min(place, end))
            place += 1
        return [*offsets, min(place, end)]

    # running text -------------------------------------------------------------------------------

    def _runs(self, content: str, offsets: list[int], *, breaks: bool = False) -> Runs:
        tokens: list[Token] = []
        _PARSER.inline.parse(content, _PARSER, self._env, tokens)
        return tuple(_Inline(content, offsets, breaks=breaks).runs(tokens))


class _Inline:
    """One pass over the tokens of running text."""

    def __init__(self, content: str, offsets: list[int], *, breaks: bool) -> None:
        self._content, self._offsets, self._breaks = content, offsets, breaks
        self._at = 0
        self._styles: list[Style] = []
        self._links: list[str] = []

    def runs(self, tokens: list[Token]) -> Iterator[Run]:
        for token in tokens:
            name, _mark, turn = token.type.rpartition("_")
            if name in _STYLES and turn == "open":
                self._styles.append(_STYLES[name])
                self._take(token.markup)
            elif name in _STYLES and turn == "close":
                self._styles.pop()
                self._take(token.markup)
            elif name == "link":
                self._turn_link(token, turn)
            elif (run := self._run(token)) is not None:
                yield run

    def _run(self, token: Token) -> Run | None:
        match token.type:
            case "code_inline":
                run = self._until(token, token.content, Style.CODE)
            case "math_inline" | "math_display":
                run = self._until(token, token.content, formula=token.markup)
            case "footnote_ref":
                run = self._until(token, token.content, Style.RAISED)
            case "image":
                run = self._until(token, _say_image(token), Style.MUTED)
            case "softbreak" | "hardbreak":
                run = self._line_break(token)
            case "text_special":
                run = self._stretch(token.content, token.markup)
            case _:
                return self._stretch(token.content, token.content) if token.content else None
        return run

    def _turn_link(self, token: Token, turn: str) -> None:
        if turn == "open":
            address = str(token.attrGet("href") or "")
            self._links.append(address if _SAFE_LINK.match(address) else "")
            self._at += 1
        else:
            self._links.pop()
            self._at = max(self._at, token.meta.get("end", self._at))

    def _take(self, markup: str) -> None:
        found = self._content.find(markup, self._at)
        self._at = found + len(markup) if found >= 0 else self._at

    def _stretch(self, text: str, source: str) -> Run:
        """Characters that stand in the source as `source`."""
        found = self._content.find(source, self._at)
        begin = found if found >= 0 else self._at
        return self._make(text, begin, begin + len(source))

    def _until(self, token: Token, text: str, style: Style = Style.PLAIN, formula: str = "") -> Run:
        """Something that ends where its token says."""
        end = token.meta["end"]
        return self._make(text, min(token.meta.get("start", self._at), end), end, style, formula)

    def _line_break(self, token: Token) -> Run:
        found = self._content.find("\n", self._at)
        begin = self._at if found < 0 else min(self._at, found)
        end = _SPACES.match(self._content, found + 1).end() if found >= 0 else begin  # type: ignore[union-attr]  # matches nothing too
        return self._make("\n" if self._breaks or token.type == "hardbreak" else " ", begin, end)

    def _make(self, text: str, begin: int, end: int, style: Style = Style.PLAIN, formula: str = "") -> Run:
        for each in self._styles:
            style |= each
        self._at = end
        last = len(self._offsets) - 1
        at = self._offsets[min(begin, last)]
        length = self._offsets[min(end, last)] - at
        return Run(text, style, self._links[-1] if self._links else "", formula, at, max(0, length))


def _say_image(token: Token) -> str:
    address = str(token.attrGet("src") or "")
    name = token.content.strip() or address
    return _("[image: {name}]").format(name=name if name == address else f"{name} — {address}")


def _lines(text: str, at: int) -> Runs:
    """Text as it stands, with its line breaks."""
    runs: list[Run] = []
    for line in text.split("\n"):
        if runs:
            runs.append(Run("\n", at=at - 1, length=1))
        if line:
            runs.append(Run(line, at=at, length=len(line)))
        at += len(line) + 1
    return tuple(runs)
