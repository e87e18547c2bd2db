"""Which model a word on the command line means."""

from collections.abc import Callable, Sequence
from pathlib import Path

from app.chat.shelfrow import ShelfRow
from app.core.errors import UsageError
from app.core.text import _

SHOWN = 5
"""Names at most in a sentence that asks for a longer one."""


def find_rows(rows: Sequence[ShelfRow], name: str) -> list[ShelfRow]:
    """The rows that a name means: a repository, a label, a folder, or a part of one that no other row has."""
    said = name.strip().lower()
    folder = str(Path(name).expanduser().absolute())
    exact = [row for row in rows if said in (row.key.lower(), row.repository.lower(), row.label.lower())]
    if found := exact or [row for row in rows if row.folder and row.folder == folder]:
        return found
    return [row for row in rows if said and said in f"{row.label}\n{row.repository}\n{Path(row.folder).name}".lower()]


def choose_row(rows: Sequence[ShelfRow], name: str, suits: Callable[[ShelfRow], bool] = lambda _row: True) -> ShelfRow:
    """The one row that is meant, of several the one that suits; raises UsageError with what there is."""
    found = find_rows(rows, name)
    fitting = [row for row in found if suits(row)] or found
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise UsageError(_("There is no model “{name}”.").format(name=name), _("List what there is: models list"))
    names = ", ".join(row.repository or row.folder or row.label for row in fitting[:SHOWN])
    raise UsageError(_("“{name}” may be several: {names}.").format(name=name, names=names), _("Say more of the name."))
