"""Access tokens: where they are kept, and in which order they are tried."""

import re
import threading
from collections.abc import Callable, Iterator
from typing import Protocol

from app import NAME

TOKEN = re.compile(r"[!-~]{1,1000}")
"""What can stand in a request's header."""


class TokenStore(Protocol):
    """A place that keeps one token between starts."""

    def read(self) -> str:
        """The token that is kept; empty where there is none, or no such place."""

    def keep(self, token: str) -> None:
        """Put a token in the place of the former one; nothing happens where there is no such place."""


class Keychain:
    """The system's own keychain, an entry for each hub: the token of one is never shown to another."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def read(self) -> str:
        """The token that is kept for the hub; empty where there is none, or no keychain."""
        try:
            import keyring  # takes a tenth of a second, and most repositories need no token

            return keyring.get_password(NAME, self._endpoint) or ""
        except Exception:  # noqa: BLE001 - each keychain has errors of its own; none may end a download
            return ""

    def keep(self, token: str) -> None:
        """Put a token in the place of the former one; without a keychain it is not kept."""
        try:
            import keyring

            keyring.set_password(NAME, self._endpoint, token)
        except Exception:  # noqa: BLE001 - it is asked for again the next time
            return


def find_keychain() -> str:
    """What the keychain of this system is called; empty where there is none."""
    try:
        import keyring

        found = keyring.get_keyring()
        return str(found.name) if found.priority > 0 else ""
    except Exception:  # noqa: BLE001 - as above
        return ""


class Credentials:
    """The token that is sent: none at first, then one after the other, each only when the hub has refused the last."""

    def __init__(self, store: TokenStore, given: str, other: Callable[[], str]) -> None:
        self._store, self._given, self._other = store, given.strip(), other
        self._next = self._candidates()
        self._lock = threading.Lock()
        self._kept = False
        self.token = ""
        """What is sent now; empty: nothing."""
        self.tried = 0
        """How many tokens the hub has seen."""

    def move_on(self, refused: str) -> bool:
        """Take the next token in the place of one that was refused; False where there is none left."""
        with self._lock:
            if self.token != refused:  # another thread was faster
                return True
            following = next(self._next, "")
            if following:
                self.token = following
                self.tried += 1
            return bool(following)

    def opened(self, token: str) -> None:
        """Keep the token that a person has given, once the hub has taken it."""
        if token and token == self._given and not self._kept:
            self._kept = True
            self._store.keep(token)

    def _candidates(self) -> Iterator[str]:
        seen = {""}
        sources: tuple[Callable[[], str], ...] = (lambda: self._given, self._store.read, self._other)
        for source in sources:
            token = source().strip()
            if token not in seen and TOKEN.fullmatch(token):
                seen.add(token)
                yield token
