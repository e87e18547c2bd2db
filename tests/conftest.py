"""Fixtures that every room's tests may ask for."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fixtures import models

# No test is about time: a machine that stands still for a second is no fault.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


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
