"""A scripted double of the worker: a process that speaks the real protocol and plays what a file says.

`python -m tests.double SCRIPT.json DESCRIPTOR`. The script is an object:

    {"loading": 3,                  steps of the load (default 2)
     "fail_load": {failure},        the load fails instead
     "card": {...},                 fields that replace the model card's
     "load_gate": path              the load waits for that file
     "record": path                 every command that comes is appended there, one JSON object a line
     "deaf": true                   it does not end when it is told to, nor when the desktop is gone
     "shy": true                    it says nothing at all
     "die_on_load": path            it dies while it loads, as long as that file exists
     "version": n                   the protocol version it claims
     "rates": [prefill, decode]     told after the load
     "stored": {...}                what lies on the disk, told after the load
     "noted": {failure}             told after the load
     "cached": n                    tokens that every estimate and prompt have in the cache already
     "queue": seconds               that every request is said to have waited
     "warm_gate": path              reading ahead lasts until that file exists
     "answers": [[step, ...], ...]} one list for each request, the last one again for all after it

A step has one of these keys:
    {"read": [done, total]}         prefill progress
    {"think": text} {"say": text}   text in pieces of `each` characters (default 8), `pause` seconds apart
    {"inject": text}                text fed by the app, which closes the thought with it if `closes` says why
    {"gate": path}                  wait until that file exists, so that tests need no sleeping
    {"reclassify": true, "thought": n, "answer": m}   the text so far is divided anew
    {"retract": [characters, ids]}  the end of what was written is taken back
    {"steer": true}                 wait for the user's words and put them into the thought
    {"limit": true}                 the answer is cut off by the context's end
    {"loop": true} {"stop": true}   it ends because it repeats itself, or at a stop string
    {"fail": {failure}} {"die": true} {"garbage": true} {"hang": true}
Cancelling ends an answer between two pieces; answer-now skips to the first `say`. An answer that goes on
from parts plays its list of steps as any other; a fork says first what is kept.
"""

import json
import os
import queue
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from app.core.errors import Failure
from app.core.lines import Lines
from app.core.memory import Machine
from app.core.messages import End, Generation, Kind, Part, Sampling, ThoughtEnd
from app.core.protocol import (
    VERSION,
    AnswerNow,
    Cancel,
    Count,
    Counted,
    Delta,
    Estimate,
    Estimated,
    Event,
    Failed,
    Finished,
    Generate,
    Hello,
    Load,
    Loaded,
    Loading,
    ModelCard,
    Noted,
    Prefilled,
    Prewarm,
    Prewarmed,
    Rates,
    Reclassified,
    Retracted,
    Shutdown,
    Started,
    Steer,
    Stored,
    TokenizerReady,
    Turn,
    Welcome,
    decode_command,
    encode,
)

CARD = ModelCard(
    name="Magistral Small",
    folder="/models/Magistral-Small-2509-MLX-4bit",
    fingerprint="0123456789abcdef",
    release="magistral",
    architecture="mistral3",
    bits=4,
    weights_bytes=13_260_072_960,
    cache_bytes_per_token=163_840,
    context=40_960,
    machine=Machine(device="metal", name="Apple M1 Max", memory=34_359_738_368, limit=22_906_503_168),
)


