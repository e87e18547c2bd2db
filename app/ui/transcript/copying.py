"""Pieces of a text back into Markdown, into HTML for word processors, and into plain text; no Qt."""

import re
from collections.abc import Iterable, Iterator
from html import escape as escaped

from app.markup.block import Align, Display, Listing, Paragraph, Piece, Rule, Run, Runs, Style, Table

CLOSING = {"$": "$", "$$": "$$", "\\(": "\\)", "\\[": "\\]"}
BOXES = {"☐": "[ ]", "☑": "[x]"}
_NUMBER = re.compile(r"\d{1,9}[.)]")
_RISKY = re.compile(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)|<(?=[A-Za-z/!])|~~|\$(?=.*\$)", re.DOTALL)
_OPENER = re.compile(r"(?=(?:#{1,6}|[-+>]|={3,})(?:\s|$))|(?<=\d)(?=[.)]\s)")
_MARKS = ((Style.STRUCK, "~~", "s"), (Style.STRONG, "**", "b"), (Style.EMPHASIS, "*", "i"))
_HEAD = re.compile(r"\d{0,9}")


def latex(run: Run) -> str:
    """A formula with the delimiters it came in."""
    return run.formula + run.text + CLOSING[run.formula] if run.formula in CLOSING else run.text


def _bullet(marker: str) -> str:
    """A marker as Markdown writes it, with the space after it."""
    if not marker:
        return ""
    if marker in BOXES:
        return f"- {BOXES[marker]} "
    if _NUMBER.fullmatch(marker):
        return f"{marker} "
    return "- " if marker in "•◦▪–" else f"[^{marker}]: "


# Markdown ---------------------------------------------------------------------------------------


def markdown(pieces: Iterable[Piece]) -> str:
    """The pieces as Markdown; what was one list or one quote stays one."""
    out: list[str] = []
    widths: list[int] = []
    before: Piece | None = None
    for piece in pieces:
        marker = "" if isinstance(piece, Table | Rule) else _bullet(piece.marker)
        level = piece.depth or (1 if marker else 0)
        del widths[max(0, level - 1 if marker else level) :]
        while len(widths) < (level - 1 if marker else level):
            widths.append(2)
        pad = " " * sum(widths)
        if marker:
            widths.append(2 if marker.startswith("- ") else len(marker) if not marker.startswith("[") else 4)
        quote = "> " * piece.quotes
        if before is not None:
            tight = isinstance(before, Paragraph) and before.tight
            shared = "> " * min(before.quotes, piece.quotes)
            out.append("\n" if tight else f"\n{shared.rstrip()}\n")
        first = quote + pad + marker
        rest = quote + " " * sum(widths[: level or None]) if level else quote
        lines = _body(piece).split("\n")
        out.append(
            "\n".join(
                [first + lines[0], *((rest + line).rstrip(" ") if not line else rest + line for line in lines[1:])]
            )
        )
        before = piece
    return "".join(out)


def _body(piece: Piece) -> str:
    if isinstance(piece, Paragraph):
        text = inline_markdown(piece.runs)
        return (
            f"{'#' * piece.heading} {text}"
            if piece.heading
            else _OPENER.sub(r"\\", text, count=1)
            if _opens(text)
            else text
        )
    if isinstance(piece, Display):
        if piece.markup not in CLOSING:
            return piece.latex
        return f"{piece.markup}\n{piece.latex.strip()}\n{CLOSING[piece.markup]}"
    if isinstance(piece, Listing):
        fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", piece.text)), default=0))
        code = piece.text.rstrip("\n")
        return f"{fence}{piece.language}\n{code}\n{fence}"
    return _table(piece) if isinstance(piece, Table) else "---"


def _opens(text: str) -> bool:
    """Whether a paragraph would be taken for a heading, a list or a quote."""
    return re.match(r"(?:#{1,6}|[-+>]|={3,}|\d{1,9}[.)])(?:\s|$)", text) is not None


