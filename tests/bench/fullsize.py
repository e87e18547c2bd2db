"""A model of Magistral's exact size: what it takes against what the plan says, and how it is refused.

Needs 14 GB of disk and 16 GB of free memory for a few minutes; the model is built for it and deleted after.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from app.core.memory import VARIABLE, Shape, is_fused
from app.core.protocol import Failed, Load
from app.core.releases import KNOWN_MODELS
from app.engine.spawn import worker_environment
from tests.bench.report import Bar, at_least, at_most
from tests.bench.sizing import peak_resident
from tests.fixtures.fullsize import Recipe, built
from tests.worker.process import running

ROOT = Path(__file__).parents[2]
ROWS = 8192
STEPS = ((64, 1024), (128, 2048), (256, 512))
"""Steps of prefill and the rows of their cache."""
NARROW, WIDE = (640, 1280), 5120
"""Widths that predict, and the one predicted: dense layers in float32, which a CPU computes fast."""
LAYERS = 3
"""MLX never has more of them under way."""
QUANTISED = (640, LAYERS, 16, 512, 4)
TOLD = "16GB"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where the model is built, and what may be left out."""
    parser.add_argument("--under", type=Path, default=Path(tempfile.gettempdir()), help="folder with 14 GB free")
    parser.add_argument("--steps-only", action="store_true", help="only the transient of prefill; builds no model")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """The steps of prefill, then the model itself."""
    figures, bars = _measure_steps()
    if not options.steps_only:
        began = time.perf_counter()
        with built(Recipe(), options.under) as folder:
            figures["build_seconds"] = round(time.perf_counter() - began, 1)
            for more, bounds in (_measure_load(folder), _measure_refusal(folder)):
                figures |= more
                bars += bounds
    return figures, bars


def _measure_load(folder: Path) -> tuple[dict[str, Any], list[Bar]]:
    found = _child("load", folder, ROWS)
    weights = found["planned_weights"]
    return {"load": found}, [
        at_most("peak resident memory of the load / weights", found["peak_resident"] / weights, 1.02),
        at_most("peak memory of MLX in the load / weights", found["mlx_peak"] / weights, 1.02),
        at_most("weights: |plan / measured - 1|", abs(weights / found["mlx_active"] - 1), 0.03),
        at_most(
            f"cache of {ROWS} rows: |plan / measured - 1|",
            abs(found["planned_cache"] / found["measured_cache"] - 1),
            0.03,
        ),
    ]


def _measure_steps() -> tuple[dict[str, Any], list[Bar]]:
    """A line through two narrow models, and the plan's own formula, must both hit the full width."""
    found = {width: [_child("step", width, LAYERS, *what, 0) for what in STEPS] for width in (*NARROW, WIDE)}
    for narrow, wider, wide in zip(*found.values(), strict=True):
        slope = (wider["measured"] - narrow["measured"]) / (NARROW[1] - NARROW[0])
        wide["predicted"] = int(narrow["measured"] + slope * (WIDE - NARROW[0]))
    quantised = _child("step", *QUANTISED)
    dense = [step for steps in found.values() for step in steps]
    for step in (*dense, quantised):
        step["planned"] = _shape(step["hidden"]).transient(
            step["step"], step["rows"], element_bytes=step["element_bytes"], fused=False
        )
    predicted = [abs(step["predicted"] / step["measured"] - 1) for step in found[WIDE]]
    planned = [step["planned"] / step["measured"] for step in dense]
    in_16_bits = quantised["planned"] / quantised["measured"]
    return {"steps": dense, "step_in_16_bits": quantised, "magistral": _full_size()}, [
        at_most("transient at full width: |line through two narrower / measured - 1|, worst", max(predicted), 0.03),
        at_least("transient: plan / measured, least", min(*planned, in_16_bits), 0.97),
        at_most("transient in 32 bits: plan / measured, most", max(planned), 1.1),
        at_most("transient in 16 bits: plan / measured", in_16_bits, 1.5),
    ]


def _shape(hidden: int) -> Shape:
    recipe = Recipe(hidden=hidden)
    return msgspec.structs.replace(
        KNOWN_MODELS[0].shape, hidden=hidden, inner=recipe.inner, heads=recipe.heads, kv_heads=recipe.kv_heads
    )


def _full_size() -> dict[str, int]:
    """What the plan sets aside for Magistral itself in 16 bits."""
    shape = KNOWN_MODELS[0].shape
    return {
        f"{device}, step {step}, {rows} rows": shape.transient(step, rows, fused=is_fused(device, shape, 2))
        for device in ("metal", "cpu")
        for step, rows in ((256, 8192), (2048, 8192), (2048, 40_960))
    }


def _measure_refusal(folder: Path) -> tuple[dict[str, Any], list[Bar]]:
    """A machine that is told to be small says no before it has loaded anything, from a terminal too."""
    with tempfile.TemporaryDirectory() as data, _told(TOLD):
        with running(Path(data) / "worker.log") as desk:
            desk.send(Load(data, str(folder)))
            failure = desk.until(Failed).failure
            peak = peak_resident(desk.process.pid)
        words = [sys.executable, "-m", "app", "ask", "--model", str(folder), "--data", data, "hi"]
        asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    figures = {
        "sentence": f"{failure.message} {failure.hint}",
        "peak_resident": peak,
        "ask": {"status": asked.returncode, "stderr": asked.stderr.strip()},
    }
    refused = failure.kind == "ModelTooBig" and asked.returncode != 0 and failure.message in asked.stderr
    return {"refusal": figures}, [
        at_least("refused with its sentence, by the worker and in a terminal", float(refused), 1),
        at_most("peak resident memory of the worker that refuses, GB", peak / 1e9, 1.0),
    ]


@contextmanager
def _told(memory: str) -> Iterator[None]:
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = memory
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def _child(*words: object) -> dict[str, Any]:
    """Measure in a fresh process: what another one held does not count."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.sizing", *map(str, words)],
        cwd=ROOT,
        env=worker_environment(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
