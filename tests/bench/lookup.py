"""Guessing ahead by lookup: tokens per forward pass and wall time where the model quotes and where it does not."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.engine.spawn import worker_environment
from tests.bench.report import Bar, at_least, at_most, spread
from tests.fixtures.models import starter

ROOT = Path(__file__).parents[2]
MOST_CHARACTERS = 2400
"""Of a document from outside: the starter loses its thread in a longer one."""
LEAST_PER_PASS, QUOTING_BOUND, OTHER_BOUND = 1.5, 0.9, 1.05
RUN = 24
"""Tokens that no answer should say twice: it would have run into a loop."""

LIGHTHOUSE = """Lighthouse at Corran Point: notes for visitors

The lighthouse at Corran Point was built between 1861 and 1864 by the brothers Edward and Thomas Hale. It stands on \
a granite shelf eleven metres above the sea, and its tower is twenty-nine metres high. The walls are two metres thick \
at the base and narrow to sixty centimetres below the gallery.

For the first forty years the lamp burned rapeseed oil, and later paraffin. Three keepers lived on the rock with their \
families. They trimmed the wick every four hours, wound the clockwork that turned the lens, and wrote down the weather \
in a leather book that can still be read in the small museum.

In the winter of 1903 a storm broke the windows of the lantern room and put out the light for nine hours. The youngest \
keeper, Agnes Muir, held a hand lamp against the glass until the morning, and two fishing boats found their way into \
the harbour. A brass plate beside the door remembers that night.

The light was given an electric lamp in 1931 and has worked without keepers since 1982. Today it flashes twice every \
fifteen seconds and can be seen from eighteen nautical miles away. The foghorn was switched off for good in the spring \
of 1998.

Visitors may climb the one hundred and forty-four steps on Saturdays from ten in the morning to four in the afternoon. \
Children under eight must be carried or led by the hand. Dogs wait at the gate. The path from the village takes about \
fifty minutes and is slippery after rain."""

LEASE = """Agreement on the use of the workshop

1. The association lets the workshop in the back building to its members. A member may use the machines after an \
introduction by one of the wardens, which takes about two hours and is noted in the book beside the entrance.

2. The workshop is open from eight in the morning to nine in the evening, on Sundays from ten to six. The planing \
machine and the saws must be silent between one and three o'clock.

3. Each member pays twelve euros a month. The money is collected by bank transfer on the fifth day of the month. \
Whoever leaves the association is given back the deposit of sixty euros when the key has been returned.

4. Wood, paint and glue are brought by the members themselves. Leftovers may stay on the lower shelf for four weeks if \
they carry a name; after that anybody may use them.

5. Damage to a machine is reported to a warden on the same day. The association pays for wear, the member for damage \
done on purpose or by gross carelessness."""

QUESTION = "Repeat the text above word for word."
CASES = {
    "quoting": (LIGHTHOUSE, QUESTION),
    "quoting another text": (LEASE, QUESTION),
    "without quotes": ("", "Write a long story about a mathematician who walks through a city of numbers."),
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--document", type=Path, help="a text file to be quoted in place of the built-in one")
    parser.add_argument("--question", help="what is asked about it")
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=4)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Every case in pairs, with and without lookup, by one decoder in one process."""
    cases = dict(CASES)
    text, question = cases["quoting"]
    if options.document:
        text = _beginning(options.document.read_text(encoding="utf-8", errors="replace"))
    cases["quoting"] = (text, options.question or question)
    repeats = options.repeats * (3 if options.full else 1)
    request = {"cases": list(cases.values()), "tokens": options.tokens, "repeats": repeats}
    run = subprocess.run(
        [sys.executable, "-m", "tests.bench.lookup", str(starter())],
        input=json.dumps(request),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=ROOT,
        env=worker_environment(),
    )
    figures = dict(zip(cases, json.loads(run.stdout), strict=True))
    return figures, [bar for name, found in figures.items() for bar in _bars(name, found)]


def _bars(name: str, found: dict[str, Any]) -> list[Bar]:
    wall = found["wall_ratio"]["median"]
    bars = [at_most(f"{name}: answers with other ids", found["different_answers"], 0)]
    if name.startswith("quoting"):
        bars.append(at_least(f"{name}: tokens per forward pass", found["tokens_per_pass"]["median"], LEAST_PER_PASS))
        bars.append(at_most(f"{name}: wall time with / without, median of pairs", wall, QUOTING_BOUND))
    else:
        bars.append(at_most(f"{name}: wall time with / without, median of pairs", wall, OTHER_BOUND))
    return bars


