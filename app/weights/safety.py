"""What a stranger's model may not do: run code, lead out of its folder, or waste the machine.

Everything here works on names, sizes and a parsed configuration, so that it can be asked before a download too.
`where` is how the model is called in a sentence: a repository or a folder.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from unicodedata import category

from app.core.errors import ModelBroken, ModelUnsafe
from app.core.text import _
from app.weights.kinds import find_other_kind

TOKENIZER_LIMIT = 64_000_000
"""Bytes; the largest vocabularies in use take half of it."""
CONFIG_LIMIT = 4_000_000
LIMITS = {
    "tokenizer.json": TOKENIZER_LIMIT,
    "model.safetensors.index.json": TOKENIZER_LIMIT,
    "config.json": CONFIG_LIMIT,
    "generation_config.json": CONFIG_LIMIT,
    "tokenizer_config.json": CONFIG_LIMIT,
    "hf_quant_config.json": CONFIG_LIMIT,
    "chat_template.json": CONFIG_LIMIT,
    "chat_template.jinja": CONFIG_LIMIT,
    "SYSTEM_PROMPT.txt": CONFIG_LIMIT,
}
"""The files that are read whole, and how many bytes of each are believable."""
DEPTH_LIMIT = 64
"""Levels of a configuration; those in use have five."""
WANTED_NAMES = frozenset(
    {
        "config.json",
        "generation_config.json",
        "model.safetensors.index.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "tekken.json",
        "vocab.json",
        "chat_template.json",
        "SYSTEM_PROMPT.txt",
        "README.md",
    }
)
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
FOREIGN = ("consolidated", "adapter")
"""Beginnings of weight files in other layouts: Mistral's own, and additions to a model."""
CODE_KEYS = ("auto_map", "model_file")
"""Keys that name a Python file of the model's own: transformers' and mlx_lm's."""
BOUNDS = {
    "num_hidden_layers": 1_000,
    "hidden_size": 1_000_000,
    "intermediate_size": 10_000_000,
    "num_attention_heads": 10_000,
    "num_key_value_heads": 10_000,
    "head_dim": 100_000,
    "max_position_embeddings": 100_000_000,
    "vocab_size": 10_000_000,
}
"""The largest value of each size that can be meant."""
NEEDED = ("num_hidden_layers", "hidden_size", "num_attention_heads")
QUANTIZATION_BOUNDS = {"bits": 16, "group_size": 65_536}
SNAPSHOT = re.compile(r"models--[^/]+/snapshots/[^/]+")


def check_config(config: dict[str, Any], where: str) -> None:
    """Refuse a configuration that names code, describes no language model, or has sizes that nothing has.

    Raises ModelUnsafe, ModelBroken.
    """
    for key in _find_code(config, where):
        raise ModelUnsafe(
            _("The model in {where} wants to run a program of its own ({key}).").format(where=where, key=key),
            _("The app never does that. Choose a version of it that needs none, such as one of mlx-community."),
            "model.choose",
        )
    _check_kind(config, where)
    text = config.get("text_config") or config
    if not isinstance(text, dict) or any(text.get(key) is None for key in NEEDED):
        raise _broken(where, _("its config.json does not describe a language model"))
    _check_numbers(text, BOUNDS, where)
    for described in (config.get("quantization"), text.get("quantization")):
        if described is not None and not isinstance(described, dict):
            raise _broken(where, _("its config.json does not say how it is quantised"))
        _check_numbers(described or {}, QUANTIZATION_BOUNDS, where)
    if text.get("num_key_value_heads") and text["num_key_value_heads"] > text["num_attention_heads"]:
        raise _absurd(where, "num_key_value_heads", text["num_key_value_heads"])


def check_code(config: dict[str, Any], where: str) -> None:
    """Refuse any other JSON file of a model that names code to run; raises ModelUnsafe, ModelBroken."""
    for key in _find_code(config, where):
        raise ModelUnsafe(
            _("The tokenizer in {where} wants to run a program of its own ({key}).").format(where=where, key=key),
            _("The app never does that. Choose a version of it that needs none, such as one of mlx-community."),
            "model.choose",
        )


def is_wanted(name: str) -> bool:
    """Whether a file of a repository is worth fetching: weights, what describes them, and the licence."""
    path = PurePosixPath(name)
    if len(path.parts) != 1:
        return False
    if path.suffix == ".safetensors":
        return not name.startswith(FOREIGN)
    if name.upper().startswith(("LICENSE", "LICENCE", "NOTICE")):
        return path.suffix.lower() in ("", ".txt", ".md")
    return name in WANTED_NAMES or path.suffix == ".jinja"


def check_names(names: Iterable[str], where: str) -> None:
    """Refuse names that lead elsewhere, and models without weights that the app can read.

    Raises ModelUnsafe, ModelBroken.
    """
    listed = list(names)
    check_spelling(listed, where)
    if not any(is_weights(name) for name in listed):
        raise _no_weights(listed, where)


def check_spelling(names: Iterable[str], where: str) -> None:
    """Refuse names that lead out of a folder, or that are written to deceive; raises ModelUnsafe."""
    for name in names:
        path = PurePosixPath(name)
        deceives = "\\" in name or any(category(sign) == "Cc" for sign in name)
        if deceives or not path.parts or path.is_absolute() or ".." in path.parts:
            raise ModelUnsafe(
                _("The model in {where} has a file name that leads elsewhere: {name}.").format(
                    where=where, name=ascii(name)[:80]
                ),
                _("Do not use it. Choose the same model from its makers, from mlx-community or lmstudio-community."),
                "model.choose",
            )


