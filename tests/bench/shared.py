"""A further chat on the same document: its first token against the floor, from memory and from the disk."""

import argparse
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from app.core.messages import Role
from app.core.protocol import Turn
from tests.bench.engine import Chat, Engine, engine
from tests.bench.floor import Floor, floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures.models import starter

BOUND = 1.2
RESTORED_BOUND = 1.25
ANSWER = 8


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--repeats", type=int, default=7, help="further chats while the engine lives")
    parser.add_argument("--restarts", type=int, default=4, help="chats that find the document on the disk alone")
    parser.add_argument("--tokens", type=int, default=900, help="tokens of the document")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """One chat reads the document; the others ask something else about it."""
    model = starter()
    material = Material(model, options.document)
    document = material.document(options.tokens, 0)
    times = 3 if options.full else 1

    def further(worker: Engine, bare: Floor, number: int) -> dict[str, Any]:
        turn, chat = ask(question(number), document), Chat(1 + number)
        ids, rows = material.prompt([turn]), len(material.known([Turn(Role.USER, [document])]))
        answer, seconds = bare.around(ids, rows, partial(chat.ask, worker, turn, max_tokens=ANSWER))
        return {
            "tokens": len(ids),
            "rows": rows,
            "cached": answer.cached,
            "restored": answer.generation.restored_tokens,
            "restore": round(answer.generation.restore_seconds, 3),
            "ours": round(answer.seconds, 3),
            "floor": round(seconds, 3),
        }

    with tempfile.TemporaryDirectory() as folder, floor(model) as bare:
        with engine(model, Path(folder)) as worker:
            first = Chat(1).ask(worker, ask(question(0), document), max_tokens=ANSWER)
            memory = [further(worker, bare, number) for number in range(1, 1 + options.repeats * times)]
            worker.end()
        disk = []
        for number in range(options.restarts * times):
            with engine(model, Path(folder)) as worker:
                disk.append(further(worker, bare, 1 + len(memory) + number))
                worker.end()
        cold = bare.read(material.prompt([ask(question(0), document)])).seconds
    alive = spread([chat["ours"] / chat["floor"] for chat in memory])
    restored = spread([(chat["ours"] - chat["restore"]) / chat["floor"] for chat in disk])
    figures = {
        "first_chat_seconds": round(first.seconds, 3),
        "cold_prefill_seconds": round(cold, 3),
        "in_memory": {"to_floor": alive, "chats": memory},
        "after_a_restart": {
            "to_floor_without_restoring": restored,
            "to_floor": spread([chat["ours"] / chat["floor"] for chat in disk]),
            "restore_seconds": spread([chat["restore"] for chat in disk]),
            "chats": disk,
        },
    }
    return figures, [
        at_most("a further chat: first token / floor, median", alive["median"], BOUND),
        at_most("the same after a restart, without restoring: median", restored["median"], RESTORED_BOUND),
        at_least("rows of the document that were not read again, least share", _least_kept([*memory, *disk]), 1.0),
    ]


def _least_kept(chats: list[dict[str, Any]]) -> float:
    return min(float(chat["cached"] / chat["rows"]) for chat in chats)
