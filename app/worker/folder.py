"""A model folder on the disk: is it whole, what shape has it, which files is it.

Everything here reads headers only; not a byte of the weights themselves but their first and last
megabyte for the fingerprint.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.errors import ModelBroken, ModelMissing
from app.core.memory import Shape
from app.core.text import _

UNUSED = ("vision_tower.", "multi_modal_projector.")
"""Weights that mlx_lm drops at load: the app reads text only."""
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
MEGABYTE = 1024 * 1024
HEADER_LIMIT = 100 * MEGABYTE


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What the files of a model say about it."""

    path: Path
    config: dict[str, Any]
    shape: Shape
    element_bytes: int
    """Bytes of one number in the key-value cache."""
    fingerprint: str

    @property
    def architecture(self) -> str:
        """The name that mlx_lm knows the model's code by."""
        return str(self.config.get("model_type", ""))

    @property
    def bits(self) -> int | None:
        """Bits of a quantised weight, None for a model in full precision."""
        quantization = self.config.get("quantization")
        return quantization.get("bits") if isinstance(quantization, dict) else None


def examine(path: Path) -> ModelFolder:
    """Read a model folder; raises ModelMissing where files lack, ModelBroken where they are wrong."""
    if not path.is_dir():
        raise ModelMissing(
            _("There is no folder {folder}.").format(folder=path),
            _("If it is on a disk that is not connected, connect it; else choose another model."),
            "model.choose",
        )
    config = _read_config(path)
    shards = _find_shards(path)
    headers = [_read_header(shard) for shard in shards]
    try:
        text = config.get("text_config") or config
        heads = int(text["num_attention_heads"])
        shape = Shape(
            weights=sum(map(_tensor_bytes, headers)),
            layers=int(text["num_hidden_layers"]),
            hidden=(hidden := int(text["hidden_size"])),
            inner=int(text.get("intermediate_size") or 4 * hidden),
            heads=heads,
            kv_heads=int(text.get("num_key_value_heads") or heads),
            head_dim=int(text.get("head_dim") or hidden // heads),
            context=int(text.get("max_position_embeddings") or 32_768),
        )
    except (AttributeError, KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _broken(path, _("its config.json does not describe a language model")) from error
    return ModelFolder(path, config, shape, _element_bytes(headers), _fingerprint(path, shards))


def _read_config(path: Path) -> dict[str, Any]:
    file = path / "config.json"
    if not file.is_file():
        raise _missing(path, _("config.json is not there"))
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(path, _("its config.json cannot be read")) from error
    if not isinstance(config, dict):
        raise _broken(path, _("its config.json cannot be read"))
    return config


def _find_shards(path: Path) -> list[Path]:
    """The weight files: those that the index names where there is one, else all there are."""
    index = path / "model.safetensors.index.json"
    if index.is_file():
        try:
            named = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _broken(path, _("its list of weight files cannot be read")) from error
        shards = sorted(path / str(name) for name in named)
        absent = [shard for shard in shards if not shard.is_file()]
        if absent:
            raise _missing(
                path, _("{absent} of {all} weight files are not there").format(absent=len(absent), all=len(shards))
            )
        return shards
    shards = sorted(path.glob("model*.safetensors"))
    if not shards:
        raise _missing(path, _("there are no weights in it"))
    return shards


def _read_header(shard: Path) -> dict[str, Any]:
    """A safetensors header: names, types and offsets of the tensors; checks that the file is whole."""
    size = shard.stat().st_size
    try:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                raise ValueError("a header of that length")  # noqa: TRY301 - one answer to everything that is wrong
            header: dict[str, Any] = json.loads(file.read(length)) if 0 < length <= size - 8 else {}
        header.pop("__metadata__", None)
        end = 8 + length + max((int(tensor["data_offsets"][1]) for tensor in header.values()), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise _broken(shard.parent, _("{name} is damaged").format(name=shard.name)) from error
    if not header or end > size:
        raise _missing(shard.parent, _("{name} is cut short").format(name=shard.name))
    return header


def _tensor_bytes(header: dict[str, Any]) -> int:
    return sum(
        tensor["data_offsets"][1] - tensor["data_offsets"][0]
        for name, tensor in header.items()
        if not name.startswith(UNUSED)
    )


def _element_bytes(headers: list[dict[str, Any]]) -> int:
    """Norms are never quantised, so their type is the type the model computes in."""
    norms = [tensor for header in headers for name, tensor in header.items() if name.endswith("norm.weight")]
    return 4 if any(tensor["dtype"] == "F32" for tensor in norms) else 2


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
