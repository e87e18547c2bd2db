"""Fixtures that every room's tests may ask for."""

from pathlib import Path

import pytest

from tests.fixtures import models


@pytest.fixture(scope="session")
def tiny_magistral() -> Path:
    """Folder of a tiny model with Magistral's real vocabulary and [THINK] tokens."""
    return models.tiny_magistral()


@pytest.fixture(scope="session")
def tiny_magistral_v11() -> Path:
    """Folder of a tiny model that thinks between <think> tags of plain text."""
    return models.tiny_magistral_v11()


@pytest.fixture(scope="session")
def starter() -> Path:
    """Folder of the starter in float32."""
    return models.starter()
