"""The words that make a model think: its makers' own where its folder has them, else the app's.

The wording belongs to the model's files. Where they lack it, it is what the model's own chat template puts
before a question that comes without a system prompt.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.core.messages import Kind, Part
from app.worker.rendering import Unrenderable, find_template

FILE = "SYSTEM_PROMPT.txt"


class Source(StrEnum):
    """Where a reasoning prompt comes from."""

    FILE = "file"
    """SYSTEM_PROMPT.txt, which official repositories carry."""
    TEMPLATE = "template"
    """The chat template's own system prompt."""
    OURS = "ours"
    """The app's words around the release's markers, because the model's files have none."""
    NONE = "none"
    """The model is not made to think by a prompt."""


@dataclass(frozen=True, slots=True)
class ReasoningPrompt:
    """Texts and thoughts of a system prompt, each encoded by itself."""

    parts: tuple[Part, ...]
    source: Source


BEFORE = """\
Think before you answer. Work on the problem step by step, try your ideas out, and correct what turns out wrong. \
Think in the language of the question. Then write the answer for a reader who has not seen your thoughts: complete, \
in the language of the question, in Markdown.

Keep to this form:
"""
THOUGHT = "Your thoughts, as long a draft as the problem takes."
AFTER = "Your answer, complete in itself."


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


def word_prompt(markers: tuple[str, str] | None) -> ReasoningPrompt:
    """A reasoning prompt in the app's own words."""
    if markers is None:
        text = f"{BEFORE}<think>\n{THOUGHT}\n</think>\n{AFTER}\n\nThe problem:\n\n"
        return ReasoningPrompt((Part(Kind.TEXT, text),), Source.OURS)
    parts = (Part(Kind.TEXT, BEFORE), Part(Kind.REASONING, THOUGHT), Part(Kind.TEXT, AFTER))
    return ReasoningPrompt(parts, Source.OURS)
