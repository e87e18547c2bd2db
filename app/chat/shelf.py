"""The model library as window and terminal work with it: what is here, on its way, or to be had.

All methods return at once: errands do what concerns a disk, fetchers what concerns the network. What follows is
told as ShelfChanged in the desk's thread.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.chat.carrier import Carrier, Carriers
from app.chat.changes import EngineState, EngineView, Noticed, ShelfChanged
from app.chat.checking import Checking
from app.chat.downloads import Downloads, Job, make_order
from app.chat.errands import Errands
from app.chat.moving import Carried, Moving
from app.chat.saying import elsewhere, not_here, not_ours, on_the_move, ready
from app.chat.searching import Seen, search_disk
from app.chat.shelffront import ShelfFront
from app.chat.shelfmemory import ShelfMemory
from app.chat.shelfrow import Advice, Place, Presence, ShelfRow, Transfer
from app.chat.stock import ON_THE_WAY, STARTER, Stock, draw_advice, draw_rows
from app.chat.switching import Switch, foresee
from app.core.errors import AppError, Failure
from app.core.fetching import (
    Listed,
    Look,
    Refused,
    Report,
)
from app.core.memory import Machine
from app.core.places import Places
from app.models.finding import Found
from app.models.naming import parse_repository
from app.models.removal import discard, remove
from app.store.preferences import Preferences


class Shelf:
    """The library of one data folder."""

    def __init__(
        self, places: Places, preferences: Preferences, front: ShelfFront, fetcher: Sequence[str] | None = None
    ) -> None:
        self._places, self._preferences, self._front = places, preferences, front
        self._memory = ShelfMemory(preferences, front.remember)
        self.errands = Errands(front.put)
        self._searches = Errands(front.put)  # a mount that hangs must hold up nothing else
        self._carriers = Carriers(front.put, places.fetcher_log, fetcher)
        self._downloads = Downloads(self.errands, self._carriers, self._changed, self._arrive)
        self._checking = Checking(self._carriers, self._changed)
        self._moving = Moving(self._carriers, self.errands, self._changed, self._remembered, self._note_move)
        self._found: list[Found] = []
        self._rows: list[ShelfRow] | None = None
        self._keys: dict[str, str] = {}
        self._loaded: str | None = None
        self._advice: Advice | None = None
        self._stuck: dict[str, Failure] = {}
        """Why a model could not be deleted, by folder."""
        self._look: Carrier | None = None
        self.looked = False
        """Whether the disk has been searched at least once."""
        self.looked_up: Listed | Failure | None = None
        """What the last `look_up` came to; None while it runs, or before the first."""
        self.trash = False
        """Whether what is deleted goes to the Trash; else it is gone for good."""
        self.absent: Failure | None = None
        """Set where the folder of downloads is on a disk that is not connected."""

    # what there is -------------------------------------------------------------------------------

    @property
    def rows(self) -> list[ShelfRow]:
        """Installed models, then those on their way, then those to be had; in the catalogue's order within."""
        if self._rows is None:
            rows = draw_rows(self._stock())
            advice = draw_advice(self.machine, rows) if self.machine else None
            self._advice = advice
            self._rows = [replace(row, advised=True) if advice and row.key == advice.key else row for row in rows]
        return self._rows

    @property
    def advice(self) -> Advice | None:
        """The best model for this machine; None until the machine is known."""
        return self._advice if self.rows else None

    @property
    def machine(self) -> Machine | None:
        """What computes here, as the engine said it last."""
        return self._memory.machine

    @property
    def folder(self) -> Path:
        """Where downloads go."""
        chosen = str(self._preferences.get("models_folder"))
        return Path(chosen) if chosen else self._places.models

    @property
    def moving(self) -> Transfer | None:
        """How far all downloads are on their way to another folder."""
        return self._moving.transfer

    def row(self, key: str) -> ShelfRow | None:
        """The row of that key; a folder or a repository names it, too."""
        for name in ("key", "folder", "repository"):
            if key and (row := next((row for row in self.rows if getattr(row, name) == key), None)):
                return row
        return None

    def reading_after_switch(self, key: str) -> Switch:
        """What a switch to that model means for the open chat."""
        row = self.row(key)
        if row is None or row.loaded:
            return Switch(0, 0.0, kept=True)
        present = next((each for each in self.rows if each.loaded), None)
        return foresee(self._front.chat_tokens(), row, present, self._memory.rates, kept=self._front.keeps_prefixes())

    # the disk ------------------------------------------------------------------------------------

    def open(self) -> None:
        """Search the disk, and go on with the downloads that were under way when the app ended."""
        self._search(self._go_on)

    def find(self) -> None:
        """Search the disk again."""
        self._search(lambda: None)

    def add_folder(self, folder: str) -> None:
        """Remember a folder and look into it."""
        self._memory.name(str(Path(folder).absolute()))
        self.find()

    def delete(self, key: str) -> None:
        """Delete a downloaded model, to the Trash where there is one; it is unloaded first."""
        row = self._own(key)
        if row is None:
            return
        if row.presence in ON_THE_WAY:
            self.discard(key)
            return
        self._let_go(row)
        self._memory.want(row.folder, "")
        root, trash = self.folder, self.trash
        self._do(lambda: remove(Path(row.folder), root, trash=trash), row.folder)

    def verify(self, key: str) -> None:
        """Compare a model's files with what the hub said of them; nothing of another program's is written."""
        row = self.row(key)
        if row and not row.folder:
            self._notice(not_here(row))
        elif row and row.presence not in ON_THE_WAY:
            self._checking.begin(row.folder)
            self._changed()

    def checks(self, folder: str) -> bool:
        """Whether a model's files are being compared."""
        return self._checking.runs(folder)

    def move(self, folder: str) -> None:
        """Bring all downloads to another folder, and let new ones go there."""
        source, target = self.folder, Path(folder).absolute()
        if self._moving.busy or source == target:
            return
        self._downloads.hold()
        self._memory.name(str(target))  # so that what was moved is found, should the move not reach its end
        self._front.leave(source)
        self._moving.begin(source, target)

    # the hub -------------------------------------------------------------------------------------

    def look_up(self, repository: str) -> None:
        """Ask the hub what is in a repository."""
        if self._look:
            self._look.end()
        self.looked_up, self._look = None, None
        try:
            name = parse_repository(repository)
        except AppError as error:
            self.looked_up = error.failure()
        else:
            self._look = self._carriers.carry(Look(name), self._hear_look)
        self._changed()

    def download(self, repository: str, token: str = "") -> None:
        """Fetch a model; this also goes on with a download that was paused, and mends one that is damaged."""
        row = self.row(repository)
        try:
            name = row.repository if row and row.repository else parse_repository(repository)
        except AppError as error:
            self._front.tell(Noticed(error.failure()))
            return
        mine = row is not None and row.place is Place.OWN and bool(row.folder)
        folder = row.folder if row and mine else str(self.folder / name)
        if row and not mine:
            self._keys[folder] = row.key if row.place is Place.HUB else folder
        self._checking.forget(folder)
        order = make_order(name, folder, token, self._places.official)
        self._memory.want(folder, name)
        mends = row is not None and mine and row.presence not in ON_THE_WAY
        self._downloads.begin(order, self.folder, default=self.folder == self._places.models, mends=mends)

    def pause(self, key: str) -> None:
        """End a download for now."""
        row = self.row(key)
        if row and row.presence is Presence.FETCHING and row.folder not in self._downloads.jobs:
            self._notice(elsewhere(row))
        elif row:
            self._memory.want(row.folder, "")
            self._downloads.pause(row.folder)

    def discard(self, key: str) -> None:
        """Give a begun download up and delete what is here of it."""
        row = self._own(key)
        if row is None or row.presence not in ON_THE_WAY:
            return
        if (job := self._downloads.jobs.get(row.folder)) and job.mends:  # the rest of the model is not given up
            self.pause(key)
            return
        self._let_go(row)
        self._memory.want(row.folder, "")
        carrier = self._downloads.drop(row.folder)
        root = self.folder

        def clear() -> None:
            if carrier:
                carrier.join()
            discard(Path(row.folder), root)

        self._found = [found for found in self._found if str(found.folder) != row.folder]
        self._changed()
        self._do(clear, row.folder)

    # the engine ----------------------------------------------------------------------------------

    def use(self, key: str) -> None:
        """Load a model now and make it the one that is loaded at the start; a draft model is put beside it."""
        row = self._usable(key)
        if row and row.draft:
            self._front.set_preference("draft_model", "" if row.default else row.folder)
            self._front.reload()
        elif row and not row.loaded:
            self._front.load(row.folder)
        elif row:
            self._front.set_preference("model", row.folder)
        self._changed()

    def set_default(self, key: str) -> None:
        """Load a model at the next start."""
        if row := self._usable(key):
            self._front.set_preference("draft_model" if row.draft else "model", row.folder)
            self._changed()

    def see(self, view: EngineView) -> None:
        """The engine does something else."""
        ready = view.card if view.state is EngineState.READY else None
        loaded = None if ready is None else STARTER if ready.release == "starter" else ready.folder
        if loaded == self._loaded:
            return
        self._loaded = loaded
        self._memory.keep_rates()
        if ready and loaded:
            self._memory.use(loaded, time.time())
            self._memory.meet(ready.machine)
        self._changed()

    def prefer(self, key: str) -> None:
        """A preference is another one."""
        if key in ("model", "draft_model", "models_folder", "context"):
            self._changed()
            self.find()

    def hear_rate(self, prefill: float) -> None:
        """The model in memory reads so many tokens per second."""
        if self._loaded:
            self._memory.rate(self._loaded, prefill)

    def meet(self, machine: Machine) -> None:
        """This is what computes here."""
        if self._memory.meet(machine):
            self._changed()

    def end(self) -> None:
        """End all fetchers at once; downloads go on at the next start."""
        self._memory.keep_rates()
        self._downloads.close()
        self._carriers.end()

    def close(self) -> None:
        """Wait for the end of what was begun, a moment at most."""
        self.end()
        self._carriers.join()
        self.errands.close()
        self._searches.close()

    # what follows --------------------------------------------------------------------------------

    def _stock(self) -> Stock:
        get, checking = self._preferences.get, self._checking
        return Stock(
            found=self._found,
            jobs=self._downloads.jobs,
            machine=self.machine,
            context=get("context") or None,
            default=str(get("model")),
            draft=str(get("draft_model")),
            loaded=self._loaded,
            used=self._memory.used,
            keys=self._keys,
            transfers=checking.transfers,
            checked=checking.found,
            failures=checking.failures | self._stuck,
        )

    def _changed(self) -> None:
        self._rows = None
        self._front.tell(ShelfChanged())

    def _search(self, then: Callable[[], None]) -> None:
        get = self._preferences.get
        named = [*self._memory.named, str(get("model")), str(get("draft_model"))]
        own, before, default = self.folder, list(self._found), self.folder == self._places.models

        def take(seen: Seen) -> None:
            self._found, self.trash, self.absent = seen.found, seen.trash, seen.absent
            self.looked = True
            then()
            self._changed()

        def fail(error: AppError) -> None:
            self._notice(error)
            then()

        self._searches.run(lambda: search_disk(own, named, before, default=default), take, fail)

    def _go_on(self) -> None:
        """Begin again what was wanted and did not come to its end."""
        for found in self._found:
            if found.unfinished and found.record and found.record.wanted and not found.busy:
                self._rows = None
                self.download(str(found.folder))
        here = {str(found.folder) for found in self._found}
        for folder, repository in self._memory.wanted.items():
            if folder not in here and folder == str(self.folder / repository):  # nothing of it had arrived
                self.download(repository)

    def _arrive(self, job: Job) -> None:
        """A model is whole: look at it, and tell; nothing is switched by itself."""

        def welcome() -> None:
            self._downloads.finish(job)
            self._memory.want(job.folder, "")
            self._rows = None
            row = self.row(job.folder)
            if row and row.failure:
                self._front.tell(Noticed(row.failure))
            elif row and job.folder not in (self._loaded, str(self._preferences.get("model"))):
                self._front.tell(Noticed(ready(row)))

        self._search(welcome)

    def _hear_look(self, report: Report) -> None:
        if isinstance(report, Listed | Refused):
            self.looked_up = report.failure if isinstance(report, Refused) else report
            self._look = None
            self._changed()

    def _remembered(self) -> list[str]:
        """All folders that are written down somewhere."""
        chosen = [str(self._preferences.get(key)) for key in ("model", "draft_model")]
        memory = self._memory
        return [folder for folder in {*chosen, *memory.used, *memory.rates, *memory.wanted, *self._keys} if folder]

    def _note_move(self, carried: Carried) -> None:
        """Downloads lie in another folder from now on, or as many of them as were moved before something went wrong."""
        for key in ("model", "draft_model"):
            if there := carried.moved.get(str(self._preferences.get(key))):
                self._front.set_preference(key, there)
        self._memory.move(carried.moved)
        self._keys = {carried.moved.get(folder, folder): key for folder, key in self._keys.items()}
        if carried.error is None:
            chosen = str(self._preferences.get("models_folder"))
            self._front.leave(carried.source)
            self._memory.unname(str(carried.target))
            self._front.set_preference(
                "models_folder", "" if carried.target == self._places.models else str(carried.target)
            )
            if chosen and carried.left:  # what stays there is still to be found
                self._memory.name(chosen)
            self._downloads.move(carried.source, carried.target)
        else:
            self._notice(carried.error)
        self._downloads.release()
        self.find()

    def _do(self, work: Callable[[], None], folder: str) -> None:
        """Change something on the disk and look at it again; what goes wrong stands in the row."""

        def fail(error: AppError) -> None:
            self._stuck[folder] = error.failure()
            self.find()

        self._stuck.pop(folder, None)
        self.errands.run(work, lambda _none: self.find(), fail)

    def _let_go(self, row: ShelfRow) -> None:
        """A model goes: the engine rests if it has it, and the starter takes its place where it was the default."""
        self._front.leave(Path(row.folder))
        if row.default:
            self._front.set_preference("draft_model" if row.draft else "model", "")

    def _own(self, key: str) -> ShelfRow | None:
        """A row of our own downloads; of any other it is told why nothing is done with it."""
        row = self.row(key)
        if row and row.place is not Place.OWN:
            self._notice(not_here(row) if row.place is Place.HUB else not_ours(row))
            return None
        return None if row and self._is_moving(row) else row

    def _usable(self, key: str) -> ShelfRow | None:
        row = self.row(key)
        if row and self._is_moving(row):
            return None
        if row is None or row.presence is Presence.INSTALLED:
            return row
        self._notice(AppError.of(row.failure) if row.failure else not_here(row))
        return None

    def _is_moving(self, row: ShelfRow) -> bool:
        """Whether it is on its way to another folder, and must be left alone; that is told."""
        moves = self._moving.busy and row.place is Place.OWN
        if moves:
            self._notice(on_the_move(row))
        return moves

    def _notice(self, error: AppError) -> None:
        self._front.tell(Noticed(error.failure()))
