"""Collections of texts that are written by functions."""

import random
from collections.abc import Callable


class Collection:
    """Texts by name, each made anew from a seed by a function that has its name."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[random.Random], str]] = {}

    def add(self, maker: Callable[[random.Random], str]) -> Callable[[random.Random], str]:
        """Take a text in: to be written over its function."""
        self._makers[maker.__name__.replace("_", " ")] = maker
        return maker

    def make(self, seed: int) -> dict[str, str]:
        """All texts."""
        return {name: maker(random.Random(f"{seed} {name}")) for name, maker in self._makers.items()}
