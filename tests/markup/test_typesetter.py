"""MathJax in its thread: right for what is right, bounded for what is hostile, and no macro outlives its text."""

import threading
from collections.abc import Iterator

import pytest

from app.markup.drawing import Drawing, Form
from app.markup.formulas import Formula, Refused
from app.markup.svg import draw
from app.markup.typesetter import Typesetter


class Desk:
    """A typesetter that can be waited for."""

    def __init__(self) -> None:
        self.woken = threading.Event()
        self.typesetter = Typesetter(self.woken.set)

    def set(self, latex: str, *, display: bool = False, prelude: str = "") -> Drawing | Refused:
        """What comes of a formula."""
        formula = Formula(latex, display, prelude)
        while (outcome := self.typesetter.ask(formula)) is None:
            assert self.woken.wait(30)
            self.woken.clear()
            self.typesetter.take()
        return outcome

    def drawn(self, latex: str, *, display: bool = False) -> Drawing:
        """The drawing of a formula that is right."""
        outcome = self.set(latex, display=display)
        assert isinstance(outcome, Drawing), outcome
        return outcome


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.typesetter.close()


def test_a_formula_is_known_after_a_while_and_at_once_from_then_on(desk: Desk) -> None:
    formula = Formula("a+b+c+d", display=False)
    assert desk.typesetter.ask(formula) is None
    drawing = desk.drawn("a+b+c+d")
    assert desk.typesetter.ask(formula) is drawing
    assert drawing.width > 3
    assert drawing.depth < 0.2
    assert {shape.form for shape in drawing.shapes} == {Form.OUTLINE}


def test_bars_frames_lines_and_foreign_characters_are_shapes_of_their_own(desk: Desk) -> None:
    def forms(latex: str) -> set[Form]:
        return {shape.form for shape in desk.drawn(latex).shapes}

    assert Form.RULE in forms("\\frac{a}{b}")
    assert Form.FRAME in forms("\\boxed{x}")
    assert Form.LINE in forms("\\begin{array}{c|c}a&b\\end{array}")
    assert Form.TEXT in forms("\\text{数学}")
    assert any(shape.clip for shape in desk.drawn("\\underbrace{a+b+c+d+e+f+g}").shapes)
    assert {shape.colour for shape in desk.drawn("\\color{red}{x}").shapes} == {"red"}


def test_display_is_larger_than_inline(desk: Desk) -> None:
    assert desk.drawn("\\sum_{k=1}^n k", display=True).height > desk.drawn("\\sum_{k=1}^n k").height


@pytest.mark.parametrize(
    "hostile",
    [
        "\\def\\a{\\a\\a}\\a",
        "{" * 3900,
        "x" * 20_000,
        "\\frac1{" * 800 + "x" + "}" * 800,
        "\\rule{100000em}{1em}",
        "\\frac{a}{",
        "\\begin{matrix}",
        "\\require{html}\\unknown{",
        "x\ud800y\x00\ufffe{",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_hostile_is_refused_with_a_sentence_and_harms_nothing(hostile: str, desk: Desk) -> None:
    outcome = desk.set(hostile)
    assert isinstance(outcome, Refused)
    assert outcome.reason.startswith("This formula cannot be shown: ")
    assert "object Object" not in outcome.reason
    assert desk.drawn("x").width > 0.4


@pytest.mark.parametrize(
    "latex", ["\\href{file:///etc/passwd}{x}", "\\includegraphics{/etc/hostname}", "\\input{/etc/passwd}"]
)
def test_nothing_is_linked_or_read(latex: str, desk: Desk) -> None:
    outcome = desk.set(latex)
    if isinstance(outcome, Drawing):  # the unknown command is written in red, its argument beside it
        assert any(shape.colour == "red" for shape in outcome.shapes)


def test_no_macro_outlives_its_text(desk: Desk) -> None:
    defined = desk.drawn("\\def\\zz{42}\\zz")
    assert not any(shape.colour for shape in defined.shapes)
    assert any(shape.colour == "red" for shape in desk.drawn("\\zz").shapes)
    known = desk.set("\\zz", prelude="\\newcommand{\\zz}{43}")
    assert isinstance(known, Drawing)
    assert not any(shape.colour for shape in known.shapes)
    assert any(shape.colour == "red" for shape in desk.drawn("\\zz+1").shapes)


def test_a_formula_can_be_had_as_mathml(desk: Desk) -> None:
    done = threading.Event()
    told: list[str] = []

    def take(text: str) -> None:
        told.append(text)
        done.set()

    desk.typesetter.ask_mathml(Formula("\\frac{a}{b}", display=True), take)
    assert done.wait(30)
    assert "<mfrac>" in told[0]
    assert told[0].startswith("<math")
    done.clear()
    desk.typesetter.ask_mathml(Formula("\\frac{a", display=True), take)
    assert done.wait(30)
    assert told[1] == ""


def test_the_newest_wish_comes_first(desk: Desk) -> None:
    formulas = [Formula(f"n_{{{number}}}+\\sqrt{{{number}}}", display=False) for number in range(30)]
    for formula in formulas:
        desk.typesetter.ask(formula)
    order: list[Formula] = []
    while len(order) < len(formulas):
        assert desk.woken.wait(30)
        desk.woken.clear()
        order.extend(formula for formula in desk.typesetter.take() if formula in formulas)
    assert order.index(formulas[-1]) < order.index(formulas[1])


def test_a_closed_typesetter_answers_nothing_new() -> None:
    desk = Desk()
    desk.drawn("y")
    desk.typesetter.close()
    assert desk.typesetter.ask(Formula("z", display=False)) is None
    assert isinstance(desk.typesetter.ask(Formula("y", display=False)), Drawing)


def test_the_stack_of_other_threads_is_as_it_was() -> None:
    before = threading.stack_size()
    desk = Desk()
    desk.drawn("y")
    desk.typesetter.close()
    assert threading.stack_size() == before


@pytest.mark.parametrize("svg", ["", "<svg", "<svg/>", '<svg viewBox="0 0 x 1"/>', '<svg viewBox="0 0 9e9 9"/>'])
def test_what_is_no_svg_of_a_formula_is_refused(svg: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # Python's own words in some cases
        draw(svg)
