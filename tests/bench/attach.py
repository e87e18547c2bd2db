"""A document is attached and read before its question comes: the question's first token against the floor."""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from app.core.messages import Part, Role
from app.core.protocol import Prewarm, Prewarmed, Turn
from tests.bench.engine import Chat, Engine, engine
from tests.bench.floor import floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_most, spread
from tests.fixtures.models import starter

BOUND = 1.2
RETURN_AFTER = 30.0
"""Seconds from attaching to Return, in the full run."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--repeats", type=int, default=6, help="documents, each attached in a chat of its own")
    parser.add_argument("--tokens", type=int, default=600, help="tokens of a document")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """One new chat after the other, each with a document of its own."""
    model = starter()
    material = Material(model, options.document)
    chats = []
    with tempfile.TemporaryDirectory() as folder, engine(model, Path(folder)) as worker, floor(model) as bare:
        for number in range(options.repeats):
            document, chat = material.document(options.tokens, number), Chat(1 + number)
            attached = time.perf_counter()
            read, rows_read = _attach(worker, chat, document)
            worker.settle()
            if options.full:
                time.sleep(max(0.0, attached + RETURN_AFTER - time.perf_counter()))
            turn = ask(question(number), document)
            ids, rows = material.prompt([turn]), len(material.known([Turn(Role.USER, [document])]))
            answer, seconds = bare.around(ids, rows, partial(chat.ask, worker, turn, max_tokens=8))
            chats.append(
                {
                    "tokens": len(ids),
                    "rows": rows,
                    "read": rows_read,
                    "cached": answer.cached,
                    "reading": round(read, 3),
                    "ours": round(answer.seconds, 3),
                    "floor": round(seconds, 3),
                }
            )
    ratios = spread([chat["ours"] / chat["floor"] for chat in chats])
    figures = {
        "seconds_to_read_the_document": spread([chat["reading"] for chat in chats]),
        "within_30_seconds": sum(chat["reading"] <= RETURN_AFTER for chat in chats),
        "seconds": spread([chat["ours"] for chat in chats]),
        "to_floor": ratios,
        "chats": chats,
    }
    return figures, [at_most("document attached and read, then asked: first token / floor", ratios["median"], BOUND)]


def _attach(worker: Engine, chat: Chat, document: Part) -> tuple[float, int]:
    """Seconds until the document is read, and its rows."""
    number = worker.number()
    began = worker.send(Prewarm(number, [Turn(Role.USER, [document])], session=chat.session, thinking=False))
    while True:
        at, event = worker.hear()
        if isinstance(event, Prewarmed) and event.request == number:
            return at - began, event.rows
