"""Lines come out whole, wherever the bytes were cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.lines import Lines, LineTooLong
from app.core.protocol import LINE_LIMIT


@given(st.lists(st.binary(max_size=6).map(lambda data: data.replace(b"x", b"\n")), max_size=12))
def test_any_cut_gives_the_same_lines(chunks: list[bytes]) -> None:
    lines = Lines()
    assert [line for chunk in chunks for line in lines.feed(chunk)] == b"".join(chunks).split(b"\n")[:-1]


def test_a_line_without_an_end_is_refused() -> None:
    lines = Lines()
    assert lines.feed(bytes(LINE_LIMIT)) == []
    with pytest.raises(LineTooLong):
        lines.feed(b"x")
