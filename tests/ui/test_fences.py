"""Code blocks are found in a growing answer however it is cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ui.transcript.fences import Fences, Piece

TEXTS = (
    "before\n```python\nx = 1\n```\nafter",
    "```\nno language\n```",
    "````md\n```\ninner\n```\n````\nend",
    "~~~\ncode\n~~~\n",
    "unclosed\n```js\nlet x",
    "not a fence: ``` inline\n`` two\n```",
    "    ```\nindented too far",
    "a\n\n\n```py\n\n\n```\n\nb",
    "``` `no` info with ticks\ntext",
)


def read(pieces: list[str]) -> list[tuple[Piece, str]]:
    fences = Fences()
    joined: list[tuple[Piece, str]] = []
    for piece in [*(out for text in pieces for out in fences.feed(text)), *fences.finish()]:
        if joined and joined[-1][0] is piece[0] and piece[0] in {Piece.TEXT, Piece.CODE}:
            joined[-1] = (piece[0], joined[-1][1] + piece[1])
        else:
            joined.append(piece)
    return [piece for piece in joined if piece[1] or piece[0] in {Piece.OPEN, Piece.CLOSE}]


def test_a_block_has_its_language() -> None:
    assert read([TEXTS[0]]) == [
        (Piece.TEXT, "before\n"),
        (Piece.OPEN, "python"),
        (Piece.CODE, "x = 1\n"),
        (Piece.CLOSE, ""),
        (Piece.TEXT, "after"),
    ]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    assert (Piece.CODE, "```\ninner\n```\n") in read([TEXTS[2]])


def test_a_closing_fence_at_the_very_end_is_not_shown() -> None:
    assert read([TEXTS[1]])[-1] == (Piece.CLOSE, "")


@pytest.mark.parametrize("text", TEXTS)
def test_any_cut_gives_the_same(text: str) -> None:
    whole = read([text])
    assert read(list(text)) == whole
    for at in range(len(text)):
        assert read([text[:at], text[at:]]) == whole


@given(st.text(alphabet="`~ \na", max_size=40), st.data())
def test_any_cut_of_any_text_gives_the_same(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(pieces) == read([text])
