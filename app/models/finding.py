"""Finding the models that are on the disk already, wherever they lie. They are read and left where they are.

The search is bounded in depth, in entries and in bytes of headers, and a folder that cannot be read spoils
nothing but itself.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from app.core.errors import AppError, Failure, ModelMissing
from app.core.text import _
from app.models.catalogue import find_row_by_name
from app.models.disk import check_file
from app.models.homes import explain_absence, hugging_face_caches, lm_studio_folders
from app.models.record import PART, RECORD, Record, hold, read_record
from app.weights.folder import ModelFolder, examine

ENTRIES = 4000
"""Names looked at in one root at most; whoever keeps more there can name a folder below it."""
HEADERS = 32 * 1024 * 1024
"""Bytes of headers read of one folder at most while searching; a large model has less than one megabyte."""
HUB_PREFIX = "models--"


class Home(StrEnum):
    """Whose folder a model lies in."""

    OWN = "own"
    HUGGING_FACE = "huggingface"
    LM_STUDIO = "lmstudio"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class Roots:
    """Where to look."""

    own: Path
    """The folder of downloads."""
    named: tuple[Path, ...] = ()
    """Folders that the person named: a model's own, or one that holds some."""
    hugging_face: tuple[Path, ...] = ()
    lm_studio: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A model, or what there is of one."""

    folder: Path
    name: str
    repository: str
    """owner/name; empty where nothing says it."""
    place: Home
    size: int = 0
    """Bytes on the disk."""
    model: ModelFolder | None = None
    """None where it cannot be used; `failure` says why."""
    failure: Failure | None = None
    record: Record | None = None
    """Of our own downloads."""
    part_bytes: int = 0
    """Of a download that is not complete: bytes of its files, and of parts of them, that are here."""
    busy: bool = False
    """Whether some process is downloading it."""
    signature: tuple[object, ...] = ()
    """Changes with the files."""

    @property
    def unfinished(self) -> bool:
        """Whether this is a download that was begun and is not whole."""
        return self.record is not None and self.record.finished is None


def usual_roots(own: Path, named: Sequence[Path], environment: Mapping[str, str], home: Path) -> Roots:
    """The folders of this user."""
    return Roots(own, tuple(named), hugging_face_caches(environment, home), lm_studio_folders(home))


def find(roots: Roots, before: Sequence[Found] = ()) -> list[Found]:
    """All models there are; `before` is what the last search found, of which what has not changed is not read again.

    Only models that MLX wrote and that can be used are listed, others with the reason only where they, or a
    folder above them, were named by hand.
    """
    search = _Search({found.folder: found for found in before})
    found = [*search.own(roots.own)]
    for cache in roots.hugging_face:
        found += search.cache(cache)
    for folder in roots.lm_studio:
        found += search.below(folder, Home.LM_STUDIO)
    for folder in roots.named:
        try:
            found += search.named(folder)
        except OSError as error:
            failure = _unreadable(folder, error).failure()
            found.append(Found(folder, folder.name, "", Home.NAMED, failure=failure))
    return found


class _Search:
    """One search; a folder that is reached in two ways is listed once."""

    def __init__(self, known: Mapping[Path, Found]) -> None:
        self._known = known
        self._seen: set[str] = set()
        self._left = ENTRIES

    def own(self, root: Path) -> Iterator[Found]:
        """Our downloads, begun ones too, at owner/name."""
        for folder in self._two_down(root):
            if record := read_record(folder):
                yield from self._read_own(folder, record)
            else:
                yield from self._read(folder, Home.OWN)

    def below(self, root: Path, place: Home) -> Iterator[Found]:
        """Models at owner/name."""
        for folder in self._two_down(root):
            yield from self._read(folder, place)

    def cache(self, root: Path, place: Home = Home.HUGGING_FACE) -> Iterator[Found]:
        """Models of a cache of huggingface_hub, at models--owner--name/snapshots/commit."""
        self._left = ENTRIES
        for repository in self._folders(root):
            if repository.name.startswith(HUB_PREFIX):
                yield from self._read_cached(repository, place)

    def named(self, folder: Path) -> Iterator[Found]:
        """A folder that was named: a model, or the models up to two levels below it."""
        if not os.path.isdir(folder):  # noqa: PTH112 - that of a Path raises where a name is too long or a mount dead
            absent = explain_absence(folder).failure()
            yield Found(folder, folder.name, _repository_of(folder, Home.NAMED), Home.NAMED, failure=absent)
            return
        if _is_model(folder):
            yield from self._read(folder, Home.NAMED, by_hand=True)
            return
        if folder.name.startswith(HUB_PREFIX):
            found = list(self._read_cached(folder, Home.NAMED))
        else:
            found = list(self.cache(folder, Home.NAMED))
            for below in [*self._folders(folder), *self._two_down(folder)]:
                found += self._read(below, Home.NAMED)
        yield from found
        if not found and not self._has_seen_below(folder):
            missing = ModelMissing(
                _("There is no MLX model in {folder}.").format(folder=folder),
                _("Choose the folder that holds its config.json and model.safetensors."),
                "model.choose",
            )
            yield Found(folder, folder.name, "", Home.NAMED, failure=missing.failure())

    def _read_own(self, folder: Path, record: Record) -> Iterator[Found]:
        """A download by its record; one that is not whole is not examined."""
        self._seen.add(os.path.realpath(folder))
        sizes = _sizes(folder)
        wanted = {file.name: file.size for file in record.files}
        here = sum(min(size, wanted[name]) for name, size in sizes.items() if name in wanted)
        parts = sum(size for name, size in sizes.items() if name.endswith(PART))
        begun = Found(
            folder,
            folder.name,
            record.repository,
            Home.OWN,
            sum(sizes.values()),
            record=record,
            part_bytes=here + parts,
        )
        if begun.unfinished:
            yield replace(begun, busy=_is_held(folder))
            return
        examined = self._examine(folder, Home.OWN)
        yield replace(examined, repository=record.repository, size=begun.size, record=record, part_bytes=0)

    def _read_cached(self, repository: Path, place: Home) -> Iterator[Found]:
        """The snapshot that refs/main names, else the newest that can be used."""
        name = repository.name.removeprefix(HUB_PREFIX).replace("--", "/", 1)
        for snapshot in _snapshots(repository):
            for found in self._read(snapshot, place):
                yield replace(found, name=name.rpartition("/")[2], repository=name)
                return

    def _read(self, folder: Path, place: Home, *, by_hand: bool = False) -> Iterator[Found]:
        """A folder, if there is a model in it that can be used, or that somebody named."""
        real = os.path.realpath(folder)
        if real in self._seen or not _is_model(folder):
            return
        found = self._examine(folder, place)
        if by_hand or place is Home.OWN or (found.model and found.model.is_mlx):
            self._seen.add(real)
            yield found

    def _examine(self, folder: Path, place: Home) -> Found:
        signature = _signature(folder)
        known = self._known.get(folder)
        if known and known.signature == signature:
            return replace(known, place=place)
        begun = Found(folder, folder.name, _repository_of(folder, place), place, signature=signature)
        try:
            _check_headers(folder)
            model = examine(folder)
        except AppError as error:
            return replace(begun, size=sum(_sizes(folder).values()), failure=error.failure())
        except OSError as error:
            return replace(begun, failure=_unreadable(folder, error).failure())
        if not model.is_mlx:
            return replace(begun, size=model.files_bytes, failure=_not_mlx(folder).failure())
        return replace(begun, size=model.files_bytes, model=model)

    def _has_seen_below(self, folder: Path) -> bool:
        """Whether something in that folder is listed already, because another program keeps its models there."""
        root = os.path.realpath(folder) + os.sep
        return any(seen.startswith(root) for seen in self._seen)

    def _two_down(self, root: Path) -> list[Path]:
        self._left = ENTRIES
        return [folder for owner in self._folders(root) for folder in self._folders(owner)]

    def _folders(self, folder: Path) -> list[Path]:
        """The folders in a folder, by name; none where it cannot be read."""
        found: list[Path] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if self._left <= 0:
                        break
                    self._left -= 1
                    if not entry.name.startswith(".") and _is_folder(entry):
                        found.append(Path(entry.path))
        except OSError:
            return sorted(found)
        return sorted(found)


def _snapshots(repository: Path) -> list[Path]:
    """A cached repository's snapshots: the one its main branch names, then the newest first."""
    try:
        newest = sorted((repository / "snapshots").iterdir(), key=lambda each: each.lstat().st_mtime, reverse=True)
    except OSError:
        return []
    try:
        main = (repository / "refs/main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    return sorted(newest, key=lambda each: each.name != main)  # stable: the others stay newest first


def _is_model(folder: Path) -> bool:
    """Whether somebody may have meant a model to lie here."""
    try:
        return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    except OSError:
        return False


def _repository_of(folder: Path, place: Home) -> str:
    """owner/name, which other programs have in the path; of a folder named by hand what the catalogue knows."""
    if place is Home.NAMED:
        row = find_row_by_name(folder.name)
        return row.repository if row else ""
    return f"{folder.parent.name}/{folder.name}"


def _signature(folder: Path) -> tuple[object, ...]:
    """What changes when a file of the folder does; links are followed."""
    try:
        with os.scandir(folder) as entries:
            return tuple(
                sorted((entry.name, found.st_size, found.st_mtime_ns) for entry in entries if (found := _stat(entry)))
            )
    except OSError:
        return ()


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder, or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _stat(entry: os.DirEntry[str]) -> os.stat_result | None:
    try:
        return entry.stat()
    except OSError:
        return None


def _sizes(folder: Path) -> dict[str, int]:
    """Bytes of the files by name, those of our own bookkeeping left out."""
    sizes: dict[str, int] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith(RECORD) and (found := _stat(entry)) and entry.is_file():
                    sizes[entry.name] = found.st_size
    except OSError:
        return sizes
    return sizes


def _is_held(folder: Path) -> bool:
    try:
        with hold(folder) as ours:
            return not ours
    except OSError:  # a disk that cannot be written: nobody downloads there
        return False


def _check_headers(folder: Path) -> None:
    """Refuse to read headers of a length that no model has, and a pipe, which would be waited at for ever."""
    total = 0
    for shard in folder.glob("*.safetensors"):
        check_file(shard.stat(), shard.name)
        with shard.open("rb") as file:
            total += int.from_bytes(file.read(8), "little")
    if total > HEADERS:
        raise ModelMissing(
            _("The model in {folder} is damaged: its weight files describe more than a model holds.").format(
                folder=folder
            ),
            _("Download it again, or choose another folder."),
            "model.choose",
        )


def _not_mlx(folder: Path) -> ModelMissing:
    return ModelMissing(
        _("The model in {folder} is not in MLX's format.").format(folder=folder),
        _("Look for a conversion of it with MLX in its name."),
        "model.choose",
    )


def _unreadable(folder: Path, error: OSError) -> ModelMissing:
    return ModelMissing(
        _("The folder {folder} cannot be read: {why}.").format(folder=folder, why=error.strerror or error),
        _("Look at its permissions, or choose another folder."),
        "model.choose",
    )
