"""Five chats in turn, twice round: the first token of each second question against its floor.

Once with room for all of them in memory; then with room for two beside the one that is answered, so that the
others come back from the disk: asked at once, and opened before they are asked, as in a window, where the
engine reads a chat's prefix while its question is typed.
"""

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from app.core.protocol import Storage
from tests.bench.engine import Chat, engine
from tests.bench.floor import Floor, floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_most, spread
from tests.fixtures.models import starter

BOUND = 1.25
ANSWER = 12
PADDING = 256
"""Rows that a cache grows by."""
IN_MEMORY = 2
CASES = (
    ("all in memory", False, False),
    ("two in memory, asked at once", True, False),
    ("two in memory, opened before", True, True),
)
"""Name, whether memory is tight, whether a chat is opened before it is asked."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--chats", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=950, help="tokens of each chat's document")
    parser.add_argument("--rounds", type=int, default=2, help="rounds that are measured, after the first")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Both memory budgets, each in an engine and a data folder of its own."""
    model = starter()
    material = Material(model, options.document)
    figures: dict[str, Any] = {}
    bars = []
    with floor(model) as bare:
        for name, tight, opened in CASES:
            turns = _go_round(model, bare, material, options, tight=tight, opened=opened)
            ratios = [turn["ours"] / turn["floor"] for turn in turns]
            figures[name] = {
                "seconds": spread([turn["ours"] for turn in turns]),
                "floor_seconds": spread([turn["floor"] for turn in turns]),
                "to_floor": spread(ratios),
                "restore_seconds": spread([turn["restore"] for turn in turns]),
                "turns": turns,
            }
            bars.append(at_most(f"{name}: first token of a later round / floor, worst", max(ratios), BOUND))
            bars.append(at_most(f"{name}: the same, median", figures[name]["to_floor"]["median"], BOUND))
    return figures, bars


def _go_round(
    model: Path, bare: Floor, material: Material, options: argparse.Namespace, *, tight: bool, opened: bool
) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    chats = [Chat(1 + number) for number in range(options.chats)]
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(memory=_room(model, Path(folder), options.tokens) if tight else None)
        with engine(model, Path(folder), storage=storage) as worker:
            for number, chat in enumerate(chats):
                chat.ask(worker, ask(question(number), material.document(options.tokens, number)), max_tokens=ANSWER)
            for at in range(1, 1 + (3 if options.full else options.rounds)):
                for number, chat in enumerate(chats):
                    turn, rows = ask(question(number + at)), len(material.known(chat.turns))
                    ids = material.prompt([*chat.turns, turn])
                    if opened:
                        worker.estimate(chat.turns, session=chat.session, thinking=False)
                        worker.settle()
                    answer, seconds = bare.around(ids, rows, partial(chat.ask, worker, turn, max_tokens=ANSWER))
                    facts = answer.generation
                    turns.append(
                        {
                            "tokens": len(ids),
                            "rows": rows,
                            "cached": answer.cached,
                            "restored": facts.restored_tokens,
                            "restore": round(facts.restore_seconds, 3),
                            "ours": round(answer.seconds, 3),
                            "floor": round(seconds, 3),
                        }
                    )
    return turns


def _room(model: Path, folder: Path, tokens: int) -> int:
    """Bytes of two such chats."""
    with engine(model, folder) as worker:
        rows = (tokens // PADDING + 1) * PADDING
        return IN_MEMORY * rows * worker.card.cache_bytes_per_token
