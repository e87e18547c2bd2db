"""What is read from Markdown: formulas told from money, markup that is not finished, and nothing unsafe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.markup.block import Align, Block, Display, Kind, Listing, Paragraph, Piece, Rule, Run, Style, Table
from app.markup.reading import plain, read
from app.markup.splitter import Splitter, split
from tests.markup.fuzz import fragments


def pieces(text: str, *, breaks: bool = False) -> list[Piece]:
    splitter = Splitter()
    splitter.take_whole(text)
    found: list[Piece] = []
    for block in splitter.blocks:
        if block.kind is not Kind.CODE:
            found.extend(read(block, splitter.references, breaks=breaks))
    return found


def runs(text: str) -> tuple[Run, ...]:
    found = pieces(text)
    assert len(found) == 1
    assert isinstance(found[0], Paragraph)
    return found[0].runs


def formulas(text: str) -> list[str]:
    found = []
    for piece in pieces(text):
        if isinstance(piece, Display):
            found.append(piece.latex.strip())
        elif isinstance(piece, Paragraph):
            found.extend(run.text for run in piece.runs if run.formula)
        elif isinstance(piece, Table):
            found.extend(run.text for row in (piece.head, *piece.rows) for cell in row for run in cell if run.formula)
    return found


def growing(text: str) -> list[Piece]:
    """What is seen while the text has not ended."""
    splitter = Splitter()
    splitter.feed(text)
    return [piece for block in splitter.blocks for piece in read(block, splitter.references)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs $5 and $10 today.", []),
        ("Cost: $5–$10, or US$3.50 vs $x$.", ["x"]),
        ("I paid $5, then $x=2$ and $y$.", ["x=2", "y"]),
        (r"price is \$5 and $5\$", []),
        ("$x$-axis and $n$th", ["x", "n"]),
        ("a $ b $ c", []),
        ("$ x $", []),
        ("$$x^2$$ inline", ["x^2"]),
        ("$$\nx^2\n$$", ["x^2"]),
        ("text\n\\[\nx=1\n\\]\nmore", ["x=1"]),
        (r"\(a_b*c*\) and *em*", ["a_b*c*"]),
        (r"\[ a \]", ["a"]),
        ("\\begin{align*}\na&=b\n\\end{align*}", ["\\begin{align*}\na&=b\n\\end{align*}"]),
        ("- item \\(x\\)\n- \\[ y=1 \\]", ["x", "y=1"]),
        ("1. \\[\n   y=1\n   \\]\n2. b", ["y=1"]),
        ("> $$a$$", ["a"]),
        ("> \\[\n> a\n> +b\n> \\]", ["a\n+b"]),
        ('```python\nprint("$x$")\n```', []),
        ("`$x$`", []),
        ("| a |\n|---|\n| $|x|$ |", ["|x|"]),
        ("| a | b |\n|---|---|\n| $5 | $10 |", []),
        ("| a | b |\n|---|---|\n| \\(P(A|B)\\) | 1 |", ["P(A|B)"]),
        ("$a$$b$", ["a", "b"]),
        ("**$x$**", ["x"]),
        (r"$\text{cost } \$5$", [r"\text{cost } \$5"]),
        ("100$ and 200$", []),
        ("${x}$", ["{x}"]),
        (r"\\(not math\\)", []),
        ("x_1 and y_2 *a*", []),
        ("$1,000 is $a^2$ big", ["a^2"]),
        ("$$a$$ is $$b$$", ["a", "b"]),
        ("$$", []),
        ("\\[\\]", []),
    ],
)
def test_formulas_are_told_from_money(text: str, expected: list[str]) -> None:
    assert formulas(text) == expected


def test_each_delimiter_is_kept() -> None:
    assert [run.formula for run in runs(r"$a$ \(b\) \[c\] $$d$$") if run.formula] == ["$", "\\(", "\\[", "$$"]
    display = pieces("\\begin{gather}\nx\n\\end{gather}")[0]
    assert isinstance(display, Display)
    assert display.markup == "\\begin{gather}"


def test_html_is_text() -> None:
    text = "<script>alert(1)</script> <img src=x onerror=x>"
    assert plain(pieces(text)) == text


def test_images_are_named_and_never_shown() -> None:
    (run,) = runs("![alt](http://evil.example/p.png)")
    assert run.style is Style.MUTED
    assert "alt" in run.text
    assert "http://evil.example/p.png" in run.text
    assert run.link == ""


def test_only_web_and_mail_addresses_are_links() -> None:
    found = runs(
        "[x](javascript:alert(1)) [f](file:///x) [ok](https://a.b) <mailto:a@b.c> [d](data:text/html,x) [g](ftp://x)"
    )
    assert [run.link for run in found if run.link] == ["https://a.b", "mailto:a@b.c"]


def test_references_become_links() -> None:
    found = pieces("see [the page][p]\n\n[p]: https://example.org/x")
    assert isinstance(found[0], Paragraph)
    assert [(run.text, run.link) for run in found[0].runs if run.link] == [("the page", "https://example.org/x")]


def test_lists_tasks_and_quotes_carry_their_place() -> None:
    found = pieces("1. one\n   - two\n     - [x] three\n     - [ ] four\n2. five\n\n> six\n> > seven\n")
    got = [
        (piece.marker, piece.depth, piece.quotes, "".join(run.text for run in piece.runs))
        for piece in found
        if isinstance(piece, Paragraph)
    ]
    assert got == [
        ("1.", 1, 0, "one"),
        ("•", 2, 0, "two"),
        ("☑", 3, 0, "three"),
        ("☐", 3, 0, "four"),
        ("2.", 1, 0, "five"),
        ("", 0, 1, "six"),
        ("", 0, 2, "seven"),
    ]


def test_lists_count_from_where_they_begin() -> None:
    assert [piece.marker for piece in pieces("7) a\n8) b\n") if isinstance(piece, Paragraph)] == ["7)", "8)"]
    assert [piece.marker for piece in pieces("0. a\n1. b\n") if isinstance(piece, Paragraph)] == ["0.", "1."]


def test_footnotes_are_raised_and_end_in_their_notes() -> None:
    found = pieces("A claim[^1].\n\n[^1]: The *source*.\n")
    mark = found[0]
    note = found[1]
    assert isinstance(mark, Paragraph)
    assert isinstance(note, Paragraph)
    assert [(run.text, run.style) for run in mark.runs] == [
        ("A claim", Style.PLAIN),
        ("1", Style.RAISED),
        (".", Style.PLAIN),
    ]
    assert note.marker == "1"
    assert plain((note,)) == "1 The source."


def test_code_in_lists_is_a_listing() -> None:
    listing = pieces("- a\n  ```python\n  x = 1\n  y = 2\n  ```\n")[1]
    assert listing == Listing("x = 1\ny = 2", "python", depth=1, at=16, length=16)
    assert isinstance(pieces("    indented\n")[0], Listing)


def test_tables_have_alignments_and_whole_rows() -> None:
    (table,) = pieces("| a | b | c |\n|:--|:-:|--:|\n| 1 | `x` | **y** |\n| only |\n")
    assert isinstance(table, Table)
    assert table.aligns == (Align.LEFT, Align.CENTRE, Align.RIGHT)
    assert [["".join(run.text for run in cell) for cell in row] for row in table.rows] == [
        ["1", "x", "y"],
        ["only", "", ""],
    ]


def test_other_marks() -> None:
    assert [run.style for run in runs("~~a~~ ***b*** `c`") if run.text.strip()] == [
        Style.STRUCK,
        Style.STRONG | Style.EMPHASIS,
        Style.CODE,
    ]
    assert pieces("***\n") == [Rule()]
    assert [piece.heading for piece in pieces("## a\n\nb\n===\n") if isinstance(piece, Paragraph)] == [2, 1]
    assert "".join(run.text for run in runs("a  \nb\nc")) == "a\nb c"
    question = pieces("a\nb", breaks=True)[0]
    assert isinstance(question, Paragraph)
    assert "".join(run.text for run in question.runs) == "a\nb"


@pytest.mark.parametrize(
    "text",
    [
        "para **bold *both*** and `code` $x^2$ [link](https://a.b) end",
        "- item one\n  goes on\n- **two** `x`\n",
        "> quoted *text*\n> goes on $y$\n",
        "## Heading with *stress* ##\n",
        "| a | **b** |\n|---|---|\n| x \\| y | $|z|$ |\n",
        "escaped \\* and &amp; entity 🙂 after",
        "1. a\n   1. b `c`\n",
    ],
)
def test_each_run_stands_where_it_says(text: str) -> None:
    for block in split(text):
        for run in all_runs(read(block, {})):
            source = block.text[run.at : run.at + run.length]
            if run.formula:
                assert source == run.formula + run.text + {"$": "$"}[run.formula]
            elif run.style & Style.CODE:
                assert source == f"`{run.text}`"
            elif run.text.strip():
                assert run.text in {source, source.replace("\\", ""), source.replace("&amp;", "&"), " "}, (run, source)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("this is **bol", "this is bol"),
        ("this is **", "this is"),
        ("this is *em", "this is em"),
        ("run `cod", "run cod"),
        ("run `", "run"),
        ("see [li](", "see li"),
        ("see [li](https://a.b/lo", "see li"),
        ("[0, 1", "[0, 1"),
        ("so \\(x + y", "so \\(x + y"),
        ("2*3 = 6 and", "2*3 = 6 and"),
        ("text\n-", "text"),
        ("text\n==", "text"),
        ("a\\", "a"),
    ],
)
def test_markup_that_is_not_finished_stays_calm(text: str, seen: str) -> None:
    assert plain(growing(text)) == seen


def test_a_formula_that_is_not_finished_is_muted() -> None:
    (piece,) = growing("so \\[ x_1 * y")
    assert isinstance(piece, Paragraph)
    assert piece.runs[-1].style is Style.MUTED
    assert piece.runs[-1].text == "\\[ x_1 * y"
    assert [type(each) for each in growing("done\n\\begin{align}\nx &= y")] == [Paragraph, Paragraph]


def test_bold_that_is_not_finished_is_bold_already() -> None:
    (piece,) = growing("this **is bol")
    assert isinstance(piece, Paragraph)
    assert (piece.runs[-1].text, piece.runs[-1].style) == ("is bol", Style.STRONG)


def test_what_is_nested_beyond_reason_is_not_lost() -> None:
    for text in (">" * 300 + " deep", "".join(" " * (2 * level) + "- a\n" for level in range(100)) + "deep"):
        assert "deep" in plain(pieces(text))


@given(st.lists(fragments, max_size=8))
def test_reading_never_fails_and_runs_stay_inside(texts: list[str]) -> None:
    splitter = Splitter()
    for text in texts:
        splitter.feed(text)
        for block in splitter.blocks[-2:]:
            inside(block, read(block, splitter.references) if block.kind is not Kind.CODE else ())
    splitter.finish()
    for block in splitter.blocks:
        inside(block, read(block, splitter.references) if block.kind is not Kind.CODE else ())


def inside(block: Block, found: tuple[Piece, ...]) -> None:
    for run in all_runs(found):
        assert 0 <= run.at <= run.at + run.length <= len(block.text)


def all_runs(found: tuple[Piece, ...]) -> list[Run]:
    gathered: list[Run] = []
    for piece in found:
        if isinstance(piece, Paragraph):
            gathered.extend(piece.runs)
        elif isinstance(piece, Table):
            gathered.extend(run for row in (piece.head, *piece.rows) for cell in row for run in cell)
    return gathered