class Double:
    """One process's play."""

    def __init__(self, script: dict[str, Any], sock: socket.socket) -> None:
        self._script, self._sock, self._lock = script, sock, threading.Lock()
        self._work: queue.SimpleQueue[Load | Generate | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._hurried: set[int] = set()
        self._corrections: dict[int, list[str]] = {}
        self._card = msgspec.structs.replace(CARD, **script.get("card", {}))
        self._played = 0

    def serve(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()
        while (job := self._work.get()) is not None:
            if isinstance(job, Load):
                self._load()
            else:
                self._answer(job)

    def _listen(self) -> None:
        lines = Lines()
        while data := self._sock.recv(65536):
            for line in lines.feed(data):
                if record := self._script.get("record"):
                    with Path(record).open("ab") as file:
                        file.write(line + b"\n")
                self._hear(decode_command(line))
        if not self._script.get("deaf"):
            os._exit(0)

    def _hear(self, command: object) -> None:
        if self._script.get("shy"):
            return
        match command:
            case Hello():
                self._send(Welcome(self._script.get("version", VERSION), os.getpid()))
            case Count(request, texts):
                self._send(Counted(request, [len(text) // 4 + 1 for text in texts]))
            case Cancel(request):
                self._cancelled.add(request)
            case AnswerNow(request):
                self._hurried.add(request)
            case Steer(request, text):
                self._corrections.setdefault(request, []).append(text)
            case Estimate(request, turns):
                self._send(Estimated(request, _measure(turns), self._script.get("cached", 0)))
            case Prewarm(request, turns):
                threading.Thread(target=self._warm, args=(request, _measure(turns)), daemon=True).start()
            case Load() | Generate():
                self._work.put(command)
            case Shutdown() if not self._script.get("deaf"):
                os._exit(0)

    def _load(self) -> None:
        total = self._script.get("loading", 2)
        self._send(TokenizerReady())
        for done in range(total + 1):
            self._send(Loading("weights", done, total))
        if gate := self._script.get("load_gate"):
            _wait_for(gate)
        if (omen := self._script.get("die_on_load")) and Path(omen).exists():
            os._exit(9)
        if failure := self._script.get("fail_load"):
            self._send(Failed(Failure(**failure)))
        else:
            self._send(Loaded(self._card))
            self._greet()

    def _greet(self) -> None:
        if rates := self._script.get("rates"):
            self._send(Rates(*rates))
        if stored := self._script.get("stored"):
            self._send(Stored(**stored))
        if noted := self._script.get("noted"):
            self._send(Noted(Failure(**noted)))

    def _warm(self, request: int, rows: int) -> None:
        if gate := self._script.get("warm_gate"):
            while not Path(gate).exists() and not self.stopped(request):
                time.sleep(0.01)
        self._send(Prewarmed(request, 0 if self.stopped(request) else rows))

    def _answer(self, command: Generate) -> None:
        answers = self._script["answers"]
        steps = answers[min(self._played, len(answers) - 1)]
        self._played += 1
        told = self._script.get("cached", 0), self._script.get("queue", 0.0)
        _Play(self, command, steps, self._card, told).run()

    def stopped(self, request: int) -> bool:
        return request in self._cancelled

    def hurried(self, request: int) -> bool:
        return request in self._hurried

    def correction(self, request: int) -> str | None:
        waiting = self._corrections.get(request)
        return waiting.pop(0) if waiting else None

    def unused(self, request: int) -> list[str]:
        return self._corrections.pop(request, [])

    def _send(self, event: Event) -> None:
        self.write(encode(event) + b"\n")

    def write(self, data: bytes) -> None:
        with self._lock:
            self._sock.sendall(data)


class _Play:
    """One answer."""

    def __init__(
        self, double: Double, command: Generate, steps: list[dict[str, Any]], card: ModelCard, told: tuple[int, float]
    ) -> None:
        self._double, self._request, self._steps, self._card = double, command.request, steps, card
        self._command, (self._cached, self._queue) = command, told
        self._closed: ThoughtEnd | None = None
        self._prompt = _measure(command.turns)
        self._seed = (command.sampling.seed if command.sampling else None) or 0
        self._counts = {Kind.REASONING: 0, Kind.TEXT: 0}
        self._seconds = {Kind.REASONING: 0.0, Kind.TEXT: 0.0}
        self._last: Kind | None = None

    def run(self) -> None:
        self._send(Started(self._request, self._prompt, self._cached, self._seed, self._queue))
        self._keep_beginning()
        end: ThoughtEnd | None = None
        hurried = self._command.answer_now
        for step in self._steps:
            if "think" in step and (hurried or self._double.hurried(self._request)):
                end = ThoughtEnd.USER
                continue
            if "think" in step:
                end = ThoughtEnd.ITSELF
            if not self._step(step):
                return
            if "think" in step and self._double.hurried(self._request):
                end = ThoughtEnd.USER
            if self._double.stopped(self._request):
                end = end if "say" in step else ThoughtEnd.USER
                self._finish(End.USER, end)
                return
        reasons = {"limit": End.LIMIT, "loop": End.LOOP, "stop": End.STOP}
        why = next((reasons[key] for step in self._steps for key in step if key in reasons), End.TURN)
        self._finish(why, ThoughtEnd.LOOP if why is End.LOOP and self._last is Kind.REASONING else end)

    def _keep_beginning(self) -> None:
        """Say again what a fork keeps."""
        left = self._command.fork
        if left is None:
            return
        kept = []
        for part in self._command.answer:
            if left > 0:
                text = part.text[:left] if part.kind is Kind.REASONING else part.text
                left -= len(text) if part.kind is Kind.REASONING else 0
                kept.append(Part(part.kind, text, part.ids[: len(text) // 8]))
        self._send(Delta(self._request, kept, 0))

    def _step(self, step: dict[str, Any]) -> bool:
        """Play one step; False where it ends the answer by itself."""
        match step:
            case {"read": [done, total]}:
                self._send(Prefilled(self._request, done, total))
            case {"think": text}:
                self._write(Kind.REASONING, text, step)
            case {"say": text}:
                self._write(Kind.TEXT, text, step)
            case {"inject": text}:
                closes = ThoughtEnd(step["closes"]) if "closes" in step else None
                self._closed = closes or self._closed
                self._send(Delta(self._request, [Part(Kind.INJECTED, text, (7,))], sum(self._counts.values()), closes))
            case {"gate": path}:
                _wait_for(path)
            case {"retract": [characters, ids]}:
                self._send(Retracted(self._request, characters, ids))
            case {"steer": _}:
                self._take_correction()
            case {"reclassify": _, "thought": thought}:
                self._send(Reclassified(self._request, thought, step.get("answer", 0)))
            case _:
                return self._go_wrong(step)
        return True

    def _go_wrong(self, step: dict[str, Any]) -> bool:
        match step:
            case {"fail": failure}:
                self._send(Failed(Failure(**failure), self._request))
                return False
            case {"die": _}:
                os._exit(9)
            case {"garbage": _}:
                self._double.write(b"this is not the protocol\n")
                return False
            case {"hang": _}:
                threading.Event().wait()
        return True

    def _write(self, kind: Kind, text: str, step: dict[str, Any]) -> None:
        each, pause = step.get("each", 8), step.get("pause", 0.0)
        for at in range(0, len(text), each):
            if self._double.stopped(self._request):
                return
            if kind is Kind.REASONING and self._double.hurried(self._request):
                return
            began = time.monotonic()
            piece = text[at : at + each]
            self._counts[kind] += 1
            self._last = kind
            token = 1000 + self._counts[kind]
            self._send(Delta(self._request, [Part(kind, piece, (token,))], sum(self._counts.values())))
            if pause:
                time.sleep(pause)
            self._seconds[kind] += time.monotonic() - began

    def _take_correction(self) -> None:
        while (text := self._double.correction(self._request)) is None:
            time.sleep(0.01)
        self._send(Delta(self._request, [Part(Kind.STEER, text, (9,))], sum(self._counts.values())))

    def _finish(self, end: End, thought_end: ThoughtEnd | None) -> None:
        generation = Generation(
            model=self._card.name,
            fingerprint=self._card.fingerprint,
            sampling=self._command.sampling or Sampling(),
            thinking_budget=self._command.thinking_budget,
            queue_seconds=self._queue,
            prompt_tokens=self._prompt,
            cached_tokens=self._cached,
            restored_tokens=self._cached,
            restore_seconds=0.25 if self._cached else 0.0,
            passes=sum(self._counts.values()),
            reasoning_tokens=self._counts[Kind.REASONING],
            answer_tokens=self._counts[Kind.TEXT],
            reasoning_seconds=self._seconds[Kind.REASONING],
            answer_seconds=self._seconds[Kind.TEXT],
            seed=self._seed,
            end=end,
            thought_end=self._closed or thought_end,
        )
        self._send(Finished(self._request, generation, self._double.unused(self._request)))

    def _send(self, event: Event) -> None:
        self._double.write(encode(event) + b"\n")


def _measure(turns: list[Turn]) -> int:
    """Tokens of a prompt, as the double counts."""
    return sum(len(part.text) // 4 + 1 for turn in turns for part in turn.parts) + 8


def command(folder: Path, **script: Any) -> list[str]:
    """The command line of a double that plays this script, which is kept in a folder."""
    file = folder / f"script-{time.monotonic_ns()}.json"
    file.write_text(json.dumps({"answers": [[{"say": "Fine."}]]} | script), encoding="utf-8")
    return [sys.executable, "-m", "tests.double", str(file)]


def _wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


if __name__ == "__main__":
    script_file, descriptor = sys.argv[1:]
    with socket.socket(fileno=int(descriptor)) as connection:
        Double(json.loads(Path(script_file).read_text(encoding="utf-8")), connection).serve()
