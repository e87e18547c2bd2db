"""The facts about this machine that memory is planned with."""

import os

import mlx.core as mx
import psutil

from app.core.memory import VARIABLE, Machine, parse_memory, usable
from app.worker.pressure import SystemPressure, footprint, group_limit


def describe_machine() -> Machine:
    """The device that MLX computes on and what it may use.

    Raises UsageError where LEMMA_MEMORY is set to something that is no amount of memory.
    """
    info = mx.device_info()
    device = "metal" if mx.metal.is_available() else "cpu" if mx.default_device() == mx.cpu else "cuda"
    recommended = int(info.get("max_recommended_working_set_size") or 0)
    if told := os.environ.get(VARIABLE):
        memory, recommended = parse_memory(told), 0
    elif device == "cuda":
        memory = int(info.get("total_memory") or info.get("memory_size") or _main_memory())
    else:
        memory = int(info.get("memory_size") or _main_memory())
    return Machine(
        device=device,
        name=str(info.get("device_name", "")),
        memory=memory,
        limit=usable(device, memory, recommended or None),
        pressure=SystemPressure().known(),
        footprint=footprint(),
    )


def _main_memory() -> int:
    """Bytes of the machine, or of the part of it that the process is shut into."""
    total = int(psutil.virtual_memory().total)
    return min(total, group_limit() or total)
