"""What is asked in a benchmark: documents of a wanted length, questions, and the ids that they become."""

import argparse
import random
from pathlib import Path

from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.worker.layout import choose_layout
from app.worker.tokens import Tokens

PLACES = ("Ashford", "Bellmoor", "Carrow", "Dunmere", "Elverton", "Fosswick", "Garside", "Holmby")
PEOPLE = ("the clerk", "the surveyor", "Mrs Arden", "Mr Pell", "the miller", "the council", "the engineer")
DEEDS = ("repaired", "measured", "sold", "inspected", "closed", "extended", "painted", "mapped")
THINGS = ("the stone bridge", "the weir", "the market hall", "the old kiln", "the north road", "the water tower")
REASONS = ("because the spring flood had moved its piers", "as the law of that year asked", "at the cost of the parish")
QUESTIONS = (
    "Which of the works named here cost the most?",
    "Who is named first, and what did they do?",
    "What happened at the water tower?",
    "Say in one sentence what this is about.",
    "Which place is named most often?",
    "Was anything closed, and if so why?",
    "What would you ask the surveyor?",
    "Name two things that were repaired.",
)


def add_document_option(parser: argparse.ArgumentParser) -> None:
    """Other text than the made one."""
    parser.add_argument("--document", type=Path, help="a text file to take the documents from")


class Material:
    """Documents and prompts of one model; `source` is a file to take text from."""

    def __init__(self, folder: Path, source: Path | None = None) -> None:
        self.tokens = Tokens(folder)
        self.layout = choose_layout(self.tokens, folder)
        self._source = self.tokens.encode(source.read_text(encoding="utf-8")) if source else []

    def document(self, tokens: int, number: int) -> Part:
        """A document of about so many tokens; another number is another document."""
        if self._source:
            at = number * tokens % len(self._source)
            ids = (self._source[at:] + self._source * (1 + tokens // len(self._source)))[:tokens]
        else:
            ids = self.tokens.encode(annals(number, tokens * 8))[:tokens]
        return Part(Kind.DOCUMENT, self.tokens.decode(ids), name=f"report {number}.txt")

    def prompt(self, turns: list[Turn], *, thinking: bool = False, keep_thoughts: bool | None = None) -> list[int]:
        """The ids of a prompt, up to where the model speaks."""
        return self.layout.build(turns, "", thinking=thinking, keep_thoughts=keep_thoughts).ids

    def known(self, turns: list[Turn], *, thinking: bool = False, keep_thoughts: bool | None = None) -> list[int]:
        """The ids that the prompt of a next question begins with."""
        return self.layout.lead(turns, "", thinking=thinking, keep_thoughts=keep_thoughts).ids


def ask(text: str, *documents: Part) -> Turn:
    """A question with its documents."""
    return Turn(Role.USER, [*documents, Part(Kind.TEXT, text)])


def question(number: int) -> str:
    """One question after the other; later rounds differ in their first word already."""
    text = QUESTIONS[number % len(QUESTIONS)]
    return text if number < len(QUESTIONS) else f"{number}: {text}"


def annals(number: int, characters: int) -> str:
    """Plain prose without repeats of any length: what happened in a valley, year by year."""
    draw = random.Random(number)
    text = f"Annals of the valley, volume {number + 1}.\n"
    year = 1700 + draw.randrange(90)
    while len(text) < characters:
        who, what, where = draw.choice(PEOPLE), draw.choice(THINGS), draw.choice(PLACES)
        text += f"In {year} {who} {draw.choice(DEEDS)} {what} at {where} {draw.choice(REASONS)}, "
        text += f"for {draw.randrange(3, 900)} pounds and {draw.randrange(2, 60)} days of work. "
        year += draw.randrange(3)
    return text
