import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import pytest

from app.core.errors import ModelBroken, ModelMissing, ModelTooBig
from app.core.memory import GIB, Machine, usable
from app.core.releases import KNOWN_MODELS
from app.worker.folder import examine
from app.worker.model import check_fit, load
from tests.worker.stage import MACHINE

KEPT = "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json", "SYSTEM_PROMPT.txt"


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to damage."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "model"))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def make_index(folder: Path, *names: str) -> None:
    index = {"weight_map": {f"tensor{at}": name for at, name in enumerate(names)}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")


def nothing(_done: int, _total: int) -> None:
    pass


def test_a_whole_folder_tells_its_shape(tiny_magistral: Path) -> None:
    folder = examine(tiny_magistral)
    assert (folder.architecture, folder.bits, folder.element_bytes) == ("mistral3", 4, 2)
    shape = folder.shape
    assert (shape.layers, shape.kv_heads, shape.head_dim, shape.context) == (2, 1, 32, 131_072)
    assert (shape.hidden, shape.inner, shape.heads) == (128, 256, 4)
    size = (tiny_magistral / "model.safetensors").stat().st_size
    assert 0.99 * size < shape.weights < size


def test_the_starter_computes_in_float32(starter: Path) -> None:
    folder = examine(starter)
    assert (folder.architecture, folder.bits, folder.element_bytes) == ("llama", None, 4)


def test_weights_of_the_eyes_are_not_counted(copy: Path) -> None:
    before = examine(copy).shape.weights
    mx.save_safetensors(str(copy / "model-vision.safetensors"), {"vision_tower.norm.weight": mx.zeros((64, 64))})
    assert examine(copy).shape.weights == before


def test_the_index_says_which_files_belong_to_the_model(copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "model-old.safetensors")
    one = examine(copy).shape.weights
    make_index(copy, "model.safetensors")
    assert examine(copy).shape.weights == one // 2


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


@pytest.mark.parametrize(
    "text",
    [{}, 3, {"num_attention_heads": "many"}, {"num_attention_heads": 0, "num_hidden_layers": 2, "hidden_size": 8}],
)
def test_a_config_of_something_else(copy: Path, text: object) -> None:
    change_config(copy, lambda config: config.update(text_config=text))
    with pytest.raises(ModelBroken, match="does not describe a language model"):
        examine(copy)


def test_a_list_of_weight_files_that_cannot_be_read(copy: Path) -> None:
    (copy / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelBroken, match="list of weight files"):
        examine(copy)


def test_an_unknown_architecture(copy: Path) -> None:
    change_config(copy, lambda config: config.update(model_type="telepathy"))
    with pytest.raises(ModelBroken, match=r"does not know this kind of model \(telepathy\)"):
        load(examine(copy), MACHINE, nothing)


def test_weights_of_another_shape(copy: Path) -> None:
    change_config(copy, lambda config: config["text_config"].update(hidden_size=256))
    with pytest.raises(ModelBroken, match="do not fit its configuration"):
        load(examine(copy), MACHINE, nothing)


def test_weights_that_lack_a_layer(copy: Path) -> None:
    change_config(copy, lambda config: config["text_config"].update(num_hidden_layers=3))
    with pytest.raises(ModelBroken, match="do not fit its configuration"):
        load(examine(copy), MACHINE, nothing)


def test_a_model_that_brings_its_own_code_is_not_run(copy: Path) -> None:
    change_config(copy, lambda config: config.update(model_file="own.py"))
    (copy / "own.py").write_text("raise SystemExit('it ran')", encoding="utf-8")
    with pytest.raises(ModelBroken):
        load(examine(copy), MACHINE, nothing)


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


# loading -----------------------------------------------------------------------------------------


def test_loading_reports_every_layer(tiny_magistral: Path) -> None:
    seen: list[tuple[int, int]] = []
    load(examine(tiny_magistral), MACHINE, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_a_model_that_does_not_fit_is_refused_with_numbers(copy: Path) -> None:
    folder = examine(copy.rename(copy.with_name("Minute-4bit")))
    small = msgspec.structs.replace(MACHINE, limit=GIB)
    with pytest.raises(ModelTooBig, match=r"^Minute-4bit needs 1\.1 GB; this computer can give 1\.1 GB\.") as refused:
        check_fit(folder, small, None)
    assert refused.value.hint == "Choose a smaller model.", "nothing known is smaller than this one"
    mac = msgspec.structs.replace(small, device="metal")
    with pytest.raises(ModelTooBig, match=r"; this Mac can give 1\.1 GB\."):
        check_fit(folder, mac, None)


def test_what_would_fit_instead_is_named(tiny_magistral: Path) -> None:
    folder = examine(tiny_magistral)
    whole = dataclasses.replace(folder, shape=KNOWN_MODELS[0].shape)
    mac = Machine(device="metal", name="", memory=16 * GIB, limit=usable("metal", 16 * GIB))
    with pytest.raises(ModelTooBig, match=r"needs 14\.7 GB; this Mac can give 11\.5 GB\.") as refused:
        check_fit(whole, mac, 40_960)
    assert refused.value.hint == "Ministral 3 14B fits, with 15,702 tokens of context."


def test_a_draft_model_is_planned_with_its_model(tiny_magistral: Path, starter: Path) -> None:
    folder, draft = examine(tiny_magistral), examine(starter)
    alone, both = check_fit(folder, MACHINE, 4096), check_fit(folder, MACHINE, 4096, draft)
    assert alone.cache_bytes - both.cache_bytes == draft.shape.weights
    room = alone.needed + draft.shape.weights // 2
    with pytest.raises(ModelTooBig, match=f"{folder.path.name} with {draft.path.name} needs") as refused:
        check_fit(folder, msgspec.structs.replace(MACHINE, limit=room), None, draft)
    assert "without a draft model" in refused.value.hint


def test_the_context_is_what_was_wanted_and_fits(tiny_magistral: Path) -> None:
    folder = examine(tiny_magistral)
    assert check_fit(folder, MACHINE, None).context == 131_072
    assert check_fit(folder, MACHINE, 4096).context == 4096
    assert check_fit(folder, MACHINE, 1_000_000).context == 131_072
