"""The front door: plays one of the roles, chosen by argument before anything heavy is imported."""

import argparse
import gettext
import os
import sys
from itertools import pairwise
from pathlib import Path

from app import NAME
from app.core.roles import FETCHER, READER, SOURCE, WORKER
from app.core.text import _, use_translations


def main(arguments: list[str]) -> int:
    """Play one role to its end; the exit status."""
    if at := find_code(arguments):
        sys.argv = ["-c", *arguments[at + 1 :]]
        exec(compile(arguments[at], "<string>", "exec"), {"__name__": "__main__"})  # noqa: S102 - see find_code
        return 0
    use_translations(gettext.translation(NAME.lower(), SOURCE / "resources/locale", fallback=True))
    match arguments:
        case [role, descriptor] if role == WORKER:
            from app.worker.main import run as work

            return work(int(descriptor))
        case [role, descriptor] if role == READER:
            from app.documents.reader import run as read

            return read(int(descriptor))
        case [role, descriptor] if role == FETCHER:
            from app.models.fetcher import run as fetch

            return fetch(int(descriptor))
    from app.cli.parser import make_parser

    chosen = make_parser().parse_args(arguments)
    root = find_data_folder(chosen.data)
    if chosen.command:
        from app.cli.main import run as obey

        return obey(chosen, root)
    return show_window(chosen, root)


def find_code(arguments: list[str]) -> int:
    """Where the code of `-c CODE` stands, else 0: in a bundle multiprocessing calls the app like an interpreter."""
    at = arguments.index("-c") if "-c" in arguments else -1
    before = ["", *arguments[: max(at, 0)]]
    flags = all(word[:1] == "-" or last in ("-X", "-W") for last, word in pairwise(before))
    return at + 1 if at >= 0 and flags else 0


def find_data_folder(chosen: Path | None) -> Path:
    """Where chats, settings and the starter are kept: the system's place for them unless another is named."""
    if chosen:
        return chosen.absolute()
    from platformdirs import user_data_path

    return user_data_path(NAME, appauthor=False)


def show_window(chosen: argparse.Namespace, root: Path) -> int:
    """Open the window, or bring the one that is open to the front."""
    from app.chat.opening import open_window_desk
    from app.cli.main import complain
    from app.core.errors import AppError, UsageError

    if not has_display():
        if not chosen.screenshot:
            return complain(UsageError(_("There is no display."), _('In a terminal, use: ./run ask "…"')))
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if chosen.scale:
        os.environ["QT_SCALE_FACTOR"] = str(chosen.scale)
    try:
        desk = open_window_desk(root)
    except AppError as error:
        return complain(error)
    if desk is None:
        return 0
    from app.ui.desktop import run  # Qt comes in here, while the store opens in its own thread

    try:
        return run(desk, chosen)
    finally:
        desk.close()


def has_display() -> bool:
    """Whether a window could be shown."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return sys.platform != "linux" or any(os.environ.get(name) for name in named)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
