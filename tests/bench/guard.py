"""The loop guard: loops caught by the fourth copy, texts stopped for nothing, microseconds a token.

`--cases FILE` takes other material, one JSON object a line: {"name": ..., "before": ..., "copies": [..., ...]} for a
loop, whose copies should be at least six, and {"name": ..., "text": ...} for a text that is none.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.worker.guard import Guard
from app.worker.tokens import Tokens
from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures import models
from tests.worker.derivations import make_derivations
from tests.worker.loops import Case, make_loops
from tests.worker.texts import make_texts

SPAN = 40_000
"""Tokens of one stretch on which the cost is measured."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--cases", type=Path, help="a file of loops and texts in place of the built ones")
    parser.add_argument("--model", type=Path, action="append", help="a model's folder, for its vocabulary")
    parser.add_argument("--seed", type=int, default=1)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Let a guard hear every case in every vocabulary."""
    loops, texts = _read(options.cases) if options.cases else _make(options.seed)
    folders = options.model or [models.tiny_magistral(), models.starter()]
    figures: dict[str, Any] = {"loops": len(loops), "texts": len(texts)}
    bars: list[Bar] = []
    for folder in folders:
        tokens = Tokens(folder)
        begun = {case.name: _count_copies(tokens, case) for case in loops}
        stopped = [name for name, text in texts.items() if _find(tokens, text) is not None]
        by_fourth = sum(copies <= 4 for copies in begun.values()) / max(1, len(begun))
        cost = spread([_time(tokens, text) for text in _long_texts(texts)])
        figures[folder.name] = {
            "caught_by_third": sum(copies <= 3 for copies in begun.values()),
            "caught_by_fourth": sum(copies <= 4 for copies in begun.values()),
            "later": sorted(name for name, copies in begun.items() if copies > 4),
            "stopped_for_nothing": stopped,
            "microseconds_a_token": cost,
        }
        if loops:
            bars.append(at_least(f"part of the loops caught by the fourth copy, {folder.name}", by_fourth, 0.95))
        bars.append(at_most(f"texts stopped for nothing, {folder.name}", len(stopped), 1))
        bars.append(at_most(f"microseconds a token, median, {folder.name}", cost["median"], 50))
    return figures, bars


def _make(seed: int) -> tuple[list[Case], dict[str, str]]:
    return make_loops(seed), {**make_texts(seed), **make_derivations(seed)}


def _read(file: Path) -> tuple[list[Case], dict[str, str]]:
    loops: list[Case] = []
    texts: dict[str, str] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines()):
        if line.strip():
            row = json.loads(line)
            name = str(row.get("name", number))
            if "copies" in row:
                loops.append(Case(name, row.get("before", ""), tuple(row["copies"]), exact=False))
            else:
                texts[name] = row["text"]
    return loops, texts


def _find(tokens: Tokens, text: str) -> int | None:
    """Characters heard when the guard spoke."""
    guard, stream, heard = Guard(), tokens.stream(), 0
    for token in tokens.encode(text):
        piece = stream.feed(token)
        heard += len(piece)
        if guard.feed(token, piece):
            return heard
    return None


def _count_copies(tokens: Tokens, case: Case) -> float:
    """Copies begun when the loop was caught; infinite where it was not."""
    heard = _find(tokens, case.text)
    if heard is None:
        return float("inf")
    at, begun = len(case.before), 0
    for copy in case.copies:
        if heard <= at:
            break
        begun += 1
        at += len(copy)
    return begun


def _long_texts(texts: dict[str, str]) -> Iterator[str]:
    """Several orders of all texts, none twice in a row."""
    names = list(texts)
    for turn in range(3):
        yield "\n\n".join(texts[name] for name in names[turn:] + names[:turn])


def _time(tokens: Tokens, text: str) -> float:
    """Processor microseconds a token; a guard that speaks is followed by a new one."""
    ids = tokens.encode(text)
    ids = (ids * (SPAN // max(1, len(ids)) + 1))[:SPAN]
    stream = tokens.stream()
    pieces = [(token, stream.feed(token)) for token in ids]
    guard = Guard()
    began = time.process_time()
    for token, piece in pieces:
        if guard.feed(token, piece):
            guard = Guard()
    return (time.process_time() - began) / len(pieces) * 1e6
