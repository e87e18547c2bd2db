"""THE settings table: every preference once, with its type, default and text.

Whatever shows, checks or documents a preference goes by these rows. The file holds only what differs
from the defaults (store/preferences.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.text import _


@dataclass(frozen=True, slots=True)
class Setting:
    """One preference. Texts are functions, so that they speak the language of the moment."""

    key: str
    kind: type
    default: Any
    title: Callable[[], str]
    help: Callable[[], str]
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    def accepts(self, value: object) -> bool:
        """Whether a value may be stored here."""
        if self.kind is float and type(value) is int:
            value = float(value)
        if type(value) is not self.kind:
            return False
        if self.choices:
            return value in self.choices
        if isinstance(value, int | float):
            return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        return True


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "theme",
        str,
        "system",
        lambda: _("Appearance"),
        lambda: _("Light, dark, or whatever the system shows."),
        choices=("system", "light", "dark"),
    ),
    Setting(
        "model",
        str,
        "",
        lambda: _("Model folder"),
        lambda: _("The folder of an MLX model. Empty: the starter, a small stand-in for trying the app."),
    ),
    Setting(
        "models_folder",
        str,
        "",
        lambda: _("Folder for downloads"),
        lambda: _("Where models that are downloaded lie, 14 GB each. Empty: in the data folder."),
    ),
    Setting(
        "context",
        int,
        0,
        lambda: _("Context length"),
        lambda: _("Tokens of prompt, thought and answer together, at most. 0: as much as fits this machine."),
        least=0,
        most=1_048_576,
    ),
    Setting(
        "thinking_budget",
        int,
        -1,
        lambda: _("Thinking budget"),
        lambda: _("Tokens a thought may take. -1: the model's own; 0: answer without a thought."),
        least=-1,
        most=1_048_576,
    ),
    Setting(
        "instructions",
        str,
        "",
        lambda: _("Instructions"),
        lambda: _("Your own words to the model, added after its reasoning prompt in every new question."),
    ),
    Setting(
        "fold_thoughts",
        bool,
        True,
        lambda: _("Fold a thought when its answer begins"),
        lambda: _("The thought stays one key away."),
    ),
    Setting(
        "text_size",
        int,
        100,
        lambda: _("Text size"),
        lambda: _("Percent of the size it was made for."),
        least=80,
        most=200,
    ),
    Setting(
        "wrap_code",
        bool,
        True,
        lambda: _("Wrap long lines of code"),
        lambda: _("Otherwise they scroll sideways."),
    ),
    Setting(
        "number_code",
        bool,
        False,
        lambda: _("Number lines of code"),
        lambda: _("The numbers are never copied."),
    ),
    Setting(
        "high_contrast",
        bool,
        False,
        lambda: _("High contrast"),
        lambda: _("Black on white or white on black, with lines that can be seen."),
    ),
    Setting(
        "sidebar",
        bool,
        True,
        lambda: _("Show the list of chats"),
        lambda: _("The sidebar at the left of the window."),
    ),
    Setting(
        "restart_engine",
        bool,
        True,
        lambda: _("Restart the engine by itself"),
        lambda: _("After a stop that nobody asked for; if it stops again before its next answer, it waits."),
    ),
    Setting(
        "idle_minutes",
        int,
        15,
        lambda: _("Free memory after"),
        lambda: _("Minutes without a question after which the engine ends; the next one starts it. 0: never."),
        least=0,
        most=10_080,
    ),
    Setting(
        "keep_prefixes",
        int,
        10,
        lambda: _("Save for reading faster"),
        lambda: _(
            "GB of disk for what the model has read, so that it reads nothing twice. 0: none. From the next load."
        ),
        least=0,
        most=10_000,
    ),
    Setting(
        "exact_prefixes",
        bool,
        False,
        lambda: _("Save it exactly"),
        lambda: _("In the model's own precision, not in 8 bits: twice the disk. From the next load."),
    ),
    Setting(
        "guard",
        bool,
        True,
        lambda: _("Stop loops"),
        lambda: _("An answer that only repeats itself is stopped, and the repeats are taken out."),
    ),
    Setting(
        "guess_ahead",
        bool,
        True,
        lambda: _("Guess ahead"),
        lambda: _("Words that were in the chat before are tried several at a time; the answer stays the same."),
    ),
    Setting(
        "draft_model",
        str,
        "",
        lambda: _("Draft model folder"),
        lambda: _("A small model with the same vocabulary that guesses ahead. Empty: none. From the next load."),
    ),
    Setting(
        "temperature",
        float,
        -1.0,
        lambda: _("Temperature"),
        lambda: _("How freely words are drawn; 0 takes the likeliest. -1: the model's own."),
        least=-1,
        most=5,
    ),
    Setting(
        "top_p",
        float,
        -1.0,
        lambda: _("Top-p"),
        lambda: _("Draw from the likeliest words that share this probability. -1: the model's own."),
        least=-1,
        most=1,
    ),
    Setting(
        "min_p",
        float,
        -1.0,
        lambda: _("Min-p"),
        lambda: _("Leave out words less likely than this share of the likeliest. -1: the model's own."),
        least=-1,
        most=1,
    ),
    Setting(
        "top_k",
        int,
        -1,
        lambda: _("Top-k"),
        lambda: _("Draw from so many of the likeliest words; 0: from all. -1: the model's own."),
        least=-1,
        most=1_000_000,
    ),
    Setting(
        "repetition_penalty",
        float,
        -1.0,
        lambda: _("Repetition penalty"),
        lambda: _("Above 1, words that came already become less likely. -1: the model's own."),
        least=-1,
        most=10,
    ),
)


def setting(key: str) -> Setting:
    """The row of that key."""
    return next(row for row in SETTINGS if row.key == key)
