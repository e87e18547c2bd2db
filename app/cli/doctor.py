"""`doctor`: what this computer is, what fits, what is missing; each line ok, warn or fail, with what to do."""

import argparse
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from app import NAME, VERSION
from app.chat.words import say_size
from app.cli.check import Check
from app.cli.modelchecks import check_downloads, check_keychain, check_model
from app.core.errors import AppError
from app.core.memory import RESERVE, VARIABLE, Level, Machine, gigabytes, parse_memory, plan
from app.core.places import Places
from app.core.protocol import Described
from app.core.releases import KNOWN_MODELS, largest_fitting
from app.core.text import _
from app.engine.probe import describe_engine
from app.engine.spawn import find_openblas
from app.store.checkup import check_database
from app.store.files import check_folder

LEAST_FREE = 2_000_000_000
"""Bytes of disk under which chats, caches and logs may soon have no room."""
LEAST_PYTHON = (3, 11)
COLOURS = {"ok": "\033[32m", "warn": "\033[33m", "fail": "\033[31m"}


def doctor(arguments: argparse.Namespace, root: Path) -> int:
    """Print the report; 1 if a line fails, else 0."""
    checks = []
    for check in examine(root):
        checks.append(check)
        if not arguments.json:
            _print(check)
    if arguments.json:
        print(msgspec.json.encode({"app": NAME, "version": VERSION, "checks": checks}).decode())
    return int(any(check.status == "fail" for check in checks))


def examine(root: Path) -> Iterator[Check]:
    """All checks, the quick ones first."""
    yield _check_python()
    yield Check(_("system"), "ok", f"{platform.platform()}, {platform.machine()}, {os.cpu_count()} processors")
    folder = _check_folder(root)
    yield folder
    if folder.status != "fail":
        yield _check_disk(_nearest(root))
        yield _check_chats(root)
        yield _check_prefixes(root)
        yield from check_downloads(root)
    yield check_keychain()
    yield _check_window()
    if sys.platform == "linux":
        yield _check_openblas()
    if told := _check_told_memory():
        yield told
    with tempfile.TemporaryDirectory() as elsewhere:  # to look is no reason to make a data folder
        log = Places(root if root.is_dir() else Path(elsewhere)).worker_log
        blocked = folder.status == "fail" or (told is not None and told.status == "fail")
        described = None if blocked else describe_engine(log)
    yield _check_engine(described, root)
    if described:
        yield _check_memory(described.machine)
        yield _check_starter(described)
        yield check_model(root, described.machine)
        yield from _check_models(described.machine)


def _check_python() -> Check:
    version = platform.python_version()
    if sys.version_info[:2] < LEAST_PYTHON:
        return Check(_("python"), "fail", version, _("Python 3.11 or newer is needed."))
    return Check(_("python"), "ok", version)


def _check_folder(root: Path) -> Check:
    name = _("data folder")
    if not root.exists() and os.access(_nearest(root), os.W_OK | os.X_OK) and _nearest(root).is_dir():
        return Check(name, "ok", _("{folder}, made at the first start").format(folder=root))
    try:
        check_folder(root)
    except AppError as error:
        return Check(name, "fail", error.message, error.hint)
    return Check(name, "ok", str(root))


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())


def _check_disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    text = _("{size} free").format(size=gigabytes(free))
    if free < LEAST_FREE:
        return Check(_("disk"), "warn", text, _("Free some space; a full disk stops chats from being saved."))
    return Check(_("disk"), "ok", text)


def _check_chats(root: Path) -> Check:
    try:
        chats = check_database(root)
    except AppError as error:
        return Check(_("chats"), "fail", error.message, error.hint)
    if chats is None:
        return Check(_("chats"), "ok", _("none yet"))
    return Check(_("chats"), "ok", _("{count} kept, the database is sound").format(count=f"{chats:,}"))


def _check_prefixes(root: Path) -> Check:
    """What computed prefixes take of the disk; a file may leave while it is looked at."""
    files = size = 0
    for folder, _folders, names in os.walk(root / "prefixes"):
        for name in names:
            with suppress(OSError):
                size += (Path(folder) / name).stat().st_size
                files += 1
    if not size:
        return Check(_("saved for reading faster"), "ok", _("nothing yet"))
    return Check(
        _("saved for reading faster"),
        "ok",
        _("{size} in {count} files").format(size=say_size(size), count=f"{files:,}"),
    )


