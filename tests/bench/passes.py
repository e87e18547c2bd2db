"""How many forward passes lie between "answer now" and the first answer token: the engine's own loop, counted.

`python -m tests.bench.passes MODEL TRIALS SEED` prints one JSON list. The model is the real one; around it every
call is noted. The flag is set by another thread, as the worker's reader sets it.
"""

import json
import random
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from app.core.messages import Generation, Kind, Part, Role, Sampling, ThoughtEnd
from app.core.protocol import Delta, Event, Finished, Generate, Load, Turn
from app.weights.folder import examine
from app.worker.layout import choose_layout
from app.worker.resident import Resident
from app.worker.ticket import Ticket
from app.worker.tokens import Tokens

GREEDY = Sampling(temperature=0.0, top_p=1.0)
QUESTION = "Is it wise to build a mill where two rivers meet?"


class Counted:
    """The model, and which rows each of its calls has read."""

    def __init__(self, model: Any) -> None:
        self._model = model
        self.calls: list[tuple[int, int]] = []
        """First row, and one past the last."""

    def __call__(self, tokens: Any, cache: Any) -> Any:
        at = int(cache[0].offset)
        self.calls.append((at, at + tokens.shape[1]))
        return self._model(tokens, cache=cache)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)


class Trial:
    """One answer whose thought is cut; it ends with its first answer token."""

    def __init__(self, model: Counted, delay: float) -> None:
        command = Generate(
            1, [Turn(Role.USER, [Part(Kind.TEXT, QUESTION)])], sampling=GREEDY, thinking_budget=500, guard=False
        )
        self.ticket = Ticket(command)
        self.calls_at_key = -1
        self._model, self._delay = model, delay
        self._parts: list[Part] = []
        self.finished: Generation | None = None

    def hear(self, event: Event) -> None:
        """Press the key some time after the first token; stop at the answer's first one."""
        if isinstance(event, Finished):
            self.finished = event.generation
        if not isinstance(event, Delta):
            return
        before, self._parts = self._parts, [*self._parts, *event.parts]
        if _thinks(self._parts) and not _thinks(before):
            threading.Timer(self._delay, self._press).start()
        if self.closed and any(part.kind is Kind.TEXT and part.ids for part in event.parts):
            self.ticket.cancelled = True

    @property
    def closed(self) -> bool:
        """Whether the app's closing words are there: the second of its own parts."""
        return sum(part.kind is Kind.INJECTED for part in self._parts) > 1

    @property
    def cut_by_key(self) -> bool:
        """Whether the key came before the thought ended by itself."""
        return self.finished is not None and self.finished.thought_end is ThoughtEnd.USER

    def count(self, prompt: int) -> dict[str, int]:
        """Passes begun after the key, up to the one that read the last closing id and gave the first answer token."""
        closed = max(at for at, part in enumerate(self._parts) if part.kind is Kind.INJECTED)
        row = prompt + sum(len(part.ids) for part in self._parts[: closed + 1]) - 1
        after = self._model.calls[self.calls_at_key :]
        decides = next(at for at, (first, end) in enumerate(after) if first <= row < end)
        return {
            "passes": decides + 1,
            "thought": sum(len(part.ids) for part in self._parts[:closed] if part.kind is Kind.REASONING),
        }

    def _press(self) -> None:
        self.calls_at_key = len(self._model.calls)
        self.ticket.answer_now = True


def _thinks(parts: list[Part]) -> bool:
    return any(part.kind is Kind.REASONING for part in parts)


def main() -> None:
    """Cut so many thoughts, each at another moment."""
    folder, trials, draw = Path(sys.argv[1]), int(sys.argv[2]), random.Random(int(sys.argv[3]))
    tokens = Tokens(folder)
    layout = choose_layout(tokens, folder)
    lines: list[dict[str, int]] = []
    hearing: list[Trial] = []

    def hear(event: Event) -> None:
        if hearing:
            hearing[-1].hear(event)

    with tempfile.TemporaryDirectory() as data:
        resident = Resident(Load(data, str(folder)), examine(folder), tokens, hear, lambda: False)
        resident._prefixes._model = model = Counted(resident._prefixes._model)
        for number in range(3 * trials + 1):
            if len(lines) == trials:
                break
            trial = Trial(model, draw.uniform(0.1, 1.5))
            hearing.append(trial)
            resident.answer(trial.ticket)
            if number and trial.cut_by_key:  # the first one warms up
                lines.append(trial.count(len(layout.build(trial.ticket.command.turns, "", thinking=True).ids)))
        resident.close()
    print(json.dumps(lines))


if __name__ == "__main__":
    main()
