"""The first token of a model that has just been loaded: damage that no header shows is seen before anybody asks."""

from typing import Any

import mlx.core as mx
from mlx_lm.generate import generation_stream
from mlx_lm.models.cache import make_prompt_cache

from app.core.errors import ModelBroken
from app.core.messages import Role
from app.core.protocol import Turn
from app.core.text import _
from app.weights.folder import ModelFolder
from app.worker.layout import Layout


def check_sound(model: Any, files: ModelFolder, layout: Layout) -> None:
    """Let the model read how every prompt begins, on a cache that is thrown away: one token, which takes all weights.

    Raises ModelBroken where what it computes is no number, or no word of its vocabulary.
    """
    first = layout.build([Turn(Role.USER, [])], "", thinking=False).ids[0]
    token: Any
    try:
        with mx.stream(generation_stream):
            logits = model(mx.array([[first]], dtype=mx.uint32), cache=make_prompt_cache(model))[0, -1]
            finite, likeliest = mx.isfinite(logits).all(), mx.argmax(logits)
        sound, token = bool(finite.item()), likeliest.item()
    except Exception as error:  # shapes that do not fit each other surface as whatever the module raises
        raise _damaged(files, _("it cannot read a single word")) from error
    finally:
        mx.clear_cache()
    if not sound:
        raise _damaged(files, _("what it computes is no number"))
    if not layout.tokens.bytes_of(token):
        raise _damaged(files, _("it answers in words that its tokenizer.json does not have"))


def _damaged(files: ModelFolder, why: str) -> ModelBroken:
    return ModelBroken(
        _("{model} was loaded but does not work: {why}.").format(model=files.name, why=why),
        _("Its files are damaged, or do not belong together. Download it again, or choose another model."),
        "model.choose",
    )
