"""A reader finds words whatever their case and spacing, at their places in the text."""

import sys

from hypothesis import given
from hypothesis import strategies as st

from app.markup.finding import GROWING, find

SOME = st.text(alphabet="abß \nİﬁS", max_size=30)


def shown(text: str, wanted: str) -> list[str]:
    return [text[start:end] for start, end in find(text, wanted)]


def test_case_does_not_matter() -> None:
    assert shown("Euler, EULER and euler", "eULer") == ["Euler", "EULER", "euler"]


def test_letters_that_fold_to_several_keep_the_places_right() -> None:
    assert shown("Die Straße, die STRASSE; Maße", "strasse") == ["Straße", "STRASSE"]
    assert shown("ßß Fluß x", "fluss") == ["Fluß"]
    assert shown("ßaßb", "sas") == ["ßaß"]
    assert shown("ﬁne İstanbul x", "x") == ["x"]


def test_half_a_letter_is_found_once() -> None:
    assert find("ß", "s") == [(0, 1)]


def test_white_space_matches_any_white_space() -> None:
    assert shown("linear\n  system, linear\tsystem, linearsystem", "linear  system") == [
        "linear\n  system",
        "linear\tsystem",
    ]


def test_signs_mean_themselves() -> None:
    assert find("a.b (x+y)* axb", "a.b") == [(0, 3)]
    assert find("a.b (x+y)*", "(X+Y)*") == [(4, 10)]


def test_nothing_is_found_for_nothing() -> None:
    assert find("some text", "") == []
    assert find("some text", " \n") == []


@given(SOME, SOME, SOME)
def test_what_stands_there_is_found(before: str, wanted: str, after: str) -> None:
    places = find(before + wanted + after, wanted)
    assert bool(places) == bool(wanted.strip())
    ends = [0, *(end for _start, end in places)]
    assert all(end <= start < stop for end, (start, stop) in zip(ends, places, strict=False))


def test_all_letters_that_grow_are_known() -> None:
    grown = {code for code in range(sys.maxunicode + 1) if len(chr(code).casefold()) > 1}
    assert grown <= {code for codes in GROWING for code in codes}
