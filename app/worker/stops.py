"""Stop strings: text before which an answer ends, found also where it comes in pieces."""

from collections.abc import Sequence


class Stops:
    """Lets an answer's text through up to the first stop string; what may become one is held back."""

    def __init__(self, strings: Sequence[str]) -> None:
        self._strings = tuple(string for string in strings if string)
        self._held = ""
        self.hit = ""
        """The string that came; empty until one does."""

    def feed(self, text: str) -> str:
        """The part of the text that is surely before any stop string."""
        if not self._strings:
            return text
        if self.hit:
            return ""
        text = self._held + text
        found = min(((at, string) for string in self._strings if (at := text.find(string)) >= 0), default=None)
        if found:
            self._held, self.hit = "", found[1]
            return text[: found[0]]
        keep = max(_overlap(text, string) for string in self._strings)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]

    def finish(self) -> str:
        """What was held back and did not become a stop string."""
        held, self._held = self._held, ""
        return held


def _overlap(text: str, string: str) -> int:
    """How much of a string's beginning the text ends with."""
    return next((length for length in range(len(string) - 1, 0, -1) if text.endswith(string[:length])), 0)
