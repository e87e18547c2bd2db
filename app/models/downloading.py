"""A model from the hub into its folder, going on with whatever is there."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from app.core.errors import AppError, DownloadBroken, HubRefused, ModelBroken, ModelUnsafe, TokenNeeded, UsageError
from app.core.fetching import Fetch, Progress, Stage
from app.core.text import _
from app.models.comparing import is_whole
from app.models.disk import check_room, explain, free_bytes, make_folder
from app.models.hub import CommitGone, Hub
from app.models.lanes import Lanes
from app.models.listing import CONFIG, Listing, look, read_config
from app.models.naming import parse_repository
from app.models.part import measure_part
from app.models.patience import ask_patiently
from app.models.record import LOCK, PART, RECORD, Record, RecordedFile, hold, read_record, write_record
from app.models.tally import Say, Tally, Teller
from app.models.transfer import Errand
from app.weights.safety import CONFIG_LIMIT, check_code, check_config, is_weights

HOPELESS = (ModelUnsafe, ModelBroken, DownloadBroken, HubRefused, TokenNeeded)
"""What does not pass by itself: the download is not begun again without being asked for."""
TOKENIZER_CONFIG = "tokenizer_config.json"


def download(hub: Hub, order: Fetch, say: Say) -> None:
    """Bring a model; returns when it is whole. Raises every error that a person can act on."""
    repository, folder = parse_repository(order.repository), Path(order.folder)
    fresh = not folder.exists()
    make_folder(folder)
    try:
        with hold(folder, patience=1.0) as held:
            if not held:
                raise UsageError(
                    _("Another download into {folder} is under way.").format(folder=folder),
                    _("Wait for it, or end it first."),
                )
            root = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                _Download(hub, order, repository, folder, root, say).run()
            finally:
                os.close(root)
    except (AppError, OSError) as error:
        if fresh and not (folder / RECORD).exists():
            _drop(folder)
        raise error if isinstance(error, AppError) else explain(error, folder) from error


def _drop(folder: Path) -> None:
    """Take a folder away that was made for a model which is not to be had."""
    with suppress(OSError):
        (folder / LOCK).unlink()
        folder.rmdir()


class _Download:
    """One download, while the folder is held."""

    def __init__(self, hub: Hub, order: Fetch, repository: str, folder: Path, root: int, say: Say) -> None:
        self._hub, self._order, self._repository = hub, order, repository
        self._folder, self._root, self._say = folder, root, say
        self._lock = threading.Lock()
        self._record = Record(repository, "", [])

    def run(self) -> None:
        before = read_record(self._folder)
        if before and before.repository.lower() != self._repository.lower():
            raise UsageError(
                _("{folder} holds another model, {other}.").format(folder=self._folder, other=before.repository),
                _("Choose another folder."),
            )
        commit = before.commit if before else None
        for last in (False, True):
            listing = self._list(commit)
            self._begin(listing, before)
            try:
                self._bring(listing)
                break
            except CommitGone:
                if last:
                    raise moving(self._repository) from None
                before, commit = self._record, None
            except HOPELESS:
                self._keep(msgspec.structs.replace(self._record, wanted=False))
                raise
        now = time.time()  # each file was compared as it came
        self._keep(msgspec.structs.replace(self._record, wanted=False, finished=now, verified=now))

    def _list(self, commit: str | None) -> Listing:
        """The listing of the commit that was begun with; of the newest where that is gone."""
        self._say(Progress(Stage.LISTING, 0, 0))
        try:
            return ask_patiently(lambda: look(self._hub, self._repository, commit), self._say)
        except CommitGone:
            try:
                return ask_patiently(lambda: look(self._hub, self._repository), self._say)
            except CommitGone:
                raise moving(self._repository) from None

    def _begin(self, listing: Listing, before: Record | None) -> None:
        """Write down what is to come, and sweep what an earlier listing has left."""
        marks: dict[RecordedFile, int] = {}
        if before and before.finished is None:  # else a mended model: everything is compared again
            marks = {msgspec.structs.replace(file, checked=0): file.checked for file in before.files}
        files = [msgspec.structs.replace(file, checked=marks.get(file, 0)) for file in listing.files]
        record = Record(self._repository, listing.commit, files, listing.licence, self._order.official)
        if before and before.verified and before.commit == listing.commit:
            record = msgspec.structs.replace(record, verified=before.verified)
        self._keep(record)
        wanted = {file.part for file in files}
        stale = {file.name for file in before.files} - {file.name for file in files} if before else set()
        for name in [path.name for path in self._folder.iterdir()]:
            left = (name.endswith(PART) and name not in wanted) or name.startswith(f"{RECORD}.")
            if left or (name in stale and "/" not in name):
                with suppress(OSError):
                    os.unlink(name, dir_fd=self._root)

    def _bring(self, listing: Listing) -> None:
        """The small files first, so that what they say is known before gigabytes follow."""
        whole = self._find_whole()
        missing = [file for file in self._record.files if file.name not in whole]
        for file in self._record.files:
            if file.name in whole:
                with suppress(OSError):
                    os.unlink(file.part, dir_fd=self._root)
        arrived = sum(measure_part(self._root, file) for file in missing)
        needed = sum(file.size for file in missing) - arrived
        if missing:
            check_room(self._folder, needed + self._order.spare)
        tally = Tally(Stage.FETCHING, self._record.size, self._record.size - needed)
        errand = Errand(self._hub, self._repository, listing.commit, self._folder, self._root, tally, threading.Event())
        lanes = Lanes(errand, self._note_whole, self._say)
        lanes.bring([file for file in missing if not is_weights(file.name)], lambda: self._check_disk(tally))
        self._examine()
        lanes.bring([file for file in missing if is_weights(file.name)], lambda: self._check_disk(tally))
        check_noted(self._record)
        self._say(tally.progress())

    def _find_whole(self) -> set[str]:
        """The files that are there already: brought by an earlier run, or by another program."""
        whole, unknown = set(), []
        for file in self._record.files:
            with suppress(OSError):
                found = os.stat(file.name, dir_fd=self._root, follow_symlinks=False)
                if found.st_size == file.size and found.st_mtime_ns == file.checked != 0:
                    whole.add(file.name)
                elif found.st_size == file.size:
                    unknown.append(file)
        tally = Tally(Stage.CHECKING, sum(file.size for file in unknown))
        teller = Teller(tally, self._say)
        for file in unknown:
            with suppress(OSError):  # a link, or one that cannot be read: it is brought anew
                if is_whole(self._folder / file.name, file, teller.add):
                    whole.add(file.name)
                    changed = os.stat(file.name, dir_fd=self._root, follow_symlinks=False).st_mtime_ns
                    self._note_whole(file, changed)
        if unknown:
            teller.tell(last=True)
        return whole

    def _examine(self) -> None:
        """What the small files say, now from the disk; raises ModelUnsafe, ModelBroken."""
        check_config(self._read_small(CONFIG), self._repository)
        if any(file.name == TOKENIZER_CONFIG for file in self._record.files):
            check_code(self._read_small(TOKENIZER_CONFIG), self._repository)

    def _read_small(self, name: str) -> dict[str, object]:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._root)
        with os.fdopen(descriptor, "rb") as file:
            return read_config(file.read(CONFIG_LIMIT), self._repository)

    def _note_whole(self, file: RecordedFile, changed: int) -> None:
        with self._lock:
            files = [
                msgspec.structs.replace(one, checked=changed) if one == file else one for one in self._record.files
            ]
            self._keep(msgspec.structs.replace(self._record, files=files))

    def _keep(self, record: Record) -> None:
        self._record = record
        try:
            write_record(self._folder, record)
        except OSError as error:
            raise explain(error, self._folder) from error

    def _check_disk(self, tally: Tally) -> None:
        """Stop before others who write to the disk have used up the room that was found at the start."""
        try:
            short = free_bytes(self._folder) < tally.left + self._order.spare // 2
        except OSError as error:
            raise explain(error, self._folder) from error
        if short:
            check_room(self._folder, tally.left + self._order.spare)


def check_noted(record: Record) -> None:
    """Make sure that every file was found whole before the model counts as such; raises DownloadBroken."""
    if missing := [file.name for file in record.files if not file.checked]:
        raise DownloadBroken(
            _("{names} of {repository} did not arrive whole.").format(
                names=", ".join(missing), repository=record.repository
            ),
            _("What has arrived is kept. Try again."),
        )


def moving(repository: str) -> HubRefused:
    """The error for a commit that vanishes as soon as it is listed."""
    return HubRefused(
        _("{repository} is being changed on the hub at this moment.").format(repository=repository),
        _("Try again in a few minutes. What has arrived is kept."),
    )
