"""The makers' own reasoning prompt and licence, fetched beside a model: welcome, and never needed."""

import os
import sys
import tempfile
from pathlib import Path

from app.core.errors import AppError
from app.models.hub import CommitGone, Hub, RangeRefused, Unreached
from app.models.listing import describe_file
from app.models.naming import parse_repository

LIMIT = 1_000_000
"""Bytes of a prompt or licence that are believable."""
PROMPT = "SYSTEM_PROMPT.txt"
LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE")


def fetch_official(hub: Hub, repository: str, folder: Path) -> None:
    """Put what there is of the two into the folder; why there is less is only logged."""
    try:
        _fetch(hub, parse_repository(repository), folder)
    except (AppError, Unreached, CommitGone, RangeRefused, OSError) as error:
        sys.stderr.write(f"{repository}: {error}\n")


def _fetch(hub: Hub, repository: str, folder: Path) -> None:
    info = hub.describe(repository)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or []}
    commit = info.sha or "main"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (PROMPT, *LICENCES):
        if name in siblings and not (folder / name).exists():
            file = describe_file(hub, repository, commit, siblings[name])
            content, digest = hub.read(repository, commit, name, LIMIT), file.digest()
            digest.update(content)
            if file.hash and digest.hexdigest() != file.hash:
                sys.stderr.write(f"{repository}: {name} comes otherwise than the hub said\n")
                continue
            _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)
