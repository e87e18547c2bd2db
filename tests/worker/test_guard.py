"""The loop guard, tried on loops that it must see and on texts that it must leave alone."""

import gc
import os
import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.worker.guard import Guard, Loop
from app.worker.tokens import Tokens
from tests.worker.derivations import make_derivations
from tests.worker.loops import Case, make_loops
from tests.worker.texts import make_texts

SEED = 11
IN_TIME = 4
LOOPS = {case.name: case for case in make_loops(SEED)}
CONTAINERS = (dict, list, tuple, set, frozenset, deque)
SHOUTS = {"exact: marks"}
"""A token may be several copies of these."""
STORIES = {**make_texts(SEED), **make_derivations(SEED)}


@dataclass(frozen=True)
class Hit:
    """Where a guard spoke: its word, the text it had heard by then, and the text that is left."""

    loop: Loop
    heard: str
    kept: str


def listen(tokens: Tokens, text: str) -> Hit | None:
    guard, stream, heard = Guard(), tokens.stream(), ""
    ids = tokens.encode(text)
    for at, token in enumerate(ids, 1):
        piece = stream.feed(token)
        heard += piece
        loop = guard.feed(token, piece)
        if loop:
            return Hit(loop, heard, tokens.decode(ids[: at - loop.tokens]))
    return None


def count_begun(case: Case, heard: str) -> int:
    """How many copies had begun."""
    at, begun = len(case.before), 0
    for copy in case.copies:
        if len(heard) <= at:
            break
        begun += 1
        at += len(copy)
    return begun


def is_in_time(case: Case, hit: Hit | None) -> bool:
    return hit is not None and count_begun(case, hit.heard) <= IN_TIME


@pytest.fixture(scope="session", params=["tekken", "starter"])
def vocabulary(request: pytest.FixtureRequest, tokens: Tokens) -> Tokens:
    if request.param == "tekken":
        return tokens
    return Tokens(request.getfixturevalue("starter"))


def test_the_sets_are_as_large_as_they_must_be() -> None:
    assert len(LOOPS) >= 60
    assert len(make_texts(SEED)) >= 60
    assert len(make_derivations(SEED)) >= 40


def test_nineteen_of_twenty_loops_are_seen_before_the_fifth_copy(vocabulary: Tokens) -> None:
    late = [name for name, case in LOOPS.items() if not is_in_time(case, listen(vocabulary, case.text))]
    assert len(late) <= 0.05 * len(LOOPS), late


def test_at_most_one_text_or_derivation_in_a_hundred_is_stopped(vocabulary: Tokens) -> None:
    stopped = [name for name, text in STORIES.items() if listen(vocabulary, text)]
    assert len(stopped) <= 0.01 * len(STORIES), stopped


@pytest.mark.parametrize("name", LOOPS)
def test_every_loop_is_seen_in_the_end_and_nothing_before_it_is_lost(tokens: Tokens, name: str) -> None:
    case = LOOPS[name]
    hit = listen(tokens, case.text)
    assert hit is not None
    assert hit.kept.startswith(case.before)
    assert len(hit.kept) < len(case.before) + 2 * max(8, *map(len, case.copies))


@pytest.mark.parametrize("name", [name for name in LOOPS if name.startswith("exact:") and name not in SHOUTS])
def test_of_an_exact_loop_one_copy_is_left(vocabulary: Tokens, name: str) -> None:
    case = LOOPS[name]
    hit = listen(vocabulary, case.text)
    assert hit is not None
    assert hit.kept.rstrip() in {(case.before + case.copies[0]).rstrip(), case.before + case.copies[0]}


@pytest.mark.parametrize("period", [5, 17, 40, 128])
def test_any_words_are_a_loop_when_they_come_three_times(tokens: Tokens, period: int) -> None:
    chance = random.Random(period)
    words = " ".join(chance.choices([text for text in STORIES["a licence"].split() if text.isalpha()], k=period))
    before = "Here we begin with something else. "
    hit = listen(tokens, before + (words + " ") * 4)
    assert hit is not None
    assert hit.kept.rstrip() == before + words


