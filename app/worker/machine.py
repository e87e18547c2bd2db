"""The facts about this machine that memory is planned with."""

import mlx.core as mx
import psutil

from app.core.memory import Machine, usable


def describe_machine() -> Machine:
    """The device that MLX computes on and what it may use."""
    info = mx.device_info()
    memory = int(info.get("memory_size") or psutil.virtual_memory().total)
    device = "metal" if mx.metal.is_available() else "cpu" if mx.default_device() == mx.cpu else "cuda"
    recommended = int(info.get("max_recommended_working_set_size") or 0)
    if device == "cuda":
        memory = int(info.get("total_memory") or memory)
    return Machine(
        device=device,
        name=str(info.get("device_name", "")),
        memory=memory,
        limit=usable(device, memory, recommended or None),
    )
