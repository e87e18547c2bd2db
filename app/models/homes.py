"""Where programs keep models: the Hugging Face cache, LM Studio's folders; and what a missing disk is called."""

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from app.core.errors import DiskAbsent
from app.core.text import _

MOUNTS = (("/Volumes", 1), ("/media", 2), ("/run/media", 2), ("/mnt", 1))
"""Where disks appear, and how many names below that a disk's own name is."""


def hugging_face_caches(environment: Mapping[str, str], home: Path) -> tuple[Path, ...]:
    """The folders in which huggingface_hub keeps repositories, the one in force first."""
    variables = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
    named = [_expand(said, home) for variable in variables if (said := environment.get(variable))]
    if said := environment.get("HF_HOME"):
        named.append(_expand(said, home) / "hub")
    cache = environment.get("XDG_CACHE_HOME")
    base = _expand(cache, home) if cache else home / ".cache"
    return _unique([*named, base / "huggingface/hub"])


def lm_studio_folders(home: Path) -> tuple[Path, ...]:
    """The folders in which LM Studio keeps models: the one that its settings name, and its usual ones."""
    homes = [home / ".lmstudio", home / ".cache/lm-studio"]
    with suppress(OSError, UnicodeDecodeError):
        if said := (home / ".lmstudio-home-pointer").read_text(encoding="utf-8").strip():
            homes.insert(0, _expand(said, home))
    chosen = [folder for each in homes if (folder := _read_downloads_folder(each, home))]
    return _unique([*chosen, *(each / "models" for each in homes)])


def _read_downloads_folder(lm_studio: Path, home: Path) -> Path | None:
    with suppress(OSError, ValueError, AttributeError, RecursionError):
        said = json.loads((lm_studio / "settings.json").read_text(encoding="utf-8")).get("downloadsFolder")
        if isinstance(said, str) and said.strip():
            return _expand(said.strip(), home)
    return None


def explain_absence(folder: Path, *, downloads: bool = False) -> DiskAbsent:
    """A model, or the folder of downloads, is not there: which disk has to be connected, where its name says it."""
    disk = name_disk(folder)
    if disk:
        said = _("The disk “{disk}” with {folder} is not connected.").format(disk=disk, folder=folder)
    else:
        said = _("There is no folder {folder}.").format(folder=folder)
    if downloads:
        other = _("choose another folder for downloads.")
    else:
        other = _("choose another model; the starter is always there.")
    first = _("Connect it, or") if disk else _("If it is on a disk that is not connected, connect it; else")
    return DiskAbsent(said, f"{first} {other}", "model.library" if downloads else "model.choose")


def name_disk(folder: Path) -> str:
    """The name of the disk that a folder is on and that is not mounted; empty for a folder of the system's own disk."""
    for mounts, depth in MOUNTS:
        below = folder.parts[len(Path(mounts).parts) :]
        if folder.is_relative_to(mounts) and len(below) > depth - 1:
            disk = Path(mounts, *below[:depth])
            return "" if os.path.ismount(disk) else disk.name
    return ""


def _expand(said: str, home: Path) -> Path:
    """A path as a person writes it, with ~ for the home folder; a relative one is of no use to a desktop app."""
    return home / said[2:] if said.startswith("~/") else home / said


def _unique(folders: list[Path]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(folders))