def _beginning(text: str) -> str:
    """Whole paragraphs, as many as there is room for."""
    kept = text[:MOST_CHARACTERS]
    return kept if len(text) <= MOST_CHARACTERS else kept.rpartition("\n\n")[0] or kept


class _Bench:
    """The starter in this process; needs the environment of the worker."""

    def __init__(self, folder: Path, tokens: int) -> None:
        from mlx_lm.utils import load_model

        from app.worker.speculation import Costs
        from app.worker.tokens import Tokens

        self._model: Any = load_model(folder)[0]
        self._tokens, self._most = Tokens(folder), tokens
        self._costs = Costs()

    def measure(self, text: str, question: str, repeats: int) -> dict[str, Any]:
        """One case; the prompt is read once, and its rows are what every run begins with."""
        from mlx_lm.models.cache import make_prompt_cache

        ids, cache = self._prompt(text, question), make_prompt_cache(self._model)
        self._run(ids, cache, lookup=True)  # warms up, and times the passes as an earlier answer would have
        pairs = []
        for turn in range(repeats):
            order = (False, True) if turn % 2 else (True, False)
            runs = {lookup: self._run(ids, cache, lookup=lookup) for lookup in order}
            pairs.append((runs[False], runs[True]))
        plain, fast = zip(*pairs, strict=True)
        answer = plain[0]["ids"]
        return {
            "prompt_tokens": len(ids),
            "answer_tokens": len(answer),
            "repeated_runs": _repeated_runs(answer),
            "different_answers": sum(run["ids"] != answer for run in (*plain, *fast)),
            "tokens_per_pass": spread([run["per_pass"] for run in fast]),
            "wall_ratio": spread([other["seconds"] / one["seconds"] for one, other in pairs]),
            "seconds_without": spread([run["seconds"] for run in plain]),
            "seconds_with": spread([run["seconds"] for run in fast]),
            "pass_costs": {size: round(self._costs.of(size), 2) for size in self._costs.sizes},
            "lookup_milliseconds_per_token": round(statistics.median(run["lookup_ms"] for run in fast), 4),
            "begins": self._tokens.decode(answer[:40]),
        }

    def _run(self, ids: list[int], cache: list[Any], *, lookup: bool) -> dict[str, Any]:
        from app.worker.decoding import Decoder
        from app.worker.speculation import Lookup

        for layer in cache:
            layer.trim(max(0, layer.offset - len(ids) + 1))
        guesser = _Watched(Lookup(self._costs)) if lookup else None
        decoder = Decoder(self._model, cache, ids, self._most, speculator=guesser)
        began = time.perf_counter()
        written: list[int] = []
        for token in decoder:
            written.append(token)
            if token in self._tokens.stops:
                break
        seconds = time.perf_counter() - began
        decoder.close()
        return {
            "ids": written,
            "seconds": seconds,
            "per_pass": len(written) / decoder.passes,
            "lookup_ms": 1000 * guesser.seconds / len(written) if guesser else 0.0,
        }

    def _prompt(self, text: str, question: str) -> list[int]:
        start, end = self._tokens.id("<|im_start|>"), self._tokens.id("<|im_end|>")
        question = f"{text}\n\n{question}" if text else question
        ids: list[int] = []
        for role, words in (("system", "You are a helpful assistant."), ("user", question)):
            ids += [start or 0, *self._tokens.encode(f"{role}\n{words}"), end or 0, *self._tokens.encode("\n")]
        return [*ids, start or 0, *self._tokens.encode("assistant\n")]


class _Watched:
    """A lookup and the time that its own work takes."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.seconds = inner, 0.0
        self.learn = inner.learn

    def propose(self, ids: Sequence[int]) -> list[int]:
        began = time.perf_counter()
        guesses: list[int] = self._inner.propose(ids)
        self.seconds += time.perf_counter() - began
        return guesses


def _repeated_runs(ids: list[int]) -> int:
    runs = [tuple(ids[at : at + RUN]) for at in range(len(ids) - RUN + 1)]
    return len(runs) - len(set(runs))


def _serve() -> None:
    """Measure what standard input asks for and print it; nothing else may go to standard output."""
    request = json.load(sys.stdin)
    bench = _Bench(Path(sys.argv[1]), request["tokens"])
    found = [bench.measure(text, question, request["repeats"]) for text, question in request["cases"]]
    os.write(1, json.dumps(found).encode())


if __name__ == "__main__":
    _serve()
