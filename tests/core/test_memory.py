"""The plan gives the figures that were worked out for Magistral Small, and never more than there is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import UsageError
from app.core.memory import (
    GIB,
    LEAST_CONTEXT,
    LEAST_STEP,
    PADDING,
    RESERVE,
    STEPS,
    Level,
    Machine,
    Shape,
    gigabytes,
    is_fused,
    parse_memory,
    plan,
    step_for,
    usable,
)
from app.core.releases import KNOWN_MODELS, largest_fitting

MAGISTRAL = KNOWN_MODELS[0].shape


def machine(gib: float, device: str = "metal") -> Machine:
    """A Mac of that much memory, as Metal limits it, or another computer."""
    memory = int(gib * GIB)
    return Machine(device=device, name="", memory=memory, limit=usable(device, memory))


def taken(shape: Shape, context: int, step: int, *, fused: bool, element_bytes: int = 2) -> int:
    """What a model holds at the end of a full context, while a step is read and the cache grows."""
    return (
        shape.weights
        + RESERVE
        + (context + PADDING) * shape.cache_per_token(element_bytes)
        + shape.growth(context, element_bytes)
        + shape.transient(step, context, element_bytes=element_bytes, fused=fused)
    )


# sizes -------------------------------------------------------------------------------------------


def test_a_token_costs_160_kib_of_cache_and_half_of_it_on_the_disk() -> None:
    assert MAGISTRAL.cache_per_token() == 163_840
    assert MAGISTRAL.cache_per_token(element_bytes=4) == 2 * 163_840
    assert MAGISTRAL.stored_per_token() == 87_040
    assert MAGISTRAL.stored_per_token(bits=4) == 46_080


def test_the_weights_of_known_models_are_those_of_their_shapes() -> None:
    weights = {model.label: model.shape.weights for model in KNOWN_MODELS}
    assert weights["Magistral Small"] == 13_260_072_960, "as mlx_lm's own module tree counts them"
    assert [gigabytes(size) for size in weights.values()] == ["13.3 GB", "7.6 GB", "4.8 GB", "1.9 GB"]
    assert list(weights.values()) == sorted(weights.values(), reverse=True)


def test_a_step_takes_memory_by_its_tokens_and_its_scores_by_its_rows_too() -> None:
    assert MAGISTRAL.transient(512, 40_960, fused=True) == 2 * MAGISTRAL.transient(256, 8192, fused=True)
    few, many = (MAGISTRAL.transient(256, rows, fused=False) for rows in (1024, 2048))
    assert many - few == 256 * 1024 * (32 * 2 + 1)
    assert MAGISTRAL.transient(256, 1024, fused=True) < few


def test_growing_a_cache_takes_one_layer_of_it_twice() -> None:
    assert MAGISTRAL.growth(8192) * 40 == 8192 * 163_840


@pytest.mark.parametrize(
    ("device", "head_dim", "element_bytes", "fused"),
    [
        ("metal", 128, 2, True),
        ("metal", 128, 4, True),
        ("metal", 96, 2, False),
        ("cuda", 128, 2, True),
        ("cuda", 128, 4, False),
        ("cpu", 128, 2, False),
    ],
)
def test_only_a_gpu_spares_the_scores(device: str, head_dim: int, element_bytes: int, fused: bool) -> None:
    shape = msgspec.structs.replace(MAGISTRAL, head_dim=head_dim)
    assert is_fused(device, shape, element_bytes) is fused
    planned = plan(machine(64, device), shape, element_bytes=element_bytes)
    assert (planned.fused, planned.element_bytes) == (fused, element_bytes)


# limits ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gib", "megabytes"),
    [(16, 11_453.25), (24, 17_179.87), (32, 22_906.49), (36, 28_991.03), (64, 51_539.61), (128, 103_079.22)],
)
def test_metal_gives_two_thirds_and_from_36_gb_three_quarters(gib: int, megabytes: float) -> None:
    assert usable("metal", gib * GIB) == pytest.approx(megabytes * 1e6, abs=1e4)


def test_the_devices_own_figure_goes_first() -> None:
    assert usable("metal", 32 * GIB, 22_906_500_000) == 22_906_500_000
    assert usable("cpu", 10 * GIB) == 8 * GIB
    assert usable("cuda", 10 * GIB) == 8 * GIB


# plans -------------------------------------------------------------------------------------------


def test_a_32_gb_mac_holds_what_the_makers_advise_and_reads_it_in_the_largest_steps() -> None:
    planned = plan(machine(32), MAGISTRAL, wanted=40_960)
    assert (planned.context, planned.step) == (40_960, 2048)
    assert planned.cache_bytes > 40_960 * 163_840


@pytest.mark.parametrize(
    ("gib", "context", "step"), [(24, 15_885, 512), (32, 49_174, 1024), (36, 83_781, 2048), (48, 131_072, 2048)]
)
def test_macs_hold_what_their_memory_allows(gib: int, context: int, step: int) -> None:
    planned = plan(machine(gib), MAGISTRAL)
    assert (planned.context, planned.step) == (context, step)


def test_a_raised_limit_is_used() -> None:
    raised = msgspec.structs.replace(machine(32), limit=26 * GIB)
    assert plan(raised, MAGISTRAL).context > 1.5 * plan(machine(32), MAGISTRAL).context


def test_without_fused_attention_the_step_is_smaller_on_the_same_memory() -> None:
    limit = machine(32).limit
    fused, written = (
        plan(Machine(device=device, name="", memory=0, limit=limit), MAGISTRAL) for device in ("metal", "cpu")
    )
    assert written.step < fused.step
    assert written.context >= 0.9 * fused.context, "the context comes first"


def test_a_16_gb_mac_is_refused_with_figures() -> None:
    planned = plan(machine(16), MAGISTRAL)
    assert not planned.fits
    assert (planned.context, planned.step, planned.cache_bytes) == (0, 0, 0)
    assert planned.needed == taken(MAGISTRAL, LEAST_CONTEXT, LEAST_STEP, fused=True)
    assert planned.needed > planned.limit == machine(16).limit


@pytest.mark.parametrize("device", ["metal", "cpu"])
def test_the_least_context_decides_to_the_byte(device: str) -> None:
    needed = plan(machine(8, device), MAGISTRAL).needed
    just = Machine(device=device, name="", memory=0, limit=needed)
    assert plan(just, MAGISTRAL).context == LEAST_CONTEXT
    assert not plan(msgspec.structs.replace(just, limit=needed - 1), MAGISTRAL).fits


@pytest.mark.parametrize(("wanted", "context"), [(None, 49_174), (40_960, 40_960), (100_000, 49_174), (512, 512)])
def test_the_user_may_want_less(wanted: int | None, context: int) -> None:
    assert plan(machine(32), MAGISTRAL, wanted=wanted).context == context


def test_what_a_smaller_context_leaves_is_for_the_caches_of_other_chats() -> None:
    small, large = (plan(machine(48), MAGISTRAL, wanted=wanted) for wanted in (8192, 40_960))
    assert small.cache_bytes > large.cache_bytes
    assert large.cache_bytes > 3 * 40_960 * 163_840


def test_a_draft_model_takes_its_weights_and_its_cache_from_the_context() -> None:
    alone = plan(machine(32), MAGISTRAL)
    heavy = plan(machine(32), MAGISTRAL, draft=10**9)
    both = plan(machine(32), MAGISTRAL, draft=10**9, draft_per_token=16_384)
    assert alone.context > heavy.context > both.context > 30_000
    assert not plan(machine(24), MAGISTRAL, draft=3 * 10**9).fits


@given(
    device=st.sampled_from(["metal", "cuda", "cpu"]),
    limit=st.integers(0, 10**12),
    weights=st.integers(0, 10**12),
    layers=st.integers(1, 100),
    context=st.integers(LEAST_CONTEXT, 10**6),
    wanted=st.none() | st.integers(1, 10**6),
    element_bytes=st.sampled_from([2, 4]),
)
def test_a_plan_never_promises_more_than_there_is(
    device: str, limit: int, weights: int, layers: int, context: int, wanted: int | None, element_bytes: int
) -> None:
    shape = msgspec.structs.replace(MAGISTRAL, weights=weights, layers=layers, context=context)
    planned = plan(
        Machine(device=device, name="", memory=limit, limit=limit), shape, wanted=wanted, element_bytes=element_bytes
    )
    assert planned.context <= min(context, wanted or context)
    if planned.fits:
        assert planned.step in STEPS
        fused = is_fused(device, shape, element_bytes)
        assert taken(shape, planned.context, planned.step, fused=fused, element_bytes=element_bytes) <= limit
        assert planned.cache_bytes >= planned.context * shape.cache_per_token(element_bytes)
        assert planned.context >= min(LEAST_CONTEXT, wanted or LEAST_CONTEXT)


# a running worker --------------------------------------------------------------------------------


def test_pressure_halves_the_step_at_each_level_and_never_ends_it() -> None:
    planned = plan(machine(32), MAGISTRAL, wanted=40_960)
    assert [step_for(planned, MAGISTRAL, 8192, level) for level in Level] == [2048, 1024, 512]
    least = msgspec.structs.replace(planned, transient=0)
    assert step_for(least, MAGISTRAL, 8192, Level.CRITICAL) == LEAST_STEP


def test_where_scores_are_written_down_a_short_cache_is_read_in_larger_steps() -> None:
    planned = plan(machine(32, "cpu"), MAGISTRAL)
    steps = [step_for(planned, MAGISTRAL, rows) for rows in (0, 16_384, planned.context - planned.step)]
    assert steps == sorted(steps, reverse=True)
    assert steps[0] > steps[-1] == planned.step


@given(rows=st.integers(0, 131_072), gib=st.integers(18, 64), level=st.sampled_from(Level))
def test_no_step_takes_more_than_was_set_aside_for_it(rows: int, gib: int, level: Level) -> None:
    planned = plan(machine(gib, "cpu"), MAGISTRAL)
    rows = min(rows, max(0, planned.context - planned.step))
    step = step_for(planned, MAGISTRAL, rows, level)
    assert MAGISTRAL.transient(step, rows + step, fused=False) <= planned.transient


# what else would fit -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gib", "label"),
    [(8, "Ministral 3 3B"), (12, "Ministral 3 8B"), (16, "Ministral 3 14B"), (32, "Magistral Small")],
)
def test_the_nearest_model_that_fits_is_named(gib: int, label: str) -> None:
    found = largest_fitting(machine(gib), 10**12)
    assert found
    assert found[0].label == label
    assert found[1].fits


def test_a_smaller_model_is_named_and_none_where_none_fits() -> None:
    found = largest_fitting(machine(128), MAGISTRAL.weights)
    assert found
    assert found[0].label == "Ministral 3 14B"
    assert largest_fitting(machine(2), 10**12) is None


# words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("16000000000", 16_000_000_000),
        ("16GB", 16_000_000_000),
        ("16 gib", 16 * GIB),
        ("1.5GiB", 3 * GIB // 2),
        (" 512MB ", 512_000_000),
        ("1_000", 1000),
    ],
)
def test_an_amount_of_memory_is_read_with_and_without_a_unit(text: str, size: int) -> None:
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "much", "16 G B", "-16GB", "0", "0GB", "1e9", "16GB!", "GB", "1.2.3GB", "16QB"])
def test_anything_else_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"LEMMA_MEMORY is .* not an amount of memory") as refused:
        parse_memory(text)
    assert "16GB" in refused.value.hint


def test_sizes_read_as_on_the_box() -> None:
    assert gigabytes(13_260_072_960) == "13.3 GB"
