"""Run Briefcase with briefcase.toml laid over pyproject.toml, which is the only file it reads.

On a Mac, from the repository's root (build/ and dist/ are written there):
uvx --python 3.13 --from briefcase==0.4.7 python packaging/bundle.py package macOS --adhoc-sign
"""

import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

from briefcase import config
from briefcase.__main__ import main


def load(handle: BinaryIO) -> dict[str, Any]:
    """Read pyproject.toml with the table of briefcase.toml in it."""
    data = tomllib.load(handle)
    if "briefcase" in data.get("tool", {}):
        message = "[tool.briefcase] belongs in briefcase.toml, not in pyproject.toml"
        raise config.BriefcaseConfigError(message)
    overlay = Path(handle.name).with_name("briefcase.toml").read_text("utf-8")
    return data | {"tool": data.get("tool", {}) | tomllib.loads(overlay)["tool"]}


config.tomllib = SimpleNamespace(load=load, TOMLDecodeError=tomllib.TOMLDecodeError)

if __name__ == "__main__":
    sys.exit(main())
