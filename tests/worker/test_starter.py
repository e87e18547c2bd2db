import json
import subprocess
import sys
from pathlib import Path

import mlx.core as mx
import pytest

from app.core.messages import Kind, Sampling, ThoughtEnd
from app.core.protocol import Delta, Generate, Load, Loaded, Loading
from app.core.roles import SOURCE
from app.weights.folder import examine
from app.worker.starter import FORMAT, build, find_starter
from app.worker.tokens import Tokens
from tests.worker.process import Desk, running
from tests.worker.stage import user


def nothing(_done: int, _total: int) -> None:
    pass


BUILDER = """
import sys
from pathlib import Path
from app.worker.starter import build
build(Path(sys.argv[1]), dense=False, report=lambda _done, _total: None)
"""


def capital(desk: Desk, request: int, seed: int | None = 3) -> tuple[str, str]:
    """The thought and the answer to a question that even 135 million parameters can answer."""
    desk.forget()
    sampling = Sampling(temperature=0.0, top_p=1.0, repetition_penalty=1.1, seed=seed)
    desk.send(
        Generate(
            request, [user("What is the capital of France?")], sampling=sampling, thinking_budget=12, max_tokens=40
        )
    )
    facts = desk.finish(request).generation
    assert facts.reasoning_tokens <= 12
    assert facts.thought_end in (ThoughtEnd.BUDGET, ThoughtEnd.ITSELF)
    parts = [part for event in desk.of(Delta) for part in event.parts]
    return tuple("".join(part.text for part in parts if part.kind is kind) for kind in (Kind.REASONING, Kind.TEXT))  # type: ignore[return-value]


def test_the_folder_describes_itself(starter: Path) -> None:
    folder = examine(starter)
    assert (folder.shape.layers, folder.shape.kv_heads, folder.shape.head_dim) == (30, 3, 64)
    tokens = Tokens(starter)
    assert tokens.stops == {2}
    assert tokens.id("<|im_end|>") == 2
    assert tokens.decode(tokens.encode("Hello, 日本 🤖")) == "Hello, 日本 🤖"


def test_it_is_built_once(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    folder = find_starter(tmp_path, "metal", lambda done, total: steps.append((done, total)))
    assert folder.name == f"starter-4bit-{FORMAT}"
    assert steps == [(0, 2), (1, 2), (2, 2)]
    written = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    assert find_starter(tmp_path, "cuda", nothing) == folder
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == written
    assert [file.name for file in folder.parent.iterdir()] == [folder.name]


def test_two_processes_may_build_it_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "starter"
    builders = [subprocess.Popen([sys.executable, "-c", BUILDER, str(folder)], cwd=SOURCE) for _ in range(2)]
    assert [builder.wait() for builder in builders] == [0, 0]
    assert [file.name for file in folder.parent.iterdir()] == ["starter"]
    assert examine(folder).bits == 4


def test_a_builder_that_dies_leaves_nothing_that_looks_whole(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "starter"

    def die(done: int, _total: int) -> None:
        assert not folder.exists()
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(folder, dense=False, report=die)
    assert not folder.exists()
    build(folder, dense=False, report=nothing)
    assert examine(folder).bits == 4


def test_four_bits_and_float32_are_the_same_weights(starter: Path, tmp_path: Path) -> None:
    folder = find_starter(tmp_path, "metal", nothing)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))["quantization"]
    small, dense = (mx.load(str(path / "model.safetensors")) for path in (folder, starter))
    assert isinstance(small, dict)
    assert isinstance(dense, dict)
    for name in ("model.layers.3.self_attn.q_proj", "model.layers.29.mlp.down_proj", "model.embed_tokens"):
        bits = config.get(name, config)["bits"]
        opened = mx.dequantize(
            small[f"{name}.weight"], small[f"{name}.scales"], small[f"{name}.biases"], group_size=32, bits=bits
        )
        assert mx.allclose(opened.astype(mx.float32), dense[f"{name}.weight"], atol=2e-3).item()


def test_the_app_without_a_model_folder_gets_the_starter(tmp_path: Path, starter: Path) -> None:
    """The data folder has it already here: building is tested above."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / starter.name).symlink_to(starter)
    with running(tmp_path / "worker.log") as desk:
        desk.send(Load(str(tmp_path)))
        card = desk.until(Loaded).card
        assert (card.release, card.name, card.bits) == ("starter", "SmolLM2 135M", None)
        assert {event.stage for event in desk.of(Loading)} == {"tokenizer", "weights"}
        thought, answer = capital(desk, 1)
        assert thought
        assert "Paris" in answer
        assert capital(desk, 2) == (thought, answer)


def test_the_four_bit_starter_answers_too(tmp_path: Path) -> None:
    folder = find_starter(tmp_path, "metal", nothing)
    with running(tmp_path / "worker.log") as desk:
        assert desk.load(folder, tmp_path).card.bits == 4
        assert "Paris" in capital(desk, 1)[1]
