"""The first token after the engine was ended and started again, against the same chat in an engine that lived on.

Counted from the request, which is sent when the model is loaded; reading and dequantising the saved rows is
stated apart. Then whether a greedy answer goes on as it would have without the restart.
"""

import argparse
import shutil
import string
import tempfile
from pathlib import Path
from typing import Any

from app.core.protocol import Storage
from tests.bench.engine import Chat, Engine, count_equal, engine
from tests.bench.floor import Floor, floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures.models import starter

BOUND = 1.25
LEAST = 150
"""Tokens that two answers must have to say anything; a model may end its turn."""
LONG = "Write a very long story about all of these people and places, year by year. Do not stop early."
TRIAL = "{}: say in one sentence what this is about."
"""Its first letter tells the trials apart, so that nothing but the history is known of any."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--repeats", type=int, default=6, help="restarts, each with a warm question beside it")
    parser.add_argument("--tokens", type=int, default=600, help="tokens of the document in the first question")
    parser.add_argument("--continuation", type=int, default=200, help="tokens of the answers that are compared")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Restarts in pairs with warm questions, then continuations from both kinds of files."""
    model = starter()
    material = Material(model, options.document)
    with floor(model) as bare:
        pairs, cold = _restart(model, bare, material, options)
    kept = {name: _go_on(model, material, options, Storage(exact=name == "exact")) for name in ("exact", "rounded")}
    apart = spread([(pair["restarted"] - pair["restore"]) / pair["warm"] for pair in pairs])
    figures = {
        "rows": pairs[0]["rows"],
        "restarted_seconds": spread([pair["restarted"] for pair in pairs]),
        "restore_seconds": spread([pair["restore"] for pair in pairs]),
        "warm_seconds": spread([pair["warm"] for pair in pairs]),
        "to_warm_without_restoring": apart,
        "to_warm": spread([pair["restarted"] / pair["warm"] for pair in pairs]),
        "cold_to_restarted": spread([cold / pair["restarted"] for pair in pairs]),
        "cold_seconds": round(cold, 3),
        "continuation": kept,
        "pairs": pairs,
    }
    return figures, [
        at_most("first token after a restart, without restoring / warm, median", apart["median"], BOUND),
        at_least("rows restored / rows of the history, least", min(pair["kept"] for pair in pairs), 1.0),
        at_least("tokens of the compared answers, least", min(each["tokens"] for each in kept.values()), LEAST),
        at_least("exact files: tokens equal to the unbroken answer's", kept["exact"]["share"], 1.0),
    ]


def _restart(
    model: Path, bare: Floor, material: Material, options: argparse.Namespace
) -> tuple[list[dict[str, float]], float]:
    chat, pairs, letters = Chat(1), [], iter(string.ascii_letters)
    with tempfile.TemporaryDirectory() as folder:
        with engine(model, Path(folder)) as worker:
            _converse(chat, worker, material, options)
            worker.end()
        rows = len(material.known(chat.turns))
        for _restart in range(options.repeats * 3 if options.full else options.repeats):
            with engine(model, Path(folder)) as worker:
                restarted = chat.try_out(worker, ask(TRIAL.format(next(letters))), max_tokens=2)
                warm = chat.try_out(worker, ask(TRIAL.format(next(letters))), max_tokens=2)
                worker.end()
            facts = restarted.generation
            pairs.append(
                {
                    "rows": rows,
                    "kept": round(min(facts.restored_tokens, rows) / rows, 4),
                    "restarted": round(restarted.seconds, 3),
                    "restore": round(facts.restore_seconds, 3),
                    "warm": round(warm.seconds, 3),
                }
            )
        cold = bare.read(material.prompt([*chat.turns, ask(TRIAL.format("z"))])).seconds
    return pairs, cold


def _go_on(model: Path, material: Material, options: argparse.Namespace, storage: Storage) -> dict[str, Any]:
    """One answer in the engine that knows the chat, and in another one that has its files alone."""
    chat, last = Chat(1, {"speculate": False}), ask(LONG)
    with tempfile.TemporaryDirectory() as folder:
        lived, copied = Path(folder) / "lived", Path(folder) / "copied"
        with engine(model, lived, storage=storage) as worker:
            _converse(chat, worker, material, options)
            copied.mkdir()
            shutil.copytree(lived / "prefixes", copied / "prefixes")
            unbroken = chat.try_out(worker, last, max_tokens=options.continuation).ids
        with engine(model, copied, storage=storage) as worker:
            answer = chat.try_out(worker, last, max_tokens=options.continuation)
    broken = answer.ids
    pairs = list(zip(unbroken, broken, strict=False))
    return {
        "tokens": len(unbroken),
        "restored": answer.generation.restored_tokens,
        "equal_from_the_start": count_equal(unbroken, broken),
        "share": round(sum(one == other for one, other in pairs) / max(len(unbroken), len(broken)), 4),
    }


def _converse(chat: Chat, worker: Engine, material: Material, options: argparse.Namespace) -> None:
    """A first question with a document, and two more."""
    chat.ask(worker, ask(question(0), material.document(options.tokens, 0)))
    for number in (1, 2):
        chat.ask(worker, ask(question(number)))
