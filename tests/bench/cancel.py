"""From a stop to the first sign of the next request, in the middle of a prefill and of an answer.

In a prefill the next question comes at once from another chat; then the first one is asked again, and what was
read before the stop must not be read again.
"""

import argparse
import random
import statistics
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.core.protocol import Cancel, Delta, Event, Finished, Generate, Prefilled, Started, Turn
from tests.bench.engine import Engine, engine
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_most, spread
from tests.fixtures.models import starter, tiny_magistral

BOUND = 1.5
DECODE_BOUND = 0.1
"""Seconds beyond one token."""
MARGIN = 500
"""Tokens at a prompt's end at which nobody stops any more: a chunk may read them before the stop is heard."""
WITHIN_A_CHUNK = 0.7
"""Seconds by which a stop is put off at random, so that it comes anywhere in a chunk."""
LONG = "Tell a very long story about a valley with a river, a bridge and a miller. Do not stop early."


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--trials", type=int, default=12, help="stops in the prefill of each prompt")
    parser.add_argument("--answers", type=int, default=40, help="stops in a running answer")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1200, 3000], help="tokens of the starter's prompts")
    parser.add_argument("--seed", type=int, default=0, help="which moments")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Prefills of the starter and of the tiny Magistral, then answers of the starter."""
    draw = random.Random(options.seed)
    trials = options.trials * (3 if options.full else 1)
    prefills: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory() as folder, engine(starter(), Path(folder)) as worker:
        material = Material(starter(), options.document)
        for size in options.sizes:
            prefills[f"starter, {size}"] = _stop_reading(worker, material, size, trials, draw)
        answers = _stop_writing(worker, options.answers, draw)
    with tempfile.TemporaryDirectory() as folder, engine(tiny_magistral(), Path(folder)) as worker:
        material = Material(tiny_magistral(), options.document)
        prefills["tiny Magistral, 3000"] = _stop_reading(worker, material, 3000, trials // 2, draw)
    every = [trial for some in prefills.values() for trial in some]
    beyond = [trial["seconds"] - trial["token_seconds"] for trial in answers]
    figures = {
        "prefill": {
            name: {
                "seconds_to_progress": spread([trial["progress"] for trial in some]),
                "chunk_seconds": spread([trial["chunk"] for trial in some if trial["chunk"]] or [0.0]),
                "trials": some,
            }
            for name, some in prefills.items()
        },
        "decode": {
            "seconds_to_start": spread([trial["seconds"] for trial in answers]),
            "beyond_a_token": spread(beyond),
            "trials": answers,
        },
    }
    return figures, [
        at_most(
            "stop in a prefill: seconds to the next request's first progress, p95",
            spread([trial["progress"] for trial in every])["p95"],
            BOUND,
        ),
        at_most("stopped prefills of which something was read again", sum(not trial["kept"] for trial in every), 0),
        at_most(
            "stop in an answer: seconds beyond one token to the next request's start, p95",
            spread(beyond)["p95"],
            DECODE_BOUND,
        ),
        at_most("tokens that came after a stop, most", max(trial["after"] for trial in answers), 1),
    ]


def _stop_reading(
    worker: Engine, material: Material, size: int, trials: int, draw: random.Random
) -> list[dict[str, Any]]:
    """Ask the same long prompt over and over, each time stopped a little further on; then another one."""
    lines: list[dict[str, Any]] = []
    read = size
    for number in range(trials):
        if read > size - MARGIN:
            turns, session, read = [ask(question(0), material.document(size, number))], worker.number(), 0
        request = worker.request(turns, session=session, max_tokens=2)
        began = worker.send(request)
        cached, done, chunk = _read_until(worker, request.request, read, draw)
        other = worker.request(
            [ask(f"{number}: what is the capital of France?")], session=worker.number(), max_tokens=2
        )
        stopped = worker.send(Cancel(request.request), other)
        heard, done_late = _hear_both(worker, request.request, other.request)
        lines.append(
            {
                "after": round(stopped - began, 3),
                "read": done,
                "cached": cached,
                "chunk": round(chunk, 3),
                "start": round(heard["start"] - stopped, 3),
                "progress": round(heard["progress"] - stopped, 3),
                "kept": cached >= read,
            }
        )
        read = max(done, done_late)
    return lines


def _ask_elsewhere(worker: Engine, number: int) -> Generate:
    """A short question in a chat of its own."""
    return worker.request([ask(f"{number}: what is the capital of France?")], session=worker.number(), max_tokens=2)


def _read_until(worker: Engine, request: int, target: int, draw: random.Random) -> tuple[int, int, float]:
    """Rows cached at first, rows read by the moment to stop somewhere behind `target`, and seconds of a chunk."""
    cached = done = 0
    marks: list[float] = []
    deadline = float("inf")
    while (heard := worker.hear_by(min(deadline, time.perf_counter() + 60))) is not None:
        at, event = heard
        match event:
            case Started(number, _, found) if number == request:
                cached = found
            case Prefilled(number, read, total) if number == request:
                marks.append(at)
                done = read
                if read == total:
                    raise RuntimeError("the prompt was read before it could be stopped; take more trials")
                if read >= target and deadline == float("inf"):
                    deadline = at + draw.uniform(0, WITHIN_A_CHUNK)
    return cached, done, statistics.median([later - sooner for sooner, later in pairwise(marks)] or [0.0])


def _hear_both(worker: Engine, stopped: int, other: int) -> tuple[dict[str, float], int]:
    """When the other request started and first made progress; what the stopped one had read at last."""
    heard: dict[str, float] = {}
    done = 0
    while True:
        at, event = worker.hear()
        match event:
            case Prefilled(number, read, _) if number == stopped:
                done = read
            case Started(number) if number == other:
                heard["start"] = at
            case Prefilled(number) if number == other:
                heard.setdefault("progress", at)
            case Finished(number) if number == other:
                return heard, done


def _stop_writing(worker: Engine, trials: int, draw: random.Random) -> list[dict[str, Any]]:
    """Stop an answer after a few tokens, somewhere between two of them."""
    lines = []
    turns: list[Turn] = [ask(LONG)]
    for number in range(trials):
        request = worker.request(turns, session=worker.number(), max_tokens=200)
        other = _ask_elsewhere(worker, number)
        worker.send(request)
        marks = _write_until(worker, request.request, 6 + number % 5, draw)
        stopped = worker.send(Cancel(request.request), other)
        started, after = 0.0, 0
        at, event = worker.hear()
        while not (isinstance(event, Finished) and event.request == other.request):
            if isinstance(event, Started) and event.request == other.request:
                started = at
            after += _count(event, request.request)
            at, event = worker.hear()
        token = statistics.median(later - sooner for sooner, later in pairwise(marks))
        lines.append(
            {
                "tokens": len(marks),
                "seconds": round(started - stopped, 3),
                "token_seconds": round(token, 3),
                "after": after,
            }
        )
    return lines


def _write_until(worker: Engine, request: int, tokens: int, draw: random.Random) -> list[float]:
    """When each token came, up to a moment behind so many."""
    marks: list[float] = []
    deadline = float("inf")
    while (heard := worker.hear_by(min(deadline, time.perf_counter() + 60))) is not None:
        at, event = heard
        if _count(event, request):
            marks.append(at)
        if len(marks) >= tokens and deadline == float("inf"):
            deadline = at + draw.uniform(0, at - marks[-2])
    return marks


def _count(event: Event, request: int) -> int:
    if isinstance(event, Delta) and event.request == request:
        return sum(len(part.ids) for part in event.parts)
    return 0
