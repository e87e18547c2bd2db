"""What is known of an installed model, in rows of a term and its words; no Qt."""

from datetime import datetime

from app.chat.shelfrow import Place, ShelfRow
from app.chat.words import say_size
from app.core.memory import gigabytes
from app.core.protocol import ModelCard
from app.core.releases import RELEASES, Thinking
from app.core.text import _
from app.ui.library.words import capitalise, say_checked, say_fit, say_place, say_used


def describe(row: ShelfRow, card: ModelCard | None, now: datetime) -> list[tuple[str, str]]:
    """The rows of a model's card; more of them while it is loaded."""
    rows = [
        (_("Release"), _say_release(card)),
        (_("Architecture"), card.architecture if card else ""),
        (_("Weights"), _say_weights(row, card)),
        (_("On the disk"), _say_files(row, card)),
        (_("Memory"), _("{size} at least").format(size=gigabytes(row.needed)) if row.needed else ""),
        (_("Context"), _say_context(row, card)),
        (_("Thinking"), _say_thinking(card)),
        (_("Reasoning prompt"), _say_prompt(card)),
        (_("Guesses ahead with"), card.draft if card else ""),
        (_("Files"), say_checked(row.checked) if row.place is not Place.BUILT_IN else ""),
        (_("Used"), capitalise(say_used(row.used, now)) if row.used else ""),
        (_("Licence"), row.licence),
        (_("Repository"), row.repository),
        (_("Where"), "\n".join(part for part in (capitalise(say_place(row)), row.folder) if part)),
        (_("Fingerprint"), card.fingerprint if card else ""),
    ]
    return [(term, words) for term, words in rows if words]


def explain_absence(row: ShelfRow, card: ModelCard | None) -> str:
    """What would be known if it were loaded; empty where it is."""
    if card is not None:
        return ""
    return _("Once {model} is loaded, its thinking style and its reasoning prompt stand here, too.").format(
        model=row.label
    )


def _say_release(card: ModelCard | None) -> str:
    return next((one.label for one in RELEASES if card and one.key == card.release), "")


def _say_weights(row: ShelfRow, card: ModelCard | None) -> str:
    bits = card.bits if card else row.bits
    if bits is None:
        return _("full precision") if card else ""
    if card is None or card.group_size is None:
        return _("{bits}-bit").format(bits=bits)
    return _("{bits}-bit, one scale for {count} weights").format(bits=bits, count=card.group_size)


def _say_files(row: ShelfRow, card: ModelCard | None) -> str:
    words = say_size(row.size) if row.size else ""
    if card is None or not card.files_bytes or not card.weights_bytes or card.files_bytes <= card.weights_bytes:
        return words
    spare = card.files_bytes - card.weights_bytes
    if spare < card.files_bytes // 100:
        return words
    return _("{size}, of which {spare} are not loaded").format(
        size=words or say_size(card.files_bytes), spare=say_size(spare)
    )


def _say_context(row: ShelfRow, card: ModelCard | None) -> str:
    if card is None:
        return capitalise(say_fit(row))
    words = _("{count} tokens here").format(count=f"{card.context:,}")
    if card.own_context and card.own_context != card.context:
        return _("{words}; it was made for {count}").format(words=words, count=f"{card.own_context:,}")
    return words


def _say_thinking(card: ModelCard | None) -> str:
    if card is None:
        return ""
    if not card.thinking:
        return _("It answers without a thought.")
    return {
        Thinking.CONTROL.value: _("Marks its thought with tokens of its own."),
        Thinking.TAGS.value: _("Marks its thought with words, <think> and </think>."),
        Thinking.OPENED.value: _("The app opens and closes a thought for it."),
    }.get(card.thinking, card.thinking)


def _say_prompt(card: ModelCard | None) -> str:
    if card is None or not card.prompt_source:
        return ""
    return {
        "file": _("from the model’s own SYSTEM_PROMPT.txt"),
        "template": _("from the model’s own chat template"),
        "official": _("from its makers’ repository"),
        "ours": _("the app’s own wording with the model’s markers: the makers’ was not found"),
        "none": _("it has none"),
    }.get(card.prompt_source, card.prompt_source)
