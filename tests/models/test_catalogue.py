"""The catalogue's rows are sound, and the one that suits a machine is chosen for a reason that can be told."""

import re

import pytest

from app.core.memory import GIB, Machine, gigabytes, plan, usable
from app.core.releases import release
from app.core.text import _
from app.models.catalogue import (
    ENOUGH_CONTEXT,
    CatalogueRow,
    RowKind,
    advise,
    find_row,
    find_row_by_name,
    load_catalogue,
)

ROWS = load_catalogue()
EACH = [pytest.param(row, id=row.repository) for row in ROWS]
NAME = r"[A-Za-z0-9][\w.-]*/[\w.-]+"
VISION = 877_916_160
"""Bytes of a vision tower in 16 bit, which comes along with the weights."""
SMALL_FILES = 40_000_000


def mac(gib: int) -> Machine:
    return Machine(device="metal", name="Apple M4", memory=gib * GIB, limit=usable("metal", gib * GIB))


def test_repositories_and_labels_are_unique() -> None:
    assert len({row.repository.lower() for row in ROWS}) == len({row.label for row in ROWS}) == len(ROWS)


def test_the_newest_magistral_in_four_bits_comes_first_and_is_proven() -> None:
    assert ROWS[0].repository == "lmstudio-community/Magistral-Small-2509-MLX-4bit"
    assert ROWS[0].proven
    assert ROWS[0].shape.weights == 13_260_072_960


@pytest.mark.parametrize("row", EACH)
def test_a_row_names_what_there_is(row: CatalogueRow) -> None:
    assert re.fullmatch(NAME, row.repository)
    assert re.fullmatch(NAME, row.official)
    assert release(row.release).label
    assert row.licence == "Apache-2.0"
    assert row.bits in (4, 5, 6, 8)
    assert row.context == row.shape.context
    assert row.good_for == _(row.good_for).strip()
    assert row.good_for.endswith(".")


@pytest.mark.parametrize("row", EACH)
def test_the_size_is_that_of_the_weights_and_what_comes_along(row: CatalogueRow) -> None:
    beside = row.size - row.shape.weights
    assert -0.005 * row.size <= beside <= VISION + SMALL_FILES
    if row.computed and "starter" not in row.label:
        assert row.size - row.shape.weights in (0, VISION)


def test_there_is_a_row_of_each_kind_and_one_starter() -> None:
    assert {row.kind for row in ROWS} == set(RowKind)
    assert sum(row.kind is RowKind.STARTER for row in ROWS) == 1


def test_a_row_is_found_by_its_repository_however_it_is_spelt_and_by_its_name() -> None:
    assert find_row("LMStudio-Community/magistral-small-2509-mlx-4bit") is ROWS[0]
    assert find_row_by_name("Magistral-Small-2509-MLX-4bit") is ROWS[0]
    assert find_row("nobody/nothing") is None
    assert find_row_by_name("") is None


@pytest.mark.parametrize("gib", [32, 36, 48, 64, 128])
def test_a_mac_with_32_gb_or_more_is_advised_the_newest_in_four_bits(gib: int) -> None:
    found = advise(mac(gib), ROWS)
    assert found
    row, fit, reason = found
    assert row is ROWS[0]
    assert fit.context >= ENOUGH_CONTEXT
    assert f"{fit.context:,} tokens of context" in reason


@pytest.mark.parametrize("gib", [16, 24])
def test_a_smaller_mac_is_advised_the_small_one_and_told_why_not_the_other(gib: int) -> None:
    found = advise(mac(gib), ROWS)
    assert found
    row, fit, reason = found
    assert row.kind is RowKind.SMALL
    assert f"{fit.context:,} tokens" in reason
    larger = plan(mac(gib), ROWS[0].shape)
    why = f"room for {larger.context:,} only" if larger.fits else f"needs {gigabytes(larger.needed)} of memory"
    assert f"{ROWS[0].label} " in reason
    assert why in reason


def test_where_the_small_one_has_no_room_either_the_starter_is_left() -> None:
    found = advise(mac(8), ROWS)
    assert found
    assert found[0].kind is RowKind.STARTER
    assert gigabytes(mac(8).limit) in found[2]


def test_what_only_just_fits_is_advised_with_a_warning_where_nothing_else_is_there() -> None:
    found = advise(mac(24), [row for row in ROWS if row.kind is RowKind.MAIN])
    assert found
    assert found[0] is ROWS[0]
    assert "only with" in found[2]


def test_where_nothing_fits_nothing_is_advised() -> None:
    assert advise(Machine(device="cpu", name="", memory=GIB, limit=GIB), ROWS) is None
    assert advise(mac(64), []) is None


def test_what_is_not_proven_is_never_advised() -> None:
    assert advise(mac(64), [row for row in ROWS if not row.proven]) is None
