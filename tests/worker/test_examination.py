"""What the card of a model says, whether it is loaded or only looked at."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlx.core as mx
import msgspec
import pytest

from app.core.errors import ModelBroken, ModelMissing
from app.core.memory import GIB, Machine
from app.core.protocol import Cancel, Count, Counted, Delta, Examine, Examined, Failed, Finished, ModelCard, Severity
from app.worker.examination import examine_folder
from tests.worker.process import Desk, ask, running
from tests.worker.stage import MACHINE, user
from tests.worker.test_layout_choice import call

SENTENCEPIECE = {
    "type": "Sequence",
    "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "Fuse"}],
}


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to change."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "Magistral-Small-2509-MLX-4bit"))


def change(file: Path, tamper: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads(file.read_text(encoding="utf-8"))
    tamper(value)
    file.write_text(json.dumps(value), encoding="utf-8")


def look(folder: Path, data: Path | None = None, machine: Machine = MACHINE) -> ModelCard:
    return examine_folder(Examine(1, str(data or folder / "nowhere"), str(folder)), machine)


def warnings(card: ModelCard) -> list[str]:
    assert all(remark.text.endswith(".") for remark in card.remarks)
    assert all(remark.hint.endswith(".") for remark in card.remarks if remark.severity is Severity.WARNING)
    return [remark.text for remark in card.remarks if remark.severity is Severity.WARNING]


def notes(card: ModelCard) -> str:
    return " ".join(remark.text for remark in card.remarks if remark.severity is Severity.NOTE)


# the card ----------------------------------------------------------------------------------------


def test_a_card_says_what_is_to_be_known_before_loading(copy: Path) -> None:
    card = look(copy)
    assert (card.name, card.folder, card.release) == (copy.name, str(copy), "magistral")
    assert (card.architecture, card.bits, card.group_size) == ("mistral3", 4, 64)
    assert card.files_bytes == (copy / "model.safetensors").stat().st_size > card.weights_bytes
    assert (card.context, card.own_context) == (131_072, 131_072)
    assert GIB < card.needed_bytes < 2 * GIB
    assert (card.thinking, card.prompt_source) == ("control", "file")
    assert warnings(card) == []


def test_it_is_the_card_of_the_loaded_model_but_for_what_a_load_asks_for(
    tiny_magistral: Path, starter: Path, tmp_path: Path
) -> None:
    for folder in (tiny_magistral, starter):
        with running(tmp_path / "worker.log") as desk:
            desk.send(Examine(7, str(tmp_path), str(folder)))
            examined = desk.until(Examined)
            assert examined.request == 7
            loaded = desk.load(folder, tmp_path).card
        assert loaded.remarks == [remark for remark in examined.card.remarks if "beyond" not in remark.text]
        same = {"machine": MACHINE, "context": 0, "remarks": []}
        assert msgspec.structs.replace(loaded, **same) == msgspec.structs.replace(examined.card, **same)


def test_the_starter_has_nothing_to_be_remarked(starter: Path) -> None:
    card = look(starter)
    assert (card.name, card.thinking, card.prompt_source) == ("SmolLM2 135M", "opened", "none")
    assert card.remarks == []


def test_a_model_that_does_not_fit_has_no_context_and_says_what_it_needs(copy: Path) -> None:
    card = look(copy, machine=msgspec.structs.replace(MACHINE, limit=GIB))
    assert card.context == 0
    assert card.needed_bytes > GIB


def test_in_the_hugging_face_cache_it_is_called_like_its_repository(copy: Path) -> None:
    snapshots = copy.parent / "models--mlx-community--Minute-4bit" / "snapshots"
    snapshots.mkdir(parents=True)
    assert look(copy.rename(snapshots / "0123abcd")).name == "Minute-4bit"


def test_an_architecture_that_is_not_known_is_refused_without_loading(copy: Path) -> None:
    change(copy / "config.json", lambda config: config.update(model_type="telepathy"))
    with pytest.raises(ModelBroken, match=r"does not know this kind of model \(telepathy\)"):
        look(copy)


@pytest.mark.parametrize("kind", [None, 3, ["llama"], "", "../llama", "llama.py"])
def test_an_architecture_that_is_no_name(copy: Path, kind: object) -> None:
    change(copy / "config.json", lambda config: config.update(model_type=kind))
    with pytest.raises(ModelBroken):
        look(copy)


def test_one_that_is_run_by_the_code_of_another_is_known(tiny_magistral_v11: Path) -> None:
    card = look(tiny_magistral_v11)
    assert (card.architecture, card.release, card.thinking) == ("mistral", "magistral-1.0", "tags")


def test_a_vocabulary_larger_than_the_model_is_refused(copy: Path) -> None:
    change(copy / "config.json", lambda config: config["text_config"].update(vocab_size=131_000))
    with pytest.raises(ModelBroken, match="words that the model does not know: 72 of 131,072"):
        look(copy)


def test_a_vocabulary_as_tekken_alone_is_not_enough(copy: Path) -> None:
    (copy / "tokenizer.json").rename(copy / "tekken.json")
    with pytest.raises(ModelMissing, match=r"as tekken\.json alone") as refused:
        look(copy)
    assert "lmstudio-community" in refused.value.hint


# remarks -----------------------------------------------------------------------------------------


def test_a_wrong_decoder_is_repaired_and_said(copy: Path) -> None:
    assert "wrong decoder" not in notes(look(copy))
    change(copy / "tokenizer.json", lambda value: value.update(decoder=SENTENCEPIECE))
    assert "wrong decoder" in notes(look(copy))


def test_a_reasoning_model_that_has_no_markers(copy: Path) -> None:
    (copy / "SYSTEM_PROMPT.txt").write_text("You are a helpful assistant.", encoding="utf-8")
    card = look(copy)
    assert (card.release, card.thinking, card.prompt_source) == ("chat", "", "none")
    assert "called a reasoning model" in warnings(card)[0]
    assert warnings(look(copy.rename(copy.with_name("Mistral-Small-4bit")))) == []


def test_a_later_release_with_the_vocabulary_of_the_first(tiny_magistral_v11: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny_magistral_v11, tmp_path / "Magistral-Small-2509-4bit"))
    assert "thoughts with [THINK], which its vocabulary does not have" in warnings(look(folder))[0]
    assert warnings(look(folder.rename(tmp_path / "Magistral-Small-2506-4bit"))) == []


def test_a_reasoning_prompt_that_is_not_the_models_own(copy: Path, tmp_path: Path) -> None:
    (copy / "SYSTEM_PROMPT.txt").unlink()
    card = look(copy)
    assert card.prompt_source == "ours"
    assert "the app's own words" in warnings(card)[0]
    official = tmp_path / "official" / "magistral"
    official.mkdir(parents=True)
    (official / "SYSTEM_PROMPT.txt").write_text("Draft:[THINK]x[/THINK]Answer.", encoding="utf-8")
    card = look(copy, tmp_path)
    assert card.prompt_source == "official"
    assert warnings(card) == []
    assert "its makers publish" in notes(card)


def test_weights_that_mlx_did_not_write(copy: Path) -> None:
    weights = mx.load(str(copy / "model.safetensors"))
    assert isinstance(weights, dict)
    mx.save_safetensors(str(copy / "model.safetensors"), weights, {"format": "pt"})
    change(copy / "config.json", lambda config: config.pop("quantization"))
    assert "not written by MLX" in warnings(look(copy))[0]


def test_a_part_that_is_not_used_and_a_file_that_is_left_over(copy: Path) -> None:
    mx.save_safetensors(str(copy / "model-vision.safetensors"), {"vision_tower.a": mx.zeros((1000, 50_000))})
    card = look(copy)
    assert "The part that sees pictures, 0.2 GB" in notes(card)
    assert warnings(card) == []
    index = {"weight_map": {"language_model.model.norm.weight": "model.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    assert "model-vision.safetensors lies beside" in warnings(look(copy))[0]


def test_a_context_beyond_the_advised_one(copy: Path) -> None:
    assert "131,072 tokens of context fit, but beyond 40,960" in notes(look(copy))
    change(copy / "config.json", lambda config: config["text_config"].update(max_position_embeddings=40_960))
    assert "beyond" not in notes(look(copy))


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{% for m in messages %}{{ m.content | upper }}<|im_end|>{% endfor %}", "changes what is said"),
        ("{{ bos_token }}{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}", r"not name \(bos_token\)"),
        ("{% for m in messages %}[INST]{{ m.content }}<|im_end|>{% endfor %}", r"uses \[INST\]"),
        ("{% for m in messages %}<|user|>{{ m.content }}<|im_end|>{% endfor %}", r"uses <\|user\|>"),
    ],
)
def test_a_template_that_is_not_right(starter: Path, tmp_path: Path, template: str, words: str) -> None:
    folder = other_model(starter, tmp_path / "model", template)
    (found,) = warnings(look(folder))
    assert re.search(words, found)


def test_a_template_that_is_right(starter: Path, tmp_path: Path) -> None:
    template = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    card = look(other_model(starter, tmp_path / "model", template))
    assert (card.release, card.thinking, card.remarks) == ("chat", "", [])


def test_a_model_that_nothing_stops(starter: Path, tmp_path: Path) -> None:
    folder = other_model(starter, tmp_path / "model", "{% for m in messages %}{{ m.content }}\n{% endfor %}")
    change(folder / "config.json", lambda config: config.pop("eos_token_id"))
    (folder / "tokenizer_config.json").unlink()
    assert "which token ends an answer" in warnings(look(folder))[0]


def test_a_model_without_a_template_that_can_be_used(copy: Path) -> None:
    assert "no chat template that can be used" in notes(look(copy))
    (copy / "chat_template.jinja").write_text("{% for", encoding="utf-8")
    assert "no chat template that can be used" in notes(look(copy))
    (copy / "chat_template.jinja").write_text("x", encoding="utf-8")
    assert "no chat template" not in notes(look(copy))


def other_model(starter: Path, folder: Path, template: str) -> Path:
    """The starter as somebody else's model, which is talked to by its template."""
    shutil.copytree(starter, folder)
    change(folder / "config.json", lambda config: config.pop("lemma_starter"))
    change(folder / "tokenizer_config.json", lambda config: config.pop("bos_token"))
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return folder


