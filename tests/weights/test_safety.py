"""What could run code, lead out of a folder or waste the machine is refused, before it is read or fetched."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import AppError, ModelBroken, ModelMissing, ModelUnsafe
from app.weights.folder import examine
from app.weights.safety import TOKENIZER_LIMIT, check_config, check_names, check_sizes, is_wanted

SIZES = {"num_hidden_layers": 2, "hidden_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
WEIGHTS = "model.safetensors"


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to tamper with."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "model"))


def change(file: Path, tamper: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(file.read_text(encoding="utf-8"))
    tamper(value)
    file.write_text(json.dumps(value), encoding="utf-8")


def tells_what_to_do(error: AppError) -> bool:
    return bool(error.message.endswith(".") and error.hint.endswith(".") and error.command == "model.choose")


# code --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("key", ["auto_map", "model_file"])
def test_a_folder_that_brings_code_is_refused_and_the_code_not_run(copy: Path, file: str, key: str) -> None:
    trace = copy / "it-ran"
    (copy / "own.py").write_text(f"open({str(trace)!r}, 'w').close()\n", encoding="utf-8")
    named = "own.py" if key == "model_file" else {"AutoModelForCausalLM": "own.Model"}
    change(copy / file, lambda value: value.update({key: named}))
    with pytest.raises(ModelUnsafe, match=f"wants to run a program of its own \\({key}\\)") as refused:
        examine(copy)
    assert tells_what_to_do(refused.value)
    assert not trace.exists()


def test_code_is_found_on_every_level(copy: Path) -> None:
    change(copy / "config.json", lambda value: value["text_config"].update(deep=[{"auto_map": {"AutoConfig": "x.Y"}}]))
    with pytest.raises(ModelUnsafe):
        examine(copy)


def test_a_python_file_that_nothing_names_is_only_a_file(copy: Path) -> None:
    (copy / "convert.py").write_text("raise SystemExit", encoding="utf-8")
    change(copy / "config.json", lambda value: value.update(auto_map=None, model_file=""))
    assert examine(copy).architecture == "mistral3"


# sizes and depth ---------------------------------------------------------------------------------


def test_a_tokenizer_of_200_megabytes_is_refused_by_its_size(copy: Path) -> None:
    os.truncate(copy / "tokenizer.json", 200_000_000)
    with pytest.raises(ModelBroken, match=r"its tokenizer\.json has 200 million bytes") as refused:
        examine(copy)
    assert tells_what_to_do(refused.value)


@pytest.mark.parametrize(
    "name", ["config.json", "tokenizer_config.json", "generation_config.json", "SYSTEM_PROMPT.txt"]
)
def test_other_small_files_are_small(copy: Path, name: str) -> None:
    with (copy / name).open("ab") as file:
        file.truncate(4_000_001)
    with pytest.raises(ModelBroken, match="has 4 million bytes, and no more than 4 million"):
        examine(copy)


def test_sizes_of_a_listing() -> None:
    check_sizes({"tokenizer.json": TOKENIZER_LIMIT, WEIGHTS: 10**12, "config.json": 4_000_000}, "a/b")
    with pytest.raises(ModelBroken, match="a/b"):
        check_sizes({"tokenizer.json": TOKENIZER_LIMIT + 1}, "a/b")


@pytest.mark.parametrize("depth", [100, 900, 200_000])
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
def test_a_configuration_nested_without_end(copy: Path, name: str, depth: int) -> None:
    whole = (copy / name).read_text(encoding="utf-8").rstrip()
    (copy / name).write_text(f'{whole[:-1]}, "deep": {"[" * depth}{"]" * depth}}}', encoding="utf-8")
    with pytest.raises(ModelBroken, match=r"nested deeper|cannot be read"):
        examine(copy)


# absurd numbers ----------------------------------------------------------------------------------

ABSURD = [True, -1, 0, 10**12, 10**400, 1.5, float("nan"), float("inf"), "64", [64], {}]


@pytest.mark.parametrize("value", ABSURD, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize("key", ["num_hidden_layers", "hidden_size", "max_position_embeddings", "vocab_size"])
def test_sizes_that_no_model_has(key: str, value: object) -> None:
    with pytest.raises(ModelBroken, match=f"config\\.json says {key} = .*, which cannot be right") as refused:
        check_config({**SIZES, key: value}, "a/b")
    assert len(refused.value.message) < 200


@pytest.mark.parametrize(
    ("key", "most"), [("num_hidden_layers", 1000), ("hidden_size", 10**6), ("max_position_embeddings", 10**8)]
)
def test_the_bounds_are_where_they_should_be(key: str, most: int) -> None:
    check_config({**SIZES, key: most}, "a/b")
    with pytest.raises(ModelBroken):
        check_config({**SIZES, key: most + 1}, "a/b")


@pytest.mark.parametrize("quantization", [3, [], {"bits": "four"}, {"bits": 0}, {"bits": 64}, {"group_size": -64}])
def test_a_quantisation_that_cannot_be(quantization: object) -> None:
    with pytest.raises(ModelBroken, match=r"quantised|cannot be right"):
        check_config({**SIZES, "quantization": quantization}, "a/b")


def test_more_heads_for_keys_than_heads() -> None:
    with pytest.raises(ModelBroken, match="num_key_value_heads = 8"):
        check_config({**SIZES, "num_key_value_heads": 8}, "a/b")


@given(
    st.dictionaries(
        st.sampled_from([*SIZES, "text_config", "quantization", "architectures", "model_type", "auto_map"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=5,
        ),
    )
)
def test_any_configuration_passes_or_is_refused_with_a_word(config: dict[str, Any]) -> None:
    refused: AppError | None = None
    try:
        check_config(config, "a/b")
    except AppError as error:
        refused = error
    assert refused is None or tells_what_to_do(refused)


# other kinds of models ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "does"),
    [
        ({"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}, "hears or makes sound"),
        ({"model_type": "musicgen"}, "hears or makes sound"),
        ({"model_type": "clip", "architectures": ["CLIPModel"]}, "sees or makes pictures"),
        ({"_class_name": "UNet2DConditionModel"}, "sees or makes pictures"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"], **SIZES}, "sorts or compares texts"),
        ({"model_type": "qwen3", "architectures": ["Qwen3ForSequenceClassification"], **SIZES}, "sorts or compares"),
    ],
)
def test_a_model_that_writes_no_text_is_called_what_it_is(config: dict[str, Any], does: str) -> None:
    with pytest.raises(ModelBroken, match=f"a/b {does}.*does not write text") as refused:
        check_config(config, "a/b")
    assert tells_what_to_do(refused.value)


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "mistral3", "architectures": ["Mistral3ForConditionalGeneration"], "text_config": SIZES},
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"], **SIZES},
        {"model_type": "qwen2", "architectures": "Qwen2ForCausalLM", **SIZES},
        SIZES,
    ],
)
def test_a_model_that_writes_text_may_also_see(config: dict[str, Any]) -> None:
    check_config(config, "a/b")


# names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "a/../../b", "a\\b", "", "a\nb", "a\x00b", "\x7f", ".."]
)
def test_a_name_that_leads_elsewhere(name: str) -> None:
    with pytest.raises(ModelUnsafe, match="leads elsewhere") as refused:
        check_names([WEIGHTS, name], "a/b")
    assert tells_what_to_do(refused.value)


@pytest.mark.parametrize("name", ["../model.safetensors", "/tmp/model.safetensors", "model\\..\\x.safetensors"])
def test_an_index_that_names_files_elsewhere(copy: Path, name: str) -> None:
    shutil.copy(copy / WEIGHTS, copy.parent / WEIGHTS)
    index = {"weight_map": {"language_model.model.norm.weight": name}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(ModelUnsafe, match="leads elsewhere"):
        examine(copy)


def test_an_index_that_names_files_which_are_no_weights(copy: Path) -> None:
    for name in ("config.json", "sub/model.safetensors"):
        index = {"weight_map": {"language_model.model.norm.weight": name}}
        (copy / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
        with pytest.raises(ModelBroken, match="names others than model"):
            examine(copy)


OTHERS = [
    (["pytorch_model.bin", "config.json"], ModelUnsafe, "Python pickles"),
    (["model.pt", "consolidated.00.pth"], ModelUnsafe, "Python pickles"),
    (["Magistral-Q4_K_M.gguf", "README.md"], ModelBroken, "GGUF form"),
    (["Magistral-Q4_K_M.gguf", "pytorch_model.bin"], ModelBroken, "GGUF form"),
    (["consolidated.safetensors", "params.json"], ModelBroken, "another layout"),
    (["adapters.safetensors", "config.json"], ModelBroken, "another layout"),
    (["model_index.json", "unet/diffusion_pytorch_model.safetensors"], ModelBroken, "makes pictures"),
    (["README.md", "data.csv"], ModelBroken, "no weights"),
    ([], ModelBroken, "no weights"),
]


@pytest.mark.parametrize(("names", "kind", "words"), OTHERS)
def test_a_listing_without_weights_that_can_be_read(names: list[str], kind: type[AppError], words: str) -> None:
    with pytest.raises(kind, match=words) as refused:
        check_names(names, "a/b")
    assert tells_what_to_do(refused.value)


@pytest.mark.parametrize(("names", "kind", "words"), OTHERS[:7])
def test_a_folder_without_weights_that_can_be_read(
    tmp_path: Path, names: list[str], kind: type[AppError], words: str
) -> None:
    """Never opened: a pipe that is read would wait for ever."""
    for name in names:
        if "/" not in name:
            os.mkfifo(tmp_path / name)
    with pytest.raises(kind, match=words):
        examine(tmp_path)


def test_a_folder_of_something_else_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x", encoding="utf-8")
    with pytest.raises(ModelMissing, match=r"config\.json is not there"):
        examine(tmp_path)


def test_pickles_beside_safetensors_are_left_where_they_are(copy: Path) -> None:
    os.mkfifo(copy / "pytorch_model.bin")
    assert examine(copy).bits == 4


def test_what_is_worth_fetching() -> None:
    wanted = [WEIGHTS, "model-00001-of-00003.safetensors", "model.safetensors.index.json", "config.json", "README.md"]
    wanted += ["generation_config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"]
    wanted += ["SYSTEM_PROMPT.txt", "LICENSE", "LICENSE.txt", "NOTICE", "tekken.json", "chat_template.json"]
    other = ["modeling.py", "pytorch_model.bin", "a.pt", "a.pth", "a.pkl", "a.ckpt", "a.gguf", "a.onnx", "look.png"]
    other += ["consolidated.safetensors", "original/model.safetensors", "adapter_model.safetensors", ".gitattributes"]
    other += ["../config.json", "LICENSE.py", "sub/config.json"]
    assert [name for name in [*wanted, *other] if is_wanted(name)] == wanted


# links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SYSTEM_PROMPT.txt", "config.json", WEIGHTS, "notes.md"])
def test_a_link_that_leaves_the_folder(copy: Path, name: str) -> None:
    outside = copy.parent / "outside"
    (copy / name).replace(outside) if (copy / name).exists() else outside.touch()
    (copy / name).symlink_to(outside)
    with pytest.raises(ModelUnsafe, match="is a link that leads out of it") as refused:
        examine(copy)
    assert tells_what_to_do(refused.value)


def test_a_link_to_a_folder_elsewhere_or_to_itself(copy: Path) -> None:
    (copy / "more").symlink_to("/")
    with pytest.raises(ModelUnsafe):
        examine(copy)
    (copy / "more").unlink()
    (copy / "sub").mkdir()
    (copy / "sub" / "more").symlink_to("../../elsewhere")
    with pytest.raises(ModelUnsafe):
        examine(copy)
    (copy / "sub" / "more").unlink()
    (copy / "sub" / "round").symlink_to("round")
    with pytest.raises(ModelUnsafe):
        examine(copy)


def test_a_link_within_the_folder_and_one_to_the_folder_are_no_harm(copy: Path) -> None:
    (copy / WEIGHTS).rename(copy / "weights")
    (copy / WEIGHTS).symlink_to("weights")
    (copy.parent / "other").symlink_to(copy)
    assert examine(copy.parent / "other").fingerprint == examine(copy).fingerprint


def make_snapshot(copy: Path, blobs: str) -> Path:
    """A model as the Hugging Face cache has it, its files in a folder of that name."""
    root = copy.parent / "hub" / "models--mlx-community--Minute"
    snapshot = root / "snapshots" / "0123abcd"
    snapshot.mkdir(parents=True)
    (root / blobs).mkdir()
    for file in copy.iterdir():
        file.rename(root / blobs / f"{file.name}-hash")
        (snapshot / file.name).symlink_to(f"../../{blobs}/{file.name}-hash")
    return snapshot


def test_a_snapshot_of_the_hugging_face_cache_is_made_of_links(copy: Path) -> None:
    before = examine(copy).fingerprint
    snapshot = make_snapshot(copy, "blobs")
    assert examine(snapshot).fingerprint == before
    (snapshot / "more").symlink_to("/etc")
    with pytest.raises(ModelUnsafe):
        examine(snapshot)


def test_a_snapshot_whose_blobs_are_shared_with_other_repositories(copy: Path) -> None:
    before = examine(copy).fingerprint
    snapshot = make_snapshot(copy, "blobs")
    blob = (snapshot / WEIGHTS).resolve()
    shared = snapshot.parents[2] / "blobs" / "0f"
    shared.mkdir(parents=True)
    blob.rename(shared / "content")
    blob.symlink_to("../../blobs/0f/content")
    assert examine(snapshot).fingerprint == before


def test_a_folder_that_only_looks_like_a_snapshot(copy: Path) -> None:
    with pytest.raises(ModelUnsafe):
        examine(make_snapshot(copy, "elsewhere"))


def test_a_snapshot_of_which_a_file_was_never_fetched_is_not_whole(copy: Path) -> None:
    snapshot = make_snapshot(copy, "blobs")
    (snapshot / WEIGHTS).resolve().unlink()
    with pytest.raises(ModelMissing, match="1 of 1 weight files are not there"):
        examine(snapshot)
    (snapshot / "config.json").resolve().unlink()
    with pytest.raises(ModelMissing, match=r"config\.json is not there"):
        examine(snapshot)
