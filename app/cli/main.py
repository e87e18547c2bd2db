"""The command line: runs a command and turns its errors into one line with what to do."""

import argparse
import io
import os
import sys
from pathlib import Path

from app import NAME
from app.chat.log import write_log
from app.cli.parser import check_order
from app.core.errors import AppError, UsageError
from app.core.places import Places
from app.core.text import _

FAILED, USAGE, STOPPED = 1, 2, 130


def run(arguments: argparse.Namespace, root: Path) -> int:
    """Run the command that was typed; the exit status."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a letter must not end an answer
    write_log(Places(root).logs / "command-line.log")
    try:
        check_order(arguments)
        if arguments.command == "ask":
            from app.cli.ask import ask

            return ask(arguments, root)
        if arguments.command == "models":
            from app.cli.models import models

            return models(arguments, root)
        from app.cli.doctor import doctor

        return doctor(arguments, root)
    except AppError as error:
        return complain(error)
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        print(_("Stopped."), file=sys.stderr)
        return STOPPED


def complain(error: AppError) -> int:
    """Print an error as one line; the exit status."""
    print(f"{NAME.lower()}: {error}", file=sys.stderr)
    return USAGE if isinstance(error, UsageError) else FAILED
