"""Which layout a model wants: seen in its vocabulary, its template and its configuration, never in its name."""

from pathlib import Path

from app.core.errors import ModelBroken
from app.core.text import _
from app.worker.chatml import STARTER_MARK, ChatMLLayout, is_starter
from app.worker.mistral import MistralLayout
from app.worker.prompt import Layout, Marks, Prompt
from app.worker.rendering import find_template
from app.worker.template import TemplateLayout
from app.worker.tokens import Tokens

__all__ = [
    "STARTER_MARK",
    "ChatMLLayout",
    "Layout",
    "Marks",
    "MistralLayout",
    "Prompt",
    "TemplateLayout",
    "choose_layout",
]
SETTINGS = "[MODEL_SETTINGS]"
"""A token of Mistral's later models, whose turns are laid out in a way of their own."""


def choose_layout(tokens: Tokens, folder: Path, data: Path | None = None) -> Layout:
    """The layout that the model's files show; raises ModelBroken where they show none that is known.

    `data` is the data folder, which may hold the makers' reasoning prompt for a model that lacks it.
    """
    template = find_template(folder)
    later = template is not None and tokens.id(SETTINGS) is not None
    if not later and any(tokens.id(name) is not None for name in MistralLayout.OWN):
        return MistralLayout(tokens, folder, data)
    if template is not None and not is_starter(folder):
        return TemplateLayout(tokens, template)
    if all(tokens.id(name) is not None for name in ChatMLLayout.NEEDED):
        return ChatMLLayout(tokens, folder)
    raise ModelBroken(
        _("This model's chat layout is not known to the app."),
        _("Choose a Magistral Small, Mistral Small or SmolLM2 model in MLX form."),
        "model.choose",
    )
