"""Files that go along with a question."""

from pathlib import Path

from app.core.messages import Kind, Part
from app.documents.client import read_file


def attach(path: Path) -> Part:
    """A file's text as a part of a question; raises FileUnreadable with what to do."""
    return Part(Kind.DOCUMENT, read_file(path), (), path.name)
