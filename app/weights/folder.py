"""A model folder on the disk: is it whole and harmless, what shape has it, which files is it.

Everything here reads headers only; not a byte of the weights themselves but their first and last
megabyte for the fingerprint.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.errors import ModelBroken, ModelMissing
from app.core.memory import Shape
from app.core.text import _
from app.weights.header import Header, read_header
from app.weights.safety import (
    check_code,
    check_config,
    check_links,
    check_names,
    check_sizes,
    check_spelling,
    holds_other_weights,
    is_weights,
)

UNUSED = ("vision_tower", "multi_modal_projector", "vision_model", "audio_tower", "visual")
"""Parts of a model that mlx_lm drops at load: the app reads text only."""
SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "chat_template.json",
    "SYSTEM_PROMPT.txt",
)
"""All that decides a token besides the weights."""
INDEX = "model.safetensors.index.json"
MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What the files of a model say about it."""

    path: Path
    config: dict[str, Any]
    shape: Shape
    element_bytes: int
    """Bytes of one number in the key-value cache."""
    fingerprint: str
    is_mlx: bool
    """Whether its weights were written by MLX; others may be laid out in a way that it does not know."""
    files_bytes: int
    """Bytes of all weight files."""
    unused_bytes: int
    """Bytes of the parts that the app does not load."""
    beside: tuple[str, ...] = ()
    """Weight files that the list of them does not name, and that are loaded all the same."""

    @property
    def name(self) -> str:
        """How people call it: the folder's name, or that of its repository in the Hugging Face cache."""
        repository = self.path.parent.parent.name if self.path.parent.name == "snapshots" else ""
        return repository.rpartition("--")[2] or self.path.name

    @property
    def architecture(self) -> str:
        """The name that mlx_lm knows the model's code by."""
        return str(self.config.get("model_type", ""))

    @property
    def bits(self) -> int | None:
        """Bits of a quantised weight, None for a model in full precision."""
        return self._quantization.get("bits")

    @property
    def group_size(self) -> int | None:
        """Weights that share a scale, None for a model in full precision."""
        return self._quantization.get("group_size")

    @property
    def vocabulary(self) -> int | None:
        """Words that the model computes with; None where it does not say."""
        text = self.config.get("text_config") or self.config
        return text.get("vocab_size") or self.config.get("vocab_size")

    @property
    def _quantization(self) -> dict[str, Any]:
        return self.config.get("quantization") or {}


def examine(path: Path) -> ModelFolder:
    """Read a model folder.

    Raises ModelMissing where files lack, ModelBroken where they are wrong, ModelUnsafe where they could do harm.
    """
    if not path.is_dir():
        raise ModelMissing(
            _("There is no folder {folder}.").format(folder=path),
            _("If it is on a disk that is not connected, connect it; else choose another model."),
            "model.choose",
        )
    config = _read_small_files(path)
    shards = _find_shards(path)
    headers = {shard: read_header(shard) for shard in shards}
    _check_index(path, headers)
    return ModelFolder(
        path=path,
        config=config,
        shape=_read_shape(config, headers),
        element_bytes=_element_bytes(headers),
        fingerprint=_fingerprint(path, shards),
        is_mlx=bool(config.get("quantization")) or any(header.form == "mlx" for header in headers.values()),
        files_bytes=sum(header.size for header in headers.values()),
        unused_bytes=sum(header.bytes_of(_is_unused) for header in headers.values()),
        beside=tuple(sorted(set(filter(is_weights, _list(path))) - {shard.name for shard in shards})),
    )


def _read_small_files(path: Path) -> dict[str, Any]:
    """The configuration, once nothing that lies beside it can do harm."""
    names = _list(path)
    if not any(map(is_weights, names)) and holds_other_weights(names):
        check_names(names, str(path))
    if "config.json" not in names:
        raise _missing(path, _("config.json is not there"))
    check_links(path)
    check_sizes({name: (path / name).stat().st_size for name in names if (path / name).is_file()}, str(path))
    config = _read_object(path, "config.json")
    check_config(config, str(path))
    if "tokenizer_config.json" in names and (path / "tokenizer_config.json").is_file():
        check_code(_read_object(path, "tokenizer_config.json"), str(path))
    return config


def _list(path: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in path.iterdir())
    except OSError as error:
        raise _broken(path, _("the folder cannot be read")) from error


