"""What is refused before a weight is asked for, and how a repository may be named."""

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import UsageError
from app.core.fetching import Listed, Look, Refused, Report
from app.models.naming import parse_repository
from tests.hub import Content, Hub
from tests.models.fetching import Run, environment, fetch

REPOSITORY = "maker/Model"
WEIGHTS = "model-00001-of-00001.safetensors"
LARGE = 200_000_000


WORDLESS = {"model_type": "vit", "architectures": ["ViTModel"]}
SPOKEN = {"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}


def add_bare(hub: Hub, name: str, *files: str) -> None:
    """A repository without a model's usual files."""
    hub.add(name, {"config.json": b"{}"} | {file: Content(50_000, seed=1) for file in files})


def add_without_config(hub: Hub, name: str) -> None:
    del hub.add_model(name, 50_000).files["config.json"]


def model(**options: Any) -> Callable[[Hub, str], object]:
    return lambda hub, name: hub.add_model(name, 50_000, **options)


CASES: dict[str, tuple[Callable[[Hub, str], object], str, str]] = {
    "not an MLX repository": (
        model(tags=(), library="transformers", config={"quantization": None}),
        "ModelBroken",
        "mlx-community",
    ),
    "pickles": (lambda hub, name: add_bare(hub, name, "pytorch_model.bin"), "ModelUnsafe", "pickle"),
    "GGUF": (lambda hub, name: add_bare(hub, name, "model-Q4_K_M.gguf"), "ModelBroken", "GGUF"),
    "remote code": (model(config={"auto_map": {"AutoModel": "a.B"}}), "ModelUnsafe", "program of its own"),
    "a name with ..": (model(files={"../../outside.safetensors": b"out"}), "ModelUnsafe", "leads elsewhere"),
    "an absolute name": (model(files={"/etc/outside.json": b"out"}), "ModelUnsafe", "leads elsewhere"),
    "absurd numbers": (model(config={"num_hidden_layers": 10**9}), "ModelBroken", "num_hidden_layers"),
    "a tokenizer of 200 MB": (model(sizes={"tokenizer.json": LARGE}), "ModelBroken", "tokenizer.json"),
    "a config.json of 200 MB": (model(sizes={"config.json": LARGE}), "ModelBroken", "config.json"),
    "an audio model": (model(config=SPOKEN), "ModelBroken", "sound"),
    "a picture model": (model(config=WORDLESS), "ModelBroken", "pictures"),
    "no config.json": (add_without_config, "ModelBroken", "config.json"),
    "a config.json that is none": (model(files={"config.json": b"{not json"}), "ModelBroken", "config.json"),
    "a config.json without end": (model(files={"config.json": b"[" * 200_000}), "ModelBroken", "config.json"),
    "nothing at all": (lambda hub, name: hub.add(name, {}), "ModelBroken", "no weights"),
}


@dataclass(frozen=True)
class Refusals:
    """All downloads that must not begin, once they have ended; they run side by side."""

    hub: Hub
    folder: Path
    last: dict[str, Report]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refusals]:
    folder = tmp_path_factory.mktemp("refused")
    with Hub() as hub, environment(hub, folder / "hf"):
        for number, (make, _kind, _word) in enumerate(CASES.values()):
            make(hub, f"maker/Model-{number}")
        runs = {case: fetch(f"maker/Model-{number}", folder / str(number)) for number, case in enumerate(CASES)}
        yield Refusals(hub, folder, {case: run.last(60) for case, run in runs.items()})


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)))
def test_it_is_refused_before_a_weight_is_asked_for(refusals: Refusals, number: int, case: str) -> None:
    _make, kind, word = CASES[case]
    last = refusals.last[case]
    assert isinstance(last, Refused)
    assert last.failure.kind == kind
    assert word in f"{last.failure.message} {last.failure.hint}"
    assert last.failure.hint
    asked = {path.rsplit("/", 1)[1] for _host, path, _token in refusals.hub.asked if f"/Model-{number}/" in path}
    assert asked <= {"config.json"}
    assert not (refusals.folder / str(number)).exists()


