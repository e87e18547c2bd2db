"""The roles of the app's one executable, and how it is called to play them."""

import sys
from pathlib import Path

WORKER, READER, FETCHER = "--worker", "--reader", "--fetcher"
SOURCE = Path(__file__).parents[2]
"""The folder that holds the import package: where other roles are started."""


def role_command(role: str, descriptor: int) -> list[str]:
    """The command line of a role that talks over an inherited socket; in a bundle the executable is the app."""
    bundled = Path(sys.executable).parent.name == "MacOS"
    return [sys.executable, *([] if bundled else ["-m", "app"]), role, str(descriptor)]
