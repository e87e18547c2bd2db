"""The plan gives the figures that were worked out for Magistral Small (research/magistral.md, section 6)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.memory import GIB, LEAST_CONTEXT, RESERVE, Machine, Shape, gigabytes, plan, usable

MAGISTRAL = Shape(weights=13_260_072_960, layers=40, kv_heads=8, head_dim=128, context=131_072)


def mac(gib: int) -> Machine:
    """A Mac of that much memory, as Metal limits it."""
    memory = gib * GIB
    return Machine(device="metal", name="Apple M1 Pro", memory=memory, limit=usable("metal", memory))


def test_a_token_costs_160_kib_of_cache() -> None:
    assert MAGISTRAL.cache_per_token() == 163_840
    assert MAGISTRAL.cache_per_token(element_bytes=4) == 2 * 163_840


@pytest.mark.parametrize(
    ("gib", "megabytes"),
    [(16, 11_453.25), (24, 17_179.87), (32, 22_906.49), (36, 28_991.03), (64, 51_539.61), (128, 103_079.22)],
)
def test_metal_gives_two_thirds_and_from_36_gb_three_quarters(gib: int, megabytes: float) -> None:
    assert usable("metal", gib * GIB) == pytest.approx(megabytes * 1e6, abs=1e4)


def test_the_devices_own_figure_goes_first() -> None:
    assert usable("metal", 32 * GIB, 22_906_500_000) == 22_906_500_000
    assert usable("cpu", 10 * GIB) == 8 * GIB


def test_a_32_gb_mac_holds_49046_tokens() -> None:
    planned = plan(mac(32), MAGISTRAL)
    assert planned.fits
    assert planned.context == 49_046
    assert planned.context >= 40_960, "what the makers advise fits"
    assert plan(Machine(device="metal", name="", memory=32 * GIB, limit=22_906_500_000), MAGISTRAL).context == 49_046


@pytest.mark.parametrize(("gib", "context"), [(24, 14_094), (36, 86_183), (48, 131_072), (128, 131_072)])
def test_other_macs_hold_what_their_memory_allows(gib: int, context: int) -> None:
    assert plan(mac(gib), MAGISTRAL).context == context


def test_a_raised_limit_is_used() -> None:
    raised = Machine(device="metal", name="", memory=32 * GIB, limit=26 * GIB)
    assert plan(raised, MAGISTRAL).context == 79_630


def test_a_16_gb_mac_is_refused_with_figures() -> None:
    planned = plan(mac(16), MAGISTRAL)
    assert not planned.fits
    assert planned.context == 0
    assert planned.needed == 13_260_072_960 + RESERVE + LEAST_CONTEXT * 163_840
    assert planned.needed > planned.limit == mac(16).limit


def test_the_least_context_decides_to_the_byte() -> None:
    needed = plan(mac(16), MAGISTRAL).needed
    just = Machine(device="metal", name="", memory=0, limit=needed)
    assert plan(just, MAGISTRAL).context == LEAST_CONTEXT
    below = Machine(device="metal", name="", memory=0, limit=needed - 1)
    assert not plan(below, MAGISTRAL).fits


@pytest.mark.parametrize(("wanted", "context"), [(None, 49_046), (40_960, 40_960), (100_000, 49_046), (512, 512)])
def test_the_user_may_want_less(wanted: int | None, context: int) -> None:
    assert plan(mac(32), MAGISTRAL, wanted=wanted).context == context


@given(
    limit=st.integers(0, 10**12),
    weights=st.integers(0, 10**12),
    layers=st.integers(1, 100),
    context=st.integers(LEAST_CONTEXT, 10**6),
    wanted=st.none() | st.integers(1, 10**6),
)
def test_a_plan_never_promises_more_than_there_is(
    limit: int, weights: int, layers: int, context: int, wanted: int | None
) -> None:
    shape = Shape(weights=weights, layers=layers, kv_heads=8, head_dim=128, context=context)
    planned = plan(Machine(device="cpu", name="", memory=limit, limit=limit), shape, wanted=wanted)
    assert planned.context <= min(context, wanted or context)
    if planned.fits:
        assert weights + RESERVE + planned.context * shape.cache_per_token() <= limit


def test_sizes_read_as_on_the_box() -> None:
    assert gigabytes(13_260_072_960) == "13.3 GB"
