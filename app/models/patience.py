"""Asking the hub again and again while it cannot be reached."""

import time
from collections.abc import Callable
from typing import TypeVar

from app.core.errors import AppError
from app.core.fetching import Waiting
from app.models.hub import Unreached
from app.models.tally import Say
from app.models.transfer import PAUSES

Answered = TypeVar("Answered")


def ask_patiently(ask: Callable[[], Answered], say: Say, tries: int | None = None) -> Answered:
    """The answer, however long it takes; after so many tries HubUnreachable is raised, if a number is given."""
    done = 0
    while True:
        try:
            return ask()
        except Unreached as trouble:
            pause = trouble.after or PAUSES[min(done, len(PAUSES) - 1)]
            done += 1
            if tries is not None and done >= tries:
                raise AppError.of(trouble.failure) from trouble
            say(Waiting(trouble.failure, pause))
            time.sleep(pause)
