"""A model's own chat template, run in a sandbox: it came with a download.

The environment is the one that templates are written for, that of transformers.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.ext import Extension
from jinja2.nodes import Node
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from app.worker.tokens import read_json

FILE, CONFIG, PROCESSOR = "chat_template.jinja", "tokenizer_config.json", "chat_template.json"
NAMED = ("bos_token", "eos_token", "pad_token", "unk_token")
"""Control tokens that a template calls by these names."""
Chat = Sequence[dict[str, str]]


class Unrenderable(Exception):
    """A template did not accept a chat; its text says why."""


class ChatTemplate:
    """One model's template; raises Unrenderable where it is not one."""

    def __init__(self, source: str, names: dict[str, str]) -> None:
        self.source, self._names = source, names
        try:
            self._template = _environment().from_string(source)
        except TemplateError as error:
            raise Unrenderable(str(error)) from error

    @property
    def unnamed(self) -> list[str]:
        """Control tokens that the template calls for and the model's files do not name: it writes nothing there."""
        return [name for name in NAMED if re.search(rf"\b{name}\b", self.source) and name not in self._names]

    def render(self, chat: Chat, *, speak: bool, **values: Any) -> str:
        """The chat as one string; `speak` lets the model speak at its end."""
        try:
            return self._template.render(messages=list(chat), add_generation_prompt=speak, **self._names, **values)
        except Exception as error:  # whatever a stranger's code may raise
            raise Unrenderable(str(error)) from error


def find_template(folder: Path) -> ChatTemplate | None:
    """The chat template of a model folder; None where there is none or it is none that can be compiled."""
    config = read_json(folder / CONFIG)
    try:
        source = (folder / FILE).read_text(encoding="utf-8")
    except (OSError, ValueError):
        source = _choose(config.get("chat_template")) or _choose(read_json(folder / PROCESSOR).get("chat_template"))
    if not source:
        return None
    try:
        return ChatTemplate(source, {key: _name(config.get(key)) for key in NAMED if config.get(key)})
    except Unrenderable:
        return None


def _choose(value: object) -> str:
    """The template itself, or of several named ones that for chats."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    named = {str(each.get("name")): str(each.get("template", "")) for each in value if isinstance(each, dict)}
    return named.get("default") or next(iter(named.values()), "")


def _name(value: object) -> str:
    """A control token's name, which may stand in a table of its properties."""
    return str(value.get("content", "")) if isinstance(value, dict) else str(value)


class _Generation(Extension):
    """`{% generation %}` marks what a trainer learns from; here it is only what stands in it."""

    tags = {"generation"}  # noqa: RUF012 - jinja2's own declaration

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


@lru_cache(maxsize=1)
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = _write_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().astimezone().strftime(form)
    return environment


def _write_json(
    value: object,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 - templates name it, in this order
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _refuse(why: str) -> NoReturn:
    raise TemplateError(why)
