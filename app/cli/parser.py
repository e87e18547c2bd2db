"""What may be typed after the app's name."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from app import NAME, VERSION
from app.core.errors import UsageError
from app.core.settings import setting
from app.core.text import _

NEWEST = 0
"""Stands for the chat that changed last; no chat has this number."""


def make_parser() -> argparse.ArgumentParser:
    """All commands with their options; without a command the window opens."""
    parser = argparse.ArgumentParser(
        prog=NAME.lower(), description=_("A private desk for reasoning with Magistral."), allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"{NAME} {VERSION}")
    _add_data(parser, None)
    _add_window(parser)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    _add_ask(commands.add_parser("ask", help=_("ask one question in the terminal")))
    doctor = commands.add_parser("doctor", help=_("what this computer is, what fits, what is missing"))
    doctor.add_argument("--json", action="store_true", help=_("print one JSON object"))
    _add_data(doctor, argparse.SUPPRESS)
    _add_models(commands.add_parser("models", help=_("the models on this machine, and those to be had")))
    return parser


def _add_models(models: argparse.ArgumentParser) -> None:
    deeds = models.add_subparsers(dest="deed", metavar="DEED", required=True)

    def add(deed: str, help_: str, *, named: bool = True) -> argparse.ArgumentParser:
        parser = deeds.add_parser(deed, help=help_)
        if named:
            parser.add_argument("name", help=_("repository, label or folder, or a part of it that no other has"))
        parser.add_argument("--json", action="store_true", help=_("print one JSON object"))
        _add_data(parser, argparse.SUPPRESS)
        return parser

    add("list", _("all models, and which of them fits this machine"), named=False)
    find = add("find", _("models on the disk, whichever program brought them"), named=False)
    find.add_argument("folder", nargs="*", type=Path, help=_("look there, too, now and later"))
    download = add("download", _("fetch a model; goes on where it was paused; Ctrl+C pauses"))
    download.add_argument(
        "--token", action="store_true", help=_("ask for a token of the hub, or read it from standard input")
    )
    add("verify", _("compare a downloaded model's files with what the hub says of them"))
    add("card", _("what kind of model it is, and whether it can be used here"))
    delete = add("delete", _("delete a downloaded model"))
    delete.add_argument("--yes", action="store_true", help=_("do not ask"))
    add("use", _("load this model from now on"))
    move = add("move", _("bring all downloads to another folder"), named=False)
    move.add_argument("folder", type=Path, help=_("an empty folder, or one that downloads may lie in"))


def _add_ask(ask: argparse.ArgumentParser) -> None:
    ask.add_argument("question", nargs="?", help=_("the question; - reads it from standard input"))
    ask.add_argument("--file", action="append", default=[], type=Path, help=_("a text file to go along; repeatable"))
    ask.add_argument(
        "--resume",
        nargs="?",
        const=NEWEST,
        type=_session,
        metavar="CHAT",
        help=_("go on with the last answer of a chat, of the newest unless its number is given"),
    )
    ask.add_argument("--model", type=Path, help=_("folder of an MLX model; not while the window is open"))
    ask.add_argument("--think", type=_thought, metavar="N", help=_("tokens of thought at most; 0: none"))
    ask.add_argument(
        "--keep-thoughts", action="store_true", help=_("earlier thoughts stay in what the model reads in this chat")
    )
    ask.add_argument("--seed", type=_seed, metavar="N", help=_("the same seed gives the same text"))
    for name, help_ in (
        ("temperature", _("how freely words are drawn; 0: take the likeliest")),
        ("top_p", _("draw from the likeliest words that share this probability")),
        ("min_p", _("leave out words less likely than this share of the likeliest")),
        ("top_k", _("draw from so many of the likeliest words; 0: from all")),
    ):
        option = f"--{name.replace('_', '-')}"
        ask.add_argument(option, type=_drawn(name), metavar="X", help=help_)
    ask.add_argument("--stop", action="append", metavar="STRING", help=_("end the answer before this text; repeatable"))
    ask.add_argument("--json", action="store_true", help=_("print one JSON object"))
    _add_data(ask, argparse.SUPPRESS)


def check_order(arguments: argparse.Namespace) -> None:
    """Raises UsageError where options of the window stand before a command, which would not heed them."""
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    window = _add_window(parser)
    typed = [
        action.option_strings[0]
        for action in window._group_actions  # noqa: SLF001 - argparse has no other list of them
        if getattr(arguments, action.dest) != action.default
    ]
    if typed:
        raise UsageError(
            _("{options} before {command} is for the window.").format(
                options=", ".join(typed), command=arguments.command
            ),
            _("Type the command first, then what belongs to it: {app} ask --model FOLDER “…”").format(app=NAME.lower()),
        )


def _add_data(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument("--data", type=Path, default=default, help=_("folder for chats, settings and the starter"))


def _add_window(parser: argparse.ArgumentParser) -> argparse._ArgumentGroup:
    window = parser.add_argument_group(_("window"))
    window.add_argument("--model", dest="window_model", type=Path, help=_("folder of an MLX model"))
    window.add_argument("--say", metavar="TEXT", help=_("ask this in a new chat at once"))
    window.add_argument("--theme", choices=("light", "dark"), help=_("appearance, this time"))
    window.add_argument("--size", type=_size, metavar="WxH", help=_("size of the window, this time"))
    window.add_argument("--scale", type=_scale, help=_("device pixels per point, this time"))
    window.add_argument("--screenshot", type=Path, metavar="FILE", help=_("save a picture of the window and end"))
    window.add_argument(
        "--when",
        choices=("painted", "ready", "thinking", "answered"),
        default="painted",
        help=_("the moment of the picture"),
    )
    window.add_argument("--paint-log", type=Path, metavar="FILE", help=_("note the time and length of every paint"))
    return window


def _thought(text: str) -> int:
    return _number(text, int(setting("thinking_budget").most or 0))


def _seed(text: str) -> int:
    return _number(text, 2**64 - 1)


def _session(text: str) -> int:
    return _number(text, 2**63 - 1)


def _drawn(key: str) -> Callable[[str], float]:
    """A value of the draw: within the bounds of its setting, whose -1 is said by leaving the option out."""
    row = setting(key)

    def parse(text: str) -> float:
        try:
            value: float = row.kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(_("must be a number")) from error
        if not 0 <= value <= (row.most or 0):
            raise argparse.ArgumentTypeError(_("must be from 0 to {most}").format(most=row.most))
        return value

    return parse


def _number(text: str, most: int) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(_("must be a whole number")) from error
    if not 0 <= value <= most:
        raise argparse.ArgumentTypeError(_("must be from 0 to {most}").format(most=most))
    return value


def _size(text: str) -> tuple[int, int]:
    width, _by, height = text.partition("x")
    try:
        size = int(width), int(height)
    except ValueError as error:
        raise argparse.ArgumentTypeError(_("must be like 1280x800")) from error
    if min(size) < 1:
        raise argparse.ArgumentTypeError(_("must be like 1280x800"))
    return size


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(_("must be a number")) from error
    if not 0 < scale < math.inf:
        raise argparse.ArgumentTypeError(_("must be more than 0"))
    return scale