def _table(table: Table) -> str:
    rule = {Align.LEFT: "---", Align.CENTRE: ":---:", Align.RIGHT: "---:"}
    rows = [_row(table.head), "| " + " | ".join(rule[align] for align in table.aligns) + " |"]
    return "\n".join(rows + [_row(row) for row in table.rows])


def _row(cells: tuple[Runs, ...]) -> str:
    return "| " + " | ".join(inline_markdown(runs).replace("|", "\\|").replace("\n", " ") for runs in cells) + " |"


def inline_markdown(runs: Runs) -> str:
    """Runs of one paragraph as Markdown."""
    out: list[str] = []
    for link, group in _by_link(runs):
        text = _emphasised(group)
        if link:
            text = f"<{link}>" if link in {text, f"mailto:{text}"} else f"[{text}]({_address(link)})"
        out.append(text)
    return "".join(out)


def _address(link: str) -> str:
    return f"<{link}>" if re.search(r"[\s()]", link) else link


def _by_link(runs: Runs) -> Iterator[tuple[str, list[Run]]]:
    group: list[Run] = []
    for run in runs:
        if group and group[0].link != run.link:
            yield group[0].link, group
            group = []
        group.append(run)
    if group:
        yield group[0].link, group


def _emphasised(runs: list[Run]) -> str:
    """Text with its marks, which never begin or end at a space."""
    out: list[str] = []
    open_: list[tuple[Style, str]] = []
    for run in runs:
        wanted = (
            []
            if run.text == "\n" and not run.formula
            else [(style, mark) for style, mark, _tag in _MARKS if run.style & style]
        )
        if run.text == "\n" and not run.formula:
            wanted = list(open_)
        while any(mark not in wanted for mark in open_):
            _close(out, open_.pop()[1])
        text = _literal(run)
        opening = [mark for mark in wanted if mark not in open_]
        if opening and not run.formula:
            bare = text.lstrip(" ")
            out.append(text[: len(text) - len(bare)])
            text = bare
        if text:
            out.extend(mark for _style, mark in opening)
            open_ += opening
            out.append(text)
    while open_:
        _close(out, open_.pop()[1])
    return "".join(out)


def _close(out: list[str], mark: str) -> None:
    bare = out[-1].rstrip(" ")
    spaces = out[-1][len(bare) :]
    out[-1] = bare
    out.append(mark)
    if spaces:
        out.append(spaces)


def _literal(run: Run) -> str:
    if run.formula:
        return latex(run)
    if run.text == "\n":
        return "  \n"
    if run.style & Style.RAISED:
        return f"[^{run.text}]"
    if run.style & Style.CODE:
        fence = "`"
        while fence in run.text:
            fence += "`"
        edge = " " if run.text[:1] == "`" or run.text[-1:] == "`" else ""
        return f"{fence}{edge}{run.text}{edge}{fence}"
    return _RISKY.sub(lambda found: "\\" + found[0], run.text) if not run.link or run.text != run.link else run.text


# HTML -------------------------------------------------------------------------------------------


def html(pieces: Iterable[Piece]) -> str:
    """The pieces as bare HTML without fonts or colours; formulas as LaTeX in their delimiters."""
    out: list[str] = []
    lists: list[str] = []
    quotes = 0
    for piece in pieces:
        marker = "" if isinstance(piece, Table | Rule) else piece.marker
        depth = piece.depth or (1 if marker else 0)
        if piece.quotes != quotes:
            _end_lists(out, lists, 0)
            out.append("<blockquote>" * (piece.quotes - quotes) + "</blockquote>" * (quotes - piece.quotes))
            quotes = piece.quotes
        _end_lists(out, lists, depth)
        if marker:
            _item(out, lists, depth, marker)
        out.append(_element(piece, inside=bool(marker)))
    _end_lists(out, lists, 0)
    out.append("</blockquote>" * quotes)
    return "".join(out)


def _end_lists(out: list[str], lists: list[str], depth: int) -> None:
    while len(lists) > depth:
        out.append(f"</li></{lists.pop()}>")


