"""The layout of any other chat model: its own chat template, with no text of a person's in it.

The template is rendered with a placeholder for every text. What stands between the placeholders are the
template's own words, in which control tokens are what they spell; the texts are encoded as plain text and
put between them. A text is never trimmed or rewritten, whatever the template would do to it.

A template that changes a placeholder (writes it in capitals, shows only the beginning) is rendered with
the texts themselves, and refused where one of them then gives a control token.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from app.core.errors import ModelBroken
from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.core.reasoning import OPENING
from app.core.releases import Thinking, release
from app.core.text import _
from app.worker.prompt import Layout, Prompt, control_marks, fence, has_words, tag_marks
from app.worker.rendering import ChatTemplate, Unrenderable
from app.worker.tokens import Tokens

PLACE = "lemmaPlace{at}Holderz"
_FIND_PLACES = re.compile(r"lemmaPlace(\d+)Holderz")
_FIND_OPENED = re.compile(r"<think>\s*\Z")
_FIND_CONTROL = re.compile(r"<\|[^<>|\s]+\|>|\[/?[A-Z][A-Z_]+\]")
JOINT = "\n\n"
"""Between two turns of one role, which most templates refuse."""
PROBES = ("?", "7")
"""Two questions that begin differently."""


class TemplateLayout(Layout):
    """Turns laid out by the model's own template; raises ModelBroken where it does not work at all."""

    def __init__(self, tokens: Tokens, template: ChatTemplate) -> None:
        self._template = template
        self._pieces = lru_cache(maxsize=64)(self._find_pieces)
        self._takes_system = self._find_out_about_system()
        opened = _FIND_OPENED.search(self._render([("user", "?")], thinking=True))
        self._opened = opened[0] if opened else ""
        opening = tuple(tokens.encode_template(self._opened))
        marks = control_marks(tokens) or tag_marks(tokens, opening=opening, blank="\n\n")
        super().__init__(tokens, release("chat"), marks)
        self.stops |= self._find_stops()

    @property
    def thinking(self) -> Thinking | None:
        """Its markers, where the template or the vocabulary has any."""
        if self.marks.open_id is not None:
            return Thinking.CONTROL
        tagged = OPENING in self._template.source or self.tokens.id(OPENING) is not None
        return Thinking.TAGS if tagged else None

    @property
    def rewrites(self) -> bool:
        """Whether the template changes what is said, so that texts with control words in them are refused."""
        return self._pieces(("user",), False, True) is None

    @property
    def foreign_words(self) -> list[str]:
        """What looks like control tokens in the template's own words and is none of this vocabulary."""
        pieces = self._pieces(("user", "assistant", "user"), False, True) or []
        return [word for piece in pieces for word in _FIND_CONTROL.findall(piece) if self.tokens.id(word) is None]

    def build(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """The template's words with the turns' own ids between them."""
        keep = self._keeps(keep_thoughts)
        groups = _group(turns)
        pieces = self._pieces(_roles(groups), bool(instructions), thinking)
        if pieces is None:
            ids = self._render_texts(groups, instructions, thinking=thinking, keep=keep)
            return Prompt(self._open_or_close(ids, thinking=thinking))
        whole = self._fill(pieces, groups, instructions, keep=keep)
        return Prompt(self._open_or_close(whole.ids, thinking=thinking), whole.shared)

    def lead(
        self, turns: Sequence[Turn], instructions: str, *, thinking: bool, keep_thoughts: bool | None = None
    ) -> Prompt:
        """What is the same whatever is asked next."""
        last = turns[-1] if turns else None
        if last and last.role is Role.USER and has_words(last):
            return self.build(turns, instructions, thinking=thinking, keep_thoughts=keep_thoughts)
        keep = self._keeps(keep_thoughts)
        ask = [*turns] if last and last.role is Role.USER else [*turns, Turn(Role.USER, [])]
        groups = _group(ask)
        pieces = self._pieces(_roles(groups), bool(instructions), thinking)
        if pieces is None:
            return self._compare(ask, instructions, thinking=thinking, keep=keep)
        open_end = self._fill(pieces[:-1], groups, instructions, keep=keep)
        if ask[-1].parts:
            return open_end
        return _cut(open_end, self.stops, since=len(self._fill(pieces[:-2], groups, instructions, keep=keep).ids))

    def _fill(self, pieces: Sequence[str], groups: list[list[Turn]], instructions: str, *, keep: bool) -> Prompt:
        """Template words and texts in turn, from the first piece on, each text behind its piece."""
        ids: list[int] = []
        shared: list[int] = []
        alone = bool(instructions) and self._takes_system
        slots: list[list[Turn] | None] = [*([None] if alone else []), *groups]
        for at, piece in enumerate(pieces):
            ids += self.tokens.encode_template(piece)
            if at == len(slots):
                break
            group = slots[at]
            if group is None:
                ids += self.tokens.encode(instructions)
                continue
            if at == int(alone):
                if instructions and not alone:
                    ids += self.tokens.encode(instructions + JOINT)
                shared.append(len(ids))
                documents = self.document_ids(group[0]) if group[0].role is Role.USER else []
                shared += [len(ids) + len(documents)] if documents else []
            for number, turn in enumerate(group):
                ids += self.tokens.encode(JOINT) if number else []
                ids += self._turn_ids(turn, keep=keep)
        return Prompt(ids, tuple(each for each in shared if each > 1))

    def _turn_ids(self, turn: Turn, *, keep: bool) -> list[int]:
        if turn.role is Role.USER:
            return [*self.document_ids(turn), *self.word_ids(turn)]
        return self.answer_ids(turn, keep=keep)

    def _find_pieces(self, roles: tuple[str, ...], instructed: bool, thinking: bool) -> list[str] | None:  # noqa: FBT001 - keys of a cache
        """The template's words before, between and behind the texts; None where it changes a text."""
        lead = ["system"] if instructed and self._takes_system else []
        names = [*lead, *roles]
        rendered = self._render([(role, PLACE.format(at=at)) for at, role in enumerate(names)], thinking=thinking)
        if _FIND_PLACES.findall(rendered) != [str(at) for at in range(len(names))]:
            return None
        return _FIND_PLACES.split(rendered)[::2]

    def _render(self, chat: list[tuple[str, str]], *, thinking: bool) -> str:
        messages = [{"role": role, "content": text} for role, text in chat]
        try:
            return self._template.render(
                messages, speak=True, enable_thinking=thinking, reasoning_effort="high" if thinking else "none"
            )
        except Unrenderable as error:
            raise ModelBroken(
                _("This model's chat template does not accept the chat: {why}.").format(why=str(error).rstrip(".")),
                _("Start a new chat, or choose another model."),
                "model.choose",
            ) from error

    def _open_or_close(self, ids: list[int], *, thinking: bool) -> list[int]:
        """A prompt whose template opens the thought: the app does that itself, or closes it where none is wanted."""
        opening = list(self.marks.opening)
        if not opening or ids[-len(opening) :] != opening:
            return ids
        return ids[: -len(opening)] if thinking else [*ids, *self.marks.after]

    def _render_texts(self, groups: list[list[Turn]], instructions: str, *, thinking: bool, keep: bool) -> list[int]:
        """The template with the texts themselves in it.

        Raises ModelBroken where that has other control tokens than a chat of harmless texts has.
        """
        rendered, harmless = (
            self._render(self._write(groups, instructions, keep=keep, harmless=harmless), thinking=thinking)
            for harmless in (False, True)
        )
        spelled, expected = self.tokens.spelled(rendered), self.tokens.spelled(harmless)
        if spelled != expected:
            strange = next(iter(Counter(spelled) - Counter(expected)), next(iter(spelled), ""))
            raise ModelBroken(
                _("This model cannot be given a text that has {name} in it.").format(name=strange),
                _("For this model it is a control word. Change the text, or choose another model."),
                "model.choose",
            )
        return self.tokens.encode_template(rendered)

    def _write(
        self, groups: list[list[Turn]], instructions: str, *, keep: bool, harmless: bool
    ) -> list[tuple[str, str]]:
        """The chat as roles and texts."""
        said = PLACE.format(at=0) if instructions and harmless else instructions
        chat = [
            (group[0].role.value, JOINT.join(self._text(turn, keep=keep, harmless=harmless) for turn in group))
            for group in groups
        ]
        if said and self._takes_system:
            return [("system", said), *chat]
        if said and chat:
            chat[0] = (chat[0][0], said + JOINT + chat[0][1])
        return chat

    def _text(self, turn: Turn, *, keep: bool, harmless: bool) -> str:
        """A turn as one text, its thought between the model's marks; a `harmless` one says nothing."""
        place = PLACE.format(at=0)
        documents = "".join(fence(part) for part in turn.parts if part.kind is Kind.DOCUMENT)
        words = "".join(part.text for part in turn.parts if part.kind is Kind.TEXT)
        thought = "".join(
            f"\n\n{part.text.strip()}\n\n" if part.kind is Kind.STEER else part.text
            for part in turn.parts
            if part.kind in (Kind.REASONING, Kind.STEER)
        )
        if harmless:
            documents, words, thought = "", words and place, thought and place
        if not (keep and thought):
            return documents + words
        before, after = (self.tokens.decode(ids) for ids in (self.marks.before, self.marks.after))
        return before + thought + after + words

    def _compare(self, ask: list[Turn], instructions: str, *, thinking: bool, keep: bool) -> Prompt:
        """What two different next questions have in common, up to a control token."""
        first, second = (
            self._render_texts(
                _group([*ask[:-1], Turn(Role.USER, [*ask[-1].parts, Part(Kind.TEXT, probe)])]),
                instructions,
                thinking=thinking,
                keep=keep,
            )
            for probe in PROBES
        )
        same = next((at for at, (one, other) in enumerate(zip(first, second, strict=False)) if one != other), 0)
        return _cut(Prompt(first[:same]), self.stops, since=0, otherwise=0)

    def _find_out_about_system(self) -> bool:
        """Whether the template shows a system message rather than refuse or forget it."""
        try:
            one, other = (
                self._render([("system", PLACE.format(at=at)), ("user", "?")], thinking=True) for at in range(2)
            )
        except ModelBroken:
            return False
        return one != other

    def _find_stops(self) -> frozenset[int]:
        """The control token behind an answer, which ends it also where no other file says so."""
        pieces = self._pieces(("user", "assistant", "user"), False, True)
        behind = pieces[2].lstrip() if pieces else ""
        ids = self.tokens.encode_template(behind) if behind else []
        return frozenset(ids[:1]) if self.tokens.spelled(self.tokens.decode(ids[:1])) else frozenset()


def _group(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Turns of one role that follow one another, together."""
    groups: list[list[Turn]] = []
    for turn in turns:
        if groups and groups[-1][-1].role is turn.role:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return groups


def _roles(groups: list[list[Turn]]) -> tuple[str, ...]:
    return tuple(group[0].role.value for group in groups)


def _cut(prompt: Prompt, stops: frozenset[int], *, since: int, otherwise: int | None = None) -> Prompt:
    """A prompt up to its last turn's end, should that stand behind `since`; else up to `otherwise`, or all of it."""
    end = next((at + 1 for at in range(len(prompt.ids) - 1, since - 1, -1) if prompt.ids[at] in stops), otherwise)
    if end is None:
        return prompt
    return Prompt(prompt.ids[:end], tuple(at for at in prompt.shared if at <= end))
