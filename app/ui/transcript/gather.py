"""Selected text out of several rows: Markdown for where plain text is wanted, HTML for word processors."""

from collections.abc import Iterator, Sequence

from app.markup.block import Kind
from app.ui.transcript.section import Section
from app.ui.transcript.textrow import TextRow


def selected_markdown(sections: Sequence[Section]) -> str:
    """The selection as clean Markdown: what is selected whole as it came, the rest without half marks."""
    chosen = [(section, rows) for section in sections if (rows := _rows(section))]
    if len(chosen) == 1 and len({row.block.group for row in chosen[0][1]}) == 1:
        rows = chosen[0][1]
        if rows[0].block.kind is Kind.CODE:
            return "\n".join(row.markdown(*stretch) for row in rows if (stretch := row.selected()))
    texts = ("\n\n".join(_markdown(section, rows)) for section, rows in chosen)
    return "\n\n".join(text for text in texts if text)


def selected_html(sections: Sequence[Section]) -> str:
    """The selection for word processors."""
    return "\n".join(
        row.html(*stretch) for section in sections for row in _rows(section) if (stretch := row.selected()) is not None
    )


def _rows(section: Section) -> list[TextRow]:
    """The rows of which anything is selected."""
    stretch = section.selected
    if stretch is None:
        return []
    near = [row for row in section.rows if row.block.start < stretch[1] and row.block.end > stretch[0]]
    return [row for row in near if row.selected() is not None]


def _markdown(section: Section, rows: Sequence[TextRow]) -> Iterator[str]:
    """Stretches of Markdown; whole rows that follow one another come as they stand in the source."""
    at = 0
    while at < len(rows):
        end = at
        while end < len(rows) and _whole(rows[end]):
            end += 1
        if end > at and _group_complete(section, rows[at:end]):
            yield section.source[rows[at].block.start : rows[end - 1].block.end].strip("\n")
            at = end
            continue
        yield from _partly(rows[at])
        at += 1


def _whole(row: TextRow) -> bool:
    return row.selected() == (0, row.end)


def _group_complete(section: Section, rows: Sequence[TextRow]) -> bool:
    """Whether no code or table is only partly among the rows: its first line or its last would be missing."""
    for row in rows:
        block = row.block
        if block.group >= 0 and any(one not in rows for one in section.group(block.group)):
            return False
    return True


def _partly(row: TextRow) -> Iterator[str]:
    stretch = row.selected()
    if stretch is None:
        return
    text = row.markdown(*stretch)
    if row.block.kind is Kind.CODE:
        fence = "`" * max(3, _longest_run(text) + 1)
        yield f"{fence}{row.block.language}\n{text}\n{fence}"
    elif text.strip():
        yield text.strip("\n")


def _longest_run(text: str) -> int:
    """The longest row of backticks."""
    longest = run = 0
    for each in text:
        run = run + 1 if each == "`" else 0
        longest = max(longest, run)
    return longest
