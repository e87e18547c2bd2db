import math
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.sample_utils import apply_min_p, apply_top_k, apply_top_p, make_sampler

from app.core.messages import Sampling
from app.worker.sampling import WINDOW, greedy, make_sampling

DRAWS = 800
CASES = [
    Sampling(temperature=1.0, top_p=1.0, seed=1),
    Sampling(temperature=0.5, top_p=0.8, seed=2),
    Sampling(temperature=1.7, top_p=1.0, min_p=0.1, seed=3),
    Sampling(temperature=1.0, top_p=1.0, top_k=3, seed=4),
    Sampling(temperature=0.7, top_p=0.9, min_p=0.05, top_k=5, seed=5),
    Sampling(temperature=1.0, top_p=0.0, top_k=500, seed=6),
]


def logprobs() -> mx.array:
    logits = mx.random.normal((1, 12), key=mx.random.key(0)) * 2
    return logits - mx.logsumexp(logits, axis=-1, keepdims=True)


def shares(drawn: mx.array) -> list[float]:
    ids: Any = drawn.tolist()
    return [ids.count(token) / len(ids) for token in range(12)]


def wanted_shares(case: Sampling) -> list[float]:
    """Filter after filter in mlx_lm's order, and then the temperature."""
    left = logprobs()
    if 0 < case.top_p < 1:
        left = apply_top_p(left, case.top_p)
    if case.min_p:
        left = apply_min_p(left, case.min_p)
    if 0 < case.top_k < 12:
        left = apply_top_k(left, case.top_k)
    shares: Any = mx.softmax(left / case.temperature, axis=-1)[0].tolist()
    return list(shares)


@pytest.mark.parametrize("case", CASES)
def test_each_token_is_drawn_as_often_as_it_is_likely(case: Sampling) -> None:
    sampler, _processors = make_sampling(case)
    drawn = sampler(mx.repeat(logprobs(), DRAWS, axis=0), 40)
    for found, wanted in zip(shares(drawn), wanted_shares(case), strict=True):
        assert wanted or not found
        assert found == pytest.approx(wanted, abs=4 * math.sqrt(wanted / DRAWS))


@pytest.mark.parametrize("case", CASES[:-1])
def test_the_draw_is_that_of_mlx_lm_on_average(case: Sampling) -> None:
    mx.random.seed(0)
    theirs = make_sampler(case.temperature, top_p=case.top_p, min_p=case.min_p, top_k=case.top_k)
    ours, _processors = make_sampling(case)
    rows = mx.repeat(logprobs(), DRAWS, axis=0)
    for one, other in zip(shares(theirs(rows)), shares(ours(rows, 0)), strict=True):
        assert one == pytest.approx(other, abs=6 * math.sqrt(max(one, 1 / DRAWS) / DRAWS))


@pytest.mark.parametrize("seed", [0, 1, 2**64 + 1, -5])
def test_a_place_has_one_draw_whatever_is_drawn_with_it(seed: int) -> None:
    rows = mx.repeat(logprobs(), 20, axis=0)
    sampler, _processors = make_sampling(Sampling(temperature=1.5, top_p=1.0, seed=seed))
    together: Any = sampler(rows, 100).tolist()
    apart: list[Any] = [sampler(rows[:1], 100 + place).item() for place in range(20)]
    assert together == apart
    assert len(set(together)) > 1


def test_without_a_seed_two_requests_differ() -> None:
    rows = mx.repeat(logprobs(), 60, axis=0)
    one, other = (make_sampling(Sampling(temperature=2.0))[0](rows, 0).tolist() for _ in range(2))
    assert one != other


def test_a_seed_from_outside_stands_in_for_one_that_is_not_named() -> None:
    rows = mx.repeat(logprobs(), 60, axis=0)
    named = make_sampling(Sampling(temperature=2.0, seed=9))[0](rows, 0)
    assert named.tolist() == make_sampling(Sampling(temperature=2.0), 9)[0](rows, 0).tolist()
    assert named.tolist() == make_sampling(Sampling(temperature=2.0, seed=9), 4)[0](rows, 0).tolist()


def test_at_temperature_0_the_likeliest_is_taken() -> None:
    sampler, processors = make_sampling(Sampling(temperature=0.0, top_p=0.5, seed=3))
    assert sampler is greedy
    assert processors == []
    rows = logprobs()
    assert sampler(rows, 0).item() == mx.argmax(rows).item()


def test_penalties_look_back_over_their_window_and_no_further() -> None:
    flat = mx.ones((1, 12))
    tokens = mx.array([7, *[1] * (WINDOW - 3), 2, 3, 3])
    for wanted in (
        Sampling(temperature=0.0, repetition_penalty=2.0),
        Sampling(temperature=0.0, presence_penalty=0.5),
    ):
        (processor,) = make_sampling(wanted)[1]
        left: Any = processor(tokens, flat * 1)[0].tolist()
        assert [token for token in range(12) if left[token] == 0.5] == [1, 2, 3]
        assert left[7] == 1
    (frequency,) = make_sampling(Sampling(temperature=0.0, frequency_penalty=0.25))[1]
    counted: Any = frequency(tokens, flat * 1)[0].tolist()
    assert (counted[2], counted[3], counted[7]) == (0.75, 0.5, 1)
