"""A record of what was on screen and when, read from outside to judge what a crash may lose."""

import json
import sys
import time
from pathlib import Path

MODEL_STACK = frozenset({"mlx", "mlx_lm", "transformers", "tokenizers", "numpy"})


class PaintLog:
    """One JSON line for each time new text of an answer has been painted; counts are characters of its source."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._last = (0, 0, 0)

    def note_start(self) -> None:
        """Write what it cost to come here: CPU seconds, and whether the model stack was loaded on the way."""
        heavy = sorted(MODEL_STACK.intersection(sys.modules))
        self._put({"t": time.time(), "cpu": time.process_time(), "heavy_modules": heavy})

    def note_painted(self, message_id: int, reasoning: int, answer: int) -> None:
        """So much of an answer is on the screen."""
        if (message_id, reasoning, answer) != self._last:
            self._last = (message_id, reasoning, answer)
            self._put({"t": time.time(), "message": message_id, "reasoning": reasoning, "answer": answer})

    def _put(self, line: dict[str, object]) -> None:
        if not self._file.closed:
            self._file.write(json.dumps(line) + "\n")

    def close(self) -> None:
        """Write no more."""
        self._file.close()
