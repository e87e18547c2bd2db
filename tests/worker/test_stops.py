import pytest

from app.worker.stops import Stops


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_text_ends_before_the_first_stop_string_however_it_comes(size: int) -> None:
    text = "One. Two.\nENDING is not END\n###"
    stops = Stops(["###", "END\n"])
    out = "".join(stops.feed(text[at : at + size]) for at in range(0, len(text), size))
    assert out + stops.finish() == "One. Two.\nENDING is not "
    assert stops.hit == "END\n"


def test_what_might_have_become_a_stop_string_is_given_out_at_the_end() -> None:
    stops = Stops(["###"])
    assert stops.feed("a ##") == "a "
    assert stops.finish() == "##"
    assert not stops.hit


def test_nothing_is_held_back_without_stop_strings() -> None:
    assert Stops([""]).feed("abc") == "abc"


def test_nothing_follows_a_stop_string() -> None:
    stops = Stops(["x"])
    assert (stops.feed("axb"), stops.feed("c"), stops.finish()) == ("a", "", "")
