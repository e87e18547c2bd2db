"""The layout of Mistral's models: Magistral Small 2506, 2507 and 2509, Ministral 3, Mistral Small.

Source: the model cards. Tested against mistral-common, token for token.
"""

from collections.abc import Sequence
from pathlib import Path

from app.core.messages import Kind, Part, Role
from app.core.protocol import Turn
from app.core.releases import Thinking, release
from app.worker.prompt import CLOSE, OPEN, Prompt, SequentialLayout, control_marks, lacking, tag_marks
from app.worker.reasoning_prompt import ReasoningPrompt, Source, choose_prompt, find_own_prompt
from app.worker.rendering import find_template
from app.worker.tokens import Tokens, read_json

TAG = "<think>"
SYSTEM, END_SYSTEM = "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]"
V11 = ("[ARGS]", "[CALL_ID]")
"""Control tokens that came with the vocabulary of Magistral Small 2506."""


class MistralLayout(SequentialLayout):
    """`<s>[SYSTEM_PROMPT]…[/SYSTEM_PROMPT][INST]…[/INST]…</s>`, thoughts between control tokens or tags."""

    END = "</s>"
    NEEDED = ("<s>", "</s>", "[INST]", "[/INST]", SYSTEM, END_SYSTEM)
    OWN = (SYSTEM, END_SYSTEM, OPEN, CLOSE)
    """One of these is enough to tell the family; models before it have none of them."""

    def __init__(self, tokens: Tokens, folder: Path, data: Path | None = None) -> None:
        own = find_own_prompt(folder, SYSTEM, END_SYSTEM)
        key = _recognise(tokens, folder, own[0])
        tagged = key == "magistral-1.0"
        marks = (None if tagged else control_marks(tokens)) or tag_marks(tokens)
        super().__init__(tokens, release(key), marks)
        self.reasoning_prompt = self._choose_prompt(own, data)

    @property
    def reasoning_prompt_source(self) -> Source:
        """Where the words come from that make the model think."""
        return self.reasoning_prompt.source

    @property
    def thinking(self) -> Thinking | None:
        """The release's way; a model without a reasoning prompt answers at once."""
        return None if self.reasoning_prompt_source is Source.NONE else self.release.thinking

    def build_from(self, system: Sequence[Part], turns: Sequence[Turn], *, keep_thoughts: bool | None = None) -> Prompt:
        """The prompt with a system prompt of these texts and thoughts, each encoded by itself."""
        return self.lay(self.system_ids(system), turns, keep=self._keeps(keep_thoughts))

    def head(self, instructions: str, *, thinking: bool) -> list[int]:
        """The reasoning prompt and the user's own words; without the former this family answers without a thought."""
        return self.system_ids(self._join(self.reasoning_prompt.parts if thinking else (), instructions))

    def system_ids(self, system: Sequence[Part]) -> list[int]:
        """The beginning of a prompt; without any part there is no system turn."""
        ids = [self.id("<s>")]
        if not system:
            return ids
        ids.append(self.id(SYSTEM))
        for part in system:
            words = self.tokens.encode(part.text)
            ids += [*self.marks.before, *words, *self.marks.after] if part.kind is Kind.REASONING else words
        return [*ids, self.id(END_SYSTEM)]

    def open_turn(self, role: Role) -> list[int]:
        """An answer follows its question without a mark."""
        return [self.id("[INST]")] if role is Role.USER else []

    def close_turn(self, role: Role) -> list[int]:
        """The question's closing mark, or the answer's end."""
        return [self.id("[/INST]") if role is Role.USER else self.id("</s>")]

    def _join(self, reasoning: Sequence[Part], instructions: str) -> Sequence[Part]:
        """Both as the release has them: 2506 takes the user's words first, the later ones behind its own."""
        if not (reasoning and instructions):
            return reasoning or ([Part(Kind.TEXT, instructions)] if instructions else [])
        if self.release.thinking is Thinking.TAGS:
            first, *rest = reasoning
            return [Part(Kind.TEXT, f"{instructions}\n\n{first.text}"), *rest]
        *rest, last = reasoning
        if last.kind is not Kind.TEXT:
            return [*reasoning, Part(Kind.TEXT, f"\n\n{instructions}")]
        return [*rest, Part(Kind.TEXT, f"{last.text}\n\n{instructions}")]

    def _choose_prompt(self, own: tuple[str, Source], data: Path | None) -> ReasoningPrompt:
        if self.release.key == "chat":
            return ReasoningPrompt((), Source.NONE)
        markers = (OPEN, CLOSE) if self.release.thinking is Thinking.CONTROL else None
        return choose_prompt(own, self.release.key, markers, data)


def _recognise(tokens: Tokens, folder: Path, own: str) -> str:
    """The key of the release that vocabulary, own prompt, template and configuration show.

    Raises ModelBroken where the vocabulary lacks a token of the layout, or the marker of the model's own prompt.
    """
    marked = OPEN in own or any(tokens.id(name) is not None for name in (OPEN, CLOSE))
    for name in (*MistralLayout.NEEDED, *((OPEN, CLOSE) if marked else ())):
        if tokens.id(name) is None:
            raise lacking(name)
    if own and OPEN not in own:
        return "magistral-1.0" if TAG in own else "chat"
    if marked:
        return "ministral-3" if _is_ministral(folder) else "magistral"
    template = find_template(folder)
    tagged = template is None or TAG in template.source
    return "magistral-1.0" if tagged and all(tokens.id(name) is not None for name in V11) else "chat"


def _is_ministral(folder: Path) -> bool:
    config = read_json(folder / "config.json")
    inner = config.get("text_config")
    kinds = {config.get("model_type"), inner.get("model_type") if isinstance(inner, dict) else None}
    return "ministral3" in kinds
