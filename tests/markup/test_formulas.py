"""LaTeX as values: numbers of equations, definitions of macros, what is left out."""

import pytest

from app.markup.formulas import clean, definitions, number, numbered

ALIGN = (
    "\\begin{align}\na &= b \\\\\nc &= d \\nonumber \\\\[4pt]\ne &= \\begin{cases} 1 \\\\ 2 \\end{cases}\n\\end{align}"
)


@pytest.mark.parametrize(
    ("latex", "count"),
    [
        ("\\begin{equation}x\\end{equation}", 1),
        ("\\begin{equation*}x\\end{equation*}", 0),
        ("\\begin{equation}x \\tag{A}\\end{equation}", 0),
        (ALIGN, 2),
        ("\\begin{align}a\\\\\\end{align}", 1),
        ("\\begin{multline}a\\\\b\\end{multline}", 1),
        ("\\begin{align}a", 0),
        ("no formula", 0),
    ],
)
def test_numbers_are_counted_as_latex_counts(latex: str, count: int) -> None:
    assert numbered(latex) == count
    assert number(latex, 1)[1] == count


def test_numbers_stand_in_the_rows_that_have_them() -> None:
    latex, used = number(ALIGN, 7)
    assert used == 2
    rows = latex.split("\n")
    assert "\\tag{7}" in rows[1]
    assert "\\tag" not in rows[2]
    assert "\\tag{8}" in rows[3]
    assert rows[3].index("\\end{cases}") < rows[3].index("\\tag{8}")


def test_what_means_nothing_in_a_chat_is_left_out() -> None:
    assert clean("a \\label{eq:1} \\nonumber = b \\tag{3}") == "a   = b \\qquad\\text{(3)}"
    assert clean("a \\tag*{x}") == "a \\qquad\\text{x}"
    assert clean("\\begin{multline}a\\end{multline}") == "\\begin{gather}a\\end{multline}".replace("multline", "gather")


def test_underscores_in_text_are_characters() -> None:
    assert clean("\\text{a_b} + x_1") == "\\text{a\\_b} + x_1"
    assert clean("\\text{a\\_b}") == "\\text{a\\_b}"
    assert clean("\\text{$x_1$}") == "\\text{$x_1$}"


def test_definitions_are_found_whole() -> None:
    formulas = [
        "\\newcommand{\\R}{\\mathbb{R}} x \\in \\R",
        "\\def\\half#1{\\frac{#1}{2}} y",
        "\\DeclareMathOperator{\\tr}{tr}",
        "\\newcommand{\\open}{never closed",
        "no definition",
    ]
    assert definitions(formulas) == (
        "\\newcommand{\\R}{\\mathbb{R}}\\def\\half#1{\\frac{#1}{2}}\\DeclareMathOperator{\\tr}{tr}"
    )


def test_endless_definitions_are_not_kept() -> None:
    assert definitions(["\\def\\a{x}"] * 2000) == ""


def test_the_tags_of_an_align_stand_in_a_column() -> None:
    latex = clean("\\begin{align}a &= b \\tag{1}\\\\ c &= d &e \\tag*{A} \\\\ f\\end{align}")
    rows = latex.split("\\\\")
    assert [row.count("&") for row in rows] == [5, 5, 0]
    assert "\\text{(1)}" in rows[0]
    assert "\\text{A}" in rows[1]
    assert "\\tag" not in latex
