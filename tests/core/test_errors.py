"""An error is the same error on the other side of a pipe."""

import msgspec
import pytest

from app.core.errors import AppError, Failure

LEAVES = [AppError, *AppError.kinds.values()]


@pytest.mark.parametrize("leaf", LEAVES)
def test_an_error_survives_as_a_value(leaf: type[AppError]) -> None:
    error = leaf("The engine stopped.", "Start it again.", "restart-engine")
    value = msgspec.json.decode(msgspec.json.encode(error.failure()), type=Failure)
    again = AppError.of(value)
    assert type(again) is leaf
    assert (again.message, again.hint, again.command) == (error.message, error.hint, error.command)
    assert again.failure() == error.failure()


def test_there_are_leaves() -> None:
    assert {"EngineStopped", "ModelMissing", "StoreTooNew"} <= AppError.kinds.keys()


@pytest.mark.parametrize("leaf", AppError.kinds.values())
def test_each_leaf_is_found_under_its_own_name(leaf: type[AppError]) -> None:
    assert AppError.kinds[leaf.__name__] is leaf


def test_an_error_of_a_newer_version_is_still_an_error_with_its_words() -> None:
    error = AppError.of(Failure("OfTomorrow", "It rained.", "Wait."))
    assert type(error) is AppError
    assert str(error) == "It rained. Wait."


def test_an_error_reads_as_a_sentence_without_a_hint() -> None:
    assert str(AppError("It rained.")) == "It rained."


def test_the_failure_of_an_unknown_kind_needs_only_its_message() -> None:
    assert msgspec.json.decode(b'{"kind": "X", "message": "m"}', type=Failure) == Failure("X", "m")
