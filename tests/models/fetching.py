"""A real fetcher process against a hub on loopback, and what it says."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from app.core.fetching import Completed, Fetch, Listed, Order, Refused, Report, Verified
from app.models.client import Fetcher
from tests.hub import Hub

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0
LAST = Completed | Listed | Refused | Verified


class Run:
    """One fetcher; what it has said so far can be waited for."""

    def __init__(self, order: Order, log: Path | None = None) -> None:
        self.reports: list[Report] = []
        self._news = threading.Condition()
        self.fetcher = Fetcher(order, self._hear, log_file=log)
        self.fetcher.start()

    def _hear(self, report: Report) -> None:
        with self._news:
            self.reports.append(report)
            self._news.notify_all()

    def wait_for(self, fits: Callable[[Report], bool]) -> Report:
        """The first report that fits."""
        with self._news:
            assert self._news.wait_for(lambda: any(map(fits, self.reports)), PATIENCE), self.reports
            return next(report for report in self.reports if fits(report))

    def last(self, patience: float = PATIENCE) -> Report:
        """The last word, when the process is gone."""
        assert self.fetcher.join(patience), self.reports
        return self.reports[-1]

    def kill(self) -> None:
        """kill -9."""
        self.fetcher.end()
        assert self.fetcher.join(PATIENCE)


def environment(hub: Hub, home: Path, **variables: str) -> AbstractContextManager[None]:
    """What fetchers see: this hub, an empty home, and nothing of the person's own."""
    return environment_of(hub.endpoint, home, **variables)


@contextmanager
def environment_of(endpoint: str, home: Path, **variables: str) -> Iterator[None]:
    """The variables of a hub at an address; for a while they are those of this process."""
    before = dict(os.environ)
    own = ("HF_", "HUGGING")
    clean = {name: value for name, value in before.items() if not name.startswith(own) and "_proxy" not in name.lower()}
    os.environ.clear()
    os.environ.update(clean | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home)} | variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def fetch(repository: str, folder: Path, **options: object) -> Run:
    """Begin a download that minds little about the room on the disk."""
    return Run(Fetch(repository, str(folder), **{"spare": 1_000_000, **options}))  # type: ignore[arg-type]


def assert_whole(hub: Hub, repository: str, folder: Path) -> None:
    """Every file that the app fetches is there byte for byte, and nothing else but the record and the lock."""
    wanted = {name: content for name, content in hub.repositories[repository].files.items() if name != ".gitattributes"}
    assert {path.name for path in folder.iterdir()} == {*wanted, ".lemma.json", ".lemma.lock"}
    for name, content in wanted.items():
        assert (folder / name).read_bytes() == content.whole(), name
