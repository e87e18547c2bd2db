"""The settings table is sound, row by row."""

import math
import re

import pytest

from app.core.settings import SETTINGS, Setting, setting

ROWS = [pytest.param(row, id=row.key) for row in SETTINGS]
WRONG: dict[type, list[object]] = {
    str: [1, True, None, 1.0, ["x"], b"x"],
    int: ["1", True, False, None, 1.0, math.nan],
    float: ["1", True, None, [1.0]],
    bool: [0, 1, "true", None],
}


def test_keys_are_unique() -> None:
    keys = [row.key for row in SETTINGS]
    assert len(set(keys)) == len(keys)


def test_titles_are_unique() -> None:
    titles = [row.title() for row in SETTINGS]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_found_by_its_key(row: Setting) -> None:
    assert setting(row.key) is row
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", row.key)


@pytest.mark.parametrize("row", ROWS)
def test_the_default_is_accepted(row: Setting) -> None:
    assert row.accepts(row.default)


@pytest.mark.parametrize("row", ROWS)
def test_the_texts_are_tidy(row: Setting) -> None:
    title, text = row.title(), row.help()
    for words in (title, text):
        assert words == " ".join(words.split())
        assert words[0].isupper()
    assert not title.endswith(".")
    assert text.endswith(".")


@pytest.mark.parametrize("row", ROWS)
def test_every_choice_is_accepted_and_nothing_else(row: Setting) -> None:
    for choice in row.choices:
        assert row.accepts(choice)
    if row.choices:
        assert len(set(row.choices)) == len(row.choices)
        assert not row.accepts("something else")


@pytest.mark.parametrize("row", ROWS)
def test_another_type_is_refused(row: Setting) -> None:
    for value in WRONG[row.kind]:
        assert not row.accepts(value)


@pytest.mark.parametrize("row", ROWS)
def test_bounds_are_included_and_nothing_past_them(row: Setting) -> None:
    if row.least is not None:
        assert row.accepts(row.kind(row.least))
        assert not row.accepts(row.kind(row.least - 1))
    if row.most is not None:
        assert row.accepts(row.kind(row.most))
        assert not row.accepts(row.kind(row.most + 1))


def test_a_whole_number_may_stand_for_a_fraction() -> None:
    row = Setting("temperature", float, 0.7, lambda: "Temperature", lambda: "How daring.", least=0, most=2)
    assert row.accepts(1)
    assert row.accepts(0.5)
    assert not row.accepts(3)
    assert not row.accepts(True)
    assert not row.accepts(math.nan)
    assert not row.accepts(math.inf)
