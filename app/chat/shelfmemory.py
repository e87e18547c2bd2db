"""What the library remembers from one start to the next, in the app's own state."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from app.core.memory import Machine
from app.store.preferences import Preferences


class ShelfMemory:
    """Named folders, when each model was used last, how fast it reads, and the machine that models were loaded on."""

    def __init__(self, preferences: Preferences, remember: Callable[[str, object], None]) -> None:
        self._preferences, self._remember = preferences, remember
        self.named = _read(preferences, "named_models", list[str], [])
        self.wanted = _read(preferences, "wanted_models", dict[str, str], {})
        """Repositories of downloads that were begun and not paused, by folder."""
        self.used = _read(preferences, "models_used", dict[str, float], {})
        self.rates = _read(preferences, "reading_rates", dict[str, float], {})
        """Tokens per second of prefill."""
        self.machine: Machine | None = _read(preferences, "machine", Machine | None, None)

    def name(self, folder: str) -> None:
        """Look into that folder from now on."""
        if folder not in self.named:
            self.named.append(folder)
            self._remember("named_models", list(self.named))

    def unname(self, folder: str) -> None:
        """Do not look into that folder any more."""
        self.named = [each for each in self.named if each != folder]
        self._remember("named_models", list(self.named))

    def want(self, folder: str, repository: str) -> None:
        """A download is begun: it goes on at the next start, even if nothing of it has arrived; none with no name."""
        if self.wanted.get(folder, "") != repository:
            self.wanted = {**self.wanted, folder: repository}
            self.wanted = {folder: name for folder, name in self.wanted.items() if name}
            self._remember("wanted_models", dict(self.wanted))

    def use(self, key: str, at: float) -> None:
        """A model was loaded."""
        self.used[key] = at
        self._remember("models_used", dict(self.used))

    def rate(self, key: str, prefill: float) -> None:
        """A model reads so fast on this machine; kept by `keep_rates`."""
        if prefill:
            self.rates[key] = prefill

    def keep_rates(self) -> None:
        """Write down what was measured."""
        if self.rates != self._preferences.get_state("reading_rates", {}):
            self._remember("reading_rates", dict(self.rates))

    def meet(self, machine: Machine) -> bool:
        """This is what computes here; whether that is news. How short of memory it was a moment ago is not kept."""
        lasting = msgspec.structs.replace(machine, pressure=None, footprint=0)
        if lasting == self.machine:
            return False
        self.machine = lasting
        self._remember("machine", msgspec.to_builtins(lasting))
        return True

    def move(self, moved: Mapping[str, str]) -> None:
        """These folders lie elsewhere now."""
        self.used = {moved.get(folder, folder): at for folder, at in self.used.items()}
        self.rates = {moved.get(folder, folder): rate for folder, rate in self.rates.items()}
        self.wanted = {moved.get(folder, folder): name for folder, name in self.wanted.items()}
        self._remember("models_used", dict(self.used))
        self._remember("wanted_models", dict(self.wanted))
        self.keep_rates()


def rebase(folder: str, source: Path, target: Path) -> str:
    """A folder's name after everything in `source` went to `target`; one that lay elsewhere keeps its own."""
    path = Path(folder)
    return str(target / path.relative_to(source)) if folder and path.is_relative_to(source) else folder


def _read(preferences: Preferences, key: str, kind: Any, default: Any) -> Any:
    """A value of the state; a file that somebody else wrote into may hold anything."""
    try:
        return msgspec.convert(preferences.get_state(key, default), kind)
    except msgspec.ValidationError:
        return default
