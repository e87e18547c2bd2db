"""The layout of the starter, and of models with its control tokens that bring no chat template.

Source: the chat template on the model card of SmolLM2-135M-Instruct.
"""

from pathlib import Path

from app.core.messages import Role
from app.core.reasoning import OPENING
from app.core.releases import Thinking, release
from app.worker.prompt import Marks, SequentialLayout, tag_marks
from app.worker.tokens import Tokens, read_json

STARTER_MARK = "lemma_starter"
"""Key that worker/starter.py writes into the configuration of the folder it builds."""


class ChatMLLayout(SequentialLayout):
    """`<|im_start|>role … <|im_end|>`.

    The starter does not reason by itself: its thought is opened and closed with plain words that it
    knows how to continue.
    """

    END = "<|im_end|>"
    NEEDED = ("<|im_start|>", "<|im_end|>")
    SYSTEM = "You are a helpful assistant."
    OPENING = "First, let me think about what is asked here."
    CLOSING = "\n\nSo, to answer your question:"

    def __init__(self, tokens: Tokens, folder: Path) -> None:
        if is_starter(folder):
            opening, closing = tuple(tokens.encode(self.OPENING)), tuple(tokens.encode(self.CLOSING))
            super().__init__(tokens, release("starter"), Marks(opening, closing, before=opening, after=closing))
        else:
            super().__init__(tokens, release("chat"), tag_marks(tokens))
        self._start, self._end = self.id("<|im_start|>"), self.id("<|im_end|>")

    @property
    def thinking(self) -> Thinking | None:
        """Another model than the starter thinks where its vocabulary has a word for it."""
        if self.release.key == "starter" or self.tokens.id(OPENING) is not None:
            return self.release.thinking
        return None

    def head(self, instructions: str, *, thinking: bool) -> list[int]:
        """The user's instructions, else the sentence that the starter was trained with."""
        words = self.tokens.encode(instructions or self.SYSTEM)
        return [self._start, *self.tokens.encode("system\n"), *words, self._end]

    def open_turn(self, role: Role) -> list[int]:
        """A role's name; the line break before it belongs to no turn."""
        encode = self.tokens.encode
        return [*encode("\n"), self._start, *encode(f"{role.value}\n")]

    def close_turn(self, role: Role) -> list[int]:
        """The end of a turn."""
        return [self._end]

    def speak(self) -> list[int]:
        """The assistant's name."""
        return self.open_turn(Role.ASSISTANT)


def is_starter(folder: Path) -> bool:
    """Whether the app built this folder for its starter."""
    return bool(read_json(folder / "config.json").get(STARTER_MARK))
