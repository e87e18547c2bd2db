import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest

from app.core.errors import ModelBroken, ModelMissing
from app.weights.folder import examine

KEPT = "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "SYSTEM_PROMPT.txt"


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to damage."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "model"))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def make_index(folder: Path, *names: str, tensors: Sequence[str] = ("language_model.model.norm.weight",)) -> None:
    """A list of weight files whose tensors are promised of each."""
    index = {"weight_map": {f"{tensor}{'+' * at}": name for at, name in enumerate(names) for tensor in tensors}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def test_a_whole_folder_tells_its_shape(tiny_magistral: Path) -> None:
    folder = examine(tiny_magistral)
    assert (folder.architecture, folder.bits, folder.element_bytes) == ("mistral3", 4, 2)
    shape = folder.shape
    assert (shape.layers, shape.kv_heads, shape.head_dim, shape.context) == (2, 1, 32, 131_072)
    assert (shape.hidden, shape.inner, shape.heads) == (128, 256, 4)
    size = (tiny_magistral / "model.safetensors").stat().st_size
    assert 0.99 * size < shape.weights < size
    assert (folder.files_bytes, folder.unused_bytes, folder.group_size) == (size, 0, 64)
    assert folder.vocabulary == 131_072
    assert folder.is_mlx


def test_the_starter_computes_in_float32(starter: Path) -> None:
    folder = examine(starter)
    assert (folder.architecture, folder.bits, folder.element_bytes) == ("llama", None, 4)


def test_weights_of_the_eyes_are_not_counted(copy: Path) -> None:
    before = examine(copy)
    mx.save_safetensors(str(copy / "model-vision.safetensors"), {"vision_tower.norm.weight": mx.zeros((64, 64))})
    after = examine(copy)
    assert after.shape.weights == before.shape.weights
    assert after.unused_bytes == 64 * 64 * 4
    assert after.files_bytes > before.files_bytes + after.unused_bytes


def test_the_index_says_which_files_belong_to_the_model(copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "model-old.safetensors")
    one = examine(copy).shape.weights
    make_index(copy, "model.safetensors")
    assert examine(copy).shape.weights == one // 2
    assert examine(copy).beside == ("model-old.safetensors",)


@pytest.mark.parametrize(
    ("metadata", "quantized", "expected"),
    [
        ({"format": "mlx"}, True, True),
        ({"format": "mlx"}, False, True),
        ({"format": "pt"}, True, True),
        ({"format": "pt"}, False, False),
        ({}, False, False),
    ],
)
def test_it_says_whether_mlx_wrote_the_weights(
    copy: Path, metadata: dict[str, str], quantized: bool, expected: bool
) -> None:
    weights = mx.load(str(copy / "model.safetensors"))
    assert isinstance(weights, dict)
    mx.save_safetensors(str(copy / "model.safetensors"), weights, metadata)
    if not quantized:
        change_config(copy, lambda config: config.pop("quantization"))
    assert examine(copy).is_mlx is expected


# not whole ---------------------------------------------------------------------------------------


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="There is no folder"):
        examine(tmp_path / "nowhere")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"config\.json is not there"):
        examine(tmp_path)


def test_no_weights(copy: Path) -> None:
    (copy / "model.safetensors").unlink()
    with pytest.raises(ModelMissing, match="no weights"):
        examine(copy)


def test_weight_files_that_the_index_names_but_nobody_downloaded(copy: Path) -> None:
    make_index(copy, "model.safetensors", "model-2.safetensors", "model-3.safetensors")
    with pytest.raises(ModelMissing, match="2 of 3 weight files are not there"):
        examine(copy)


@pytest.mark.parametrize("size", [0, 4, 8, 100, 30_000, -1])
def test_a_weight_file_cut_short(copy: Path, size: int) -> None:
    weights = copy / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:size])
    with pytest.raises(ModelMissing, match=r"model\.safetensors is cut short"):
        examine(copy)


def test_tensors_that_the_index_promises_but_no_file_has(copy: Path) -> None:
    make_index(copy, "model.safetensors", tensors=["language_model.model.norm.weight", "model.layers.2.mlp.weight"])
    with pytest.raises(ModelBroken, match=r"1 of its tensors are not in the files .*, model\.layers\.2\.mlp\.weight"):
        examine(copy)


# wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header", [b"[]", b"{", b'{"a": 3}', b'{"a": {}}', b'{"a": {"data_offsets": []}}', b"\xff\xfe", b'{"a": null}']
)
def test_a_damaged_weight_file(copy: Path, header: bytes) -> None:
    (copy / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(ModelBroken, match="is damaged"):
        examine(copy)


def test_a_weight_file_that_is_a_web_page(copy: Path) -> None:
    (copy / "model.safetensors").write_bytes(b"<!DOCTYPE html><html><body>404</body></html>")
    with pytest.raises(ModelBroken, match="is damaged"):
        examine(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "\ufeff{}"])
def test_a_config_that_is_no_json(copy: Path, content: str) -> None:
    (copy / "config.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelBroken, match=r"config\.json cannot be read"):
        examine(copy)


@pytest.mark.parametrize("text", [{}, 3, {"hidden_size": 8}, {"hidden_size": 8, "num_attention_heads": 2}])
def test_a_config_of_something_else(copy: Path, text: object) -> None:
    change_config(copy, lambda config: config.update(text_config=text))
    with pytest.raises(ModelBroken, match="does not describe a language model"):
        examine(copy)


@pytest.mark.parametrize("content", ["{}", "[]", '{"weight_map": 3}', '{"weight_map": {}}', '{"weight_map": {"a": 1}}'])
def test_a_list_of_weight_files_that_cannot_be_read(copy: Path, content: str) -> None:
    (copy / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelBroken, match="list of weight files"):
        examine(copy)


# fingerprint -------------------------------------------------------------------------------------


def test_a_copy_has_the_same_fingerprint(tiny_magistral: Path, copy: Path) -> None:
    assert examine(copy).fingerprint == examine(tiny_magistral).fingerprint


@pytest.mark.parametrize("name", KEPT)
def test_one_byte_more_in_a_small_file_changes_the_fingerprint(copy: Path, name: str) -> None:
    before = examine(copy).fingerprint
    with (copy / name).open("ab") as file:
        file.write(b" ")
    assert examine(copy).fingerprint != before


@pytest.mark.parametrize("at", [-1, 60_000])
def test_another_byte_in_the_weights_changes_the_fingerprint(copy: Path, at: int) -> None:
    before = examine(copy).fingerprint
    content = bytearray((copy / "model.safetensors").read_bytes())
    content[at] ^= 1
    (copy / "model.safetensors").write_bytes(content)
    assert examine(copy).fingerprint != before
