"""How the worker process is started: which command, which environment, which log."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from app.core.roles import SOURCE, WORKER, role_command

LOG_LIMIT = 1_000_000
"""Bytes after which a log moves aside; one older log is kept."""
OPENBLAS = (
    "/usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3",
    "/usr/lib/x86_64-linux-gnu/libopenblas.so.0",
    "/usr/lib64/libopenblasp.so.0",
    "/usr/lib64/libopenblas.so.0",
)


def find_openblas() -> str | None:
    """The BLAS that makes a dense model on a Linux CPU twenty times faster than the wheel's own."""
    if sys.platform != "linux":
        return None
    return next((path for path in OPENBLAS if os.path.exists(path)), None)  # noqa: PTH110 - no Path for each try


def worker_environment() -> dict[str, str]:
    """The worker's environment: no network, no chatter, and a fast BLAS where there is one."""
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_VERBOSITY": "error",
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }
    if blas := find_openblas():
        environment["LD_PRELOAD"] = f"{blas}:{environment.get('LD_PRELOAD', '')}".rstrip(":")
        environment.setdefault("OPENBLAS_NUM_THREADS", str(min(4, os.cpu_count() or 1)))
    return environment


def spawn_worker(other: Sequence[str] | None, descriptor: int, log: Path) -> subprocess.Popen[bytes]:
    """Start a worker that talks over an inherited socket; everything it prints goes to its log.

    `other` is another program that speaks the same protocol; it gets the socket's number as last argument.
    """
    with _open_log(log) as output:
        return subprocess.Popen(
            [*other, str(descriptor)] if other else role_command(WORKER, descriptor),
            pass_fds=[descriptor],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=SOURCE,
            env=worker_environment(),
            process_group=0,  # Ctrl+C in the terminal is for us; we tell the worker what it means
        )


def _open_log(log: Path) -> BinaryIO:
    """The log at its end, for its owner alone; a long one moves aside first."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.replace(log.with_suffix(".1.log"))
    return os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
