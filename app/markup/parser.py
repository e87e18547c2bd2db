"""The Markdown that models write: CommonMark, tables, struck-out text, footnotes and formulas; no HTML."""

from collections.abc import Callable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.table import table
from markdown_it.rules_inline import StateInline
from mdit_py_plugins.footnote.index import footnote_def

from app.markup.maths import block_formula, hide_pipes, inline_formula

NESTING = 40
"""How deep lists and quotes may stand in each other; what is deeper is shown as it was written."""
_PIPE = "\ufdd0"
"""Stands for a pipe inside a formula; no text may hold this character by Unicode's own rule."""
_ENDS = ("link", "image", "autolink", "backticks")
"""Rules whose tokens do not tell how much of the text they took."""
_INTERRUPTS = ["paragraph", "reference", "list"]
"""What a formula ends. Not a table: whether a line is a row must be known when the line is there."""


def make_parser() -> MarkdownIt:
    """A parser whose inline tokens carry where they end, in `meta["end"]`, unless they are plain text."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False, "maxNesting": NESTING})
    parser.enable("strikethrough")
    parser.inline.ruler.before("escape", "formula", inline_formula)
    parser.inline.ruler.before("link", "footnote", _footnote_mark)
    parser.inline.add_terminator_char("$")
    for name in _ENDS:
        index = parser.inline.ruler.__find__(name)
        parser.inline.ruler.at(name, _noting_end(parser.inline.ruler.__rules__[index].fn))
    parser.block.ruler.before("fence", "formula", block_formula, {"alt": _INTERRUPTS})
    parser.block.ruler.before("reference", "footnote", footnote_def, {"alt": ["paragraph", "reference"]})
    parser.block.ruler.at("table", _table, {"alt": ["paragraph", "reference"]})
    parser.enable("table")
    return parser


def _noting_end(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """The same rule, which also notes where its last token ends."""

    def noting(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # as the parser calls it
        start, before = state.pos, len(state.tokens)
        taken = rule(state, silent)
        if taken and not silent and len(state.tokens) > before:
            state.tokens[-1].meta = {"start": start, "end": state.pos}
        return taken

    return noting


def _footnote_mark(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  # as above
    """Rule for `[^label]`; its token is `footnote_ref`."""
    text, start = state.src, state.pos
    if not text.startswith("[^", start):
        return False
    end = text.find("]", start + 2, state.posMax)
    label = text[start + 2 : end]
    if end < 0 or not label or len(label) > 40 or any(each.isspace() or each in "[^" for each in label):
        return False
    if not silent:
        token = state.push("footnote_ref", "", 0)
        token.content, token.meta = label, {"end": end + 1}
    state.pos = end + 1
    return True


def _table(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001  # as above
    """The rule for tables, to which a pipe inside a formula is a part of the formula."""
    source = state.src
    if first + 2 > last or "|" not in source[state.bMarks[first] : state.eMarks[first]]:
        return False
    if "$" not in source and "\\(" not in source:
        return table(state, first, last, silent)
    end = first
    while end < last and not state.isEmpty(end):
        end += 1
    begin, stop = state.bMarks[first], state.eMarks[end - 1]
    rows = "\n".join(hide_pipes(line, _PIPE) for line in source[begin:stop].split("\n"))
    state.src = source[:begin] + rows + source[stop:]
    before = len(state.tokens)
    taken = table(state, first, last, silent)
    state.src = source
    for token in state.tokens[before:]:
        token.content = token.content.replace(_PIPE, "|")
    return taken
