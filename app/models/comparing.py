"""Reading a file that is on the disk to its end, for its hash."""

import os
from collections.abc import Callable
from pathlib import Path

from app.models.disk import check_file
from app.models.record import Digest, RecordedFile

READ = 1 << 20


def hash_file(path: Path, digest: Digest, tell: Callable[[int], None], *, follow: bool = False) -> str:
    """The hash of a file's bytes; `tell` hears of each piece. Raises OSError, ModelUnsafe."""
    link = 0 if follow else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | link)
    try:
        check_file(os.fstat(descriptor), path.name)
        while data := os.read(descriptor, READ):
            digest.update(data)
            tell(len(data))
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def is_whole(path: Path, file: RecordedFile, tell: Callable[[int], None], *, follow: bool = False) -> bool:
    """Whether a file that is there has the bytes that the hub names; raises OSError, ModelUnsafe."""
    found = path.stat(follow_symlinks=follow)
    if found.st_size != file.size:
        return False
    return not file.hash or hash_file(path, file.digest(), tell, follow=follow) == file.hash