def is_weights(name: str) -> bool:
    """Whether a name is that of a weight file which mlx_lm loads."""
    return name.startswith("model") and name.endswith(".safetensors") and "/" not in name


def holds_other_weights(names: Iterable[str]) -> bool:
    """Whether there are weights or models of another kind than the app reads."""
    return any(_is_other(name) or name == "model_index.json" for name in names)


def check_sizes(sizes: Mapping[str, int], where: str) -> None:
    """Refuse files that are read whole and are larger than they can be; raises ModelBroken."""
    for name, limit in LIMITS.items():
        if (size := sizes.get(name, 0)) > limit:
            raise _broken(
                where,
                _("its {name} has {size} million bytes, and no more than {limit} million can be right").format(
                    name=name, size=f"{size / 1e6:,.0f}", limit=f"{limit / 1e6:,.0f}"
                ),
            )


def check_links(path: Path) -> None:
    """Refuse links that lead out of a model's folder, but for those of the Hugging Face cache; raises ModelUnsafe."""
    home = path.resolve()
    allowed = [home]
    if SNAPSHOT.fullmatch("/".join(home.parts[-3:])):
        repository, cache = home.parents[1:3]
        allowed += [repository / "blobs", cache / "blobs"]  # the latter holds what several repositories share
    for folder, folders, files in os.walk(home):
        for entry in (Path(folder, name) for name in (*folders, *files)):
            if entry.is_symlink() and not _leads_into(entry, allowed):
                raise ModelUnsafe(
                    _("{name} in the model's folder {where} is a link that leads out of it.").format(
                        name=entry.name, where=path
                    ),
                    _("Put the file itself there if you trust it, or choose another folder."),
                    "model.choose",
                )


def _leads_into(link: Path, allowed: list[Path]) -> bool:
    try:
        target = link.resolve()
    except (OSError, RuntimeError):  # a link to itself
        return False
    return any(target.is_relative_to(folder) for folder in allowed)


def _find_code(config: dict[str, Any], where: str) -> Iterable[str]:
    """The keys that name code, on whatever level, each but once. A loop, because a stranger chooses the depth."""
    level: list[Any] = [config]
    for _depth in range(DEPTH_LIMIT):
        if not level:
            return
        following: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                yield from (key for key in CODE_KEYS if value.get(key))
                following += value.values()
            elif isinstance(value, list):
                following += value
        level = [value for value in following if isinstance(value, dict | list)]
    raise _broken(where, _("one of its JSON files is nested deeper than any that can be meant"))


def _check_kind(config: dict[str, Any], where: str) -> None:
    """Say what a model is that writes no text."""
    if kind := find_other_kind(config):
        raise ModelBroken(
            _("The model in {where} {does}, and does not write text.").format(where=where, does=kind.does()),
            _("Choose a model that answers in text, such as Magistral Small in MLX form."),
            "model.choose",
        )


def _check_numbers(described: dict[str, Any], bounds: dict[str, int], where: str) -> None:
    for key, most in bounds.items():
        value = described.get(key)
        if value is None:
            continue
        if type(value) is not int or not 0 < value <= most:
            raise _absurd(where, key, value)


def _is_other(name: str) -> bool:
    path = PurePosixPath(name.lower())
    return path.suffix in (*PICKLES, ".gguf", ".onnx", ".npz", ".safetensors", ".h5", ".msgpack")


def _no_weights(names: list[str], where: str) -> ModelUnsafe | ModelBroken:
    """Why a list of files is no model that the app can load, and what to look for."""
    lower = [name.lower() for name in names]
    mlx = _("Look for the same model in MLX form: its name ends in MLX or 4bit, its weights in .safetensors.")
    if "model_index.json" in lower:
        return ModelBroken(
            _("The model in {where} makes pictures, and does not write text.").format(where=where),
            _("Choose a model that answers in text, such as Magistral Small in MLX form."),
            "model.choose",
        )
    if any(name.endswith(".gguf") for name in lower):
        return ModelBroken(
            _("The model in {where} is in GGUF form, which the app does not read.").format(where=where),
            mlx,
            "model.choose",
        )
    if any(name.endswith(".safetensors") for name in lower):
        return ModelBroken(
            _("The weights in {where} are in another layout than MLX's.").format(where=where), mlx, "model.choose"
        )
    if any(name.endswith(PICKLES) for name in lower):
        return ModelUnsafe(
            _("The weights in {where} are Python pickles, which can run any program when they are read.").format(
                where=where
            ),
            _("The app never reads them. {look}").format(look=mlx),
            "model.choose",
        )
    return ModelBroken(_("There are no weights in {where}.").format(where=where), mlx, "model.choose")


def _absurd(where: str, key: str, value: object) -> ModelBroken:
    return _broken(
        where, _("its config.json says {key} = {value}, which cannot be right").format(key=key, value=repr(value)[:40])
    )


def _broken(where: str, why: str) -> ModelBroken:
    return ModelBroken(
        _("The model in {folder} cannot be used: {why}.").format(folder=where, why=why),
        _("Download it again, or choose another one."),
        "model.choose",
    )
