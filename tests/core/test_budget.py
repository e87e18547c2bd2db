"""The ledger adds up and never shows less than nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.budget import Ledger, estimate_tokens

tokens = st.integers(0, 200_000)


def test_used_and_left_make_the_ceiling() -> None:
    ledger = Ledger(history=1_000, draft=200, live=48, ceiling=4_992, exact=True)
    assert (ledger.used, ledger.left, ledger.share) == (1_248, 3_744, 0.25)


@given(tokens, tokens, tokens, tokens)
def test_a_chat_that_is_too_long_is_full_and_not_more(history: int, draft: int, live: int, ceiling: int) -> None:
    ledger = Ledger(history, draft, live, ceiling, exact=False)
    assert ledger.used == history + draft + live
    assert ledger.left == max(0, ceiling - ledger.used)
    assert 0 <= ledger.share <= 1
    if ceiling and not ledger.left:
        assert ledger.share == 1


def test_without_a_model_nothing_is_left_and_nothing_is_full() -> None:
    ledger = Ledger(history=10, draft=5, live=0, ceiling=0, exact=False)
    assert (ledger.left, ledger.share) == (0, 0)


def test_no_text_is_no_token_and_any_text_is_some() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("a") >= 1


@given(st.text(), st.text(min_size=1))
def test_more_text_is_never_fewer_tokens(text: str, more: str) -> None:
    assert estimate_tokens(text) <= estimate_tokens(text + more)


def test_an_estimate_of_english_prose_is_near() -> None:
    prose = "Every bounded sequence of real numbers has a convergent subsequence. " * 100
    assert estimate_tokens(prose) == pytest.approx(len(prose) / 4.7, rel=0.01)
