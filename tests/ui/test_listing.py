"""A slice of code stands in rows: every place has its position, and every position its place."""

from collections.abc import Mapping

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app.markup.block import Hue, Span
from app.ui.theme import LINES, Theme
from app.ui.transcript.listing import INKS, LONGEST_ROW, Listing

ROW = LINES["code"]
WIDE = "x = '漢字'  # 🙂 é"


def listing(theme: Theme, text: str, *, first_line: int = 0, wrap: bool = True, numbers: bool = False) -> Listing:
    made = Listing(theme, text, "python", first_line=first_line, wrap=wrap, numbers=numbers, scale=1.0)
    made.height(400)
    return made


def painted(
    made: Listing,
    spans: Mapping[int, tuple[Span, ...]] | None = None,
    *,
    selection: tuple[int, int] | None = None,
    scroll: float = 0.0,
    clip: QRectF | None = None,
) -> QImage:
    image = QImage(420, 200, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.white)
    painter = QPainter(image)
    area = clip or QRectF(0, 0, 400, 200)
    made.paint(painter, 0, 0, area, scroll, lambda line: (spans or {}).get(line, ()), selection)
    painter.end()
    return image


def near(one: QColor, other: QColor) -> bool:
    parts = (one.red() - other.red(), one.green() - other.green(), one.blue() - other.blue())
    return sum(map(abs, parts)) < 60


def has(image: QImage, color: QColor, top: int = 0, bottom: int = 200, left: int = 0) -> bool:
    """Whether something of nearly this colour is in some rows of a picture."""
    places = ((x, y) for y in range(top, bottom) for x in range(left, image.width()))
    return any(near(image.pixelColor(x, y), color) for x, y in places)


@pytest.mark.parametrize(
    "text",
    [
        "plain = 1\nnext\n",
        "\tif x:\n\t\treturn\t1\n",
        f"{WIDE}\n{WIDE}\n",
        "a\n\n\nb",
        "",
        "word " * 60 + "\nend",
        "漢字 " * 60 + "🙂\nend",
    ],
)
@pytest.mark.parametrize("wrap", [True, False])
@pytest.mark.parametrize("numbers", [True, False])
def test_every_position_is_found_where_it_stands(theme: Theme, text: str, wrap: bool, numbers: bool) -> None:
    made = listing(theme, text, wrap=wrap, numbers=numbers)
    end = len(text) - text.endswith("\n")
    for position in range(end + 1):
        caret = made.caret(position)
        assert made.hit(caret.x(), caret.center().y()) == position
        assert made.hit(caret.x() - 30, caret.center().y(), 30) == position


def test_places_outside_belong_to_the_nearest_position(theme: Theme) -> None:
    made = listing(theme, "first\nsecond\n")
    assert made.hit(-50, -50) == 0
    assert made.hit(900, 1) == 5
    assert made.hit(900, 900) == 12
    assert made.caret(13) == made.caret(12)


def test_a_tab_reaches_the_next_of_four_columns(theme: Theme) -> None:
    tabbed, spaced = listing(theme, "ab\tc"), listing(theme, "ab  c")
    assert tabbed.caret(3) == spaced.caret(4)
    assert listing(theme, "é\tc").caret(2).x() == pytest.approx(spaced.caret(4).x(), abs=0.5)


def test_wide_characters_take_more_room(theme: Theme) -> None:
    made = listing(theme, "漢字ab")
    assert made.caret(1).x() > 1.2 * (made.caret(4).x() - made.caret(3).x())


def test_an_emoji_is_never_cut_in_two(theme: Theme) -> None:
    made = listing(theme, "a🙂b")
    found = {made.hit(x / 2, 1) for x in range(100)}
    assert found == {0, 1, 2, 3}


def test_long_lines_are_wrapped_or_run_on(theme: Theme) -> None:
    text = "word " * 60
    wrapped, running = listing(theme, text), listing(theme, text, wrap=False)
    assert wrapped.height(400) > 2 * ROW
    assert wrapped.height(10_000) == ROW
    assert running.height(400) == ROW
    assert running.width_wanted > 1000
    assert running.width_wanted == pytest.approx(running.caret(len(text)).x())


def test_rows_break_between_words(theme: Theme) -> None:
    text = "word " * 60
    made = listing(theme, text)
    breaks = [at for at in range(1, len(text)) if made.caret(at).y() > made.caret(at - 1).y()]
    assert breaks
    assert all(text[at - 1] == " " for at in breaks)


