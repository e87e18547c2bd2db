"""All downloaded models from one folder to another: interrupted anywhere, nothing is lost and it can be repeated."""

import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from app.core.errors import StoreFailed, UsageError
from app.core.fetching import Move, Stage
from app.core.text import _
from app.models.comparing import hash_file
from app.models.disk import check_room, explain, make_folder
from app.models.homes import explain_absence
from app.models.record import LOCK, RECORD, hold, sync_folder
from app.models.tally import Say, Tally, Teller

DEPTH = 2
"""Levels below the folder of downloads at which models lie: owner/name."""
COPY = ".moving"
"""End of the name of a file that is not wholly copied yet."""
PIECE = 1 << 20


def move(order: Move, say: Say) -> None:
    """Carry an order out; raises DiskFull, DiskAbsent, StoreFailed, UsageError."""
    source, target = Path(order.source), Path(order.target)
    if not source.is_dir():
        raise explain_absence(source)
    if target.resolve().is_relative_to(source.resolve()):
        raise UsageError(
            _("{target} is the folder of the models, or lies in it.").format(target=target),
            _("Choose a folder outside of it."),
        )
    make_folder(target)
    _check_writable(target)
    try:
        models = sorted(find_models(source))
        sizes = {model: sum(path.stat(follow_symlinks=False).st_size for path in _files(model)) for model in models}
        if source.stat().st_dev != target.stat().st_dev:
            check_room(target, max(0, sum(sizes.values()) - _bytes_there(models, source, target)) + order.spare)
    except OSError as error:
        raise explain(error, target) from error
    for model in models:
        _check_free(model)
    teller = Teller(Tally(Stage.MOVING, sum(sizes.values())), say)
    for model in models:
        _move_model(model, target / model.relative_to(source), sizes[model], teller.add)
        _drop_empty(model.parent, source)
    teller.tell(last=True)


def find_models(folder: Path, depth: int = DEPTH) -> Iterator[Path]:
    """The folders of our own downloads; whatever else lies there stays."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            if (entry / RECORD).is_file():
                yield entry
            elif depth > 1:
                yield from find_models(entry, depth - 1)


def _files(model: Path) -> list[Path]:
    """What is moved, the record last: a folder without one is not taken for a model."""
    found = [Path(folder, name) for folder, _folders, names in os.walk(model) for name in names]
    files = [path for path in found if path.name != LOCK and not path.name.endswith(COPY) and not path.is_symlink()]
    return sorted(files, key=lambda path: (path == model / RECORD, path))


def _bytes_there(models: list[Path], source: Path, target: Path) -> int:
    """Bytes that an interrupted move has copied already."""
    there = 0
    for path in (path for model in models for path in _files(model)):
        with suppress(OSError):
            there += (target / path.relative_to(source)).stat(follow_symlinks=False).st_size
    return there


def _check_free(model: Path) -> None:
    """Make sure that nothing is downloaded into a model's folder, before any other one is moved."""
    try:
        with hold(model, patience=1.0) as held:
            if not held:
                raise _busy(model)
    except OSError as error:
        raise explain(error, model) from error


def _busy(model: Path) -> UsageError:
    return UsageError(_("A download into {folder} is under way.").format(folder=model), _("Pause it first."))


def _move_model(source: Path, target: Path, size: int, tell: Callable[[int], None]) -> None:
    try:
        with hold(source, patience=1.0) as held:
            if not held:
                raise _busy(source)
            target.parent.mkdir(exist_ok=True)
            if not target.exists() and _rename(source, target):
                tell(size)
                return
            _copy_model(source, target, tell)
            _delete_model(source)
    except OSError as error:
        at_source = str(error.filename or "").startswith(str(source))
        raise explain(error, source if at_source else target, size) from error


def _rename(source: Path, target: Path) -> bool:
    """Whether the folder could be renamed; it cannot from one disk to another."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    sync_folder(target.parent)
    return True


def _copy_model(source: Path, target: Path, tell: Callable[[int], None]) -> None:
    """Copy what is not there yet, and compare all; nothing of the source is touched."""
    settled = (target / RECORD).is_file()
    target.mkdir(exist_ok=True)
    for path in _files(source):
        copy = target / path.relative_to(source)
        if settled and path == source / RECORD:
            continue
        if not _is_same(path, copy):
            if settled and copy.exists():
                raise UsageError(
                    _("{target} holds another copy of the same model already.").format(target=target),
                    _("Delete one of the two, then move the models again."),
                )
            copy.parent.mkdir(parents=True, exist_ok=True)
            _copy_file(path, copy)
        tell(path.stat().st_size)
    sync_folder(target)


def _is_same(path: Path, copy: Path) -> bool:
    """Whether the copy is there already, byte for byte."""
    if not copy.is_file() or copy.is_symlink() or copy.stat().st_size != path.stat().st_size:
        return False
    return _hash(path) == _hash(copy)


def _copy_file(path: Path, copy: Path) -> None:
    """Copy by another name, bring it to the disk, read it again, and only then give it its name."""
    unready = copy.with_name(copy.name + COPY)
    unready.unlink(missing_ok=True)
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as read, unready.open("xb", buffering=0) as written:
        while data := read.read(PIECE):
            digest.update(data)
            view = memoryview(data)
            while view:
                view = view[written.write(view) :]
        os.fsync(written.fileno())
        if hasattr(os, "posix_fadvise"):  # so that the disk is compared, not the memory
            os.posix_fadvise(written.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if _hash(unready) != digest.hexdigest():
        unready.unlink()
        raise StoreFailed(
            _("{name} could not be copied: what was read back from the disk differs.").format(name=copy),
            _("The original is untouched. Check the disk, or choose another folder."),
        )
    found = path.stat()
    os.utime(unready, ns=(found.st_atime_ns, found.st_mtime_ns))
    unready.replace(copy)


def _hash(path: Path) -> str:
    return hash_file(path, hashlib.sha256(), lambda _count: None)


def _delete_model(source: Path) -> None:
    """Take away what was copied, the record last: an interrupted deletion is found and ended by the next move."""
    for path in _files(source):
        path.unlink()
    with suppress(OSError):
        (source / LOCK).unlink(missing_ok=True)
        for folder, _folders, _names in os.walk(source, topdown=False):
            Path(folder).rmdir()


def _drop_empty(folder: Path, root: Path) -> None:
    """Take away the owner's folder after its last model."""
    if folder != root:
        with suppress(OSError):
            folder.rmdir()


def _check_writable(folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise explain(error, folder) from error
