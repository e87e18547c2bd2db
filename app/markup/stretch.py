"""The outermost blocks of a Markdown text, and how each becomes blocks for the eye."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it.token import Token

from app.markup.block import Block, Kind
from app.markup.cutting import cut_lines, cut_list, cut_paragraph, cut_quote, parts
from app.markup.fence import OpenFence
from app.markup.formulas import numbered
from app.markup.grids import OpenTable
from app.markup.parser import make_parser

PARSER = make_parser()
DEFINITIONS = "definitions"
"""The kind of a stretch that only defines links."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """One outermost block."""

    kind: str
    """The type of its token, or `DEFINITIONS`."""
    start: int
    end: int
    """Behind its last line that is not empty."""
    text: str
    """Without the empty lines at its end, where no slices are made of it."""
    items: Sequence[tuple[int, int | None]] = ()
    """Of a list: where each item begins in the text, and its number."""
    references: dict[str, Any] = field(default_factory=dict)
    """Link definitions in it."""


def stretches(text: str) -> list[Stretch]:
    """All outermost blocks of a text, and between them what defines links."""
    tokens: list[Token] = []
    PARSER.block.parse(text, PARSER, {}, tokens)
    starts = _line_starts(text)
    found: list[Stretch] = []
    at = 0
    for index, token in enumerate(tokens):
        if token.level or token.map is None or token.nesting < 0:
            continue
        start, end = starts[token.map[0]], starts[min(token.map[1], len(starts) - 1)]
        found.extend(_definitions(text, at, start))
        stretch = text[start:end] if token.type in {"fence", "table_open"} else text[start:end].rstrip()
        items = _items(tokens, index, starts, start) if token.type in {"bullet_list_open", "ordered_list_open"} else ()
        line_end = text.find("\n", start + len(stretch)) + 1 or len(text)
        found.append(Stretch(token.type, start, min(end, line_end), stretch, items))
        at = end
    found.extend(_definitions(text, at, len(text)))
    return found


def blocks_of(stretch: Stretch, at: int, equations: int) -> Iterator[Block]:
    """The blocks of a stretch of the text that begins at `at`, behind so many numbered equations."""
    start = at + stretch.start
    match stretch.kind:
        case "fence":
            yield from OpenFence(start).take_whole(stretch.text)
            return
        case "table_open":
            yield from OpenTable(start).take_whole(stretch.text)
            return
        case "definitions":
            return
        case "bullet_list_open" | "ordered_list_open":
            cuts = cut_list(stretch.text, stretch.items)
        case "paragraph_open":
            cuts = cut_paragraph(stretch.text)
        case "code_block":
            cuts = cut_lines(stretch.text)
        case "blockquote_open":
            cuts = cut_quote(stretch.text)
        case _:
            cuts = []
    whole = at + stretch.end
    for begin, end in parts(stretch.text, cuts):
        text = stretch.text[begin:end].rstrip("\n")
        last = end == len(stretch.text)
        yield Block(Kind.PROSE, start + begin, whole if last else start + end, text, equation=equations)
        if "\\begin{" in text:
            equations += numbered(text)


def _items(tokens: Sequence[Token], index: int, starts: Sequence[int], start: int) -> list[tuple[int, int | None]]:
    ordered = tokens[index].type == "ordered_list_open"
    items: list[tuple[int, int | None]] = []
    for token in tokens[index + 1 :]:
        if token.level == 0:
            break
        if token.level == 1 and token.type == "list_item_open" and token.map:
            number = int(token.info) if ordered and token.info.isdigit() else None
            items.append((starts[token.map[0]] - start, number))
    return items


def _definitions(text: str, start: int, end: int) -> Iterator[Stretch]:
    """What stands between two blocks, where it defines links."""
    gap = text[start:end]
    if "]:" not in gap:
        return
    env: dict[str, Any] = {}
    PARSER.block.parse(gap, PARSER, env, [])
    yield Stretch(DEFINITIONS, start, end, gap, references=dict(env.get("references", {})))


def _line_starts(text: str) -> list[int]:
    starts, at = [0], text.find("\n")
    while at >= 0:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    if starts[-1] != len(text):
        starts.append(len(text))
    return starts