# the command -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tiny_magistral: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("worker")
    with running(folder / "worker.log") as desk:
        desk.load(tiny_magistral, folder)
        yield desk


def test_a_folder_is_examined_while_an_answer_is_written(
    loaded: Desk, tiny_magistral_v11: Path, tmp_path: Path
) -> None:
    loaded.forget()
    loaded.send(ask(1, user("Go on and on"), max_tokens=3000))
    loaded.until(Delta)
    loaded.send(Examine(2, str(tmp_path), str(tiny_magistral_v11)), Count(3, ["one"]))
    loaded.until(Examined, lambda event: event.request == 2 and event.card.release == "magistral-1.0")
    assert not loaded.of(Finished)
    assert loaded.of(Counted) or loaded.until(Counted)
    loaded.send(Cancel(1))
    loaded.finish(1)


def test_what_cannot_be_examined_fails_alone(loaded: Desk, tmp_path: Path) -> None:
    loaded.forget()
    (tmp_path / "config.json").write_text("{", encoding="utf-8")
    loaded.send(Examine(21, str(tmp_path), str(tmp_path)), Examine(22, str(tmp_path), str(tmp_path / "nowhere")))
    kinds = {event.request: event.failure.kind for event in (loaded.until(Failed), loaded.until(Failed))}
    assert kinds == {21: "ModelBroken", 22: "ModelMissing"}
    loaded.send(ask(23, user("Q"), max_tokens=2))
    assert loaded.finish(23).generation.answer_tokens == 2


def test_the_machine_is_told_wrongly(tiny_magistral: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "much")
    with running(tmp_path / "worker.log") as desk:
        desk.send(Examine(1, str(tmp_path), str(tiny_magistral)))
        failed = desk.until(Failed)
    assert (failed.request, failed.failure.kind) == (1, "UsageError")


def test_a_vocabulary_is_examined_by_its_own_names(starter: Path, tmp_path: Path) -> None:
    """Whatever its control tokens are called, the layout is theirs."""
    names = ["<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]"]
    call(starter, tmp_path / "model", names)
    for name in ("config.json", "model.safetensors"):
        shutil.copy(starter / name, tmp_path / "model")
    assert look(tmp_path / "model").thinking == "control"
