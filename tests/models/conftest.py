"""A hub on loopback for every test that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub
from tests.models.fetching import environment


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    """An empty hub, which fetchers find through HF_ENDPOINT."""
    with Hub() as made, environment(made, tmp_path / "hf"):
        yield made
