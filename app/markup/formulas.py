"""Formulas as they are asked for, and what can be said of their LaTeX without typesetting it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_NUMBERED = re.compile(
    r"\\begin\{(?P<name>equation|align|gather|alignat|flalign|eqnarray|multline)\}(?P<body>.*?)\\end\{(?P=name)\}",
    re.DOTALL,
)
_ONE_NUMBER = {"equation", "multline"}
_ROW_END = re.compile(r"\\\\(?:\s*\[[^\]]*\])?|\\(begin|end)\{[^}]*\}|\\.|[{}]", re.DOTALL)
_LINE_END = re.compile(r"\\\\(?:\s*\[[^\]]*\])?\s*$")
_ALIGN = re.compile(r"\\begin\{align(?P<star>\*?)\}(?P<body>(?:(?!\\begin).)*?)\\end\{align(?P=star)\}", re.DOTALL)
"""Without environments in it, whose columns are their own."""
_COLUMN = re.compile(r"(?<!\\)&")
_TAG = re.compile(r"\\tag(\*?)\{([^{}]*)\}")
_UNNUMBERED = re.compile(r"\\(?:tag\b|nonumber\b|notag\b)")
_TEXT = re.compile(r"\\(?:text(?:rm|bf|it|sf|tt|normal)?|mbox)\{[^{}$]*\}")
_BARE_UNDERSCORE = re.compile(r"(?<!\\)_")
_DROPPED = re.compile(r"\\(?:label|require)\{[^{}]*\}|\\(?:nonumber|notag)(?![A-Za-z])")
_DEFINITION = re.compile(
    r"\\(?:re)?newcommand\*?\s*\{?\\[A-Za-z]+\}?|\\providecommand\*?\s*\{?\\[A-Za-z]+\}?|"
    r"\\def\s*\\[A-Za-z]+|\\DeclareMathOperator\*?\s*\{?\\[A-Za-z]+\}?"
)
_PRELUDE_LIMIT = 4000
"""Characters of definitions that are kept; more are an attempt at something else."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One formula to typeset."""

    latex: str
    """Without delimiters."""
    display: bool
    """Whether it is set large."""
    prelude: str = ""
    """Definitions of macros that stand before it in the same text."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a formula is shown as its source."""

    reason: str
    """A sentence for the user."""


def clean(latex: str) -> str:
    """The LaTeX without what has no meaning in a chat; a tag stands behind its formula, not at the line's far end."""
    latex = _ALIGN.sub(_align_tags, latex) if "\\tag" in latex else latex
    latex = _TAG.sub(lambda tag: rf"\qquad\text{{{tag[2]}}}" if tag[1] else rf"\qquad\text{{({tag[2]})}}", latex)
    # TeX refuses a bare underscore in text, and models write names of variables there
    latex = _TEXT.sub(lambda text: _BARE_UNDERSCORE.sub(r"\_", text[0]), latex)
    return _DROPPED.sub("", latex).replace("{multline", "{gather")


def _align_tags(environment: re.Match[str]) -> str:
    """An align whose tags stand under one another, in a column of their own."""
    rows = _rows(environment["body"])
    counts = [len(_COLUMN.findall(row)) for row in rows]
    wanted = 2 * -(-(max(counts) + 1) // 2) + 1
    out = []
    for row, count in zip(rows, counts, strict=True):
        tag = _TAG.search(row)
        if tag is None:
            out.append(row)
            continue
        words = tag[2] if tag[1] else f"({tag[2]})"
        out.append(_TAG.sub("", row, count=1).rstrip("\n"))
        end = _LINE_END.search(out[-1].rstrip())
        at = end.start() if end else len(out[-1].rstrip())
        out[-1] = f"{out[-1][:at]}{'&' * (wanted - count)}\\quad\\text{{{words}}}{out[-1][at:]}"
    return f"\\begin{{align{environment['star']}}}{''.join(out)}\\end{{align{environment['star']}}}"


def numbered(text: str) -> int:
    """How many numbers the environments of a text get."""
    return sum(_numbers(match) for match in _NUMBERED.finditer(text))


def number(latex: str, first: int) -> tuple[str, int]:
    """The LaTeX with its numbers put in as tags, the first being `first`, and how many they are."""
    used = 0

    def tagged(match: re.Match[str]) -> str:
        nonlocal used
        name, body = match["name"], match["body"]
        rows = [body] if name in _ONE_NUMBER else _rows(body)
        done = []
        for row in rows:
            if not _counts(row):
                done.append(row)
                continue
            end = _LINE_END.search(row.rstrip())
            at = end.start() if end else len(row.rstrip())
            done.append(f"{row[:at]}\\tag{{{first + used}}}{row[at:]}")
            used += 1
        return f"\\begin{{{name}}}{''.join(done)}\\end{{{name}}}"

    return _NUMBERED.sub(tagged, latex), used


def _numbers(environment: re.Match[str]) -> int:
    body = environment["body"]
    rows = [body] if environment["name"] in _ONE_NUMBER else _rows(body)
    return sum(map(_counts, rows))


def _counts(row: str) -> bool:
    return bool(row.strip()) and not _UNNUMBERED.search(row)


def _rows(body: str) -> list[str]:
    """The rows of an environment, each with the line end behind it; those of inner ones do not count."""
    rows, start, depth = [], 0, 0
    for mark in _ROW_END.finditer(body):
        if mark[0] == "{" or mark[1] == "begin":
            depth += 1
        elif mark[0] == "}" or mark[1] == "end":
            depth -= 1
        elif mark[0].startswith("\\\\") and depth == 0:
            rows.append(body[start : mark.end()])
            start = mark.end()
    return [*rows, body[start:]]


def definitions(formulas: Iterable[str]) -> str:
    """All definitions of macros in these formulas, in their order."""
    found: list[str] = []
    for latex in formulas:
        if "\\def" in latex or "command" in latex or "\\DeclareMathOperator" in latex:
            found.extend(_definitions_in(latex))
    return "".join(found)[:_PRELUDE_LIMIT] if sum(map(len, found)) <= _PRELUDE_LIMIT else ""


def _definitions_in(latex: str) -> Iterable[str]:
    for match in _DEFINITION.finditer(latex):
        end = _body_end(latex, match.end())
        if end > 0:
            yield latex[match.start() : end]


def _body_end(latex: str, at: int) -> int:
    """Behind the braces that hold a definition's body; parameters may stand before; -1 where they do not close."""
    at = latex.find("{", at)
    depth = 0
    while 0 <= at < len(latex):
        each = latex[at]
        if each == "\\":
            at += 1
        elif each in "{}":
            depth += 1 if each == "{" else -1
            if depth == 0:
                return at + 1
        at += 1
    return -1