def test_tokens_without_text_are_compared_by_their_ids() -> None:
    guard = Guard()
    pieces = ["The", " cup", "", "", "", " is", " on", " the", " kitchen", " table", " again", "."]
    hits = [guard.feed(at, text) for _copy in range(4) for at, text in enumerate(pieces)]
    found = [(at, hit) for at, hit in enumerate(hits, 1) if hit]
    assert found
    assert found[0][0] - found[0][1].tokens == len(pieces)


def test_characters_spread_over_several_tokens_are_seen(tokens: Tokens) -> None:
    before, copy = "Voilà un début. ", "𓀀𓁐𓂀 🤖👩‍👩‍👧‍👦 est encore là, encore une fois. "
    hit = listen(tokens, before + copy * 5)
    assert hit is not None
    assert hit.kept.rstrip() == (before + copy).rstrip()


def test_a_marker_in_every_copy_does_not_hide_the_loop(tokens: Tokens) -> None:
    marker = tokens.id("[THINK]")
    assert marker is not None
    copy = [marker, *tokens.encode("Let us look at the second equation once more.\n")]
    guard = Guard()
    hits = [guard.feed(token, tokens.decode([token])) for token in copy * 4]
    assert any(hits)


def test_a_loop_longer_than_what_is_kept_is_taken_back_whole() -> None:
    chance = random.Random(3)
    row = [chance.randrange(10) for _ in range(450)]
    guard = Guard()
    at = 0
    loop = None
    while not loop and at < 20 * len(row):
        loop = guard.feed(row[at % len(row)], str(row[at % len(row)]))
        at += 1
    assert loop is not None
    assert at - loop.tokens == len(row)


def test_two_long_words_are_a_loop_of_which_something_is_left() -> None:
    guard = Guard()
    hits = [guard.feed(1, "Donaudampfschifffahrtsgesellschaftskapitänsmütze.") for _ in range(5)]
    at, loop = next((at, hit) for at, hit in enumerate(hits, 1) if hit)
    assert at - loop.tokens == 1


def test_nothing_and_empty_text_are_no_loop() -> None:
    guard = Guard()
    assert not any(guard.feed(token, "") for token in range(2000))


def test_a_guard_remembers_a_bounded_part_of_a_long_stretch(tokens: Tokens) -> None:
    def feed(guard: Guard, lines: Iterable[str]) -> None:
        for line in lines:
            for token in tokens.encode(line):
                assert not guard.feed(token, tokens.decode([token]))

    chance = random.Random(4)
    words = [text for story in STORIES.values() for text in story.split() if text.isalpha()]
    guard = Guard()
    feed(guard, (" ".join(chance.sample(words, 12)) + ".\n" for _ in range(400)))
    small = _count_held(guard)
    feed(guard, (" ".join(chance.sample(words, 12)) + ".\n" for _ in range(800)))
    assert _count_held(guard) <= 1.2 * small


def _count_held(guard: Guard) -> int:
    """Objects that a guard holds, whatever they are called."""
    seen: set[int] = set()
    todo: list[object] = [guard]
    while todo:
        held = todo.pop()
        if id(held) in seen or isinstance(held, type):
            continue
        seen.add(id(held))
        if type(held).__module__.startswith("app.worker") or isinstance(held, CONTAINERS):
            todo.extend(gc.get_referents(held))
    return len(seen)


def test_a_real_manual_and_real_formulas_are_left_alone(tokens: Tokens) -> None:
    folder = os.environ.get("LEMMA_SAMPLES")
    if not folder:
        pytest.skip("LEMMA_SAMPLES names no folder with real texts")
    manual = (Path(folder) / "corpus" / "text" / "policy.txt").read_text(encoding="utf-8")
    formulas = (Path(folder) / "latex" / "corpus.tsv").read_text(encoding="utf-8")
    parts = [manual[at : at + 40_000] for at in range(0, len(manual), 80_000)]
    stopped = [hit for text in [*parts, formulas] if (hit := listen(tokens, text))]
    assert not stopped
