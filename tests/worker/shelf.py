"""Key-value caches with made-up rows, for tests of the files they are saved in."""

import threading
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx_lm.models.cache import KVCache

from app.core.protocol import Stored
from app.worker.kvfiles import PrefixFiles
from app.worker.segmentfile import Layers

HANGS = 60
"""Seconds after which a writer that does not end fails the test; nothing is expected to take as long."""
PLENTY = 1_000_000_000


class Rows:
    """The cache of a made-up model: as in a real one, a row depends on its id and on all ids before it."""

    def __init__(
        self, *, layers: int = 2, heads: int = 2, width: int = 64, dtype: mx.Dtype = mx.bfloat16, salt: int = 0
    ) -> None:
        self._layers, self._heads, self._width, self._dtype, self._salt = layers, heads, width, dtype, salt
        self.asked: list[tuple[int, int]] = []
        """The stretches that were taken out of it."""

    def cache(self, ids: Sequence[int]) -> list[KVCache]:
        """As the model leaves it, with the padding that real ones have."""
        seed, rows = self._salt, []
        for one in ids:
            seed = zlib.crc32(one.to_bytes(4, "little"), seed)
            rows.append(np.random.default_rng(seed).standard_normal((self._layers, 2, self._heads, self._width)))
        whole = mx.array(np.stack(rows, axis=3).astype(np.float32)).astype(self._dtype)
        caches = []
        for number in range(self._layers):
            cache = KVCache()
            cache.update_and_fetch(whole[number, 0][None], whole[number, 1][None])
            caches.append(cache)
        return caches

    def of(self, ids: Sequence[int]) -> Callable[[int, int], Layers]:
        """What `PrefixFiles.write` asks for the rows of a line."""
        layers = [cache.keys_and_values() for cache in self.cache(ids)]

        def take(start: int, stop: int) -> Layers:
            self.asked.append((start, stop))
            return [(keys[:, :, start:stop], values[:, :, start:stop]) for keys, values in layers]

        return take


class Reports:
    """What a PrefixFiles said about itself; its writing thread can be held up where it says it."""

    def __init__(self) -> None:
        self.heard: list[Stored] = []
        self.go = threading.Event()
        self.go.set()
        self.held = threading.Event()
        self._changed = threading.Condition()

    def __call__(self, stored: Stored) -> None:
        with self._changed:
            self.heard.append(stored)
            self._changed.notify_all()
        if threading.current_thread() is not threading.main_thread() and not self.go.is_set():
            self.held.set()
            assert self.go.wait(HANGS)

    def wait_for(self, holds: Callable[[Stored], bool]) -> Stored:
        """The last report, as soon as it is as wanted."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self.heard) and holds(self.heard[-1]), HANGS)
            return self.heard[-1]


def open_files(
    root: Path,
    fingerprint: str = "f00d",
    *,
    budget: int = PLENTY,
    exact: bool = False,
    report: Callable[[Stored], None] | None = None,
) -> PrefixFiles:
    return PrefixFiles(root, fingerprint, budget=budget, exact=exact, report=report or Reports())


def save(
    files: PrefixFiles,
    ids: Sequence[int],
    *,
    session: int = 1,
    shared: tuple[int, ...] = (),
    canonical: int = 0,
    rows: Rows | None = None,
) -> list[int]:
    """Save a line whole and wait until the disk has it; how far it was saved after each write."""
    take = (rows or Rows()).of(ids)
    steps = []
    more = True
    while more:
        more = files.write(ids, take, session=session, shared=shared, canonical=canonical)
        steps.append(files.saved(ids, session, shared=shared, canonical=canonical))
    assert files.flush(HANGS)
    return steps


def matches(layers: Layers | None, ids: Sequence[int], start: int, stop: int, rows: Rows | None = None) -> bool:
    """Whether what was read is bit for bit what the made-up model has for these rows."""
    wanted = (rows or Rows()).of(ids)(start, stop)
    return layers is not None and all(
        one.shape == other.shape and one.dtype == other.dtype and mx.array_equal(one, other).item()
        for pair, wanted_pair in zip(layers, wanted, strict=True)
        for one, other in zip(pair, wanted_pair, strict=True)
    )


def about(layers: Layers | None, ids: Sequence[int], start: int, stop: int, rows: Rows | None = None) -> bool:
    """Whether what was read are these rows, as exactly as 8 bits can say it."""
    wanted = (rows or Rows()).of(ids)(start, stop)
    return layers is not None and all(
        one.shape == other.shape and one.dtype == other.dtype and bool((mx.abs(one - other).max() < 0.05).item())
        for pair, wanted_pair in zip(layers, wanted, strict=True)
        for one, other in zip(pair, wanted_pair, strict=True)
    )


def files_of(root: Path) -> list[Path]:
    """The segments on the disk, of all models."""
    return sorted(root.glob("*/*.safetensors"))


def size_of(root: Path) -> int:
    return sum(file.stat().st_size for file in files_of(root))
