"""What kind of model lies in a folder: its card, with what a person should know before relying on it.

Nothing here touches MLX, so that any thread may examine a folder while another model answers.
"""

from pathlib import Path

from app.core.errors import ModelBroken
from app.core.memory import Machine, Plan, plan
from app.core.messages import Kind, Part, Role
from app.core.protocol import Examine, ModelCard, Turn
from app.core.releases import release
from app.core.text import _
from app.weights.folder import ModelFolder, examine
from app.worker.architecture import is_known
from app.worker.defaults import own_sampling
from app.worker.layout import Layout, choose_layout
from app.worker.model import unknown_kind
from app.worker.remarks import find_remarks
from app.worker.tokens import Tokens


def examine_folder(command: Examine, machine: Machine) -> ModelCard:
    """A folder's card; its context is 0 where the model does not fit the machine.

    Raises ModelMissing, ModelBroken, ModelUnsafe as a load would.
    """
    files = examine(Path(command.folder))
    if not is_known(files.config):
        raise unknown_kind(files)
    layout = choose_layout(Tokens(files.path), files.path, Path(command.data))
    check_words(files, layout)
    return make_card(files, layout, plan(machine, files.shape, element_bytes=files.element_bytes), machine)


def check_words(files: ModelFolder, layout: Layout) -> None:
    """Refuse a vocabulary that is larger than the model it comes with; raises ModelBroken."""
    question = Turn(Role.USER, [Part(Kind.TEXT, "?")])
    marks = (*layout.marks.closing, *layout.marks.before, *layout.marks.after)
    largest = max(*layout.build([question], "", thinking=True).ids, *marks, layout.tokens.size - 1)
    if files.vocabulary is not None and largest >= files.vocabulary:
        raise ModelBroken(
            _("The tokenizer of {model} has words that the model does not know: {more} of {all}.").format(
                model=files.name, more=f"{largest + 1 - files.vocabulary:,}", all=f"{largest + 1:,}"
            ),
            _("Its files do not belong together. Download it again, or choose another model."),
            "model.choose",
        )


def make_card(files: ModelFolder, layout: Layout, planned: Plan, machine: Machine, draft: str = "") -> ModelCard:
    """All that is known of a model whose files are whole."""
    empty_tokens, turn_tokens = layout.overhead()
    thinking = layout.thinking
    return ModelCard(
        name=release("starter").label if layout.release.key == "starter" else files.name,
        folder=str(files.path),
        fingerprint=files.fingerprint,
        release=layout.release.key,
        architecture=files.architecture,
        bits=files.bits,
        group_size=files.group_size,
        weights_bytes=files.shape.weights,
        files_bytes=files.files_bytes,
        cache_bytes_per_token=files.shape.cache_per_token(files.element_bytes),
        context=planned.context,
        own_context=files.shape.context,
        needed_bytes=planned.needed,
        empty_tokens=empty_tokens,
        turn_tokens=turn_tokens,
        machine=machine,
        sampling=own_sampling(files.path, layout.release.sampling),
        keeps_thoughts=layout.release.keeps_thoughts,
        draft=draft,
        thinking=thinking.value if thinking else "",
        prompt_source=layout.reasoning_prompt_source.value,
        remarks=find_remarks(files, layout, planned.context),
    )
