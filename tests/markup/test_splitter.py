"""Whatever way a text comes in, its blocks are those of the whole; what is frozen stays the same object."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.markup.block import Block, Kind
from app.markup.splitter import Splitter, split
from tests.markup.fuzz import check, fragments

LIST = "".join(f"{number}. item number {number} of a list that is long\n" for number in range(1, 200))


def fed(text: str, size: int = 3) -> Splitter:
    splitter = Splitter()
    for at in range(0, len(text), size):
        splitter.feed(text[at : at + size])
    return splitter


def shown(blocks: list[Block]) -> list[tuple[Kind, str, bool]]:
    return [(block.kind, block.text, block.open) for block in blocks]


@given(st.lists(fragments, max_size=12), st.randoms(use_true_random=False))
def test_fed_in_any_way_it_equals_the_whole(texts: list[str], random: Random) -> None:
    check("".join(texts), random)


@pytest.mark.parametrize(
    "text",
    [
        LIST,
        "word and more of them " * 600,
        "A sentence with $x^2$ in it. " * 300,
        "```python\n" + "x = 1\n" * 100 + "```\nafter\n",
        "| a | b |\n|---|---|\n" + "| 1 | $x|y$ |\n" * 80 + "\nafter",
        "\\[\nx\n" * 3 + "\\]\nend\n\n" + "$$\ny\n\nz\n$$\n",
        "> quoted\n>\n> again\n" * 200,
        "- a\n\n- b\n\n  inside\n\nout",
        "[a]: https://x.y\n'title\nof two'\n\n[a]",
    ],
)
def test_long_and_tricky_texts_come_out_the_same(text: str) -> None:
    for seed in range(5):
        check(text, Random(seed))


def test_a_paragraph_is_frozen_when_the_next_begins() -> None:
    splitter = fed("first\n\nsecond")
    assert shown(splitter.blocks) == [(Kind.PROSE, "first", False), (Kind.PROSE, "second", True)]
    assert splitter.finish() == 1
    assert shown(splitter.blocks)[1] == (Kind.PROSE, "second", False)


def test_feed_tells_the_first_block_that_changed() -> None:
    splitter = Splitter()
    assert splitter.feed("one\n\ntwo\n\nthr") == 0
    kept = splitter.blocks[:2]
    assert splitter.feed("ee") == 2
    assert splitter.blocks[0] is kept[0]
    assert splitter.blocks[1] is kept[1]
    assert splitter.feed("") == 3


def test_code_comes_in_slices_of_thirty_lines() -> None:
    splitter = fed("```python\n" + "".join(f"line {number}\n" for number in range(70)))
    slices = splitter.blocks
    assert [block.line for block in slices] == [0, 30, 60]
    assert [block.text.count("\n") + 1 for block in slices] == [30, 30, 10]
    assert {block.language for block in slices} == {"python"}
    assert [(block.first, block.last, block.open) for block in slices] == [
        (True, False, False),
        (False, False, False),
        (False, True, True),
    ]
    assert {block.group for block in slices} == {0}


def test_a_closing_fence_is_not_shown_while_it_is_written() -> None:
    splitter = fed("```\nx\n``")
    assert splitter.blocks[-1].text == "x"
    splitter.feed("`\nafter")
    assert shown(splitter.blocks) == [(Kind.CODE, "x", False), (Kind.PROSE, "after", True)]


def test_a_fence_whose_language_is_half_there_has_none() -> None:
    splitter = fed("```pyt")
    assert [(block.kind, block.language) for block in splitter.blocks] == [(Kind.CODE, "")]
    splitter.feed("hon\nx")
    assert splitter.blocks[0].language == "python"


def test_table_slices_carry_their_head() -> None:
    blocks = split("| a | b |\n|---|---|\n" + "".join(f"| {row} | x |\n" for row in range(60)))
    assert [block.line for block in blocks] == [0, 25, 50]
    assert all(block.text.startswith("| a | b |\n|---|---|\n") for block in blocks)
    assert blocks[2].text.count("\n") == 11


def test_an_ordered_list_that_counts_by_ones_is_not_cut() -> None:
    assert len(split("1. the same number each time, on and on\n" * 100)) == 1
    pieces = split(LIST)
    assert len(pieces) > 3
    assert all(len(block.text) <= 1100 for block in pieces)
    first = [int(block.text.split(".")[0]) for block in pieces]
    assert first == sorted(first)


def test_no_cut_parts_a_formula() -> None:
    for block in split("word " * 398 + "$" + "x + " * 40 + "y$ " + "word " * 400):
        assert block.text.count("$") % 2 == 0


def test_blocks_say_where_they_stand() -> None:
    text = "# Head\n\npara\ngraph\n\n- a\n- b\n\n```\ncode\n```\n\n| a |\n|---|\n| 1 |\n\nend"
    for block in split(text):
        if block.kind is not Kind.CODE:
            assert text[block.start : block.end].rstrip("\n") == block.text
        else:
            assert text[block.start : block.end] == "```\ncode\n```\n"


def test_equations_are_counted_through_the_text() -> None:
    text = "\\begin{equation}\na\n\\end{equation}\n\n\\begin{align}\nb\\\\\nc\n\\end{align}\n\nend"
    assert [block.equation for block in split(text)] == [0, 1, 3]


def test_retracting_gives_what_was_never_fed() -> None:
    text = "para\n\n- a\n- b\n\n```\n" + "x\n" * 70
    for taken in (1, 5, 60, 100, len(text)):
        splitter = fed(text)
        first = splitter.retract(taken)
        assert splitter.source == text[: len(text) - taken]
        assert first <= len(splitter.blocks)
        splitter.finish()
        assert splitter.blocks == split(text[: len(text) - taken])


def test_link_definitions_are_known_once_they_cannot_change() -> None:
    splitter = fed("see [a]\n\n[a]: https://example.org\n\nnext paragraph")
    assert splitter.references["A"]["href"] == "https://example.org"


def test_a_bomb_of_brackets_is_quick_enough_to_end() -> None:
    for bomb in ("[" * 20_000, ">" * 5_000, "*a **b " * 3_000, "`a``b" * 3_000, "$a " * 5_000):
        splitter = fed(bomb, 200)
        splitter.finish()
        assert splitter.source == bomb
        assert sum(len(block.text) for block in splitter.blocks) >= len(bomb) * 0.99
