"""A chat as one model's token ids: what every layout has in common.

Control tokens are looked up and added by hand, everything a person wrote is encoded as plain text, each
text by itself, and what a model wrote stays the ids that it wrote.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import ModelBroken
from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.core.releases import Release, Thinking
from app.core.text import _
from app.worker.reasoning_prompt import Source
from app.worker.tokens import Tokens

CUT_SHORT = "I have thought about this for long enough. I will give my answer now."
"""The model's last words in a thought that the app closes."""
OPEN, CLOSE = "[THINK]", "[/THINK]"
THOUGHT = frozenset({Kind.REASONING, Kind.INJECTED, Kind.STEER})
"""The parts of an answer that leave with its thought."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The ids of a prompt, and where in them a stretch ends that other chats may share."""

    ids: list[int]
    shared: tuple[int, ...] = ()
    """Increasing: behind the system prompt, behind the documents of the first question."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The ids around a thought."""

    opening: tuple[int, ...]
    """What the app opens a thought with; empty where the model opens its thoughts itself."""
    closing: tuple[int, ...]
    """What the app closes a thought with that it cuts: a short sentence, then the model's own marker."""
    open_id: int | None = None
    close_id: int | None = None
    before: tuple[int, ...] = ()
    """What stands before an earlier thought whose ids are not known."""
    after: tuple[int, ...] = ()


