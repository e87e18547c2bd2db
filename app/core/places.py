"""Where everything of one data folder lies: names only, nothing is touched."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one data folder."""

    root: Path

    @property
    def logs(self) -> Path:
        """Folder of the logs."""
        return self.root / "logs"

    @property
    def worker_log(self) -> Path:
        """What the engine prints."""
        return self.logs / "worker.log"

    @property
    def fetcher_log(self) -> Path:
        """What downloads have to say, bugs above all."""
        return self.logs / "fetcher.log"

    @property
    def desktop_log(self) -> Path:
        """What the window's process has to say, bugs above all."""
        return self.logs / "desktop.log"

    @property
    def engine_lock(self) -> Path:
        """Held by the process that runs the engine."""
        return self.root / "engine.lock"

    @property
    def window_lock(self) -> Path:
        """Held by the process that shows the window."""
        return self.root / "window.lock"

    @property
    def door(self) -> Path:
        """The socket at which the window hears other starts of the app."""
        return self.root / "door.sock"

    @property
    def models(self) -> Path:
        """Where downloads of models go unless another folder is chosen."""
        return self.root / "models"

    @property
    def official(self) -> Path:
        """The makers' reasoning prompts and licences, a folder for each release."""
        return self.root / "official"
