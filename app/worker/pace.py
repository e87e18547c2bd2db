"""How fast this machine reads and writes with this model: measured, remembered, told before time is spent."""

import json
from contextlib import suppress
from pathlib import Path

from app.core.protocol import Rates

CHUNK_SECONDS = 0.6
"""A chunk of prefill aims at this long: it is the longest that a cancel waits."""
LEAST_CHUNK, FIRST_CHUNK = 32, 64
TELLING = 24
"""Tokens of a chunk, or of an answer, from which on its time says something about the next one's."""
WEIGHT = 0.3
"""Share of the newest measurement in the rate: machines warm up and slow down."""
RATES = "rates.json"


class Pace:
    """Tokens per second of prefill and of decoding; kept per model in the data folder."""

    def __init__(self, data: Path, fingerprint: str) -> None:
        self._file, self._fingerprint = data / RATES, fingerprint
        kept = self._read().get(fingerprint, {})
        self._prefill, self._decode = _positive(kept, "prefill"), _positive(kept, "decode")

    @property
    def rates(self) -> Rates:
        """Both rates; 0 where nothing was measured yet."""
        return Rates(round(self._prefill, 2), round(self._decode, 2))

    def chunk(self) -> int:
        """Tokens of a chunk of prefill that takes about as long as a person may wait for a stop."""
        return max(LEAST_CHUNK, int(self._prefill * CHUNK_SECONDS) or FIRST_CHUNK)

    def note_prefill(self, tokens: int, seconds: float) -> None:
        """A chunk was read."""
        if tokens >= TELLING and seconds > 0:
            self._prefill = _blend(self._prefill, tokens / seconds)

    def note_decode(self, tokens: int, seconds: float) -> None:
        """An answer was written."""
        if tokens >= TELLING and seconds > 0:
            self._decode = _blend(self._decode, tokens / seconds)

    def save(self) -> None:
        """Keep the rates for the next start; a disk that refuses costs an estimate, no more."""
        kept = self._read() | {self._fingerprint: {"prefill": self._prefill, "decode": self._decode}}
        partial = self._file.with_suffix(".new")
        with suppress(OSError):
            partial.write_text(json.dumps(kept), encoding="utf-8")
            partial.replace(self._file)

    def _read(self) -> dict[str, dict[str, float]]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        if not isinstance(kept, dict):
            return {}
        return {key: value for key, value in kept.items() if isinstance(value, dict)}


def _blend(before: float, now: float) -> float:
    return now if not before else before + WEIGHT * (now - before)


def _positive(kept: dict[str, float], name: str) -> float:
    value = kept.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value < float("inf") else 0.0
