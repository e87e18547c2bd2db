"""Loading: memory is planned first, then the layers come one by one, so that progress is true."""

from collections.abc import Callable
from typing import Any

from app.core.errors import ModelBroken, ModelTooBig
from app.core.memory import GIB, Machine, Plan, gigabytes, plan
from app.core.releases import largest_fitting
from app.core.text import _
from app.weights.folder import ModelFolder

CACHE_LIMIT = GIB
"""Bytes of freed buffers that MLX may keep; the wired limit is never touched (ml-explore/mlx#3186)."""


def check_fit(folder: ModelFolder, machine: Machine, wanted: int | None, draft: ModelFolder | None = None) -> Plan:
    """The plan for a model, and one that guesses ahead for it, on this machine.

    Raises ModelTooBig, with numbers and what would fit, before anything is loaded.
    """
    planned = plan(
        machine,
        folder.shape,
        element_bytes=folder.element_bytes,
        wanted=wanted,
        draft=draft.shape.weights if draft else 0,
        draft_per_token=draft.shape.cache_per_token(draft.element_bytes) if draft else 0,
    )
    if not planned.fits:
        raise _too_big(folder, machine, planned, draft)
    return planned


def load(folder: ModelFolder, machine: Machine, report: Callable[[int, int], None]) -> Any:
    """The model with its weights in memory; `report(done, total)` after each layer and after what is around them.

    A draft model is loaded by a second call. Raises ModelBroken where the architecture is unknown or the
    weights do not fit it. Past the memory limit MLX waits for what it has begun before it begins more; nothing
    fails by it.
    """
    # Imported here: mlx_lm takes seconds, and a model that does not fit is refused without it.
    import mlx.core as mx
    from mlx_lm.models.cache import can_trim_prompt_cache, make_prompt_cache
    from mlx_lm.utils import load_model

    mx.set_cache_limit(CACHE_LIMIT)
    mx.set_memory_limit(machine.limit)
    try:
        model, _config = load_model(folder.path, lazy=True)
    except Exception as error:  # weights of another shape surface as whatever the module raises
        if str(error).endswith("not supported."):
            raise unknown_kind(folder) from error
        raise ModelBroken(
            _("The weights in {folder} do not fit its configuration.").format(folder=folder.path),
            _("Download the model again, or choose another folder."),
            "model.choose",
        ) from error
    if not can_trim_prompt_cache(make_prompt_cache(model)):
        raise unknown_kind(folder)
    parts = [*model.layers, model]
    for done, part in enumerate(parts):
        report(done, len(parts))
        mx.eval(part.parameters())
    report(len(parts), len(parts))
    return model


def _too_big(folder: ModelFolder, machine: Machine, planned: Plan, draft: ModelFolder | None) -> ModelTooBig:
    sentence = (
        _("{model} needs {needed}; this Mac can give {limit}.")
        if machine.device == "metal"
        else _("{model} needs {needed}; this computer can give {limit}.")
    )
    name = folder.name
    if draft:
        name = _("{model} with {draft}").format(model=name, draft=draft.name)
    known = largest_fitting(machine, folder.shape.weights)
    hint = _("Choose a smaller model.")
    if draft:
        hint = _("Choose it without a draft model, or a smaller model.")
    elif known:
        hint = _("{model} fits, with {count} tokens of context.").format(
            model=known[0].label, count=f"{known[1].context:,}"
        )
    return ModelTooBig(
        sentence.format(model=name, needed=gigabytes(planned.needed), limit=gigabytes(planned.limit)),
        hint,
        "model.choose",
    )


def unknown_kind(folder: ModelFolder) -> ModelBroken:
    """The refusal of a model whose code mlx_lm does not have."""
    return ModelBroken(
        _("The app does not know this kind of model ({architecture}).").format(architecture=folder.architecture),
        _("Choose an MLX model of a kind that mlx-lm knows, such as Magistral Small."),
        "model.choose",
    )
