"""The tiny models, loaded once; each test gets them with an empty cache."""

from pathlib import Path

import pytest

from app.worker.tokens import Tokens
from tests.worker.stage import Stage


@pytest.fixture(scope="session")
def tokens(tiny_magistral: Path) -> Tokens:
    return Tokens(tiny_magistral)


@pytest.fixture(scope="session")
def _loaded(tiny_magistral: Path) -> Stage:
    return Stage(tiny_magistral)


@pytest.fixture(scope="session")
def _loaded_v11(tiny_magistral_v11: Path) -> Stage:
    return Stage(tiny_magistral_v11)


@pytest.fixture
def stage(_loaded: Stage) -> Stage:
    """A model that thinks between [THINK] tokens."""
    _loaded.clear()
    return _loaded


@pytest.fixture
def stage_v11(_loaded_v11: Stage) -> Stage:
    """A model that thinks between <think> tags of text."""
    _loaded_v11.clear()
    return _loaded_v11
