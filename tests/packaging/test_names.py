import tomllib
from pathlib import Path
from typing import Any

import app

ROOT = Path(__file__).parents[2]


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / name).read_text("utf-8"))


def test_the_name_is_the_same_in_the_app_and_its_packaging() -> None:
    briefcase = read("briefcase.toml")["tool"]["briefcase"]
    assert briefcase["project_name"] == briefcase["app"]["app"]["formal_name"] == app.NAME
    assert read("pyproject.toml")["project"]["name"] == app.NAME.lower()


def test_the_version_is_the_same_in_the_app_and_its_packaging() -> None:
    assert read("pyproject.toml")["project"]["version"] == app.VERSION
    assert "version" not in read("briefcase.toml")["tool"]["briefcase"]
