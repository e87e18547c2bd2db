"""A running thought is cut short: forward passes to the first answer token, and whether the answer is the same
as after a fresh prefill of the same ids.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from app.core.messages import Kind
from app.core.protocol import AnswerNow, Cancel
from app.engine.spawn import worker_environment
from tests.bench.engine import Answer, Engine, count_equal, engine
from tests.bench.floor import ROOT, Floor, floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures.models import starter

BOUND = 2
COMPARED = 32
"""Greedy tokens of the answer."""
BUDGET = 500
ENOUGH = 4
"""Deltas from which the pace of decoding is known."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--trials", type=int, default=16, help="thoughts cut while passes are counted")
    parser.add_argument("--answers", type=int, default=6, help="thoughts cut in the real worker, answers compared")
    parser.add_argument("--tokens", type=int, default=300, help="tokens of the document")
    parser.add_argument("--seed", type=int, default=0, help="which moments")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Count passes in the engine's own loop, then cut thoughts of the real worker."""
    model, draw = starter(), random.Random(options.seed)
    times = 3 if options.full else 1
    passes = _count_passes(model, options.trials * times, options.seed)
    material = Material(model, options.document)
    with tempfile.TemporaryDirectory() as folder, engine(model, Path(folder)) as worker, floor(model) as bare:
        answers = [_cut(worker, bare, material, number, options, draw) for number in range(options.answers * times)]
    counts = [trial["passes"] for trial in passes]
    equal = sum(answer["equal"] == answer["compared"] for answer in answers)
    figures = {
        "passes": spread(counts),
        "passes_each": counts,
        "thought_tokens_when_cut": spread([trial["thought"] for trial in passes]),
        "seconds_to_the_first_answer_token": spread([answer["seconds"] for answer in answers]),
        "in_tokens_of_decoding": spread([answer["seconds"] / answer["token_seconds"] for answer in answers]),
        "thought_tokens_after_the_key": spread([answer["after"] for answer in answers]),
        "answers": answers,
    }
    return figures, [
        at_most("forward passes between the key and the first answer token, most", max(counts), BOUND),
        at_least("answers equal to those after a fresh prefill", equal, len(answers)),
    ]


def _count_passes(model: Path, trials: int, seed: int) -> list[dict[str, int]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.passes", str(model), str(trials), str(seed)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        env=worker_environment(),
    )
    lines: list[dict[str, int]] = json.loads(done.stdout.splitlines()[-1])
    return lines


def _cut(
    worker: Engine, bare: Floor, material: Material, number: int, options: argparse.Namespace, draw: random.Random
) -> dict[str, Any]:
    """One thought of the worker, cut some time after it began."""
    turn = ask(question(number), material.document(options.tokens, number))
    request = worker.request([turn], session=1 + number, thinking_budget=BUDGET, max_tokens=BUDGET)
    answer, began = Answer(), worker.send(request)
    deadline = float("inf")
    while (heard := worker.hear_by(min(deadline, time.perf_counter() + 60))) is not None:
        worker.collect(request.request, began, answer, *heard)
        if len(answer.marks) >= ENOUGH and deadline == float("inf"):
            deadline = heard[0] + draw.uniform(0, 2)
    token_seconds, before = answer.token_seconds, len(answer.ids)
    pressed, first = worker.send(AnswerNow(request.request)), 0.0
    over = False
    while not over:
        at, event = worker.hear()
        over = worker.collect(request.request, began, answer, at, event)
        written = answer.ids_of(Kind.TEXT)
        if written and not first:
            first, thought = at, _thought(answer)
        if len(written) >= COMPARED:
            worker.send(Cancel(request.request))
    written = answer.ids_of(Kind.TEXT)[:COMPARED]
    ids = material.prompt([turn], thinking=True) + thought
    fresh = bare.read(ids, 0, len(written)).tokens
    return {
        "seconds": round(first - pressed, 3),
        "token_seconds": round(token_seconds, 4),
        "after": len(thought) - before - len(material.layout.marks.closing),
        "compared": len(written),
        "equal": count_equal(written, fresh),
    }


def _thought(answer: Answer) -> list[int]:
    """All ids before the answer's first."""
    at = next(at for at, part in enumerate(answer.parts) if part.kind is Kind.TEXT)
    return [token for part in answer.parts[:at] for token in part.ids]
