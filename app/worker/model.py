"""Loading: memory is planned first, then the layers come one by one, so that progress is true."""

from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache
from mlx_lm.utils import load_model

from app.core.errors import ModelBroken, ModelTooBig
from app.core.memory import GIB, Machine, Plan, gigabytes, plan
from app.core.text import _
from app.worker.folder import ModelFolder

CACHE_LIMIT = GIB
"""Bytes of freed buffers that MLX may keep; the wired limit is never touched (ml-explore/mlx#3186)."""


def check_fit(folder: ModelFolder, machine: Machine, wanted: int | None) -> Plan:
    """The plan for a model on this machine; raises ModelTooBig, with numbers, before anything is loaded."""
    planned = plan(machine, folder.shape, element_bytes=folder.element_bytes, wanted=wanted)
    if not planned.fits:
        raise ModelTooBig(
            _("This model needs {needed}; this computer can give {limit}.").format(
                needed=gigabytes(planned.needed), limit=gigabytes(planned.limit)
            ),
            _("Choose a smaller model."),
            "model.choose",
        )
    return planned


def load(folder: ModelFolder, machine: Machine, report: Callable[[int, int], None]) -> Any:
    """The model with its weights in memory; `report(done, total)` after each layer and after what is around them.

    Raises ModelBroken where the architecture is unknown or the weights do not fit it.
    """
    mx.set_cache_limit(CACHE_LIMIT)
    mx.set_memory_limit(machine.limit)
    try:
        model, _config = load_model(folder.path, lazy=True)
    except Exception as error:  # weights of another shape surface as whatever the module raises
        if str(error).endswith("not supported."):
            raise _unknown(folder) from error
        raise ModelBroken(
            _("The weights in {folder} do not fit its configuration.").format(folder=folder.path),
            _("Download the model again, or choose another folder."),
            "model.choose",
        ) from error
    if not can_trim_prompt_cache(make_prompt_cache(model)):
        raise _unknown(folder)
    parts = [*model.layers, model]
    for done, part in enumerate(parts):
        report(done, len(parts))
        mx.eval(part.parameters())
    report(len(parts), len(parts))
    return model


def _unknown(folder: ModelFolder) -> ModelBroken:
    return ModelBroken(
        _("The app does not know this kind of model ({architecture}).").format(architecture=folder.architecture),
        _("Choose an MLX model of a kind that mlx-lm knows, such as Magistral Small."),
        "model.choose",
    )
