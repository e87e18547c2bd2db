"""Text as reasoning models write it: paragraphs full of formulas, lists, code and tables; no formula comes twice."""

from collections.abc import Iterator
from itertools import count

CHARACTERS = 4
"""Of a token, as a rule."""
_SENTENCES = (
    "Let me look at the sum again, because the bound that I used was not sharp.",
    "Wait, this only holds if the matrix is symmetric, which I have not checked yet.",
    "So the claim follows for every even number, and the odd ones need another argument.",
    "Hmm, the second case is **not** covered by this, so I should treat it by itself.",
    "If that is right, then the remaining terms vanish one after the other.",
)


def write(seed: int = 0) -> Iterator[str]:
    """Endless thinking, block by block; the seed makes the formulas others."""
    for number in count(1000 * seed + 1):
        yield f"## Step {number}\n\n"
        for part in range(3):
            yield _paragraph(number, part)
        sum_of = f"\\sum_{{k=1}}^{{n}} k^{{{number}}} = \\frac{{n(n+{number})}}{{{number + 1}}}"
        yield f"\\[\n{sum_of} + O(n^{{{number}}})\n\\]\n\n"
        yield (
            "".join(f"{item}. the case $m = {number}{item}$ and what follows from it\n" for item in range(1, 5)) + "\n"
        )
        yield _code(number)
        yield _table(number)


def _paragraph(number: int, part: int) -> str:
    sentences = []
    for index, sentence in enumerate(_SENTENCES):
        sentences.append(sentence)
        if (index + part) % 2:
            sentences.append(f"Here \\(x_{{{number}}}^{{{part}}} + {index} \\le \\sqrt{{{number}}}\\) is what we need.")
    return " ".join(sentences) + "\n\n"


def _code(number: int) -> str:
    lines = "\n".join(f"    total += step(value, {number + line})  # term {line}" for line in range(8))
    return f"```python\ndef solve_{number}(value: int) -> int:\n    total = 0\n{lines}\n    return total\n```\n\n"


def _table(number: int) -> str:
    rows = "".join(f"| {row} | $a_{{{number}{row}}}$ | {row * number} |\n" for row in range(1, 5))
    return f"| n | value | bound |\n|---|:-:|--:|\n{rows}\n"


def tokens(wanted: int, seed: int = 0) -> str:
    """About so many tokens of it."""
    texts: list[str] = []
    length = 0
    for text in write(seed):
        texts.append(text)
        length += len(text)
        if length >= wanted * CHARACTERS:
            return "".join(texts)
    raise AssertionError("it never ends")
