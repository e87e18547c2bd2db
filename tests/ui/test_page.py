"""Pages of text: what is copied reads the same again, places hold both ways, and painting leaves no trace."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from app.markup.block import Display, Kind, Paragraph, Piece, Run, Style
from app.markup.drawing import Drawing, Form, Shape
from app.markup.formulas import Formula, Refused
from app.markup.reading import plain, read
from app.markup.splitter import split
from app.ui.theme import Theme
from app.ui.transcript.page import Mark, Page
from app.ui.transcript.writer import Look, Writer

UNIT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
SHORT = Drawing(2.0, 1.2, 0.3, (Shape(Form.RULE, UNIT, box=(0.0, 0.0, 2.0, 1.2)),))
LONG = Drawing(200.0, 1.2, 0.3, (Shape(Form.RULE, UNIT, box=(0.0, 0.0, 200.0, 1.2)),))
TEXTS = (
    "Some **bold *both* words** and `code` with $x^2$.",
    "1. one\n2. two\n   - three\n   - [x] four\n\n     more of it\n",
    "> quoted *text*\n>\n> > twice\n",
    "## A heading\n\nand text[^1]\n\n[^1]: a note",
    "| a | b |\n|:-:|--:|\n| $x$ | `|` |\n| **y** | z |\n",
    "\\[\nx = 1\n\\]\n\nand \\(y\\) in text",
    "a [link](https://example.org/a_b) and <https://example.org>",
    "5\\. no list, \\*no stress\\*, a_b and 2*3*4",
    "- item\n\n  ```python\n  x = 1\n  ```\n\n- next\n",
    "العربية: إذا كان $x$ فإن 🙂 数学 **مهم**",
    "~~gone~~ ***all*** \\begin{align}a\\end{align}",
    "line\\\nbreak",
)


def typeset(formula: Formula) -> Drawing | Refused | None:
    """Some formulas are known, some never will be, some are not known yet."""
    if "refused" in formula.latex:
        return Refused("This formula cannot be shown: for a reason")
    if "unknown" in formula.latex:
        return None
    return LONG if "long" in formula.latex else SHORT


@pytest.fixture(scope="module")
def writer(qapp: QApplication) -> Writer:
    return Writer(Theme(qapp, "light"), typeset)


def pieces(text: str) -> tuple[Piece, ...]:
    return tuple(piece for block in split(text) if block.kind is not Kind.CODE for piece in read(block, {}))


def page(writer: Writer, text: str, width: float = 600.0) -> Page:
    blocks = split(text)
    assert len(blocks) == 1
    return writer.write(read(blocks[0], {}), Look(), width)


def bare(piece: Piece) -> Piece:
    """A piece without its places in the source."""
    if isinstance(piece, Paragraph):
        runs: list[Run] = []
        for run in piece.runs:
            made = Run(run.text, run.style, run.link, run.formula)
            if (
                runs
                and not run.formula
                and not runs[-1].formula
                and (runs[-1].style, runs[-1].link) == (run.style, run.link)
            ):
                made = Run(runs.pop().text + run.text, run.style, run.link)
            runs.append(made)
        return Paragraph(tuple(runs), piece.heading, piece.depth, piece.quotes, piece.marker)
    if isinstance(piece, Display):
        return Display(piece.latex.strip(), piece.markup, piece.depth, piece.quotes, piece.marker)
    return piece


@pytest.mark.parametrize("text", TEXTS)
def test_a_copy_of_everything_reads_the_same_again(text: str, writer: Writer) -> None:
    for block in split(text):
        if block.kind is Kind.CODE:
            continue
        read_once = read(block, {})
        written = writer.write(read_once, Look(), 600)
        again = pieces(written.markdown(0, written.end))
        assert plain(again).split() == plain(read_once).split()
        if block.kind is Kind.PROSE:
            kinds = [(type(piece), piece.depth, piece.quotes) for piece in read_once]
            assert [(type(piece), piece.depth, piece.quotes) for piece in again] == kinds


@given(
    st.lists(
        st.sampled_from(["**b**", "*e*", "`c`", "word", " ", "$x$", "[l](https://a.b)", "~~s~~", "a_b", "\\*"]),
        min_size=1,
    )
)
def test_a_copied_paragraph_keeps_its_marks(words: list[str]) -> None:
    writer = Writer(Theme(QApplication.instance(), "light"), typeset)  # type: ignore[arg-type]
    text = "x" + " ".join(words) + "x"
    once = pieces(text)
    written = writer.write(once, Look(), 600)
    again = pieces(written.markdown(0, written.end))
    assert [bare(piece) for piece in again] == [bare(piece) for piece in once]


@pytest.mark.parametrize("text", TEXTS)
def test_places_hold_both_ways(text: str, writer: Writer) -> None:
    for block in split(text):
        if block.kind is Kind.CODE:
            continue
        written = writer.write(read(block, {}), Look(), 600)
        last = -1
        for position in range(written.end + 1):
            offset = written.source_at(position)
            assert 0 <= offset <= len(block.text)
            assert offset >= last
            last = offset
            back = written.position_of(offset)
            assert written.source_at(back) == offset


@pytest.mark.parametrize("text", ["One line of text.", "数学 and 🙂 too", "**bold** and `code` $x$ end"])
def test_a_click_at_the_caret_finds_the_caret(text: str, writer: Writer) -> None:
    written = page(writer, text)
    for position in sorted({written.position_of(offset) for offset in range(len(text) + 1)}):
        box = written.caret(position)
        found = written.hit(box.left() + 0.01, box.center().y())
        assert written.source_at(found) == written.source_at(position)


def test_parts_of_marked_words_are_marked_words(writer: Writer) -> None:
    written = page(writer, "Some **bold words** and $x$ more")
    start = written.position_of(len("Some **bo"))
    assert written.markdown(start, start + 5) == "**ld wo**"
    assert written.markdown(0, 4) == "Some"
    formula = written.position_of(len("Some **bold words** and "))
    assert written.markdown(formula, formula + 1) == "$x$"
    assert written.word(formula) == (formula, formula + 1)


def test_word_processors_get_structure(writer: Writer) -> None:
    written = page(writer, "1. **one** < two\n2. [x](https://a.b)\n")
    html = written.html(0, written.end)
    assert "<ol" in html
    assert "<b>one</b> &lt; two" in html
    assert 'href="https://a.b"' in html


def test_what_cannot_be_typeset_is_its_source_and_says_why(writer: Writer) -> None:
    written = page(writer, "It is $refused$ here, and $unknown$.")
    assert written.formulas == (Formula("unknown", display=False),)
    box = written.caret(written.position_of(len("It is $ref")))
    assert written.tip_at(box.left() + 1, box.center().y()) == "This formula cannot be shown: for a reason"
    assert written.markdown(0, written.end) == "It is $refused$ here, and $unknown$."


def test_links_and_formulas_are_found_under_the_mouse(writer: Writer) -> None:
    written = page(writer, "See [the page](https://a.b) and $x^2$.")
    link = written.caret(written.position_of(len("See [the")))
    assert written.link_at(link.left() + 1, link.center().y()) == "https://a.b"
    formula = written.caret(written.position_of(len("See [the page](https://a.b) and ")))
    assert written.formula_at(formula.left() + 4, formula.center().y()) == Formula("x^2", display=False)
    assert written.formula_at(2, formula.center().y()) is None


def test_a_formula_wider_than_the_column_scrolls(writer: Writer) -> None:
    written = page(writer, "$$long$$", width=300)
    (wide,) = written.wide
    assert wide.inlay.width <= 300
    assert wide.natural > 1000
    wide.scroll(1e9)
    assert wide.inlay.scroll_x == pytest.approx(wide.natural - wide.inlay.width)
    wide.scroll(-5)
    assert wide.inlay.scroll_x == 0


def test_a_narrow_text_says_how_narrow(writer: Writer) -> None:
    assert page(writer, "Short.").natural < 80
    assert page(writer, "قصير جدا").natural < 120


def test_a_later_slice_of_a_table_has_no_head(writer: Writer) -> None:
    (block,) = split("| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n")
    whole = writer.write(read(block, {}), Look(), 600)
    rest = writer.write(read(block, {}), Look(), 600, columns=whole.columns, headless=True)
    assert rest.height < whole.height
    assert rest.columns == whole.columns
    assert "a" not in rest.document.toPlainText()


def test_painting_leaves_the_painter_as_it_was_and_paints_the_selection(writer: Writer) -> None:
    written = page(writer, "Some `code` and $x$ and text")
    image = QImage(700, 100, QImage.Format.Format_RGB32)

    def painted(selection: tuple[int, int] | None, marks: tuple[Mark, ...] = ()) -> QColor:
        image.fill("white")
        painter = QPainter(image)
        painter.setPen(QColor("#123456"))
        painter.setOpacity(0.5)
        before = (painter.pen(), painter.opacity(), painter.transform(), painter.font())
        painter.setOpacity(1.0)
        written.paint(painter, 20, 20, QRectF(0, 0, 600, 60), selection, marks)
        painter.setOpacity(0.5)
        assert (painter.pen(), painter.opacity(), painter.transform(), painter.font()) == before
        painter.end()
        box = written.caret(2)
        return image.pixelColor(int(20 + box.left()), int(20 + box.top()) + 1)

    assert painted(None).name() == "#ffffff"
    assert painted((0, 10)).name() == "#fce0cc"
    assert painted(None, (Mark(0, 5, fill="found"),)).name() == "#ffe9a8"


def test_pages_are_freed(writer: Writer) -> None:
    written = page(writer, "Text with $x$ and `code`.")
    gone = weakref.ref(written.document)
    del written
    gc.collect()
    assert gone() is None


def test_styles_are_plain_values() -> None:
    (piece,) = pieces("**a**")
    assert isinstance(piece, Paragraph)
    assert piece.runs[0].style is Style.STRONG
