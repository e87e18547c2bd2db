"""What a model writes arrives byte for byte, wherever its tokens cut a character, an emoji, a marker or a formula."""

import random
from functools import cache
from pathlib import Path

import pytest

from app.core.messages import Kind, Part
from app.core.protocol import Delta, Event
from app.core.reasoning import Mark
from app.worker import answer
from app.worker.answer import AnswerStream
from app.worker.layout import Layout, choose_layout
from app.worker.tokens import Tokens
from tests.fixtures import layouts

TEXTS = [
    "é, e\u0301 and naïve Größe",
    "日本語 と 한국어",
    "👩‍👩‍👧‍👦 and 👍🏽 and 🏳️‍🌈 and 🇫🇷",
    "$\\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$ where $a<b$ and $c>d$",
    "$$\\begin{pmatrix}a & b\\\\c & d\\end{pmatrix}$$\n\n\\[x \\in \\mathbb{R}\\]",
    "𝔽₂ ∫₀^∞ 𓀀 السلام עליכם",
    "`<tag>` and </thin and <think, then\n```\ncode é\n```\nend",
]
PAIRS = list(zip(TEXTS, [*TEXTS[1:], TEXTS[0]], strict=True))
LAYOUTS: tuple[layouts.Name, ...] = ("v13", "v11", "ministral-3", "starter")


@pytest.fixture(autouse=True)
def _send_at_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A cut that nobody sees is no test: each token's text leaves by itself."""
    monkeypatch.setattr(answer, "SEND_EVERY", 0.0)


@cache
def layout_of(name: layouts.Name) -> Layout:
    folder: Path = layouts.layout_folder(name)
    return choose_layout(Tokens(folder), folder)


@cache
def ids_of_bytes(name: layouts.Name) -> dict[bytes, int]:
    """The token of each byte sequence that the vocabulary has a word for."""
    tokens = layout_of(name).tokens
    found = {tokens.bytes_of(token): token for token in reversed(range(tokens.size))}
    return {
        word: token for word, token in found.items() if word and not tokens.spelled(word.decode("utf-8", "replace"))
    }


def one_by_one(name: layouts.Name, data: bytes) -> list[int]:
    return [ids_of_bytes(name)[data[at : at + 1]] for at in range(len(data))]


def cut_at(name: layouts.Name, text: str, at: int) -> list[int]:
    """The text's usual tokens, but for the character around a byte, which comes as single bytes."""
    tokens, data = layout_of(name).tokens, text.encode()
    before = len(data[:at].decode("utf-8", "ignore"))
    around = text[before : before + 1]
    return [
        *tokens.encode(text[:before]),
        *one_by_one(name, around.encode()),
        *tokens.encode(text[before + len(around) :]),
    ]


def at_random(name: layouts.Name, text: str, chance: random.Random) -> list[int]:
    """The text in words of the vocabulary, of any length that fits."""
    words, data = ids_of_bytes(name), text.encode()
    ids, at = [], 0
    while at < len(data):
        length = next(size for size in (*chance.choices(range(1, 9), k=3), 1) if data[at : at + size] in words)
        ids.append(words[data[at : at + length]])
        at += length
    return ids


def stream(name: layouts.Name, thought: list[int], said: list[int]) -> dict[Kind, str]:
    """What arrives of a turn; every part of it is looked at as it comes."""
    layout, events = layout_of(name), list[Event]()
    turn = AnswerStream(1, layout, events.append)
    marks = layout.marks
    fed: list[int] = []
    if marks.opening:
        fed += turn.inject(marks.opening, Mark.OPEN)
    opening, closing = [*marks.before], [*marks.after]
    for token in thought if marks.opening else [*opening, *thought]:
        turn.feed(token)
        fed.append(token)
    if marks.opening:
        fed += turn.inject(marks.closing, Mark.CLOSE)
    for token in said if marks.opening else [*closing, *said]:
        turn.feed(token)
        fed.append(token)
    turn.finish(complete=True)
    parts: list[Part] = [part for event in events if isinstance(event, Delta) for part in event.parts]
    assert len(events) == len([event for event in events if isinstance(event, Delta)]), "nothing is divided anew"
    assert [token for part in parts for token in part.ids] == fed
    assert not any("\ufffd" in part.text for part in parts)
    return {kind: "".join(part.text for part in parts if part.kind is kind) for kind in (Kind.REASONING, Kind.TEXT)}


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize(("thought", "said"), PAIRS)
def test_as_the_vocabulary_has_it_and_byte_by_byte(name: layouts.Name, thought: str, said: str) -> None:
    encode = layout_of(name).tokens.encode
    whole = {Kind.REASONING: thought, Kind.TEXT: said}
    assert stream(name, encode(thought), encode(said)) == whole
    assert stream(name, one_by_one(name, thought.encode()), one_by_one(name, said.encode())) == whole


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize(("thought", "said"), PAIRS)
def test_a_cut_at_every_byte(name: layouts.Name, thought: str, said: str) -> None:
    encode = layout_of(name).tokens.encode
    whole = {Kind.REASONING: thought, Kind.TEXT: said}
    for at in range(len(thought.encode())):
        assert stream(name, cut_at(name, thought, at), encode(said)) == whole
    for at in range(len(said.encode())):
        assert stream(name, encode(thought), cut_at(name, said, at)) == whole


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("seed", range(20))
def test_any_words_that_spell_it(name: layouts.Name, seed: int) -> None:
    chance = random.Random(seed)
    for thought, said in PAIRS:
        pieces = at_random(name, thought, chance), at_random(name, said, chance)
        assert stream(name, *pieces) == {Kind.REASONING: thought, Kind.TEXT: said}


@pytest.mark.parametrize("seed", range(20))
def test_the_tags_of_the_first_release_may_be_cut_anywhere(seed: int) -> None:
    """Its tags are text, which a model may spell in other tokens than usual."""
    chance = random.Random(seed)
    layout = layout_of("v11")
    for thought, said in PAIRS:
        events: list[Event] = []
        turn = AnswerStream(1, layout, events.append)
        for token in at_random("v11", f"<think>\n{thought}\n</think>\n{said}", chance):
            turn.feed(token)
        turn.finish(complete=True)
        parts = [part for event in events if isinstance(event, Delta) for part in event.parts]
        assert "".join(part.text for part in parts if part.kind is Kind.REASONING) == thought
        assert "".join(part.text for part in parts if part.kind is Kind.TEXT) == said
