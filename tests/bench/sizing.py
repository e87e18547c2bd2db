"""What memory MLX takes, measured in a process of its own; prints one JSON object.

`python -m tests.bench.sizing load FOLDER ROWS` loads a model through the worker's own code and fills a cache;
`… step HIDDEN LAYERS STEP ROWS BITS` reads one step of prefill with random weights of Magistral's ratios.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import mlx.core as mx
import psutil
from mlx_lm.generate import generation_stream
from mlx_lm.models import llama
from mlx_lm.models.cache import make_prompt_cache

from app.weights.folder import examine
from app.worker.machine import describe_machine
from app.worker.model import check_fit, load
from tests.fixtures.fullsize import GROUP, Recipe

CHUNK = 512
REPEATS = 3
"""How far MLX runs ahead varies; the most it took counts."""


def peak_resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process had at most; where the system does not keep that, what it has now."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return int(psutil.Process(None if pid == "self" else int(pid)).memory_info().rss)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def load_and_fill(path: Path, rows: int) -> dict[str, Any]:
    """Load a model, then fill caches of its shape with so many rows."""
    before = peak_resident()
    folder, machine = examine(path), describe_machine()
    planned = check_fit(folder, machine, None)
    mx.reset_peak_memory()
    began = time.perf_counter()
    model = load(folder, machine, lambda _done, _total: None)
    figures: dict[str, Any] = {
        "load_seconds": round(time.perf_counter() - began, 1),
        "planned_weights": folder.shape.weights,
        "resident_before": before,
        "peak_resident": peak_resident(),
        "mlx_peak": mx.get_peak_memory(),
        "mlx_active": mx.get_active_memory(),
        "context": planned.context,
        "step": planned.step,
    }
    return figures | _fill(model, rows, folder.shape.cache_per_token(folder.element_bytes))


def _fill(model: Any, rows: int, per_token: int) -> dict[str, Any]:
    cache, before = make_prompt_cache(model), mx.get_active_memory()
    args = model.args
    shape = (1, args.num_key_value_heads, CHUNK, args.head_dim)
    for _start in range(0, rows, CHUNK):
        for layer in cache:
            keys = mx.random.normal(shape, mx.bfloat16)
            layer.update_and_fetch(keys, keys + 1)
            mx.eval(layer.state)
    mx.clear_cache()
    return {
        "rows": cache[0].offset,
        "planned_cache": rows * per_token,
        "measured_cache": mx.get_active_memory() - before,
        "peak_resident_with_cache": peak_resident(),
    }


def measure_step(hidden: int, layers: int, step: int, rows: int, bits: int) -> dict[str, Any]:
    """Bytes that one step of prefill takes beside weights and cache, the last of so many rows."""
    recipe = Recipe(hidden=hidden, layers=layers, vocabulary=512)
    model = llama.Model(llama.ModelArgs.from_dict(recipe.config))
    if bits == 4:
        from mlx.nn.layers.quantized import quantize

        model.apply(lambda tensor: tensor.astype(mx.bfloat16))
        quantize(model, GROUP, bits)
    mx.eval(model.parameters())
    cache = make_prompt_cache(model)
    dtype = mx.bfloat16 if bits == 4 else mx.float32
    for layer in cache:  # room for all rows, so that nothing grows while it is measured
        keys = mx.random.normal((1, recipe.kv_heads, rows, recipe.head_dim), dtype)
        layer.update_and_fetch(keys, keys + 1)
        mx.eval(layer.state)
    taken, began = [], time.perf_counter()
    for _turn in range(REPEATS):
        for layer in cache:
            layer.trim(step)
        mx.clear_cache()
        mx.reset_peak_memory()
        with mx.stream(generation_stream):  # as the worker reads a prompt
            model(mx.array([[number % 500 for number in range(step)]]), cache=cache)
            mx.eval([layer.state for layer in cache])
        taken.append(mx.get_peak_memory() - mx.get_active_memory())
    return {
        "hidden": hidden,
        "step": step,
        "rows": rows,
        "element_bytes": dtype.size,
        "measured": max(taken),
        "seconds": round((time.perf_counter() - began) / REPEATS, 1),
    }


def main() -> None:
    """Measure what the arguments say."""
    kind, *rest = sys.argv[1:]
    figures = load_and_fill(Path(rest[0]), int(rest[1])) if kind == "load" else measure_step(*map(int, rest))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
