"""How short of memory the machine is at the moment, and what this process takes of it.

macOS says it itself (kern.memorystatus_vm_pressure_level, with the values of <dispatch/source.h>). Linux has no
such word: there it is the share of memory that is still available, of the machine or of the control group.
"""

import ctypes
import ctypes.util
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from app.core.memory import Level

FRESH = 1.0
"""Seconds for which an answer stands."""
SHORT, VERY_SHORT = 0.10, 0.05
"""Shares of memory still available, below which a Linux machine is short of it."""
MACOS_NAME = b"kern.memorystatus_vm_pressure_level"
MACOS_LEVELS = {1: Level.NORMAL, 2: Level.WARNING, 4: Level.CRITICAL}
FOOTPRINT_AT = 16 + 7 * 8
"""Where ri_phys_footprint lies in rusage_info_v0 of <sys/resource.h>: behind the uuid and seven numbers."""
USAGE_SIZE = 512


class Pressure(Protocol):
    """Something that knows how short of memory the machine is."""

    def level(self) -> Level:
        """The level now; cheap enough to ask for each step."""
        ...


class SystemPressure:
    """What the system says, asked at most once a second."""

    def __init__(
        self,
        proc: Path = Path("/proc"),
        groups: Path = Path("/sys/fs/cgroup"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._proc, self._groups, self._clock = proc, groups, clock
        self._asked, self._level = -FRESH, Level.NORMAL
        self._known = False

    def level(self) -> Level:
        """The level now; NORMAL where the system does not say."""
        self._ask()
        return self._level

    def known(self) -> Level | None:
        """The level now; None where the system does not say."""
        self._ask()
        return self._level if self._known else None

    def _ask(self) -> None:
        now = self._clock()
        if now - self._asked < FRESH:
            return
        found = _macos_level() if sys.platform == "darwin" else self._linux_level()
        self._asked, self._known, self._level = now, found is not None, found or Level.NORMAL

    def _linux_level(self) -> Level | None:
        shares = [*_machine_share(self._proc), *_group_share(self._proc, self._groups)]
        if not shares:
            return None
        left = min(shares)
        return Level.CRITICAL if left < VERY_SHORT else Level.WARNING if left < SHORT else Level.NORMAL


def group_limit(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes that the control group of this process may take at most; None where there is no bound."""
    return min((limit for limit, _used in _bounds(proc, groups)), default=None)


def footprint() -> int:
    """Bytes of memory that this process takes; on a Mac with what the GPU holds for it, unlike its resident size."""
    if sys.platform == "darwin":
        return _macos_footprint()
    return _field(Path("/proc/self/status"), "VmRSS:") * 1024


def _machine_share(proc: Path) -> list[float]:
    total = _field(proc / "meminfo", "MemTotal:")
    return [_field(proc / "meminfo", "MemAvailable:") / total] if total else []


def _group_share(proc: Path, groups: Path) -> list[float]:
    return [max(0.0, 1 - used / limit) for limit, used in _bounds(proc, groups)]


def _bounds(proc: Path, groups: Path) -> list[tuple[int, int]]:
    """Limit and use, in bytes, of every bounded control group that this process is in, whatever their version.

    File pages that nobody has touched for a while are not counted as used: the kernel takes them back.
    """
    found = []
    total = _field(proc / "meminfo", "MemTotal:") * 1024
    for line in _read(proc / "self" / "cgroup").splitlines():
        _number, kinds, path = line.split(":", 2)
        if kinds and "memory" not in kinds.split(","):
            continue
        top = groups / "memory" if kinds else groups
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max", "memory.current")
        idle = "total_inactive_file" if kinds else "inactive_file"
        here = top / path.lstrip("/")
        while True:
            limit = _number_in(here / names[0])
            if 0 < limit < total:  # without a bound version 1 says a number beyond any memory, version 2 a word
                found.append((limit, _number_in(here / names[1]) - _field(here / "memory.stat", idle)))
            if here == top:
                break
            here = here.parent
    return found


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _number_in(file: Path) -> int:
    text = _read(file).strip()
    return int(text) if text.isdecimal() else 0


def _field(file: Path, name: str) -> int:
    for line in _read(file).splitlines():
        words = line.split()
        if len(words) > 1 and words[0] == name and words[1].isdecimal():
            return int(words[1])
    return 0


def _system_library() -> ctypes.CDLL:
    return ctypes.CDLL(ctypes.util.find_library("c") or "libSystem.dylib", use_errno=True)


def _macos_level() -> Level | None:
    value, size = ctypes.c_int(), ctypes.c_size_t(ctypes.sizeof(ctypes.c_int))
    failed = _system_library().sysctlbyname(
        MACOS_NAME, ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t()
    )
    return None if failed else MACOS_LEVELS.get(value.value)


def _macos_footprint() -> int:
    usage = (ctypes.c_uint8 * USAGE_SIZE)()
    if _system_library().proc_pid_rusage(os.getpid(), 0, usage):
        return 0
    return int.from_bytes(bytes(usage)[FOOTPRINT_AT : FOOTPRINT_AT + 8], sys.byteorder)
