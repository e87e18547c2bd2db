"""The fetcher role: the only one that may open an internet socket. Downloads come with the model catalogue."""

import sys

from app.core.text import _


def run() -> int:
    """Say that this version downloads nothing."""
    sys.stderr.write(_("This version downloads no models. Choose a model folder that is on the disk.") + "\n")
    return 2
