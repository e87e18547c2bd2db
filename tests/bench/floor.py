"""The floor: a bare mlx_lm loop in a process of its own that reads the new tokens of a prompt alone.

`python -m tests.bench.floor MODEL` reads one JSON request a line: {"ids": [...], "cached": N, "tokens": N}. The
rows of the first `cached` ids are there before the clock starts; it stops at the first token. With `cached` 0 it
is the cold prefill of the whole prompt.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from app.engine.spawn import worker_environment

Done = TypeVar("Done")
ROOT = Path(__file__).parents[2]
KEPT = 12
"""Sequences that the child keeps, so that the rows of a growing chat need not all be computed again."""


class Reading(NamedTuple):
    """What one request gave."""

    seconds: float
    """From the call to the first token."""
    tokens: list[int]
    """The likeliest ones, one after the other."""


class Floor:
    """The child process, asked one prompt after the other."""

    def __init__(self, stdin: IO[str], stdout: IO[str]) -> None:
        self._stdin, self._stdout = stdin, stdout

    def read(self, ids: Sequence[int], cached: int = 0, tokens: int = 1) -> Reading:
        """Read a prompt of which so many rows are known."""
        self._stdin.write(json.dumps({"ids": list(ids), "cached": cached, "tokens": tokens}) + "\n")
        self._stdin.flush()
        answer = json.loads(self._stdout.readline())
        return Reading(answer["seconds"], answer["tokens"])

    def around(self, ids: Sequence[int], cached: int, act: Callable[[], Done]) -> tuple[Done, float]:
        """Do something between two readings; what came of it and their mean, in which a drift cancels out."""
        before = self.read(ids, cached).seconds
        done = act()
        return done, (before + self.read(ids, cached).seconds) / 2


@contextmanager
def floor(model: Path) -> Iterator[Floor]:
    """A child with the model loaded and warmed up; ended with the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.floor", str(model)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=worker_environment(),
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    try:
        if not process.stdout.readline():
            raise RuntimeError("the bare loop did not start")
        bare = Floor(process.stdin, process.stdout)
        bare.read(list(range(100, 164)), 32, 4)
        yield bare
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


class _Bare:
    """The child's side: a model and the sequences read so far."""

    def __init__(self, folder: Path) -> None:
        from mlx_lm.utils import load_model

        self._model, _config = load_model(folder)
        self._kept: list[tuple[list[int], Any]] = []

    def read(self, ids: list[int], cached: int, tokens: int) -> tuple[float, list[int]]:
        import mlx.core as mx
        from mlx_lm.generate import generate_step

        cache = self._prepare(ids[:cached])
        began = time.perf_counter()
        # At least two, because a real loop has the second one under way when it gives the first.
        steps = generate_step(mx.array(ids[cached:]), self._model, max_tokens=max(2, tokens), prompt_cache=cache)
        found = [int(next(steps)[0])]
        seconds = time.perf_counter() - began
        found += [int(token) for token, _ in steps][: tokens - 1]
        mx.eval([layer.state for layer in cache])
        for layer in cache:
            layer.trim(layer.offset - len(ids))
        self._kept = [*self._kept[1 - KEPT :], (ids, cache)]
        return seconds, found

    def _prepare(self, ids: list[int]) -> Any:
        """A cache of exactly these rows in buffers of its own."""
        import mlx.core as mx
        from mlx_lm.models.cache import make_prompt_cache

        cache: Any = make_prompt_cache(self._model)
        common, known = max(
            ((_common(known, ids), kept) for known, kept in self._kept), key=lambda found: found[0], default=(0, None)
        )
        if known and common:
            for layer, other in zip(cache, known, strict=True):
                keys, values = other.keys_and_values()
                layer.update_and_fetch(keys[:, :, :common], values[:, :, :common])
        while common < len(ids):
            chunk = ids[common : common + 512]
            self._model(mx.array(chunk)[None], cache=cache)
            common += len(chunk)
        if ids:
            mx.eval([layer.state for layer in cache])
        mx.clear_cache()
        return cache


def _common(one: list[int], other: list[int]) -> int:
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def main() -> None:
    """Serve requests until standard input ends."""
    bare = _Bare(Path(sys.argv[1]))
    print("ready", flush=True)
    for line in sys.stdin:
        seconds, tokens = bare.read(**json.loads(line))
        print(json.dumps({"seconds": seconds, "tokens": tokens}), flush=True)


if __name__ == "__main__":
    main()
