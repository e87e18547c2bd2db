"""The header of a safetensors file: which tensors it holds, of which type and size, and who wrote it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.core.errors import ModelBroken, ModelMissing
from app.core.text import _

HEADER_LIMIT = 100 * 1024 * 1024
"""Bytes; safetensors' own bound."""


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the weights of one file."""

    size: int
    """Bytes of the whole file."""
    form: str
    """The library that wrote it: "mlx", "pt"; empty where it does not say."""
    tensors: dict[str, int]
    """Bytes of each tensor."""
    kinds: dict[str, str]
    """Type of each tensor's numbers: "BF16", "U32", …"""

    def bytes_of(self, wanted: Callable[[str], bool]) -> int:
        """Bytes of the tensors whose names are wanted."""
        return sum(size for name, size in self.tensors.items() if wanted(name))


def read_header(shard: Path) -> Header:
    """Read one file's header; raises ModelMissing where the file is not whole, ModelBroken where it is damaged."""
    size = shard.stat().st_size
    try:
        with shard.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if length > HEADER_LIMIT:
                raise ValueError("a header of that length")  # noqa: TRY301 - one answer to everything that is wrong
            listed: dict[str, Any] = json.loads(file.read(length)) if 0 < length <= size - 8 else {}
        described = listed.pop("__metadata__", None) or {}
        spans = {name: tuple(map(int, tensor["data_offsets"])) for name, tensor in listed.items()}
        tensors = {name: end - start for name, (start, end) in spans.items()}
        kinds = {name: str(tensor["dtype"]) for name, tensor in listed.items()}
        form = str(described.get("format", ""))
        last = 8 + length + max((end for _start, end in spans.values()), default=0)
        if min(tensors.values(), default=0) < 0:
            raise ValueError("a tensor of less than nothing")  # noqa: TRY301
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise ModelBroken(
            _("The model in {folder} cannot be used: {name} is damaged.").format(folder=shard.parent, name=shard.name),
            _("Download it again, or choose another folder."),
            "model.choose",
        ) from error
    if not listed or last > size:
        raise ModelMissing(
            _("The model in {folder} is not whole: {name} is cut short.").format(folder=shard.parent, name=shard.name),
            _("Finish its download, or choose another folder."),
            "model.choose",
        )
    return Header(size, form, tensors, kinds)
