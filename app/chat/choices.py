"""What the preferences, a chat and a question choose together: how a model is loaded, how an answer is made."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from app.chat.conversation import Conversation
from app.chat.options import Options
from app.core.drawing import Drawing
from app.core.messages import Generation
from app.core.protocol import Load, Storage
from app.store.preferences import Preferences

GIGABYTE = 1_000_000_000


class Choices:
    """The nearest word counts: the question's, then the chat's, then the preference, then the model's own."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences

    def load(self, root: Path, folder: str | None) -> Load:
        """What to load: the folder, or where it is None the preferred one."""
        get = self._preferences.get
        return Load(
            data=str(root),
            folder=(get("model") if folder is None else folder) or None,
            context=get("context") or None,
            storage=Storage(budget=get("keep_prefixes") * GIGABYTE, exact=get("exact_prefixes")),
            draft=get("draft_model") or None,
        )

    @property
    def instructions(self) -> str:
        """The user's own words for the system prompt."""
        return str(self._preferences.get("instructions"))

    def idle_minutes(self) -> int:
        """Minutes after which an idle engine rests; 0: never."""
        return int(self._preferences.get("idle_minutes"))

    def may_restart(self) -> bool:
        """Whether an engine that stopped is started again by itself."""
        return bool(self._preferences.get("restart_engine"))

    def budget(self, conversation: Conversation) -> int | None:
        """Tokens of thought at most in a chat; None is the model's own."""
        chosen = conversation.choices.thinking_budget
        preferred: int = self._preferences.get("thinking_budget")
        return chosen if chosen is not None else None if preferred < 0 else preferred

    def thinks(self, conversation: Conversation) -> bool:
        """Whether the next question of a chat lets the model think."""
        asked = conversation.awaited.thinking_budget
        return (self.budget(conversation) if asked is None else asked) != 0

    def complete(self, conversation: Conversation, options: Options | None = None) -> Options:
        """The options of a question, from everything that says more."""
        asked = options or Options()
        budget = asked.thinking_budget
        return Options(
            thinking_budget=self.budget(conversation) if budget is None else budget,
            seed=asked.seed,
            instructions=self.instructions,
            drawing=asked.drawing.over(self._drawing()),
            keep_thoughts=conversation.choices.keep_thoughts,
            speculate=self._preferences.get("guess_ahead"),
            guard=self._preferences.get("guard"),
        )

    def complete_again(
        self, conversation: Conversation, before: Generation | None, options: Options | None = None
    ) -> Options:
        """The options for going on with an answer: those it began with, and over them what is asked for now.

        Whether the model thinks is settled by the beginning; one that no model has seen settles nothing.
        """
        complete, asked = self.complete(conversation, options), options or Options()
        if before is None or not before.fingerprint:
            return complete
        budget = before.thinking_budget if asked.thinking_budget is None else asked.thinking_budget
        return replace(
            complete,
            thinking_budget=budget if (budget == 0) is (before.thinking_budget == 0) else before.thinking_budget,
            seed=before.sampling.seed if asked.seed is None else asked.seed,
            drawing=asked.drawing,
            own=before.sampling,
        )

    def _drawing(self) -> Drawing:
        names = ("temperature", "top_p", "min_p", "top_k", "repetition_penalty")
        said: dict[str, Any] = {name: self._preferences.get(name) for name in names}
        chosen = {name: value for name, value in said.items() if value >= 0}
        if not chosen.get("repetition_penalty", 1):  # nothing can be divided by it
            del chosen["repetition_penalty"]
        return msgspec.convert(chosen, Drawing)
