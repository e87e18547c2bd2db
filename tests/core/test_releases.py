"""The table of releases is sound and says what the makers say."""

import pytest

from app.core.releases import RELEASES, Release, Thinking, release

ROWS = [pytest.param(row, id=row.key) for row in RELEASES]


def test_keys_and_labels_are_unique() -> None:
    assert len({row.key for row in RELEASES}) == len({row.label for row in RELEASES}) == len(RELEASES)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_found_by_its_key(row: Release) -> None:
    assert release(row.key) is row


@pytest.mark.parametrize("row", ROWS)
def test_figures_are_possible(row: Release) -> None:
    assert row.sampling.temperature >= 0
    assert 0 < row.sampling.top_p <= 1
    assert row.sampling.repetition_penalty >= 1
    assert row.sampling.seed is None
    assert row.advised_context > 0
    assert row.thinking_budget is None or 0 < row.thinking_budget < row.advised_context


@pytest.mark.parametrize("key", ["magistral", "magistral-1.0"])
def test_magistral_is_sampled_as_its_makers_say(key: str) -> None:
    row = release(key)
    assert (row.sampling.temperature, row.sampling.top_p) == (0.7, 0.95)
    assert row.advised_context == 40_960
    assert row.thinking_budget is None


def test_thoughts_leave_the_prompt_unless_the_makers_advise_to_keep_them() -> None:
    assert {row.key for row in RELEASES if row.keeps_thoughts} == {"ministral-3"}


def test_each_way_of_marking_a_thought_has_a_release() -> None:
    assert {row.thinking for row in RELEASES} == set(Thinking)
    assert release("magistral").thinking is Thinking.CONTROL
    assert release("magistral-1.0").thinking is Thinking.TAGS
    assert release("starter").thinking is Thinking.OPENED


def test_a_model_that_does_not_think_by_itself_is_bounded() -> None:
    for row in RELEASES:
        assert row.thinking is not Thinking.OPENED or row.thinking_budget is not None
