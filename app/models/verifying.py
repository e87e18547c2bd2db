"""Comparing a model's files with what the hub said they are."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from app.core.errors import AppError
from app.core.fetching import FileChecked, FileCondition, Stage, Verified
from app.core.text import mend
from app.models.comparing import hash_file, is_whole
from app.models.disk import explain
from app.models.homes import explain_absence
from app.models.record import LOCK, PART, RECORD, Record, RecordedFile, hold, read_record, write_record
from app.models.tally import Say, Tally, Teller

BLOB = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
"""How the Hugging Face cache names a file's content: by its sha256, or git's name for a small file."""


def verify(folder: Path, say: Say) -> Verified:
    """Compare every file; a damaged one stays where it is. Raises DiskAbsent, StoreFailed."""
    if not folder.is_dir():
        raise explain_absence(folder)
    record = read_record(folder)
    files = record.files if record else list(_find_files(folder))
    sizes = {file.name: _size_on_disk(folder / file.name) for file in files}
    teller = Teller(Tally(Stage.CHECKING, sum(size for size in sizes.values() if size > 0)), say)
    checked = [
        FileChecked(mend(file.name), max(0, sizes[file.name]), _compare(folder, file, teller.add)) for file in files
    ]
    teller.tell(last=True)
    if record:
        _note(folder, record, checked)
    return Verified(str(folder), checked)


def _find_files(folder: Path) -> Iterator[RecordedFile]:
    """The files of a folder that is not of our making, with the hashes that their places tell."""
    for path in sorted(folder.iterdir()):
        name = path.name
        if name in (RECORD, LOCK) or name.endswith(PART) or path.is_dir():
            continue
        blob = ""
        with suppress(OSError):
            blob = path.readlink().name
        blob = blob if BLOB.fullmatch(blob) else ""
        size = max(0, _size_on_disk(path))
        yield RecordedFile(name, size, sha256=blob if len(blob) == 64 else "", git=blob if len(blob) == 40 else "")


def _size_on_disk(path: Path) -> int:
    """Bytes of the file; -1 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _compare(folder: Path, file: RecordedFile, tell: Callable[[int], None]) -> FileCondition:
    path = folder / file.name
    try:
        if not file.hash:  # read to its end all the same: a bad sector shows
            hash_file(path, file.digest(), tell, follow=True)
            return FileCondition.UNKNOWN if path.stat().st_size == file.size else FileCondition.DAMAGED
        return FileCondition.WHOLE if is_whole(path, file, tell, follow=True) else FileCondition.DAMAGED
    except FileNotFoundError:
        return FileCondition.MISSING
    except (OSError, AppError) as error:
        if not folder.is_dir():
            raise explain(error, folder) if isinstance(error, OSError) else error from error
        return FileCondition.DAMAGED


def _note(folder: Path, record: Record, checked: list[FileChecked]) -> None:
    """Write down what was found, where the folder can be written and still is to hold the same files."""
    files = []
    for file, found in zip(record.files, checked, strict=True):
        changed = 0
        with suppress(OSError):
            changed = (folder / file.name).stat(follow_symlinks=False).st_mtime_ns
        files.append(msgspec.structs.replace(file, checked=changed if found.condition is FileCondition.WHOLE else 0))
    whole = all(file.condition is FileCondition.WHOLE for file in checked)
    with suppress(OSError), hold(folder) as held:
        now = read_record(folder)
        if held and now and _contents(now) == _contents(record):
            write_record(folder, msgspec.structs.replace(now, files=files, verified=time.time() if whole else None))


def _contents(record: Record) -> tuple[str, list[tuple[str, str]]]:
    """What the files must be."""
    return record.commit, [(file.name, file.hash) for file in record.files]
