"""Hundreds of short turns over twenty chats, with everything that can come in between, and what is left of it.

The real desk, store and worker; the tiny Magistral with a head that opens thoughts. Answers are stopped, edited,
forked, steered and cut, chats deleted, workers killed, and the disk has room for a few chats only.
"""

import argparse
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil

from app.chat import choices
from app.chat.changes import EngineState
from app.chat.opening import open_desk
from app.engine.spawn import worker_environment
from tests.bench.floor import ROOT
from tests.bench.person import Person
from tests.bench.report import Bar, at_least, at_most
from tests.fixtures.models import tiny_magistral

BUDGET = 100_000
"""Bytes of disk for prefixes: a few chats of this model."""
GROWTH = 1.05
KILLS = 50
"""Turns from one kill of the worker to the next."""
SINCE = 40
"""Turns after such a kill at which memory is compared."""
WINDOW = 8
"""Turns over which a median is taken."""
ENDINGS = (".partial", ".new", ".tmp")
"""Of files that are being written."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--turns", type=int, default=300, help="in steps of 50")
    parser.add_argument("--chats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="what is drawn")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Use the desk, close it, then look at everything that it has left."""
    turns = options.turns * (3 if options.full else 1)
    with tempfile.TemporaryDirectory() as folder:
        data, model = Path(folder) / "data", Path(folder) / "model"
        command = [sys.executable, "-m", "tests.bench.thinker", str(tiny_magistral()), str(model)]
        subprocess.run(command, check=True, cwd=ROOT, env=worker_environment())
        began = time.monotonic()
        with _small_disk():
            samples, person = _use(data, model, turns, options)
            seconds = time.monotonic() - began
            orphans = _count_orphans(person.workers)
            left = _examine(data)
            again = _open_again(data, model, options)
    growth = {name: _growth(samples, name, turns) for name in ("desktop", "worker")}
    disk = max(sample["disk"] for sample in samples)
    figures = {
        "turns": turns,
        "seconds": round(seconds, 1),
        "done": dict(sorted(person.done.items())),
        "memory_growth": growth,
        "disk_budget": BUDGET,
        "disk_most": disk,
        **left,
        **again,
        "samples": samples[:: max(1, turns // 30)],
    }
    return figures, [
        *(
            at_most(f"memory of the {name}, last turns / turns around 100", each["ratio"], GROWTH)
            for name, each in growth.items()
        ),
        at_most("bytes of prefixes on the disk, most", disk, BUDGET),
        at_least("database passes integrity_check and has no dangling rows", left["database_sound"], 1),
        at_most("answers still running in the database, and their checkpoints", left["unfinished_rows"], 0),
        at_most("saved prefixes without their chat or their parent", left["inconsistent_prefixes"], 0),
        at_least("saved prefixes that a fresh worker accepts / all", again["prefixes_accepted"], 1.0),
        at_least("tokens that a fresh worker restored", again["tokens_restored"], 1),
        at_most("processes left over", orphans + again["processes_left_over"], 0),
        at_most("files left half written", left["half_written"], 0),
    ]


@contextmanager
def _small_disk() -> Iterator[None]:
    """The preference counts in gigabytes; here one of them is small."""
    usual = choices.GIGABYTE
    choices.GIGABYTE = BUDGET
    try:
        yield
    finally:
        choices.GIGABYTE = usual


@contextmanager
def _sitting(data: Path, model: Path, options: argparse.Namespace) -> Iterator[Person]:
    desk = open_desk(data, "desktop")
    try:
        desk.set_preference("keep_prefixes", 1)
        desk.set_preference("context", 4096)
        person = Person(desk, random.Random(options.seed), options.chats)
        person.wait(lambda: desk.opened, "opening the database")
        desk.start_engine(str(model))
        person.wait_for_engine()
        yield person
    finally:
        desk.close()


def _use(data: Path, model: Path, turns: int, options: argparse.Namespace) -> tuple[list[dict[str, Any]], Person]:
    samples: list[dict[str, Any]] = []
    with _sitting(data, model, options) as person:
        for turn in range(1, turns + 1):
            person.turn(kill=turn % KILLS == (100 - SINCE) % KILLS)
            person.wait(lambda: person.desk.engine.state is EngineState.READY, "the engine after a turn")
            samples.append(
                {
                    "turn": turn,
                    "desktop": psutil.Process().memory_info().rss,
                    "worker": person.worker.memory_info().rss,
                    "disk": _disk_use(data),
                }
            )
            if turn % 10 == 0:
                print(f"turn {turn}", file=sys.stderr)
    return samples, person


def _growth(samples: list[dict[str, Any]], name: str, turns: int) -> dict[str, float]:
    """Medians around turn 100 and at the end, both as many turns after a worker's start."""

    def around(turn: int) -> float:
        return statistics.median(float(sample[name]) for sample in samples if turn - WINDOW < sample["turn"] <= turn)

    sooner, later = around(min(100, turns)), around(turns)
    return {"sooner_mb": round(sooner / 1e6, 1), "later_mb": round(later / 1e6, 1), "ratio": round(later / sooner, 4)}


def _disk_use(data: Path) -> int:
    total = 0
    for file in (data / "prefixes").glob("*/*"):
        try:
            total += file.stat().st_size
        except OSError:  # deleted since it was listed
            continue
    return total


def _count_orphans(workers: set[int]) -> int:
    """Children that go on, and workers of whom anybody's process goes on."""
    alive = {child.pid for child in psutil.Process().children(recursive=True)}
    for pid in workers:
        try:
            if "--worker" in psutil.Process(pid).cmdline():
                alive.add(pid)
        except psutil.Error:
            continue
    return len(alive)


def _examine(data: Path) -> dict[str, Any]:
    """What lies on the disk when everybody is gone."""
    with closing(sqlite3.connect(f"{(data / 'lemma.db').as_uri()}?mode=ro", uri=True)) as database:

        def ask(query: str) -> list[Any]:
            return [row[0] for row in database.execute(query)]

        sound = ask("PRAGMA integrity_check") == ["ok"] and not ask("PRAGMA foreign_key_check")
        sessions = set(ask("SELECT id FROM sessions"))
        unfinished = ask("SELECT id FROM messages WHERE state = 'running'") + ask("SELECT id FROM checkpoints")
        messages = ask("SELECT count(*) FROM messages")[0]
    records = [_read_record(file) for file in (data / "prefixes").glob("*/*.safetensors")]
    keys = {record["key"] for record in records} | {""}
    wrong = [
        record["key"]
        for record in records
        if record["parent"] not in keys or (record["session"] is not None and record["session"] not in sessions)
    ]
    return {
        "chats": len(sessions),
        "messages": messages,
        "database_sound": int(sound),
        "unfinished_rows": len(unfinished),
        "prefixes": len(records),
        "prefixes_of_chats": len({record["session"] for record in records} - {None}),
        "inconsistent_prefixes": len(wrong),
        "half_written": sum(file.name.endswith(ENDINGS) for file in data.rglob("*")),
        "files_of_the_data_folder": sorted(file.name for file in data.iterdir()),
    }


def _read_record(file: Path) -> dict[str, Any]:
    """What a file of saved rows says of itself."""
    with file.open("rb") as opened:
        header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
    record: dict[str, Any] = json.loads(header["__metadata__"]["record"])
    return record


def _open_again(data: Path, model: Path, options: argparse.Namespace) -> dict[str, Any]:
    """A fresh desk and worker: which files they keep, and whether those are of use."""
    before = {file.name for file in (data / "prefixes").glob("*/*.safetensors")}
    owners = {int(name.split("-")[0]) for name in before if not name.startswith("shared")}
    restored = 0
    with _sitting(data, model, options) as person:
        person.wait(lambda: person.desk.stored is not None, "the worker's word on what is saved")
        accepted = before & {file.name for file in (data / "prefixes").glob("*/*.safetensors")}
        for session in list(owners)[:5]:
            person.desk.open_session(session)
            person.desk.send("And then?")
            person.wait(lambda: person.desk.conversation.progress and person.desk.conversation.progress.tokens, "text")
            person.desk.stop()
            person.wait(lambda: person.desk.conversation.running is None, "the end of an answer")
            facts = person.desk.conversation.messages[-1].generation
            restored += facts.restored_tokens if facts else 0
    return {
        "prefixes_accepted": round(len(accepted) / max(1, len(before)), 4),
        "tokens_restored": restored,
        "processes_left_over": _count_orphans(person.workers),
    }