def test_a_look_tells_what_would_be_fetched(hub: Hub) -> None:
    repository = hub.add_model(REPOSITORY, 50_000, 60_000)
    size = sum(content.size for name, content in repository.files.items() if name != ".gitattributes")
    listed = Run(Look(f"{hub.endpoint}/{REPOSITORY}/tree/main")).last()
    assert listed == Listed(REPOSITORY, repository.commit, size, 6, "apache-2.0", "mistral", 4)
    assert WEIGHTS not in hub.sent


def test_full_precision_is_taken_where_the_repository_says_mlx(hub: Hub) -> None:
    hub.add_model(REPOSITORY, 50_000, config={"quantization": None})
    listed = Run(Look(REPOSITORY)).last()
    assert isinstance(listed, Listed)
    assert listed.bits is None


def test_the_configuration_is_examined_again_when_it_has_arrived(hub: Hub, tmp_path: Path) -> None:
    code = b'{"auto_map": {"AutoTokenizer": ["tokenizing.Tokenizer", null]}}'
    hub.add_model(REPOSITORY, 50_000, files={"tokenizer_config.json": code})
    last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "ModelUnsafe"
    assert WEIGHTS not in hub.sent


def test_an_unknown_name_is_told_by_name(hub: Hub) -> None:
    last = Run(Look("maker/None")).last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "HubRefused"
    assert "maker/None" in last.failure.message


def test_a_name_that_is_none_is_told_before_anything_is_asked(hub: Hub, tmp_path: Path) -> None:
    last = fetch("../../etc/passwd", tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "UsageError"
    assert hub.asked == []
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "text",
    [
        "maker/Model-4bit",
        " maker/Model-4bit\n",
        "https://huggingface.co/maker/Model-4bit",
        "https://huggingface.co/maker/Model-4bit/",
        "https://huggingface.co/maker/Model-4bit/tree/main?show=1#files",
        "huggingface.co/maker/Model-4bit",
        "hf.co/maker/Model-4bit",
        "https://huggingface.co/maker/Model-4bit.git",
        "maker/Model-4bit.git",
        "http://mirror.example:8080/hf/maker/Model-4bit/blob/main/config.json",
    ],
)
def test_names_and_addresses_of_pages_are_understood(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example:8080/hf/")
    assert parse_repository(text) == "maker/Model-4bit"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model",
        "maker/",
        "/model",
        "maker/model/more",
        "maker/..",
        "../model",
        "maker/mo..del",
        "maker/mo--del",
        "maker/mo del",
        "maker/mod\u00e9l",
        "maker/-model",
        "maker/model.git.git",
        f"maker/{'m' * 97}",
        f"{'m' * 97}/model",
        "https://elsewhere.example/maker/Model",
        "ftp://huggingface.co/maker/Model",
        "https://huggingface.co/datasets/maker/Model",
        "https://huggingface.co/maker",
        "https://huggingface.co:x/maker/Model",
        "https://[bad/maker/Model",
        "file:///etc/passwd",
    ],
)
def test_everything_else_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UsageError, match="does not name a model") as caught:
        parse_repository(text)
    assert "owner/name" in caught.value.hint


def test_a_page_of_the_usual_hub_is_looked_up_on_the_hub_in_force(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, 50_000)
    with environment(hub, tmp_path / "hf"):
        assert isinstance(Run(Look(f"https://huggingface.co/{REPOSITORY}")).last(), Listed)


def test_a_name_that_only_the_hubs_own_package_refuses_is_told_and_not_asked_again(hub: Hub) -> None:
    made = importlib.import_module("app.models.hub").Hub()  # read late: its package reads the environment once
    for ask in (made.describe, lambda name: made.read(name, "main", "config.json", 1)):
        with pytest.raises(UsageError, match="does not name a model"):
            ask("maker/model.git")
    assert hub.asked == []
