"""The doctor's lines about models: the chosen one, the folder of downloads, the keychain."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from app.chat.words import say_size
from app.cli.check import Check
from app.core.errors import AppError
from app.core.memory import Machine, gigabytes, plan
from app.core.places import Places
from app.core.text import _
from app.models.catalogue import load_catalogue
from app.models.homes import explain_absence
from app.models.keychain import find_keychain
from app.models.removal import has_trash
from app.weights.folder import examine


def check_model(root: Path, machine: Machine) -> Check:
    """Whether the model that is loaded at the start is there, whole, and fits."""
    name = _("chosen model")
    chosen = _chosen(root, "model")
    if not chosen:
        return Check(name, "ok", _("the starter"))
    folder = Path(chosen)
    try:
        if not folder.is_dir():
            raise explain_absence(folder)
        model = examine(folder)
    except AppError as error:
        return Check(name, "fail", error.message, error.hint)
    fit = plan(machine, model.shape, element_bytes=model.element_bytes)
    if not fit.fits:
        text = _("{folder} needs {needed}; this computer can give {limit}").format(
            folder=folder, needed=gigabytes(fit.needed), limit=gigabytes(fit.limit)
        )
        return Check(name, "fail", text, _("Choose a smaller model: models list"))
    return Check(
        name,
        "ok",
        _("{folder} is whole and fits, with {count} tokens of context").format(folder=folder, count=f"{fit.context:,}"),
    )


def check_downloads(root: Path) -> Iterator[Check]:
    """Whether there is a place for downloads with enough room, and a Trash for what is deleted from it."""
    chosen = _chosen(root, "models_folder")
    folder = Path(chosen) if chosen else Places(root).models
    name = _("folder for downloads")
    if chosen and not folder.is_dir():
        absent = explain_absence(folder, downloads=True)
        yield Check(name, "fail", absent.message, absent.hint)
        return
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        yield Check(name, "fail", _("{folder} cannot be written").format(folder=folder), _("Choose another folder."))
        return
    free, wanted = shutil.disk_usage(there).free, load_catalogue()[0]
    text = _("{folder}, {size} free").format(folder=folder, size=say_size(free))
    if free < wanted.size:
        hint = _("{model} takes {size}: free some space, or move the downloads: models move FOLDER").format(
            model=wanted.label, size=say_size(wanted.size)
        )
        yield Check(name, "warn", text, hint)
    else:
        yield Check(name, "ok", text)
    if has_trash(there):
        yield Check(_("trash"), "ok", _("deleted models go there"))
    else:
        yield Check(_("trash"), "warn", _("none for this disk"), _("Models deleted there are gone for good."))


def check_keychain() -> Check:
    """Whether a token of the hub could be kept; nothing is read from it."""
    if found := find_keychain():
        return Check(_("keychain"), "ok", found)
    return Check(
        _("keychain"),
        "warn",
        _("none was found"),
        _("Only repositories that want a token need one; it is then asked for at each download."),
    )


def _chosen(root: Path, key: str) -> str:
    """A setting as the file has it; a damaged file is left for the next start to deal with."""
    try:
        value = msgspec.json.decode((root / "settings.json").read_bytes(), type=dict[str, object]).get(key, "")
    except (OSError, msgspec.DecodeError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
