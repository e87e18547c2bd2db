"""Durations as people say them."""

import pytest

from app.chat.words import say_about


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "less than 1 s"),
        (1.4, "about 1 s"),
        (9.4, "about 9 s"),
        (13, "about 15 s"),
        (58, "about 1 min"),
        (98.7, "about 1 min 40 s"),
        (100, "about 1 min 40 s"),
        (118, "about 2 min"),
        (599, "about 10 min"),
        (930, "about 16 min"),
        (3590, "about 1 h"),
        (5100, "about 1 h 20 min"),
    ],
)
def test_an_expected_duration_is_told_in_round_numbers(seconds: float, words: str) -> None:
    assert say_about(seconds) == words