def _check_told_memory() -> Check | None:
    """Whether the engine is told how much memory there is, and understands it."""
    told = os.environ.get(VARIABLE)
    if not told:
        return None
    try:
        size = parse_memory(told)
    except AppError as error:
        return Check(VARIABLE, "fail", error.message, error.hint)
    return Check(
        VARIABLE,
        "warn",
        _("the engine is told that there are {size} of memory").format(size=gigabytes(size)),
        _("Leave it out to use what this computer has."),
    )


def _check_window() -> Check:
    """In a process of its own: a missing library of the system must not end the doctor."""
    if importlib.util.find_spec("PySide6") is None:
        return Check(_("window"), "fail", _("PySide6 is not installed"), _("Start with ./run, which installs it."))
    tried = subprocess.run(
        [sys.executable, "-c", "import PySide6.QtWidgets"], capture_output=True, text=True, check=False
    )
    if tried.returncode:
        why = (tried.stderr.strip().splitlines() or [""])[-1]
        return Check(_("window"), "fail", why, _("Start with ./run, which installs what is missing or says how."))
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return Check(_("window"), "warn", _("Qt works, but there is no display"), _("Use ask, or start in a desktop."))
    return Check(_("window"), "ok", _("Qt works"))


def _check_openblas() -> Check:
    found = find_openblas()
    if found:
        return Check("OpenBLAS", "ok", found)
    return Check(
        "OpenBLAS",
        "warn",
        _("not found: reading a prompt takes twenty times longer"),
        "apt-get install libopenblas0-pthread",
    )


def _check_engine(described: Described | None, root: Path) -> Check:
    if described is None:
        return Check(_("engine"), "fail", _("it does not start"), _("See {log}.").format(log=Places(root).worker_log))
    machine = described.machine
    text = _("MLX {version} on {device} {name}: {memory} of memory, {limit} for a model").format(
        version=described.mlx,
        device=machine.device,
        name=machine.name,
        memory=gigabytes(machine.memory),
        limit=gigabytes(machine.limit),
    )
    if machine.device == "cpu":
        return Check(_("engine"), "warn", text, _("There is no GPU: only small models are fast enough to use."))
    return Check(_("engine"), "ok", text)


def _check_memory(machine: Machine) -> Check:
    """What a model may use, and how short of memory the whole system is now."""
    words = {
        Level.NORMAL: _("the system has enough at the moment"),
        Level.WARNING: _("the system is short of memory at the moment"),
        Level.CRITICAL: _("the system has almost no memory left at the moment"),
        None: _("the system does not say how much it has left"),
    }
    text = _("{limit} for a model, {reserve} of them in reserve; {pressure}; the engine itself takes {own}").format(
        limit=gigabytes(machine.limit),
        reserve=gigabytes(RESERVE),
        pressure=words[machine.pressure],
        own=gigabytes(machine.footprint),
    )
    if machine.pressure is Level.NORMAL:
        return Check(_("memory"), "ok", text)
    hint = _("Close other programs before loading a large model.")
    return Check(_("memory"), "warn", text, _("Please report this.") if machine.pressure is None else hint)


def _check_starter(described: Described) -> Check:
    if described.starter:
        return Check(_("starter model"), "ok", _("installed"))
    return Check(_("starter model"), "warn", _("not installed"), _("Start with ./run, which installs it."))


def _check_models(machine: Machine) -> Iterator[Check]:
    for model in KNOWN_MODELS:
        planned = plan(machine, model.shape)
        name = _("{model}, 4-bit").format(model=model.label)
        if planned.fits:
            text = _("fits, with {count} tokens of context, read {step} at a time").format(
                count=f"{planned.context:,}", step=planned.step
            )
            yield Check(name, "ok", text)
            continue
        smaller = largest_fitting(machine, model.shape.weights)
        yield Check(
            name,
            "warn",
            _("needs {needed}; this computer can give {limit}").format(
                needed=gigabytes(planned.needed), limit=gigabytes(planned.limit)
            ),
            _("{model} fits.").format(model=smaller[0].label) if smaller else _("Choose a smaller model."),
        )


def _print(check: Check) -> None:
    colour = COLOURS[check.status] if sys.stdout.isatty() else ""
    plain = "\033[0m" if colour else ""
    print(f"{colour}{check.status:<4}{plain}  {check.name}: {check.text}")
    if check.hint:
        print(f"      {check.hint}")
    sys.stdout.flush()