class Layout:
    """Turns of a chat into one model's prompt."""

    END = ""
    """The control token that ends a turn, should the model's files name none."""

    def __init__(self, tokens: Tokens, kind: Release, marks: Marks) -> None:
        self.tokens, self.release, self.marks = tokens, kind, marks
        self.stops = tokens.stops | ({self.id(self.END)} if self.END else set())

    def build(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """The prompt, up to where the model speaks; `keep_thoughts` None is the release's own choice."""
        raise NotImplementedError

    def lead(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """The beginning of every prompt that goes on from these turns.

        Behind an answer it ends with that turn's end; a last question of documents alone is left open.
        """
        raise NotImplementedError

    @property
    def reasoning_prompt_source(self) -> Source:
        """Where the words come from that make the model think."""
        return Source.NONE

    @property
    def thinking(self) -> Thinking | None:
        """How the model marks its thoughts; None where it has none."""
        return self.release.thinking

    def id(self, name: str) -> int:
        """The id of a control token that the layout cannot do without."""
        found = self.tokens.id(name)
        if found is None:
            raise lacking(name)
        return found

    def steer(self, text: str) -> list[int]:
        """The user's correction inside a running thought, on lines of its own."""
        words = text.strip("\r\n")
        return self.tokens.encode(f"\n\n{words}\n\n")

    def overhead(self) -> tuple[int, int]:
        """Tokens of a prompt with an empty question, and those that an answer and a further question add."""
        question, answer = Turn(Role.USER, []), Turn(Role.ASSISTANT, [])
        empty = len(self.build([question], "", thinking=True).ids)
        return empty, len(self.build([question, answer, question], "", thinking=True).ids) - empty

    def document_ids(self, turn: Turn) -> list[int]:
        """A question's documents, which stand before its words."""
        documents = (part for part in turn.parts if part.kind is Kind.DOCUMENT)
        return [token for part in documents for token in part.ids or self.tokens.encode(fence(part))]

    def word_ids(self, turn: Turn) -> list[int]:
        """A question's own words."""
        words = (part for part in turn.parts if part.kind is not Kind.DOCUMENT)
        return [token for part in words for token in part.ids or self.tokens.encode(part.text)]

    def answer_ids(self, turn: Turn, *, keep: bool) -> list[int]:
        """An answer, with or without its thought: the stored ids where there are any."""
        parts = [part for part in turn.parts if part.kind is Kind.TEXT or (keep and part.kind in THOUGHT)]
        if any(part.ids for part in parts if part.kind in THOUGHT):
            return self._stream_ids(parts)
        ids: list[int] = []
        last: Kind | None = None
        for part in parts:
            if part.kind is Kind.INJECTED:  # the release's own marks stand for it
                continue
            inside = last is not None and last is not Kind.TEXT
            again = last is part.kind is Kind.REASONING  # two thoughts, for one would be one part
            if inside and (again or part.kind is Kind.TEXT):
                ids += self.marks.after
            if part.kind is not Kind.TEXT and (again or not inside):
                ids += self.marks.before
            ids += self.steer(part.text) if part.kind is Kind.STEER else part.ids or self.tokens.encode(part.text)
            last = part.kind
        return ids if last in (None, Kind.TEXT) else [*ids, *self.marks.after]

    def _stream_ids(self, parts: list[Part]) -> list[int]:
        """The model's own stream, which the ids of all parts give in order.

        Of an answer that was divided anew when its thought turned out to have ended, the thought has the
        ids of all of it: words without ids that they end with are there already.
        """
        ids: list[int] = []
        for part in parts:
            if part.ids:
                ids += part.ids
            elif part.kind is Kind.STEER:
                ids += self.steer(part.text)
            elif part.kind is not Kind.INJECTED and not self.tokens.decode(ids).rstrip().endswith(part.text.strip()):
                ids += self.tokens.encode(part.text)
        return ids

    def _keeps(self, keep_thoughts: bool | None) -> bool:  # noqa: FBT001 - one value with three states
        return self.release.keeps_thoughts if keep_thoughts is None else keep_thoughts


class SequentialLayout(Layout):
    """A layout in which a turn never looks at the turns behind it."""

    def head(self, instructions: str, *, thinking: bool) -> list[int]:
        """What stands before the first turn."""
        raise NotImplementedError

    def open_turn(self, role: Role) -> list[int]:
        """What stands before a turn's own ids."""
        raise NotImplementedError

    def close_turn(self, role: Role) -> list[int]:
        """What stands behind a turn's own ids."""
        raise NotImplementedError

    def speak(self) -> list[int]:
        """What lets the model speak."""
        return []

    def build(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """One turn after the other, each under its own marks."""
        head = self.head(instructions, thinking=thinking)
        whole = self.lay(head, turns, keep=self._keeps(keep_thoughts))
        return Prompt([*whole.ids, *self.speak()], whole.shared)

    def lead(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """The same turns, without the model's word."""
        last = turns[-1] if turns else None
        if last and last.role is Role.USER and has_words(last):
            return self.build(turns, instructions, thinking=thinking, keep_thoughts=keep_thoughts)
        head = self.head(instructions, thinking=thinking)
        return self.lay(head, turns, keep=self._keeps(keep_thoughts), open_end=True)

    def lay(self, head: list[int], turns: Sequence[Turn], *, keep: bool, open_end: bool = False) -> Prompt:
        """A head and the turns behind it; `open_end` leaves a last question unclosed."""
        ids = list(head)
        shared = [len(ids)] if len(ids) > 1 else []
        for at, turn in enumerate(turns):
            ids += self.open_turn(turn.role)
            if turn.role is Role.USER:
                documents = self.document_ids(turn)
                ids += documents
                if documents and at == 0:
                    shared.append(len(ids))
                ids += self.word_ids(turn)
                if open_end and at == len(turns) - 1:
                    break
            else:
                ids += self.answer_ids(turn, keep=keep)
            ids += self.close_turn(turn.role)
        return Prompt(ids, tuple(shared))


def has_words(turn: Turn) -> bool:
    """Whether a question is more than its documents."""
    return any(part.text or part.ids for part in turn.parts if part.kind is not Kind.DOCUMENT)


def fence(part: Part) -> str:
    """A document between fences that are longer than any of its own."""
    longest = max((len(run) for run in re.findall("`+", part.text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{part.name}:\n{marks}\n{part.text}\n{marks}\n\n"


def control_marks(tokens: Tokens) -> Marks | None:
    """The marks of a model that has control tokens for a thought; None where its vocabulary has none."""
    open_id, close_id = tokens.id(OPEN), tokens.id(CLOSE)
    if open_id is None or close_id is None:
        return None
    closing = (*tokens.encode(f"\n\n{CUT_SHORT}"), close_id)
    return Marks((), closing, open_id, close_id, before=(open_id,), after=(close_id,))


def tag_marks(tokens: Tokens, *, opening: tuple[int, ...] = (), blank: str = "\n") -> Marks:
    """The marks of a model that writes <think> and </think>, as one token each where the vocabulary has them so.

    `blank` is what stands between the closing tag and the answer.
    """
    encode = tokens.encode
    if tokens.id("<think>") is not None and tokens.id("</think>") is not None:
        encode = tokens.encode_template
    before, after = encode("<think>\n"), encode(f"\n</think>{blank}")
    closing = [*tokens.encode(f"\n\n{CUT_SHORT}"), *after]
    return Marks(opening, tuple(closing), before=tuple(before), after=tuple(after))


def lacking(name: str) -> ModelBroken:
    """The refusal of a model whose vocabulary has not all that its layout needs."""
    return ModelBroken(
        _("This model's vocabulary has no token {name}, which its chat layout needs.").format(name=name),
        _("Its tokenizer.json is not the one it was trained with. Download the model again, or choose another."),
        "model.choose",
    )