def _item(out: list[str], lists: list[str], depth: int, marker: str) -> None:
    tag = "ol" if _NUMBER.fullmatch(marker) else "ul"
    if len(lists) == depth and lists[-1] != tag:
        _end_lists(out, lists, depth - 1)
    if len(lists) == depth:
        out.append("</li>")
    while len(lists) < depth:
        start = f' start="{marker[:-1]}"' if tag == "ol" and marker[:-1] != "1" and len(lists) == depth - 1 else ""
        out.append(f"<{tag}{start}>" + ("<li>" if len(lists) < depth - 1 else ""))
        lists.append(tag)
    out.append("<li>" + (f"{marker} " if marker in BOXES else "" if tag == "ol" or marker in "•◦▪–" else f"{marker}: "))


def _element(piece: Piece, *, inside: bool) -> str:
    if isinstance(piece, Paragraph):
        text = inline_html(piece.runs)
        if piece.heading:
            return f"<h{piece.heading}>{text}</h{piece.heading}>"
        return text if inside else f"<p>{text}</p>"
    if isinstance(piece, Display):
        return f"<p>\\[{escaped(piece.latex.strip(), quote=False)}\\]</p>"
    if isinstance(piece, Listing):
        return f"<pre><code>{escaped(piece.text, quote=False)}</code></pre>"
    if isinstance(piece, Rule):
        return "<hr>"
    rows = [_cells("th", piece.head, piece.aligns), *(_cells("td", row, piece.aligns) for row in piece.rows)]
    return "<table>" + "".join(rows) + "</table>"


def _cells(tag: str, cells: tuple[Runs, ...], aligns: tuple[Align, ...]) -> str:
    side = {Align.LEFT: "", Align.CENTRE: ' align="center"', Align.RIGHT: ' align="right"'}
    filled = (f"<{tag}{side[align]}>{inline_html(runs)}</{tag}>" for runs, align in zip(cells, aligns, strict=False))
    return f"<tr>{''.join(filled)}</tr>"


def inline_html(runs: Runs) -> str:
    """Runs of one paragraph as HTML."""
    out: list[str] = []
    for link, group in _by_link(runs):
        text = "".join(_html_run(run) for run in group)
        out.append(f'<a href="{escaped(link)}">{text}</a>' if link else text)
    for _style, _mark, tag in _MARKS:
        out = [part.replace(f"</{tag}><{tag}>", "") for part in out]
    return "".join(out)


def _html_run(run: Run) -> str:
    if run.formula:
        return escaped(f"\\[{run.text}\\]" if run.display else f"\\({run.text}\\)", quote=False)
    text = "<br>" if run.text == "\n" else escaped(run.text, quote=False)
    if run.style & Style.CODE:
        text = f"<code>{text}</code>"
    if run.style & Style.RAISED:
        text = f"<sup>{text}</sup>"
    for style, _mark, tag in reversed(_MARKS):
        if run.style & style:
            text = f"<{tag}>{text}</{tag}>"
    return text


# plain text -------------------------------------------------------------------------------------


def plain(pieces: Iterable[Piece]) -> str:
    """The pieces as a person would write them without any markup; formulas as LaTeX."""
    out: list[str] = []
    before: Piece | None = None
    for piece in pieces:
        if before is not None:
            out.append("\n" if isinstance(before, Paragraph) and before.tight else "\n\n")
        before = piece
        marker = "" if isinstance(piece, Table | Rule) else piece.marker
        out.append("  " * max(0, piece.depth - 1) + (f"{marker} " if marker else ""))
        out.append(_plain_body(piece))
    return "".join(out)


def _plain_body(piece: Piece) -> str:
    if isinstance(piece, Paragraph):
        return _plain_runs(piece.runs)
    if isinstance(piece, Display):
        return latex(Run(piece.latex, formula=piece.markup))
    if isinstance(piece, Listing):
        return piece.text.rstrip("\n")
    if isinstance(piece, Rule):
        return "—"
    return "\n".join("\t".join(_plain_runs(runs) for runs in row) for row in (piece.head, *piece.rows))


def _plain_runs(runs: Runs) -> str:
    return "".join(latex(run) if run.formula else run.text for run in runs)
