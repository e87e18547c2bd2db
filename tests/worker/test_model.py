import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.core.errors import ModelBroken, ModelTooBig
from app.core.memory import GIB, Machine, usable
from app.core.releases import KNOWN_MODELS
from app.weights.folder import examine
from app.worker.model import check_fit, load
from tests.worker.stage import MACHINE


@pytest.fixture
def copy(tiny_magistral: Path, tmp_path: Path) -> Path:
    """A model of one's own to damage."""
    return Path(shutil.copytree(tiny_magistral, tmp_path / "model"))


def change_config(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    change(config)
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")


def nothing(_done: int, _total: int) -> None:
    pass


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


def test_code_that_comes_after_the_examination_is_not_run_either(copy: Path) -> None:
    files, trace = examine(copy), copy / "it-ran"
    change_config(copy, lambda config: config.update(model_file="own.py"))
    (copy / "own.py").write_text(f"open({str(trace)!r}, 'w').close()\n", encoding="utf-8")
    with pytest.raises(ModelBroken):
        load(files, MACHINE, nothing)
    assert not trace.exists()
