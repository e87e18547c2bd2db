"""How a model wants a chat laid out in token ids, and how it marks its thought.

A layout is chosen by what is in the model's vocabulary, never by its name. Prompts are built from ids:
control tokens are looked up and added by hand, everything a person wrote is encoded as plain text.
Structure of the layouts: the model cards of Magistral Small (2506, 2507, 2509) and of SmolLM2.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.core.errors import ModelBroken
from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.core.releases import Release, release
from app.core.text import _
from app.worker.tokens import Tokens, read_json

SYSTEM_PROMPT = "SYSTEM_PROMPT.txt"
STARTER_MARK = "lemma_starter"
"""Key that worker/starter.py writes into the configuration of the folder it builds."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids around a thought. `opening` is empty where the model opens its thoughts itself."""

    opening: tuple[int, ...]
    closing: tuple[int, ...]
    open_id: int | None = None
    close_id: int | None = None


class Layout:
    """Turns of a chat into one model's prompt."""

    END = ""
    """The control token that ends a turn, should the model's files name none."""

    def __init__(self, tokens: Tokens, kind: Release, marks: Marks) -> None:
        self.tokens, self.release, self.marks = tokens, kind, marks
        self.stops = tokens.stops | {self.id(self.END)}

    def build(self, turns: list[Turn], instructions: str, *, thinking: bool) -> list[int]:
        """The prompt's ids, up to where the model speaks."""
        raise NotImplementedError

    def id(self, name: str) -> int:
        """The id of a control token that the layout cannot do without."""
        found = self.tokens.id(name)
        if found is None:
            raise _unknown()
        return found

    def overhead(self) -> tuple[int, int]:
        """Tokens of a prompt with an empty question, and those that an answer and a further question add."""
        question, answer = Turn(Role.USER, []), Turn(Role.ASSISTANT, [])
        empty = len(self.build([question], "", thinking=True))
        return empty, len(self.build([question, answer, question], "", thinking=True)) - empty

    def text_ids(self, turn: Turn) -> list[int]:
        """A turn's own ids: documents first, the stored ids of an answer as they were generated."""
        parts = [part for part in turn.parts if self._belongs(turn, part)]
        parts.sort(key=lambda part: part.kind is not Kind.DOCUMENT)
        ids: list[int] = []
        for part in parts:
            ids += part.ids or self.tokens.encode(_fence(part) if part.kind is Kind.DOCUMENT else part.text)
        return ids

    def _belongs(self, turn: Turn, part: Part) -> bool:
        return turn.role is Role.USER or self.release.keeps_thoughts or part.kind is Kind.TEXT


class MistralLayout(Layout):
    """`<s>[SYSTEM_PROMPT]…[/SYSTEM_PROMPT][INST]…[/INST]…</s>`, thoughts between control tokens or tags."""

    END = "</s>"
    NEEDED = ("<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]")

    def __init__(self, tokens: Tokens, folder: Path) -> None:
        open_id, close_id = tokens.id("[THINK]"), tokens.id("[/THINK]")
        if open_id is not None and close_id is not None:
            kind = release("magistral")
            marks = Marks((), (close_id,), open_id, close_id)
        else:
            kind = release("magistral-1.0")
            marks = Marks((), _tag_closing(tokens))
        super().__init__(tokens, kind, marks)
        self._reasoning_prompt = self._encode_reasoning_prompt(folder)

    def build(self, turns: list[Turn], instructions: str, *, thinking: bool) -> list[int]:
        """Leaving the reasoning prompt out is this family's switch for answers without a thought."""
        system = list(self._reasoning_prompt) if thinking else []
        if instructions:
            system += self.tokens.encode("\n\n" + instructions if system else instructions)
        ids = [self.id("<s>")]
        if system:
            ids += [self.id("[SYSTEM_PROMPT]"), *system, self.id("[/SYSTEM_PROMPT]")]
        for turn in turns:
            if turn.role is Role.USER:
                ids += [self.id("[INST]"), *self.text_ids(turn), self.id("[/INST]")]
            else:
                ids += [*self.text_ids(turn), self.id("</s>")]
        return ids

    def _encode_reasoning_prompt(self, folder: Path) -> list[int]:
        """The model's own reasoning prompt, from the file that official repositories carry."""
        try:
            text = (folder / SYSTEM_PROMPT).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        if self.marks.open_id is None or self.marks.close_id is None:
            return self.tokens.encode(text)
        ids: list[int] = []
        for position, stretch in enumerate(text.split("[THINK]")):
            if position:
                ids.append(self.marks.open_id)
            inside, closed, after = stretch.partition("[/THINK]")
            ids += self.tokens.encode(inside) if inside else []
            if closed:
                ids += [self.marks.close_id, *(self.tokens.encode(after) if after else [])]
        return ids


class ChatMLLayout(Layout):
    """`<|im_start|>role … <|im_end|>`, as the starter and many others were trained.

    The starter does not reason by itself: its thought is opened and closed with plain words that it
    knows how to continue.
    """

    END = "<|im_end|>"
    NEEDED = ("<|im_start|>", "<|im_end|>")
    SYSTEM = "You are a helpful assistant."
    OPENING = "First, let me think about what is asked here."
    CLOSING = "\n\nSo, to answer your question:"

    def __init__(self, tokens: Tokens, folder: Path) -> None:
        if read_json(folder / "config.json").get(STARTER_MARK):
            marks = Marks(tuple(tokens.encode(self.OPENING)), tuple(tokens.encode(self.CLOSING)))
            super().__init__(tokens, release("starter"), marks)
        else:
            super().__init__(tokens, release("chat"), Marks((), _tag_closing(tokens)))
        self._start, self._end = self.id("<|im_start|>"), self.id("<|im_end|>")

    def build(self, turns: list[Turn], instructions: str, *, thinking: bool) -> list[int]:
        """Every turn under its role's name; the last line leaves the assistant to speak."""
        ids = self._turn("system", self.tokens.encode(instructions or self.SYSTEM))
        for turn in turns:
            ids += self._turn(turn.role.value, self.text_ids(turn))
        return [*ids, self._start, *self.tokens.encode("assistant\n")]

    def _turn(self, role: str, body: Iterable[int]) -> list[int]:
        encode = self.tokens.encode
        return [self._start, *encode(f"{role}\n"), *body, self._end, *encode("\n")]


def choose_layout(tokens: Tokens, folder: Path) -> Layout:
    """The layout that the vocabulary shows; raises ModelBroken where it shows none that is known."""
    if all(tokens.id(name) is not None for name in MistralLayout.NEEDED):
        return MistralLayout(tokens, folder)
    if all(tokens.id(name) is not None for name in ChatMLLayout.NEEDED):
        return ChatMLLayout(tokens, folder)
    raise _unknown()


def _fence(part: Part) -> str:
    """A document between fences that are longer than any of its own."""
    longest = max((len(run) for run in re.findall("`+", part.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{part.name}:\n{fence}\n{part.text}\n{fence}\n\n"


def _tag_closing(tokens: Tokens) -> tuple[int, ...]:
    """The closing tag on a line of its own, as one token where the vocabulary has it as one."""
    tag = tokens.id("</think>")
    if tag is None:
        return tuple(tokens.encode("\n</think>\n"))
    return (*tokens.encode("\n"), tag, *tokens.encode("\n"))


def _unknown() -> ModelBroken:
    return ModelBroken(
        _("This model's chat layout is not known to the app."),
        _("Choose a Magistral Small, Mistral Small or SmolLM2 model in MLX form."),
        "model.choose",
    )
