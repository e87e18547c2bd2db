"""What a person should know about a model that can be used, each with what to do about it."""

from collections.abc import Iterator

from app.core.memory import gigabytes
from app.core.protocol import Remark, Severity
from app.core.releases import Thinking
from app.core.text import _
from app.weights.folder import ModelFolder
from app.worker.layout import Layout, TemplateLayout
from app.worker.reasoning_prompt import Source
from app.worker.rendering import find_template

REASONING_NAMES = ("magistral", "reasoning", "thinking")
"""Words in the names of models that are sold as reasoning ones."""
MARKED_NAMES = ("2507", "2509", "ministral-3")
"""Words in the names of Mistral's models that think between control tokens."""


def find_remarks(files: ModelFolder, layout: Layout, context: int) -> list[Remark]:
    """All remarks on a model of which so many tokens of context fit; warnings first."""
    found = [*_about_weights(files), *_about_thinking(files, layout), *_about_words(files, layout)]
    found += _about_context(layout, context)
    return sorted(found, key=lambda remark: remark.severity is Severity.NOTE)


def _about_weights(files: ModelFolder) -> Iterator[Remark]:
    if not files.is_mlx:
        yield _warn(
            _("Its weights were not written by MLX. They may be laid out in a way that the engine does not know."),
            _("Choose a version in MLX form, whose name ends in MLX or 4bit, if its answers make no sense."),
        )
    if files.beside:
        yield _warn(
            _("{name} lies beside its weights and is not in their list, yet it is loaded with them.").format(
                name=files.beside[0]
            ),
            _("Move it away if it is left from another version."),
        )
    if files.unused_bytes:
        yield _note(
            _("The part that sees pictures, {size} of its files, is not used: the app reads text.").format(
                size=gigabytes(files.unused_bytes)
            )
        )


def _about_thinking(files: ModelFolder, layout: Layout) -> Iterator[Remark]:
    called = files.name.lower()
    if layout.thinking is None and any(word in called for word in REASONING_NAMES):
        yield _warn(
            _("It is called a reasoning model, but neither its vocabulary nor its prompt has markers for a thought."),
            _("It will answer at once. Choose another version of it if it should think first."),
        )
    if layout.thinking is Thinking.TAGS and "istral" in called and any(word in called for word in MARKED_NAMES):
        yield _warn(
            _("Models of this name mark their thoughts with [THINK], which its vocabulary does not have."),
            _("Its tokenizer.json is of an older release. Download it again, or choose another version."),
        )
    if layout.reasoning_prompt_source is Source.OFFICIAL:
        yield _note(_("Its files have no reasoning prompt, so the one that its makers publish is used."))
    if layout.reasoning_prompt_source is Source.OURS:
        yield _warn(
            _("Its files have no reasoning prompt, so it is asked to think in the app's own words."),
            _("Put its makers' SYSTEM_PROMPT.txt into its folder, or download the model with the app."),
        )


def _about_words(files: ModelFolder, layout: Layout) -> Iterator[Remark]:
    if layout.tokens.repaired:
        yield _note(
            _("Its tokenizer.json names a wrong decoder, which garbles texts elsewhere. The app goes by itself.")
        )
    template = find_template(files.path)
    if template is None and layout.release.key != "starter":
        yield _note(
            _("It has no chat template that can be used, so the app lays out chats as its control tokens show.")
        )
    if not isinstance(layout, TemplateLayout) or template is None:
        return
    if layout.rewrites:
        yield _warn(
            _("Its chat template changes what is said to it."),
            _("Texts that spell one of its control words are refused. Choose another model for those."),
        )
    if foreign := layout.foreign_words:
        yield _warn(
            _("Its chat template uses {name}, which its vocabulary does not have.").format(name=foreign[0]),
            _("Its tokenizer and its template do not belong together. Download it again, or choose another version."),
        )
    if template.unnamed:
        yield _warn(
            _("Its chat template uses a token that its tokenizer_config.json does not name ({name}).").format(
                name=template.unnamed[0]
            ),
            _("Its answers may be worse than they could be. Download it again, or choose another version."),
        )
    if not layout.stops:
        yield _warn(
            _("Its files do not say which token ends an answer."),
            _("Its answers may not end by themselves. Stop them, or choose another version."),
        )


def _about_context(layout: Layout, context: int) -> Iterator[Remark]:
    advised = layout.release.advised_context
    if layout.release.key != "chat" and context > advised:
        yield _note(
            _("{context} tokens of context fit, but beyond {advised} its answers are known to get worse.").format(
                context=f"{context:,}", advised=f"{advised:,}"
            ),
            _("Start a new chat before one gets that long."),
        )


def _note(text: str, hint: str = "") -> Remark:
    return Remark(Severity.NOTE, text, hint)


def _warn(text: str, hint: str) -> Remark:
    return Remark(Severity.WARNING, text, hint)
