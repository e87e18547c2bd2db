"""A model of 1 GB from a server limited to 50 MB/s: killed ten times, and against curl."""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.core.fetching import Completed, Fetch
from tests.bench.report import Bar, at_most, spread
from tests.models.fetching import Run, environment_of

REPOSITORY = "bench/Model-4bit"
COMMIT = "a" * 40
KILLED_BOUND, CURL_BOUND = 0.02, 1.1
CONNECTIONS = "4"


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--size", type=int, default=1_000_000_000, help="bytes of the weights")
    parser.add_argument("--shards", type=int, default=5, help="files of weights")
    parser.add_argument("--rate", type=int, default=50_000_000, help="bytes a second of the server, in total")
    parser.add_argument("--kills", type=int, default=10, help="how often the fetcher is killed")
    parser.add_argument("--pairs", type=int, default=4, help="downloads by the fetcher, each beside one by curl")
    parser.add_argument("--folder", type=Path, help="where to download to; else the system's folder for such things")


class Served:
    """A hub in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        began = json.loads(self._line())
        self.endpoint: str = began["endpoint"]
        self.files: dict[str, int] = began["files"]

    def sent(self) -> int:
        """Bytes of bodies that were sent so far."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return sum(json.loads(self._line()).values())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Downloads without kills beside curl's, in turns, then one that is killed again and again."""
    pairs = options.pairs * (3 if options.full else 1)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder, _serve(options) as hub:
        home = Path(folder)
        with environment_of(hub.endpoint, home / "hf"):
            ours: list[float] = []
            theirs: list[float] = []
            for number in range(pairs):
                for measured in (ours, theirs) if number % 2 else (theirs, ours):
                    target = home / "files"
                    target.mkdir()
                    measured.append(_time_fetcher(target) if measured is ours else _time_curl(hub, target))
                    shutil.rmtree(target)
            killed = _kill_often(hub, home, options)
    ratios = [fetcher / curl for fetcher, curl in zip(ours, theirs, strict=True)]
    figures = {
        "bytes": sum(hub.files.values()),
        "floor_seconds": round(options.size / options.rate, 2),
        "fetcher_seconds": spread(ours),
        "curl_seconds": spread(theirs),
        "to_curl": spread(ratios),
        "killed": killed,
    }
    return figures, [
        at_most(f"killed {options.kills} times: bytes sent again / size", killed["sent_again"], KILLED_BOUND),
        at_most("wall time without kills / curl", statistics.median(ratios), CURL_BOUND),
    ]


@contextmanager
def _serve(options: argparse.Namespace) -> Iterator[Served]:
    words = [sys.executable, "-m", "tests.hub", *map(str, (options.size, options.shards, options.rate))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def _time_fetcher(target: Path) -> float:
    began = time.perf_counter()
    run = Run(Fetch(REPOSITORY, str(target / "model")))
    last = run.last(600)
    if not isinstance(last, Completed):
        raise SystemExit(f"the download failed: {last}")
    return time.perf_counter() - began


def _time_curl(hub: Served, target: Path) -> float:
    """The same files over as many connections, and brought to the disk as well."""
    names = [name for name in hub.files if name != ".gitattributes"]
    addresses = [f"{hub.endpoint}/{REPOSITORY}/resolve/{COMMIT}/{name}" for name in names]
    each = [
        word for address, name in zip(addresses, names, strict=True) for word in ("-o", str(target / name), address)
    ]
    began = time.perf_counter()
    words = ["curl", "-q", "-sSfL", "--noproxy", "*", "--parallel", "--parallel-max", CONNECTIONS, *each]
    subprocess.run(words, check=True, timeout=600, capture_output=True)  # -s does not silence parallel transfers
    for name in names:
        descriptor = os.open(target / name, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
    return time.perf_counter() - began


def _kill_often(hub: Served, home: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Kill -9 at moments that differ, and let the last run come to its end."""
    moments, folder = random.Random(4), home / "killed"
    size = sum(size for name, size in hub.files.items() if name != ".gitattributes")
    before, began, kept = hub.sent(), time.perf_counter(), []
    share = options.size / options.rate / (options.kills + 1)
    for _kill in range(options.kills):
        run = Run(Fetch(REPOSITORY, str(folder)))
        time.sleep(0.5 + moments.uniform(0.2, 1.4) * share)
        run.kill()
        kept.append(sum(path.stat().st_size for path in folder.iterdir() if not path.name.startswith(".")))
    last = Run(Fetch(REPOSITORY, str(folder))).last(600)
    sent = hub.sent() - before
    whole = isinstance(last, Completed)
    shutil.rmtree(folder)
    if not whole:
        raise SystemExit(f"the download failed: {last}")
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "bytes_kept_at_each_kill": kept,
        "bytes_sent_beyond_the_size": sent - size,
        "sent_again": round((sent - size) / size, 5),
    }
