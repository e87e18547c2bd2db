"""Small model folders with real files: a configuration and a safetensors file of a few hundred bytes."""

import json
from pathlib import Path
from typing import Any

from tests.fixtures.models import IDS, QUANTIZATION, TEXT

CONFIG: dict[str, Any] = {**TEXT, **IDS, "quantization": QUANTIZATION}


def write_model(folder: Path, *, form: str = "mlx", weights: int = 256, **changes: Any) -> Path:
    """A model of MLX's, or of another library's, with so many bytes of weights; `changes` are of its config.json."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {**CONFIG, **changes}
    if form != "mlx":
        del config["quantization"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    tensors = {
        "__metadata__": {"format": form},
        "model.norm.weight": {"dtype": "BF16", "shape": [weights // 2], "data_offsets": [0, weights]},
    }
    header = json.dumps(tensors).encode()
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + bytes(weights))
    return folder


def cache_model(hub: Path, repository: str, commit: str = "c0ffee", *, main: bool = True, **changes: Any) -> Path:
    """A model in a cache of huggingface_hub: blobs, and a snapshot of links to them."""
    root = hub / f"models--{repository.replace('/', '--')}"
    blobs, snapshot = root / "blobs", root / "snapshots" / commit
    written = write_model(root / "written", **changes)
    blobs.mkdir(parents=True, exist_ok=True)
    snapshot.mkdir(parents=True)
    for file in written.iterdir():
        blob = blobs / f"{commit}-{file.name}"
        file.rename(blob)
        (snapshot / file.name).symlink_to(Path("../../blobs") / blob.name)
    written.rmdir()
    if main:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs/main").write_text(commit, encoding="utf-8")
    return snapshot