def _read_object(path: Path, name: str) -> dict[str, Any]:
    """A small JSON file's object; one that is nested without end cannot be read either."""
    file = path / name
    if not file.is_file():  # a link of which the file was never downloaded
        raise _missing(path, _("{name} is not there").format(name=name))
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _broken(path, _("its {name} cannot be read").format(name=name)) from error
    if not isinstance(value, dict):
        raise _broken(path, _("its {name} cannot be read").format(name=name))
    return value


def _find_shards(path: Path) -> list[Path]:
    """The weight files: those that the index names where there is one, else all there are."""
    named = sorted(set(_read_index(path).values())) or sorted(file.name for file in path.glob("model*.safetensors"))
    if not named:
        raise _missing(path, _("there are no weights in it"))
    absent = sum(not (path / name).is_file() for name in named)
    if absent:
        raise _missing(path, _("{absent} of {all} weight files are not there").format(absent=absent, all=len(named)))
    return [path / name for name in named]


def _read_index(path: Path) -> dict[str, str]:
    """Which weight file holds which tensor; empty where there is no index."""
    if not (path / INDEX).is_file():
        return {}
    try:
        named = json.loads((path / INDEX).read_text(encoding="utf-8"))["weight_map"]
        sound = bool(named) and all(isinstance(name, str) for name in named.values())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(path, _("its list of weight files cannot be read")) from error
    if not sound:
        raise _broken(path, _("its list of weight files cannot be read"))
    files = set(named.values())
    check_spelling(files, str(path))
    if not all(map(is_weights, files)):
        raise _broken(path, _("its list of weight files names others than model….safetensors"))
    return dict(named)


def _check_index(path: Path, headers: Mapping[Path, Header]) -> None:
    """Refuse weights of which the index promises more than there is."""
    absent = [name for name, shard in _read_index(path).items() if name not in headers[path / shard].tensors]
    if absent:
        raise _broken(
            path,
            _("{count} of its tensors are not in the files that should hold them, {name} for one").format(
                count=f"{len(absent):,}", name=absent[0][:80]
            ),
        )


def _read_shape(config: dict[str, Any], headers: Mapping[Path, Header]) -> Shape:
    """The sizes that decide a model's memory; the configuration has been checked."""
    text = config.get("text_config") or config
    heads, hidden = text["num_attention_heads"], text["hidden_size"]
    return Shape(
        weights=sum(header.bytes_of(lambda name: not _is_unused(name)) for header in headers.values()),
        layers=text["num_hidden_layers"],
        hidden=hidden,
        inner=text.get("intermediate_size") or 4 * hidden,
        heads=heads,
        kv_heads=text.get("num_key_value_heads") or heads,
        head_dim=text.get("head_dim") or max(1, hidden // heads),
        context=text.get("max_position_embeddings") or 32_768,
    )


def _is_unused(tensor: str) -> bool:
    return tensor.removeprefix("model.").split(".", 1)[0] in UNUSED


def _element_bytes(headers: Mapping[Path, Header]) -> int:
    """Norms are never quantised, so their type is the type the model computes in."""
    kinds = [kind for header in headers.values() for name, kind in header.kinds.items() if name.endswith("norm.weight")]
    return 4 if "F32" in kinds else 2


def _fingerprint(path: Path, shards: list[Path]) -> str:
    """A short hash that changes when any file that decides a token changes."""
    digest = hashlib.sha256()
    for name in SMALL_FILES:
        small = path / name
        content = small.read_bytes() if small.is_file() else b""
        digest.update(f"{name}:{len(content)}".encode() + content)
    for shard in shards:
        size = shard.stat().st_size
        digest.update(f"{shard.name}:{size}".encode())
        with shard.open("rb") as file:
            digest.update(file.read(MEGABYTE))
            file.seek(max(0, size - MEGABYTE))
            digest.update(file.read(MEGABYTE))
    return digest.hexdigest()[:16]


def _missing(path: Path, why: str) -> ModelMissing:
    return ModelMissing(
        _("The model in {folder} is not whole: {why}.").format(folder=path, why=why),
        _("Finish its download, or choose another folder."),
        "model.choose",
    )


def _broken(path: Path, why: str) -> ModelBroken:
    return ModelBroken(
        _("The model in {folder} cannot be used: {why}.").format(folder=path, why=why),
        _("Download it again, or choose another folder."),
        "model.choose",
    )
