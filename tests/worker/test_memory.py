"""What the worker finds out about memory: what there is, how short it is, and what a step really takes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import mlx.core as mx
import psutil
import pytest
from mlx_lm.models.cache import make_prompt_cache

from app.core.errors import UsageError
from app.core.memory import GIB, Level, Shape
from app.core.protocol import Describe, Described, Failed, Load
from app.weights.folder import examine
from app.worker.machine import describe_machine
from app.worker.model import load
from app.worker.pressure import SystemPressure, group_limit
from tests.worker.process import running
from tests.worker.stage import MACHINE

KIB = 1024


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A /proc and a /sys/fs/cgroup of one's own: 16 GiB, half of it free, in a group without a bound."""
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "groups" / "user" / "app").mkdir(parents=True)
    set_memory(tmp_path, total=16 * GIB, available=8 * GIB)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/user/app\n")
    set_group(tmp_path / "groups" / "user" / "app", limit="max", used=GIB)
    return tmp_path


def set_memory(system: Path, total: int, available: int) -> None:
    (system / "proc" / "meminfo").write_text(
        f"MemTotal: {total // KIB} kB\nMemFree: 1 kB\nMemAvailable: {available // KIB} kB\n"
    )


def set_group(group: Path, limit: int | str, used: int, idle: int = 0) -> None:
    (group / "memory.max").write_text(f"{limit}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {idle}\n")


def pressure(system: Path, clock: Any = lambda: 0.0) -> SystemPressure:
    return SystemPressure(system / "proc", system / "groups", clock)


linux = pytest.mark.skipif(not Path("/proc/meminfo").exists(), reason="macOS says it by another way")


# pressure ----------------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize(
    ("available", "level"),
    [(0.5, Level.NORMAL), (0.11, Level.NORMAL), (0.09, Level.WARNING), (0.04, Level.CRITICAL), (0.0, Level.CRITICAL)],
)
def test_the_share_of_memory_that_is_left_decides(system: Path, available: float, level: Level) -> None:
    set_memory(system, 16 * GIB, int(16 * GIB * available))
    assert pressure(system).level() is level


@linux
def test_a_bound_on_the_group_decides_where_it_is_nearer(system: Path) -> None:
    set_group(system / "groups" / "user", limit=4 * GIB, used=int(3.7 * GIB))
    assert pressure(system).level() is Level.WARNING
    assert group_limit(system / "proc", system / "groups") == 4 * GIB


@linux
def test_file_pages_that_the_kernel_takes_back_are_not_used_memory(system: Path) -> None:
    set_group(system / "groups" / "user" / "app", limit=4 * GIB, used=int(3.9 * GIB), idle=2 * GIB)
    assert pressure(system).level() is Level.NORMAL


@linux
def test_groups_of_the_first_version_are_understood(system: Path) -> None:
    group = system / "groups" / "memory" / "box"
    group.mkdir(parents=True)
    (system / "proc" / "self" / "cgroup").write_text("5:cpu,cpuacct:/\n4:memory:/box\n0::/\n")
    (group / "memory.limit_in_bytes").write_text(f"{2 * GIB}\n")
    (group / "memory.usage_in_bytes").write_text(f"{2 * GIB}\n")
    assert pressure(system).level() is Level.CRITICAL
    (group / "memory.limit_in_bytes").write_text("9223372036854771712\n")
    assert pressure(system).level() is Level.NORMAL
    assert group_limit(system / "proc", system / "groups") is None


@linux
def test_an_answer_stands_for_a_second(system: Path) -> None:
    now = [0.0]
    asked = pressure(system, lambda: now[0])
    assert asked.level() is Level.NORMAL
    set_memory(system, 16 * GIB, 0)
    now[0] = 0.9
    assert asked.level() is Level.NORMAL
    now[0] = 1.1
    assert asked.level() is Level.CRITICAL


@linux
def test_a_system_that_says_nothing_counts_as_having_enough(tmp_path: Path) -> None:
    silent = pressure(tmp_path)
    assert silent.known() is None
    assert silent.level() is Level.NORMAL


def test_this_system_says_how_short_of_memory_it_is() -> None:
    assert SystemPressure().known() in set(Level)


FOOTPRINT = """
import mlx.core as mx
from app.worker.pressure import footprint
before = footprint()
held = mx.ones((64 * 1024 * 1024,), mx.uint8)
mx.eval(held)
print(footprint() - before, footprint())
"""


