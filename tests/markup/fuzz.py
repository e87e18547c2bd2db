"""Feeds texts in random portions and compares the blocks with those of the whole text.

`python -m tests.markup.fuzz SECONDS` looks for a difference for so long, with hypothesis choosing the texts.
"""

import sys
from random import Random
from time import monotonic

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.markup.splitter import Splitter, split

LONG = [
    "A sentence of some words. " * 90,
    "- an item of a list with words\n" * 70,
    "".join(f"{number}. numbered\n" for number in range(1, 300)),
    "| r | s |\n" * 40,
    "code line\n" * 50,
    "> q\n>\n> r\n" * 200,
    "x" * 2500,
]
SHORT = [
    *("# Head\n", "para one two ", "\n", "\n\n", "- a\n", "- b\n", "  - c\n", "1. x\n", "> quote\n", "```python\n"),
    *(
        "```\n",
        "~~~\n",
        "`code`",
        "**b**",
        "*",
        "$x$",
        "$",
        "$$",
        "\\[",
        "\\]",
        "\\(y\\)",
        "\\begin{align}",
        "\\end{align}",
    ),
    *(
        "| a | b |\n",
        "|---|---|\n",
        "|--|--|\n",
        "| a | b |\n|--|--|\n",
        "| 1 | 2 |\n",
        "|",
        "    ind\n",
        "word ",
        ". ",
    ),
    *(
        "[a]: http://x\n",
        "'t\n",
        "[^1]: note\n",
        "===\n",
        "---\n",
        "***\n",
        "\t",
        " ",
        "\\",
        "é",
        "数",
        "🙂",
        "<b>",
        "&amp;",
    ),
    *("\\begin{equation}\na\n\\end{equation}\n", "- [ ] task\n"),
]
fragments = st.one_of(st.sampled_from(SHORT), st.sampled_from(SHORT), st.sampled_from(LONG), st.text(max_size=8))


def check(text: str, random: Random) -> None:
    """Feed the text in portions, take some back now and then, and compare with the whole."""
    splitter, at = Splitter(), 0
    seen = list(splitter.blocks)
    while at < len(text):
        portion = text[at : at + random.choice((1, 2, 3, 7, 30, 400))]
        first = splitter.feed(portion)
        at += len(portion)
        for index in range(min(first, len(seen))):
            assert splitter.blocks[index] is seen[index], f"block {index} is another object: {text!r}"
        if random.random() < 0.02:
            back = random.randint(1, min(80, at))
            splitter.retract(back)
            at -= back
        assert splitter.source == text[:at]
        seen = list(splitter.blocks)
    first = splitter.finish()
    for index in range(min(first, len(seen))):
        assert splitter.blocks[index] is seen[index], f"block {index} is another object at the end: {text!r}"
    assert splitter.blocks == split(text), repr(text)


def _fuzz(seconds: float) -> int:
    """Try texts for so long; gives how many were tried."""
    end = monotonic() + seconds
    tried = 0

    @settings(max_examples=200, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(fragments, max_size=40), st.randoms(use_true_random=False))
    def one(texts: list[str], random: Random) -> None:
        nonlocal tried
        check("".join(texts), random)
        tried += 1

    while monotonic() < end:
        one()
    return tried


if __name__ == "__main__":
    sys.stdout.write(f"{_fuzz(float(sys.argv[1]))} texts came out the same in any portions\n")
