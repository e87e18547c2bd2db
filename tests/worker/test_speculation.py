from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model

from app.worker.decoding import Decoder
from app.worker.draft import Draft, same_vocabulary
from app.worker.speculation import Costs, Lookup
from tests.worker.test_decoding import PROMPT, small_model

SENTENCE = [41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52]
FILLING = list(range(100, 130))


class Clock:
    """Time that passes by the rows of a pass."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def measured(cost: Callable[[int], float], rounds: int = 3) -> Costs:
    """Costs that were measured on a machine where a pass with so many guesses takes so long."""
    clock = Clock()
    costs = Costs(clock)
    for guessed in [*[0] * (Costs.KNOWN + 1), *Costs.SIZES * rounds]:
        clock.now += cost(guessed)
        costs.note(guessed)
    return costs


def free(_guessed: int) -> float:
    return 1.0


def dear(guessed: int) -> float:
    return 1.0 + guessed


# costs -------------------------------------------------------------------------------------------


def test_cheap_rows_and_good_chances_are_worth_long_guesses() -> None:
    costs = measured(lambda guessed: 1 + 0.1 * guessed)
    assert costs.choose(lambda _guess: 0.98, 16) == 16
    assert costs.choose(lambda _guess: 0.98, 7) == 4
    assert costs.choose(lambda _guess: 0.7, 16) in (2, 4)
    assert costs.choose(lambda _guess: 0.1, 16) == 0


def test_where_each_row_costs_a_pass_nothing_is_guessed() -> None:
    assert measured(dear).choose(lambda _guess: 0.99, 16) == 0


def test_a_size_is_tried_only_when_the_smaller_one_was_measured() -> None:
    clock = Clock()
    costs = Costs(clock)
    tried = []
    for guessed in [0] * (Costs.KNOWN + 1):
        clock.now += 1
        costs.note(guessed)
    for _pass in Costs.SIZES:
        tried.append(costs.choose(lambda _guess: 0.99, 16))
        clock.now += 1.05
        costs.note(tried[-1])
    assert tried == list(Costs.SIZES)


def test_one_bad_moment_decides_nothing_and_two_do() -> None:
    clock = Clock()
    costs = Costs(clock)
    for seconds, guessed in [*[(1, 0)] * (Costs.KNOWN + 1), (50, 1)]:
        clock.now += seconds
        costs.note(guessed)
    assert costs.choose(lambda _guess: 0.9, 1) == 1
    clock.now += 50
    costs.note(1)
    assert costs.choose(lambda _guess: 0.9, 1) == 0


def test_what_was_measured_long_ago_is_tried_again() -> None:
    clock = Clock()
    costs = Costs(clock)
    for guessed in [*[0] * (Costs.KNOWN + 1), *Costs.SIZES * 3, *[0] * 5 * Costs.FORGET_EVERY]:
        clock.now += dear(guessed)
        costs.note(guessed)
    assert costs.choose(lambda _guess: 0.9, 16) > 0


def test_the_time_between_two_answers_is_no_cost() -> None:
    clock = Clock()
    costs = Costs(clock)
    for _answer in range(Costs.KNOWN):
        clock.now += 1000
        costs.pause()
        costs.note(0)
        clock.now += 1
        costs.note(0)
    for _pass in range(2):
        clock.now += 30
        costs.note(1)
    assert costs.of(1) == 30


def test_nothing_is_guessed_before_a_pass_without_guesses_was_timed() -> None:
    assert Costs(Ticks()).choose(lambda _guess: 1.0, 16) == 0


# lookup ------------------------------------------------------------------------------------------


def test_a_quote_is_guessed_from_its_third_word_on() -> None:
    lookup = Lookup(measured(free))
    ids = SENTENCE + FILLING
    assert lookup.propose(ids + SENTENCE[:2]) == []
    assert lookup.propose(ids + SENTENCE[:3])[:9] == SENTENCE[3:]


def test_the_longest_agreement_wins_over_a_newer_one() -> None:
    lookup = Lookup(measured(free))
    ids = [1, 2, 3, 4, 5, 60, 9, 9, 3, 4, 5, 70, 8, 8, 1, 2, 3, 4, 5]
    assert lookup.propose(ids)[0] == 60


def test_of_equal_agreements_the_newest_wins() -> None:
    lookup = Lookup(measured(free))
    assert lookup.propose([3, 4, 5, 60, 9, 3, 4, 5, 70, 8, 3, 4, 5])[0] == 70


def test_the_answer_itself_is_looked_up_too() -> None:
    lookup = Lookup(measured(free))
    ids = list(PROMPT)
    for token in SENTENCE + FILLING:
        assert lookup.propose(ids) == []
        ids.append(token)
    for token in SENTENCE[:4]:
        lookup.propose(ids)
        ids.append(token)
    assert lookup.propose(ids)[:8] == SENTENCE[4:]


def test_a_repetition_goes_on_as_it_began() -> None:
    lookup = Lookup(measured(free))
    guesses = lookup.propose([9, 8, 7] * 4)
    assert len(guesses) == 16
    assert guesses == ([9, 8, 7] * 6)[:16]


def test_after_a_wrong_word_the_quote_is_found_again() -> None:
    lookup = Lookup(measured(free))
    ids = SENTENCE + FILLING + SENTENCE[:4]
    lookup.propose(ids)
    ids += [99, *SENTENCE[5:8]]
    assert lookup.propose(ids)[:4] == SENTENCE[8:]


def test_a_text_that_was_cut_or_replaced_is_read_anew() -> None:
    lookup = Lookup(measured(free))
    lookup.propose(SENTENCE + FILLING + [1, 2, 3, 4])
    cut = SENTENCE + FILLING
    assert lookup.propose(cut + SENTENCE[:3])[:5] == SENTENCE[3:8]
    other = [token + 100 for token in SENTENCE]
    assert lookup.propose(other + FILLING + other[:3])[:5] == other[3:8]


def test_guessing_stops_where_it_never_comes_true() -> None:
    """Each run of three comes again and again, and goes on in another way each time."""
    lookup = Lookup(measured(lambda guessed: 1 + 0.2 * guessed))
    ids: list[int] = []
    guessed = []
    for turn in range(150):
        ids += [1, 2, 3]
        guessed.append(len(lookup.propose(ids)))
        ids.append(1000 + turn)
    assert max(guessed[:20]) > 0
    assert max(guessed[-50:]) == 0


def test_it_begins_again_when_it_would_have_come_true() -> None:
    lookup = Lookup(measured(lambda guessed: 1 + 0.2 * guessed))
    ids: list[int] = []
    for turn in range(150):
        ids += [1, 2, 3, 1000 + turn]
        lookup.propose(ids)
    for token in SENTENCE * 4:
        ids.append(token)
        lookup.propose(ids)
    assert lookup.propose([*ids, *SENTENCE[:5]])[:3] == SENTENCE[5:8]


def test_nothing_is_guessed_where_a_row_costs_a_pass() -> None:
    lookup = Lookup(measured(dear))
    assert lookup.propose(SENTENCE * 5) == []


@pytest.mark.parametrize("ids", [[], [1], [1, 2], [1, 1, 1], [1, 2, 3]])
def test_a_short_text_is_no_trouble(ids: list[int]) -> None:
    lookup = Lookup(measured(free))
    assert set(lookup.propose(ids)) <= {1}
    assert set(lookup.propose([*ids, 2])) <= {1, 2}


def test_decoding_with_lookup_says_the_same_in_fewer_passes() -> None:
    """A small model of random weights falls into repeating itself, which is what a lookup foresees."""
    model = small_model()
    ids = PROMPT * 8
    alone = list(Decoder(model, make_prompt_cache(model), ids, 120))
    decoder = Decoder(model, make_prompt_cache(model), ids, 120, speculator=Lookup(Costs(Ticks())))
    assert list(decoder) == alone
    assert decoder.passes < 60


class Ticks(Clock):
    """Time by which all passes take the same."""

    def __call__(self) -> float:
        self.now += 1
        return self.now


# draft -------------------------------------------------------------------------------------------


def with_draft(model: Any, draft: Draft, ids: list[int], limit: int) -> tuple[list[int], int]:
    decoder = Decoder(model, make_prompt_cache(model), ids, limit, speculator=draft)
    return list(decoder), decoder.passes


def test_a_model_that_drafts_for_itself_is_always_right() -> None:
    model = small_model()
    alone = list(Decoder(model, make_prompt_cache(model), PROMPT, 60))
    said, passes = with_draft(model, Draft(model, Costs(Ticks())), PROMPT, 60)
    assert said == alone
    assert passes < 25


def test_the_starter_drafts_for_itself(starter: Path) -> None:
    model, _config = load_model(starter)
    ids = [9690, 198, 253]
    alone = list(Decoder(model, make_prompt_cache(model), ids, 5))
    said, passes = with_draft(model, Draft(model, measured(free)), ids, 5)
    assert said == alone
    assert passes <= 3


def test_a_draft_that_is_always_wrong_changes_nothing_and_rests() -> None:
    model, stranger = small_model(), small_model(num_hidden_layers=1, hidden_size=32)
    alone = list(Decoder(model, make_prompt_cache(model), PROMPT, 120))
    clock = Clock()
    costs = Costs(clock)
    draft = Draft(stranger, costs)
    timed = Timed(draft, clock)
    assert list(Decoder(model, make_prompt_cache(model), PROMPT, 120, speculator=timed)) == alone
    assert sum(timed.guessed[:30]) > 0
    assert sum(guessed > 0 for guessed in timed.guessed[30:]) < 20


class Timed:
    """A speculator on a clock by which each row takes a fifth of a pass more."""

    def __init__(self, inner: Draft, clock: Clock) -> None:
        self._inner, self._clock = inner, clock
        self.propose = inner.propose
        self.guessed: list[int] = []

    def learn(self, guessed: int, accepted: int) -> None:
        self.guessed.append(guessed)
        self._clock.now += 1 + 0.2 * guessed
        self._inner.learn(guessed, accepted)


def test_one_draft_serves_one_answer_after_the_other() -> None:
    model = small_model()
    draft = Draft(model, measured(free))
    for ids in (PROMPT, [*PROMPT[:4], 60, 61], [8, *PROMPT], PROMPT * 3, PROMPT):
        alone = list(Decoder(model, make_prompt_cache(model), ids, 30))
        said, passes = with_draft(model, draft, ids, 30)
        assert said == alone
        assert passes < 15
    draft.forget()
    assert with_draft(model, draft, PROMPT, 30)[1] < 15


def test_after_an_answer_was_cut_the_draft_is_in_step() -> None:
    model = small_model()
    draft = Draft(model, Costs(Ticks()))
    decoder = Decoder(model, make_prompt_cache(model), PROMPT, 40, speculator=draft)
    given = [next(decoder) for _ in range(7)]
    decoder.close()
    ids = [*PROMPT, *given, 33, 34]
    alone = list(Decoder(model, make_prompt_cache(model), ids, 30))
    said, passes = with_draft(model, draft, ids, 30)
    assert said == alone
    assert passes < 15


def test_another_text_is_not_guessed_by_what_was_guessed_for_the_last() -> None:
    model = small_model()
    draft = Draft(model, measured(free))
    draft.propose(PROMPT * 2)
    assert draft.propose(PROMPT[:5])[:6] == list(Decoder(model, make_prompt_cache(model), PROMPT[:5], 6))


def test_a_long_prompt_is_caught_up_with_piece_by_piece() -> None:
    model = small_model()
    draft = Draft(model, measured(free))
    ids = [(7 * place) % 300 for place in range(3 * Draft.CATCH_UP + 10)]
    assert [bool(draft.propose(ids)) for _ in range(4)] == [False, False, False, True]


def test_what_was_guessed_and_not_checked_is_not_guessed_again() -> None:
    model = small_model()
    draft = Draft(model, measured(free))
    guesses = draft.propose(PROMPT)
    assert len(guesses) > 2
    assert draft.propose(PROMPT + guesses[:1]) == guesses[1:]
    other = draft.propose([*PROMPT, (guesses[0] + 1) % 300])
    cache = make_prompt_cache(model)
    assert other[:4] == list(Decoder(model, cache, [*PROMPT, (guesses[0] + 1) % 300], 4))


def test_a_draft_with_a_sliding_window_guesses_nothing() -> None:
    sliding = small_model(layer_types=["sliding_attention", "full_attention"], sliding_window=16)
    assert Draft(sliding, measured(free)).propose(PROMPT) == []


# vocabularies ------------------------------------------------------------------------------------


def test_the_same_words_by_the_same_ids(tiny_magistral: Path, starter: Path, tmp_path: Path) -> None:
    assert same_vocabulary(tiny_magistral, tiny_magistral)
    assert not same_vocabulary(tiny_magistral, starter)
    assert not same_vocabulary(tmp_path, tmp_path)
    text = (starter / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    assert same_vocabulary(starter, tmp_path)
    (tmp_path / "tokenizer.json").write_text(text.replace("<|im_end|>", "<|the_end|>"), encoding="utf-8")
    assert not same_vocabulary(starter, tmp_path)


def test_mlx_is_asked_for_nothing_when_a_lookup_guesses() -> None:
    before = mx.get_active_memory()
    Lookup(measured(free)).propose(SENTENCE * 100)
    assert mx.get_active_memory() == before
