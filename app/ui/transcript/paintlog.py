"""A record of what was on screen and when, read from outside to judge what a crash may lose."""

import json
import sys
import time
from functools import partial
from pathlib import Path

from app.ui.transcript.turn import Answer

MODEL_STACK = frozenset({"mlx", "mlx_lm", "transformers", "tokenizers", "numpy"})


class PaintLog:
    """One JSON line for each time new text of an answer has been painted; counts are characters of its source."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._answers: dict[int, int] = {}

    def note_start(self) -> None:
        """Write what it cost to come here: CPU seconds, and whether the model stack was loaded on the way."""
        heavy = sorted(MODEL_STACK.intersection(sys.modules))
        self._put({"t": time.time(), "cpu": time.process_time(), "heavy_modules": heavy})

    def watch(self, answer: Answer) -> None:
        """Write a line whenever a text of this answer has been painted."""
        for text in answer.texts():
            if text.after_paint is None:
                text.after_paint = partial(self._write, answer)

    def _write(self, answer: Answer) -> None:
        thought = answer.thought.body if answer.thought else None
        blocks = answer.block_texts()
        if blocks and blocks[-1].painted == blocks[-1].taken:
            self._answers[answer.message.id] = answer.taken
        line: dict[str, object] = {
            "t": time.time(),
            "message": answer.message.id,
            "reasoning": thought.painted if thought else 0,
            "answer": self._answers.get(answer.message.id, 0),
        }
        self._put(line)

    def _put(self, line: dict[str, object]) -> None:
        if not self._file.closed:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()
