"""A long thought has steps to go to, not one for each paragraph."""

import re

import pytest

from app.markup.block import Block, Kind
from app.markup.outline import LONGEST_TITLE, Outline, StepKind

FILLER = "We put the numbers into the equation and simplify both sides with some care for the signs. " * 8


def blocks_of(text: str, *, growing: bool = False) -> list[Block]:
    """The paragraphs of a text as the splitter would yield them, code between fences included."""
    blocks = []
    for match in re.finditer(r"```.*?```\n*|(?:(?!\n\n|```).)+\n*", text, re.DOTALL):
        kind = Kind.CODE if match[0].startswith("```") else Kind.PROSE
        blocks.append(Block(kind, match.start(), match.end(), match[0], open=growing and match.end() == len(text)))
    return blocks


def outline(text: str) -> Outline:
    made = Outline()
    made.feed(blocks_of(text), 0)
    return made


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        ("Wait, that cannot be right, as n is odd.", StepKind.DOUBT),
        ("Hmm, maybe there is another way.", StepKind.DOUBT),
        ("Aber Moment, das war zu schnell.", StepKind.DOUBT),
        ("Attendez, il manque un signe.", StepKind.DOUBT),
        ("Pero espera, falta un caso.", StepKind.DOUBT),
        ("Let me verify this with n = 3.", StepKind.CHECK),
        ("Let's double-check the sum.", StepKind.CHECK),
        ("Überprüfen wir das Ergebnis.", StepKind.CHECK),
        ("Vérifions ce résultat.", StepKind.CHECK),
        ("Comprobemos el resultado.", StepKind.CHECK),
        ("Therefore, the sum is 33.", StepKind.CONCLUSION),
        ("So the answer is 33 in the end.", StepKind.CONCLUSION),
        ("Somit ist die Summe 33.", StepKind.CONCLUSION),
        ("Donc la somme vaut 33.", StepKind.CONCLUSION),
        ("Por lo tanto, la suma es 33.", StepKind.CONCLUSION),
        ("**Case 2:** n is even and large.", StepKind.CASE),
        ("Fall 2: n ist gerade.", StepKind.CASE),
        ("Cas 2 : n est pair.", StepKind.CASE),
        ("Caso 2: n es par.", StepKind.CASE),
        ("## The second part", StepKind.HEADING),
        ("**The second part**", StepKind.HEADING),
    ],
)
def test_a_paragraph_says_what_it_is_by_its_first_words(beginning: str, kind: StepKind) -> None:
    text = f"{FILLER}\n\n{beginning}\n\n"
    steps = outline(text).steps
    assert [step.kind for step in steps] == [StepKind.PARAGRAPH, kind]
    assert text.find(beginning) == steps[1].start


def test_a_doubt_inside_a_paragraph_is_a_step() -> None:
    text = FILLER + "Wait, is n even? " + FILLER
    assert [(step.kind, step.title) for step in outline(text).steps][1:] == [(StepKind.DOUBT, "Wait, is n even?")]


@pytest.mark.parametrize("text", ["The waiter came.", "Awaiting the result.", "A checkerboard has 64 fields."])
def test_words_that_only_look_alike_are_no_steps(text: str) -> None:
    assert len(outline(f"{FILLER}\n\n{text} It goes on.\n\n").steps) == 1


def test_titles_are_short_and_without_marks() -> None:
    text = f"{FILLER}\n\n1. **Wait**, `f(x)` and [this page](http://a.b) say $x^2 = 4$ " + "again and " * 20
    step = outline(text).steps[1]
    assert step.title.startswith("Wait, f(x) and this page say x^2 = 4 again")
    assert step.title.endswith("…")
    assert len(step.title) <= LONGEST_TITLE


def test_not_each_paragraph_is_a_step() -> None:
    text = "".join(
        f"{'Thus' if n % 2 else 'Next'} we see that number {n} is fine. " + "So. " * 20 + "\n\n" for n in range(99)
    )
    steps = outline(text).steps
    assert 10 < len(steps) <= len(text) / 250 + 1


def test_code_has_no_steps() -> None:
    assert len(outline(f"{FILLER}\n\n```\n{FILLER}\n\n# Wait\n```\n").steps) == 1


def test_a_growing_text_has_the_steps_of_the_whole() -> None:
    text = "\n\n".join(
        [FILLER, "Wait, no. " + FILLER, "## Part\n" + FILLER, "short", "Let me check that it is so.", FILLER, "Thus 3."]
    )
    growing = Outline()
    before: list[Block] = []
    for end in range(1, len(text) + 1, 3):
        blocks = blocks_of(text[:end], growing=True)
        same = sum(1 for old, new in zip(before, blocks, strict=False) if old == new)
        growing.feed(blocks, same)
        before = blocks
    growing.feed(blocks_of(text), max(0, len(before) - 1))
    assert growing.steps == outline(text).steps
    assert len(growing.steps) >= 5


def test_a_text_taken_back_takes_its_steps_back() -> None:
    made = outline(f"{FILLER}\n\nWait, no.\n\n")
    made.feed(blocks_of(FILLER), 1)
    assert len(made.steps) == 1
    made.feed([], 0)
    assert made.steps == []