def test_the_footprint_is_what_the_process_takes() -> None:
    # In a process of its own: this one may hold memory that earlier tests freed, and nothing would grow.
    ran = subprocess.run([sys.executable, "-c", FOOTPRINT], capture_output=True, text=True, check=True)
    grown, whole = map(int, ran.stdout.split())
    assert 60_000_000 <= grown < whole < 2_000_000_000


# the machine -------------------------------------------------------------------------------------


def test_the_machine_is_described_with_its_pressure_and_the_engines_own_footprint() -> None:
    described = describe_machine()
    assert 0 < described.limit < described.memory <= psutil.virtual_memory().total
    assert described.footprint > 1_000_000
    assert described.pressure in set(Level)


def test_a_machine_may_be_told_how_much_memory_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "16GB")
    told = describe_machine()
    assert told.memory == 16_000_000_000
    assert told.limit in (12_800_000_000, 16_000_000_000 * 2 // 3)


def test_a_word_that_is_no_amount_of_memory_is_an_error_of_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "plenty")
    with pytest.raises(UsageError, match="LEMMA_MEMORY is “plenty”"):
        describe_machine()


def test_the_worker_refuses_a_model_that_does_not_fit_and_lives_on(
    tiny_magistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "1GB")
    with running(tmp_path / "log") as desk:
        desk.send(Load(str(tmp_path), str(tiny_magistral)))
        failure = desk.until(Failed).failure
        assert failure.kind == "ModelTooBig"
        assert failure.message.startswith(f"{tiny_magistral.name} needs 1.1 GB; this ")
        assert failure.hint == "Choose a smaller model."
        desk.send(Describe())
        assert desk.until(Described).machine.memory == 1_000_000_000


def test_the_worker_says_what_is_wrong_with_the_variable(
    tiny_magistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "plenty")
    with running(tmp_path / "log") as desk:
        desk.send(Load(str(tmp_path), str(tiny_magistral)))
        assert desk.until(Failed).failure.kind == "UsageError"


# what MLX takes ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tiny_magistral: Path) -> tuple[Any, Shape]:
    folder = examine(tiny_magistral)
    return load(folder, MACHINE, lambda _done, _total: None), folder.shape


def test_loading_takes_no_more_than_the_weights(tiny_magistral: Path) -> None:
    folder = examine(tiny_magistral)
    before = mx.get_active_memory()
    mx.reset_peak_memory()
    model = load(folder, MACHINE, lambda _done, _total: None)
    weights = folder.shape.weights
    assert mx.get_active_memory() - before == pytest.approx(weights, rel=0.03)
    assert mx.get_peak_memory() - before <= 1.02 * weights
    assert model.layers


@pytest.mark.skipif(mx.default_device() != mx.cpu, reason="a GPU fuses what the CPU writes down")
@pytest.mark.parametrize(("step", "rows"), [(64, 1024), (256, 512)])
def test_a_step_of_prefill_takes_no_more_than_the_plan_sets_aside(
    loaded: tuple[Any, Shape], step: int, rows: int
) -> None:
    model, shape = loaded
    cache = make_prompt_cache(model)
    for layer in cache:
        keys = mx.zeros((1, shape.kv_heads, rows, shape.head_dim), mx.bfloat16)
        layer.update_and_fetch(keys, keys + 1)
        mx.eval(layer.state)
        layer.trim(step)
    mx.reset_peak_memory()
    model(mx.array([list(range(step))]), cache=cache)
    mx.eval([layer.state for layer in cache])
    measured = mx.get_peak_memory() - mx.get_active_memory()
    planned = shape.transient(step, rows, fused=False)
    assert 0.3 * planned < measured <= 1.03 * planned


def test_past_the_memory_limit_mlx_waits_and_does_not_fail(loaded: tuple[Any, Shape]) -> None:
    model, _shape = loaded
    before = mx.set_memory_limit(1_000_000)
    try:
        cache = make_prompt_cache(model)
        model(mx.array([list(range(64))]), cache=cache)
        mx.eval([layer.state for layer in cache])
        assert cache[0].offset == 64
    finally:
        mx.set_memory_limit(before)


def test_the_machine_of_an_idle_worker_is_told_to_the_desktop(tmp_path: Path) -> None:
    with running(tmp_path / "log") as desk:
        desk.send(Describe())
        machine = desk.until(Described).machine
        assert machine.footprint > 1_000_000
        assert machine.pressure in set(Level)
