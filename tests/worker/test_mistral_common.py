"""mistral-common is there in tests only, and an app that happens to have it works no differently."""

import shutil
import sys
from pathlib import Path

import msgspec
import pytest

from app.core.messages import Part
from app.core.protocol import Count, Counted, Delta, Examine, Examined, ModelCard
from tests.fixtures import models
from tests.worker.process import ask, running
from tests.worker.stage import MACHINE, user
from tests.worker.test_tokens import EVIL, TEXTS

WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Without(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] == "mistral_common" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Without
from app.worker.main import run
run(int(sys.argv[1]))
"""
WITH = """
import sys
import mistral_common.tokens.tokenizers.mistral
from app.worker.main import run
run(int(sys.argv[1]))
"""


def see(program: str, folder: Path, data: Path) -> tuple[ModelCard, ModelCard, list[int], list[Part], int]:
    """Two cards, token counts, an answer and the length of its prompt."""
    with running(data / "worker.log", other=[sys.executable, "-c", program]) as desk:
        desk.send(Examine(1, str(data), str(folder)))
        examined = desk.until(Examined).card
        loaded = desk.load(folder, data).card
        desk.send(Count(2, [*EVIL, *TEXTS]), ask(3, user(EVIL[0]), instructions=EVIL[1], max_tokens=12))
        counts = desk.until(Counted).counts
        facts = desk.finish(3).generation
        deltas = [part for event in desk.of(Delta) for part in event.parts]
    ids = [token for part in deltas for token in part.ids]
    whole = Part(deltas[0].kind, "".join(part.text for part in deltas), tuple(ids))
    cards = (msgspec.structs.replace(card, machine=MACHINE) for card in (examined, loaded))
    return (*cards, counts, [whole], facts.prompt_tokens)  # type: ignore[return-value]


@pytest.mark.parametrize("version", ["v13", "v11"])
def test_cards_counts_prompts_and_answers_are_the_same_with_it_and_without(version: str, tmp_path: Path) -> None:
    source = models.tiny_magistral() if version == "v13" else models.tiny_magistral_v11()
    folder = Path(shutil.copytree(source, tmp_path / "model"))
    shutil.copy(models.reference_vocabulary(version), folder / "tekken.json")
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    assert see(WITH, folder, tmp_path / "with") == see(WITHOUT, folder, tmp_path / "without")


def test_it_is_no_dependency_of_the_app() -> None:
    named = (models.REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    wanted, _, development = named.partition("[dependency-groups]")
    assert "mistral" not in wanted.partition("dependencies")[2]
    assert "mistral-common" in development
    for file in (models.REPOSITORY / "app").rglob("*.py"):
        assert "mistral_common" not in file.read_text(encoding="utf-8"), file
