"""Downloads on their way: one after the other, each in a fetcher process of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from app.chat.carrier import Carrier, Carriers
from app.chat.errands import Errands
from app.chat.shelfmemory import rebase
from app.chat.shelfrow import Presence, Transfer
from app.core.errors import AppError, Failure
from app.core.fetching import Completed, Fetch, Progress, Refused, Report, Stage, Waiting
from app.models.catalogue import find_row
from app.models.disk import explain
from app.models.homes import explain_absence
from app.models.record import read_record, set_wanted


@dataclass(slots=True)
class Job:
    """One download."""

    order: Fetch
    presence: Presence = Presence.QUEUED
    transfer: Transfer | None = None
    failure: Failure | None = None
    carrier: Carrier | None = None
    ready: bool = False
    """Whether the folders above its own are there."""
    mends: bool = False
    """Whether a model is there, of which files are damaged: it stays when the download is given up."""

    @property
    def folder(self) -> str:
        """Where it goes."""
        return self.order.folder


class Downloads:
    """Keeps the queue. `changed` is called whenever a job is not as it was, `arrived` when a model is whole."""

    def __init__(
        self,
        errands: Errands,
        carriers: Carriers,
        changed: Callable[[], None],
        arrived: Callable[[Job], None],
    ) -> None:
        self._errands, self._carriers, self._changed, self._arrived = errands, carriers, changed, arrived
        self._held = False
        self.jobs: dict[str, Job] = {}
        """By folder, in the order in which they were asked for."""

    def begin(self, order: Fetch, root: Path, *, default: bool, mends: bool = False) -> None:
        """Fetch a model, as soon as those before it are here; `default` is a root that may be made."""
        job = self.jobs.get(order.folder)
        if job and job.presence is Presence.WAITING:  # somebody wants it tried now
            self._end(job)
            job.order, job.presence = order, Presence.QUEUED
            self._next()
        if job and job.presence in (Presence.FETCHING, Presence.QUEUED):
            return
        mends = mends or (job is not None and job.mends)
        self.jobs.pop(order.folder, None)  # to the end of the queue
        job = self.jobs[order.folder] = Job(order, mends=mends)
        self._changed()
        self._errands.run(
            lambda: _make_way(root, Path(order.folder), default=default),
            lambda _none: self._admit(job),
            lambda error: self._stop(job, error.failure()),
        )

    def pause(self, folder: str) -> None:
        """End a download for now; it does not go on by itself."""
        job = self.jobs.get(folder)
        if job is None or job.presence in (Presence.PAUSED, Presence.STOPPED):
            return
        self._end(job)
        job.presence, job.failure = Presence.PAUSED, None
        self._changed()
        self._errands.run(lambda: _remember_pause(Path(folder)), lambda _none: None, lambda _error: None)
        self._next()

    def drop(self, folder: str) -> Carrier | None:
        """Forget a download; what still ends of it."""
        job = self.jobs.pop(folder, None)
        carrier = job.carrier if job else None
        if job:
            self._end(job)
            self._next()
        return carrier

    def finish(self, job: Job) -> None:
        """A model that arrived has been found on the disk: there is no more to do for it."""
        if self.jobs.get(job.folder) is job:
            del self.jobs[job.folder]
        self._next()

    def hold(self) -> None:
        """End what runs, to go on with it later, and begin nothing until `release`."""
        self._held = True
        for job in self.jobs.values():
            if job.carrier:
                self._end(job)
                job.presence = Presence.QUEUED

    def move(self, source: Path, target: Path) -> None:
        """What lay in one folder lies in another now."""
        jobs, self.jobs = self.jobs, {}
        for job in jobs.values():
            folder = rebase(job.folder, source, target)
            job.order = msgspec.structs.replace(job.order, folder=folder)
            self.jobs[folder] = job

    def release(self) -> None:
        """Go on."""
        self._held = False
        self._next()

    def close(self) -> None:
        """Begin nothing any more; what is under way goes on at the next start."""
        self._held = True

    def _admit(self, job: Job) -> None:
        job.ready = True
        self._next()

    def _next(self) -> None:
        active = any(job.presence in (Presence.FETCHING, Presence.WAITING) for job in self.jobs.values())
        job = next((job for job in self.jobs.values() if job.ready and job.presence is Presence.QUEUED), None)
        if active or self._held or job is None:
            return
        job.presence, job.failure, job.transfer = Presence.FETCHING, None, Transfer(Stage.LISTING, 0, 0)
        job.carrier = self._carriers.carry(job.order, lambda report: self._hear(job, report))
        self._changed()

    def _hear(self, job: Job, report: Report) -> None:
        match report:
            case Progress(stage, done, total, rate, seconds):
                job.presence, job.failure = Presence.FETCHING, None
                job.transfer = Transfer(stage, done, total, rate, seconds)
            case Waiting(failure):
                job.presence, job.failure = Presence.WAITING, failure
            case Completed():
                job.carrier = None
                self._arrived(job)
            case Refused(failure):
                self._stop(job, failure)
        self._changed()

    def _stop(self, job: Job, failure: Failure) -> None:
        if self.jobs.get(job.folder) is job:
            job.presence, job.failure, job.carrier = Presence.STOPPED, failure, None
            self._changed()
            self._next()

    def _end(self, job: Job) -> None:
        if job.carrier:
            job.carrier.end()
            job.carrier = None


def make_order(repository: str, folder: str, token: str, official: Path) -> Fetch:
    """What to fetch, and of a model that the catalogue knows its makers' prompt, into `official`."""
    known = find_row(repository)
    prompts = str(official / known.release) if known else ""
    return Fetch(repository, folder, token, known.official if known else "", prompts)


def _make_way(root: Path, folder: Path, *, default: bool) -> None:
    """Make the folders above a model's own; never one on a disk that is away."""
    if not default and not root.is_dir():
        raise explain_absence(root, downloads=True)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise explain(error, root) from error


def _remember_pause(folder: Path) -> None:
    try:
        if read_record(folder):
            set_wanted(folder, wanted=False)
    except OSError as error:  # the disk is gone; then nothing goes on by itself either
        raise AppError(str(error)) from error