def test_endless_lines_are_broken_in_any_case(theme: Theme) -> None:
    text = "x" * (2 * LONGEST_ROW + 1) + "\ny"
    made = listing(theme, text, wrap=False, numbers=True)
    assert made.height(400) == 4 * ROW
    assert made.caret(LONGEST_ROW).y() == ROW
    assert made.caret(len(text) - 1).y() == 3 * ROW
    image = painted(made, {0: (Span(LONGEST_ROW, 1, Hue.KEYWORD),)})
    assert has(image, theme.color(INKS[Hue.KEYWORD]), ROW, 2 * ROW)
    secondary = theme.color("secondary")
    numbered = [
        row
        for row in range(4)
        if has(image.copy(0, 0, int(made.gutter) - 1, 200), secondary, row * ROW, row * ROW + ROW)
    ]
    assert numbered == [0, 3]


@pytest.mark.parametrize("text", ["key value", "key värde"])
def test_colours_are_those_of_the_spans(theme: Theme, text: str) -> None:
    made = listing(theme, text, first_line=30)
    keyword = theme.color("code_keyword")
    assert not has(painted(made), keyword)
    coloured = painted(made, {30: (Span(0, 3, Hue.KEYWORD),)})
    split = int(made.caret(4).x())
    assert has(coloured, keyword)
    assert not has(coloured, keyword, left=split)
    assert has(coloured, theme.color("ink"), left=split)
    assert not has(painted(made, {31: (Span(0, 3, Hue.KEYWORD),)}), keyword)


@pytest.mark.parametrize("text", ["some value", "some välue"])
def test_another_theme_has_other_colours(theme: Theme, text: str) -> None:
    made = listing(theme, text)
    spans = {0: (Span(0, 4, Hue.STRING),)}
    light = painted(made, spans)
    theme.choose("dark")
    assert painted(made, spans) != light


@pytest.mark.parametrize("text", ["one two\nthree", "öne two\nthree"])
def test_the_selection_is_painted_where_it_is(theme: Theme, text: str) -> None:
    made = listing(theme, text)
    paper = theme.color("selection")
    image = painted(made, selection=(4, 9))
    assert image.pixelColor(int(made.caret(4).x()) - 3, 1) != paper
    assert image.pixelColor(int(made.caret(4).x()) + 2, 1) == paper
    assert image.pixelColor(int(made.caret(7).x()) + 2, 1) == paper  # the line break
    assert image.pixelColor(1, ROW + 1) == paper
    assert image.pixelColor(int(made.caret(9).x()) + 3, ROW + 1) != paper


def test_a_selected_empty_line_can_be_seen(theme: Theme) -> None:
    assert painted(listing(theme, "a\n\nb"), selection=(2, 3)).pixelColor(1, ROW + 1) == theme.color("selection")


def test_numbers_stand_still_while_code_scrolls(theme: Theme) -> None:
    made = listing(theme, "word " * 60, first_line=119, wrap=False, numbers=True)
    gutter = int(made.gutter)
    still, scrolled = painted(made), painted(made, scroll=53.0)
    assert has(still, theme.color("secondary"))
    assert still.copy(0, 0, gutter, ROW) == scrolled.copy(0, 0, gutter, ROW)
    assert still != scrolled


def test_only_the_clip_is_painted(theme: Theme) -> None:
    made = listing(theme, "word\n" * 9)
    image = painted(made, clip=QRectF(0, 2 * ROW, 400, ROW - 1))
    ink = theme.color("ink")
    assert has(image, ink, 2 * ROW, 3 * ROW)
    assert not has(image, ink, 0, 2 * ROW - 4)
    assert not has(image, ink, 3 * ROW + 4)


def test_signs_that_turn_the_order_round_are_shown(theme: Theme) -> None:
    assert painted(listing(theme, "a \u202e b")) != painted(listing(theme, "a  b"))
    made = listing(theme, "a\u202ebc")
    assert made.caret(2).x() < made.caret(3).x() < made.caret(4).x()


def test_a_larger_scale_is_larger(theme: Theme) -> None:
    small = listing(theme, "some code")
    large = Listing(theme, "some code", "", first_line=0, wrap=True, numbers=False, scale=2.0)
    assert large.height(400) == 2 * ROW
    assert large.width_wanted == pytest.approx(2 * small.width_wanted, rel=0.02)
