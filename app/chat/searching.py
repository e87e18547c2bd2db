"""One look at the disk for the library; it may take a while, and is an errand."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import Failure
from app.models.finding import Found, find, usual_roots
from app.models.homes import explain_absence
from app.models.removal import has_trash


@dataclass(frozen=True, slots=True)
class Seen:
    """What a search came to."""

    found: list[Found]
    trash: bool
    """Whether what is deleted from the folder of downloads goes to the Trash."""
    absent: Failure | None
    """Why that folder is not there, where one was chosen."""


def search_disk(own: Path, named: Sequence[str], before: Sequence[Found], *, default: bool) -> Seen:
    """Look at the folder of downloads, at those that were named, and at those of other programs."""
    folders = [Path(folder) for folder in dict.fromkeys(named) if folder]
    roots = usual_roots(own, folders, os.environ, Path.home())
    absent = None if default or own.is_dir() else explain_absence(own, downloads=True).failure()
    there = next(folder for folder in (own, *own.parents) if folder.exists())
    return Seen(find(roots, before), has_trash(there), absent)
