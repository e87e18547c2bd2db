"""A chat is a tree of messages, and its parts stay apart."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.messages import Kind, Message, Part, Role, State, branch, new_id, newest_branch, title_from


def message(number: int, parent: int | None, *parts: Part) -> Message:
    """A finished message of session 1."""
    role = Role.USER if number % 2 else Role.ASSISTANT
    return Message(id=number, session=1, parent=parent, role=role, state=State.DONE, created=float(number), parts=parts)


class TestIds:
    def test_they_increase_also_within_a_millisecond(self) -> None:
        ids = [new_id() for _ in range(20_000)]
        assert ids == sorted(set(ids))

    def test_they_tell_their_time_and_fit_a_database_integer(self) -> None:
        before = time.time() - 1
        number = new_id()
        assert before <= (number >> 20) / 1000 <= time.time() + 1
        assert 0 < number < 2**63


# 1 - 2 - 3 - 4
#      \- 5 - 6      7 is a second first question
TREE = [message(*link) for link in ((1, None), (2, 1), (3, 2), (4, 3), (5, 2), (6, 5), (7, None))]


class TestTree:
    @pytest.mark.parametrize(
        ("leaf", "path"), [(1, [1]), (4, [1, 2, 3, 4]), (6, [1, 2, 5, 6]), (3, [1, 2, 3]), (7, [7])]
    )
    def test_a_branch_is_the_path_from_the_root(self, leaf: int, path: list[int]) -> None:
        for messages in (TREE, TREE[::-1]):
            assert [item.id for item in branch(messages, leaf)] == path

    def test_the_newest_branch_ends_in_the_newest_message(self) -> None:
        assert [item.id for item in newest_branch(TREE[:6])] == [1, 2, 5, 6]
        assert [item.id for item in newest_branch(TREE)] == [7]
        assert newest_branch([]) == []

    def test_an_answer_made_with_its_question_is_the_newer_one(self) -> None:
        for _ in range(100):
            question, answer = new_id(), new_id()
            path = newest_branch([message(question, None), message(answer, question)])
            assert [item.id for item in path] == [question, answer]


class TestParts:
    def test_the_thought_is_apart_from_the_answer(self) -> None:
        answer = message(
            2,
            1,
            Part(Kind.REASONING, "2+2"),
            Part(Kind.INJECTED, "[/THINK]"),
            Part(Kind.TEXT, "It is "),
            Part(Kind.TEXT, "4."),
        )
        assert answer.text == "It is 4."
        assert answer.reasoning == "2+2"
        assert answer.text_of(Kind.INJECTED) == "[/THINK]"
        assert answer.text_of(Kind.DOCUMENT) == ""


class TestTitles:
    @pytest.mark.parametrize(
        ("text", "title"),
        [
            ("What is 7 times 8?", "What is 7 times 8?"),
            ("\n\n  First line \nsecond", "First line"),
            ("", ""),
            (" \n\t\n", ""),
            ("a" * 60, "a" * 60),
            ("a" * 61, "a" * 60 + "…"),
            ("word " * 20, ("word " * 12).strip() + "…"),
            ("word " * 11 + "five, six and more", ("word " * 11) + "five…"),
            ("証明" * 40, "証明" * 30 + "…"),
            ("Lean 4で" + "証明" * 40, "Lean 4で" + "証明" * 26 + "証…"),
            ("See https://example.org/" + "a" * 80, "See https://example.org/" + "a" * 36 + "…"),
        ],
    )
    def test_a_title_is_the_first_line_cut_at_a_word(self, text: str, title: str) -> None:
        assert title_from(text) == title

    @given(st.text(), st.integers(10, 80))
    def test_a_title_is_one_line_of_bounded_length(self, text: str, limit: int) -> None:
        title = title_from(text, limit)
        assert len(title) <= limit + 1
        assert len(title.splitlines()) <= 1
        assert bool(title) == bool(text.strip())
