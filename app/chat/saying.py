"""What the library says about a row: why it does not do what was asked, or that it is ready."""

from app.chat.shelfrow import ShelfRow
from app.core.errors import Failure, UsageError
from app.core.text import _


def not_here(row: ShelfRow) -> UsageError:
    """It has to be downloaded before."""
    return UsageError(
        _("{label} is not on this machine yet.").format(label=row.label), _("Download it first."), "model.library"
    )


def not_ours(row: ShelfRow) -> UsageError:
    """Another program looks after it."""
    return UsageError(
        _("{label} was not downloaded by this app, and is left as it is.").format(label=row.label),
        _("Look after it in the program that it belongs to."),
        "model.library",
    )


def elsewhere(row: ShelfRow) -> UsageError:
    """Another process downloads it."""
    return UsageError(
        _("{label} is being downloaded by another window or terminal.").format(label=row.label),
        _("Pause it there first."),
        "model.library",
    )


def on_the_move(row: ShelfRow) -> UsageError:
    """All downloads are on their way to another folder."""
    return UsageError(
        _("{label} is being moved to another folder.").format(label=row.label),
        _("Wait until the move is over."),
        "model.library",
    )


def ready(row: ShelfRow) -> Failure:
    """It arrived; whether to use it is the person's choice."""
    said = _("{label} is ready.").format(label=row.label)
    return Failure("ModelReady", said, _("Choose it to use it from now on."), "model.choose")
