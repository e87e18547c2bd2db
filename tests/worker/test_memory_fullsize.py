"""The recipe of the full-size model, in small: the benchmark that builds it whole is not part of the tests."""

from pathlib import Path

import pytest

from app.core.releases import KNOWN_MODELS
from app.weights.folder import examine
from app.worker.model import load
from tests.fixtures.fullsize import Recipe, built
from tests.worker.stage import MACHINE

NARROW = Recipe(hidden=640, layers=7, vocabulary=512)
"""More layers than a shard holds."""


def test_the_recipe_has_magistrals_shape() -> None:
    recipe, shape = Recipe(), KNOWN_MODELS[0].shape
    assert (recipe.hidden, recipe.layers, recipe.inner) == (shape.hidden, shape.layers, shape.inner)
    assert (recipe.heads, recipe.kv_heads, recipe.head_dim) == (shape.heads, shape.kv_heads, shape.head_dim)


def test_a_narrow_one_loads_and_is_gone_when_the_block_ends(tmp_path: Path) -> None:
    with built(NARROW, tmp_path) as folder:
        files = examine(folder)
        assert load(files, MACHINE, lambda _done, _total: None).layers
        assert (files.bits, files.shape.layers, files.shape.inner) == (4, 7, 4096)
        matrices = 7 * (2 * 640 * (4 + 1) * 128 + 3 * 640 * 4096) + 2 * 512 * 640
        assert files.shape.weights == matrices // 2 + matrices // 64 * 4 + 15 * 640 * 2
    assert list(tmp_path.iterdir()) == []


def test_it_is_gone_after_a_failure_too(tmp_path: Path) -> None:
    with pytest.raises(KeyError), built(NARROW, tmp_path):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
