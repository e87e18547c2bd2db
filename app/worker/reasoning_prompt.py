"""The words that make a model think: its makers' own wherever they can be found, else the app's.

The wording belongs to the model's files. Where they lack it, it is what the model's own chat template puts
before a question that comes without a system prompt; then what its makers publish, of which a download keeps a
copy; and last the words in resources/prompts.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.core.messages import Kind, Part
from app.core.places import Places
from app.core.reasoning import CLOSING, OPENING
from app.core.roles import SOURCE
from app.worker.rendering import Unrenderable, find_template

FILE = "SYSTEM_PROMPT.txt"
OURS = SOURCE / "resources" / "prompts"
LENGTH_LIMIT = 100_000
"""Characters; a makers' prompt has a thousand."""


class Source(StrEnum):
    """Where a reasoning prompt comes from."""

    FILE = "file"
    """SYSTEM_PROMPT.txt, which official repositories carry."""
    TEMPLATE = "template"
    """The chat template's own system prompt."""
    OFFICIAL = "official"
    """The makers' own, from their repository, because the model's files have none."""
    OURS = "ours"
    """The app's words around the release's markers, because there are no others."""
    NONE = "none"
    """The model is not made to think by a prompt."""


TAGS = (OPENING, CLOSING)
"""The markers of a model whose markers are text."""


@dataclass(frozen=True, slots=True)
class ReasoningPrompt:
    """Texts and thoughts of a system prompt, each encoded by itself."""

    parts: tuple[Part, ...]
    source: Source


def find_own_prompt(folder: Path, opening: str, closing: str) -> tuple[str, Source]:
    """The system prompt of a model's own files and where it stood; empty where they have none.

    `opening` and `closing` are the control tokens around a system prompt in what the template renders.
    """
    try:
        text = (folder / FILE).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if text.strip():
        return text, Source.FILE
    template = find_template(folder)
    if template is None:
        return "", Source.NONE
    try:
        rendered = template.render([{"role": "user", "content": "?"}], speak=True)
    except Unrenderable:
        return "", Source.NONE
    inside, closed, _rest = rendered.partition(opening)[2].partition(closing)
    return (inside, Source.TEMPLATE) if closed and inside.strip() else ("", Source.NONE)


def split_prompt(text: str, markers: tuple[str, str] | None) -> tuple[Part, ...]:
    """A prompt's texts and thoughts; one text where the markers are themselves text."""
    if markers is None:
        return (Part(Kind.TEXT, text),)
    opening, closing = markers
    first, *rest = text.split(opening)
    parts = [Part(Kind.TEXT, first)]
    for stretch in rest:
        inside, _closed, after = stretch.partition(closing)
        parts += [Part(Kind.REASONING, inside), Part(Kind.TEXT, after)]
    return tuple(part for part in parts if part.text or part.kind is Kind.REASONING)


def choose_prompt(
    own: tuple[str, Source], release: str, markers: tuple[str, str] | None, data: Path | None
) -> ReasoningPrompt:
    """The model's own prompt where it has one, else that of its makers under the data folder, else the app's."""
    text, source = own
    if not text and data is not None:
        text, source = _read_official(Places(data).official / release / FILE, markers), Source.OFFICIAL
    if not text:
        text, source = _read_ours(markers), Source.OURS
    return ReasoningPrompt(split_prompt(text, markers), source)


def _read_official(file: Path, markers: tuple[str, str] | None) -> str:
    """The makers' prompt; empty where it is not there, or where what is there makes no model think."""
    try:
        with file.open(encoding="utf-8") as opened:
            text = opened.read(LENGTH_LIMIT)
    except (OSError, ValueError):
        return ""
    return text if all(marker in text for marker in markers or TAGS) else ""


def _read_ours(markers: tuple[str, str] | None) -> str:
    """The app's own words around the markers, which each file has in its place; its last line break is the file's."""
    file = OURS / ("control.txt" if markers else "tags.txt")
    return file.read_text(encoding="utf-8").removesuffix("\n")
