"""Time to first token of a chat's later turns: against the new tokens alone, a cold prefill and mlx_lm.server.

The floor is a bare mlx_lm loop that has a cache of the whole history and reads the new tokens alone. With
thoughts dropped from the history the same is measured after the idle time in which the engine reads it again.
"""

import argparse
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from app.core.messages import Part
from app.core.protocol import Turn
from app.worker.prompt import fence
from tests.bench.engine import Chat, Engine, count_equal, engine
from tests.bench.floor import Floor, floor
from tests.bench.material import Material, add_document_option, ask, question
from tests.bench.report import Bar, at_most, spread
from tests.bench.served import Server, server
from tests.fixtures.models import starter

ANSWER = 24
"""Tokens of an answer."""
THOUGHT = 40
BOUND = 1.10
LETTERS = "ABCDEFGH"
WARM_LIMIT = 120.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    add_document_option(parser)
    parser.add_argument("--chats", type=int, default=2)
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--tokens", type=int, default=600, help="tokens of the document in each first question")
    parser.add_argument("--tries", type=int, default=2, help="further questions that are measured at each later turn")
    parser.add_argument("--without-server", action="store_true", help="leave mlx_lm.server out")


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Growing chats with one engine; the others read the same prompts between its turns."""
    model = starter()
    material = Material(model, options.document)
    chats = options.chats * 3 if options.full else options.chats
    with tempfile.TemporaryDirectory() as folder, engine(model, Path(folder)) as worker, floor(model) as bare:
        if options.without_server:
            plain = [_grow(worker, bare, None, material, number, options) for number in range(chats)]
        else:
            with server(model) as served:
                served.ask([{"role": "user", "content": "Hello"}], 4)
                plain = [_grow(worker, bare, served, material, number, options) for number in range(chats)]
        thinking = [
            _grow_thinking(worker, bare, material, chats + number, options) for number in range(max(1, chats // 2))
        ]
    later = [turn for chat in plain for turn in chat[1:]]
    dropped = [turn for chat in thinking for turn in chat[1:]]
    to_floor, dropped_to_floor = _ratios(later, "floor"), _ratios(dropped, "floor")
    figures: dict[str, Any] = {
        "prompt_tokens_of_last_turns": [chat[-1]["tokens"] for chat in plain],
        "new_tokens": spread([turn["tokens"] - turn["rows"] for turn in later]),
        "seconds": spread([turn["ours"] for turn in later]),
        "floor_seconds": spread([turn["floor"] for turn in later]),
        "to_floor": to_floor,
        "to_cold_prefill": _ratios([chat[-1] for chat in plain], "cold"),
        "first_turn_to_cold_prefill": _ratios([chat[0] for chat in plain], "cold"),
        "thoughts_dropped": {
            "seconds": spread([turn["ours"] for turn in dropped]),
            "to_floor": dropped_to_floor,
            "tokens_read_again_in_idle_time": spread([turn["read_again"] for chat in thinking for turn in chat]),
            "idle_seconds_needed": spread([turn["idle"] for chat in thinking for turn in chat]),
        },
        "turns": plain,
        "turns_with_thoughts_dropped": thinking,
    }
    bars = [
        at_most("turns 2 and later: first token / floor, median", to_floor["median"], BOUND),
        at_most("thoughts dropped, after the idle time: first token / floor", dropped_to_floor["median"], BOUND),
    ]
    if not options.without_server:
        to_server = figures["to_server"] = _ratios([turn for turn in later if "server" in turn], "server")
        bars.append(at_most("turns 2 and later: first token / mlx_lm.server's", to_server["median"], 1.0))
    return figures, bars


def _grow(
    worker: Engine, bare: Floor, served: Server | None, material: Material, number: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    chat, messages = Chat(1000 + number), [{"role": "system", "content": "You are a helpful assistant."}]
    lines: list[dict[str, Any]] = []
    for at in range(options.turns):
        read = [material.known(chat.turns)] if at else []
        for letter in LETTERS[: options.tries if at else 0]:
            turn = ask(f"{letter}: say in one sentence what this is about.")
            line = _try_out(worker, bare, chat, turn, material.prompt([*chat.turns, turn]), read)
            lines.append(line)
        turn = ask(question(at + number), *([] if at else [material.document(options.tokens, number)]))
        ids = material.prompt([*chat.turns, turn])
        rows = _count_known(ids, read)
        answer, floor_seconds = bare.around(ids, rows, partial(chat.ask, worker, turn, max_tokens=ANSWER))
        line = {"tokens": len(ids), "rows": rows, "cached": answer.cached, "ours": answer.seconds}
        line["floor" if at else "cold"] = floor_seconds
        if at == options.turns - 1:
            line["cold"] = bare.read(ids).seconds
        if served:
            messages.append({"role": "user", "content": _as_text(turn)})
            other = served.ask(messages, ANSWER)
            messages.append({"role": "assistant", "content": other.text})
            line |= {"server": other.seconds, "server_cached": other.cached}
        lines.append(_rounded(line))
    return lines


def _try_out(
    worker: Engine, bare: Floor, chat: Chat, turn: Turn, ids: list[int], read: list[list[int]]
) -> dict[str, Any]:
    """A question that the chat does not go on from: one more measurement of the same turn."""
    rows = _count_known(ids, read)
    answer, floor_seconds = bare.around(ids, rows, partial(chat.try_out, worker, turn, max_tokens=2))
    read.append(ids)
    line = {"tokens": len(ids), "rows": rows, "cached": answer.cached, "ours": answer.seconds, "floor": floor_seconds}
    return _rounded(line)


def _count_known(ids: list[int], read: list[list[int]]) -> int:
    """Rows of a prompt that were computed for another one, which the floor has in its cache, too."""
    return max((count_equal(ids, other) for other in read), default=0)


def _grow_thinking(
    worker: Engine, bare: Floor, material: Material, number: int, options: argparse.Namespace
) -> list[dict[str, Any]]:
    """Each thought leaves the prompt when its turn is over; what stands behind it is read again while nobody waits."""
    chat = Chat(1000 + number, {"thinking_budget": THOUGHT, "keep_thoughts": False})
    opening = list(material.layout.marks.opening)
    lines: list[dict[str, Any]] = []
    known: list[int] = []
    for at in range(options.turns):
        turn = ask(question(at + number), *([] if at else [material.document(options.tokens, number)]))
        prompt = material.prompt([*chat.turns, turn], thinking=True, keep_thoughts=False)
        ids, rows = prompt + opening, len(known)
        before = bare.read(ids, rows).seconds
        answer = worker.ask([*chat.turns, turn], session=chat.session, max_tokens=2 * THOUGHT + ANSWER, **chat.fields)
        chat.turns += [turn, answer.turn]
        line = {"tokens": len(ids), "rows": rows, "cached": answer.cached, "ours": answer.seconds}
        known = material.known(chat.turns, thinking=True, keep_thoughts=False)
        line |= {"idle": _wait_until_warm(worker, chat), "read_again": len(known) - len(prompt)}
        worker.settle()
        line["floor" if at else "cold"] = (before + bare.read(ids, rows).seconds) / 2
        lines.append(_rounded(line))
    return lines


def _wait_until_warm(worker: Engine, chat: Chat) -> float:
    """Seconds from the answer's end until all of the next prompt's beginning is computed."""
    began = time.perf_counter()
    while True:
        found = worker.estimate(chat.turns, session=chat.session, keep_thoughts=False)
        waited = time.perf_counter() - began
        if found.cached == found.tokens:
            return waited
        if waited > WARM_LIMIT:
            raise RuntimeError(f"of {found.tokens} tokens only {found.cached} were read in idle time")
        time.sleep(0.02)


def _as_text(turn: Turn) -> str:
    return "".join(_words(part) for part in turn.parts)


def _words(part: Part) -> str:
    return fence(part) if part.name else part.text


def _ratios(turns: list[dict[str, Any]], other: str) -> dict[str, float | int]:
    return spread([turn["ours"] / turn[other] for turn in turns])


def _rounded(line: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in line.items()}
