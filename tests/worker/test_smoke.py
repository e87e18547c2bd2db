"""A model whose weights are damaged where no header shows it is refused at its first token."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
import pytest

from app.core.errors import ModelBroken
from app.core.protocol import Failed, Load
from app.weights.folder import examine
from app.worker.layout import choose_layout
from app.worker.model import load
from app.worker.smoke import check_sound
from app.worker.tokens import Tokens
from tests.worker.process import running
from tests.worker.stage import MACHINE, Stage

Weights = dict[str, mx.array]


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to damage."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "model"))


def damage(folder: Path, change: Callable[[Weights], object]) -> None:
    weights = mx.load(str(folder / "model.safetensors"))
    assert isinstance(weights, dict)
    change(weights)
    mx.eval(weights)
    mx.save_safetensors(str(folder / "model.safetensors"), weights, {"format": "mlx"})


def check(folder: Path) -> None:
    files = examine(folder)
    model = load(files, MACHINE, lambda _done, _total: None)
    check_sound(model, files, choose_layout(Tokens(folder), folder))


def test_a_sound_model_passes_and_nothing_is_kept_of_it(stage: Stage) -> None:
    check_sound(stage.model, examine(stage.folder), stage.layout)
    assert stage.prefixes.known([1, 3, 0], None) == 0


def test_weights_that_are_no_numbers(copy: Path) -> None:
    name = "language_model.model.layers.1.mlp.down_proj.scales"
    damage(copy, lambda weights: weights.update({name: weights[name] * float("nan")}))
    with pytest.raises(ModelBroken, match="was loaded but does not work: what it computes is no number") as refused:
        check(copy)
    assert "Download it again" in refused.value.hint


def test_an_answer_that_its_vocabulary_has_no_word_for(copy: Path) -> None:
    """The vocabulary is cut at 1,300 words; the likeliest of the model's 131,072 is another."""
    vocabulary = json.loads((copy / "tokenizer.json").read_text(encoding="utf-8"))
    model = vocabulary["model"]
    model["vocab"] = {word: at for word, at in model["vocab"].items() if at < 1300}
    model["merges"] = [
        pair for pair in model["merges"] if all(word in model["vocab"] for word in (*pair, "".join(pair)))
    ]
    (copy / "tokenizer.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    with pytest.raises(ModelBroken, match=r"answers in words that its tokenizer\.json does not have"):
        check(copy)


def test_a_model_whose_parts_do_not_fit_each_other(tiny_magistral: Path) -> None:
    files = examine(tiny_magistral)
    model = load(files, MACHINE, lambda _done, _total: None)
    model.layers[0].self_attn.n_heads = 3
    with pytest.raises(ModelBroken, match="cannot read a single word"):
        check_sound(model, files, choose_layout(Tokens(tiny_magistral), tiny_magistral))


def test_the_worker_refuses_it_at_the_load(copy: Path, tmp_path: Path) -> None:
    damage(copy, lambda weights: weights.update({"language_model.model.norm.weight": mx.full((128,), float("inf"))}))
    with running(tmp_path / "worker.log") as desk:
        desk.send(Load(str(tmp_path), str(copy), 4096))
        failed = desk.until(Failed)
    assert (failed.request, failed.failure.kind) == (None, "ModelBroken")
    assert "no number" in failed.failure.message
