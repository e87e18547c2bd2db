"""What `ask` is asked for: a question, one that is still being typed, or an answer to go on with."""

import argparse
import os
import select
import sys
from dataclasses import dataclass

from app.chat.attach import attach
from app.chat.options import Options
from app.core.drawing import Drawing
from app.core.errors import UsageError
from app.core.messages import Part
from app.core.text import _, mend

STANDARD_INPUT = "-"
RECEIVE = 1 << 16


class Typing:
    """Text that comes in at a descriptor until its end. No thread reads it, so nothing hangs on it when we leave."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._data = b""
        self._over = False

    @property
    def text(self) -> str:
        """What has come."""
        return self._data.decode("utf-8", "replace")

    def poll(self) -> bool:
        """Take what is there now; whether that was all there will be."""
        while not self._over and select.select([self._descriptor], [], [], 0)[0]:
            data = os.read(self._descriptor, RECEIVE)
            self._data += data
            self._over = not data
        return self._over


@dataclass(frozen=True, slots=True)
class Wish:
    """One call of `ask`."""

    text: str
    documents: list[Part]
    options: Options
    keep_thoughts: bool | None = None
    resume: int | None = None
    """The chat whose last answer goes on; 0 is the newest chat, None asks a question."""
    typing: Typing | None = None
    """Where the question still comes from; the documents are read meanwhile."""

    @property
    def question(self) -> str:
        """What is asked; raises UsageError where that is nothing."""
        question = mend(self.typing.text if self.typing else self.text)
        if not question.strip():
            raise UsageError(_("There is no question."), _('Type it in quotation marks: ask "What is 7 times 8?"'))
        return question


def read_wish(arguments: argparse.Namespace) -> Wish:
    """What the words on the command line say; raises UsageError, and FileUnreadable for a file."""
    drawing = Drawing(
        temperature=arguments.temperature,
        top_p=arguments.top_p,
        min_p=arguments.min_p,
        top_k=arguments.top_k,
        stop=tuple(arguments.stop) if arguments.stop else None,
    )
    options = Options(arguments.think, arguments.seed, drawing=drawing)
    if arguments.resume is not None:
        _refuse_beside_resume(arguments)
        return Wish("", [], options, resume=arguments.resume)
    keep = True if arguments.keep_thoughts else None
    if arguments.question == STANDARD_INPUT and arguments.file:
        documents = [attach(path) for path in arguments.file]
        return Wish("", documents, options, keep, typing=Typing(sys.stdin.fileno()))
    text = sys.stdin.read() if arguments.question == STANDARD_INPUT else arguments.question or ""
    wish = Wish(text, [], options, keep)
    wish.question  # noqa: B018 - an empty one is refused before any file is read
    wish.documents.extend(attach(path) for path in arguments.file)
    return wish


def _refuse_beside_resume(arguments: argparse.Namespace) -> None:
    beside = {
        _("a question"): arguments.question,
        "--file": arguments.file,
        "--think": arguments.think is not None,
        "--seed": arguments.seed is not None,
        "--keep-thoughts": arguments.keep_thoughts,
    }
    if named := [name for name, given in beside.items() if given]:
        raise UsageError(
            _("--resume goes on with an answer as it began; it does not go with {others}.").format(
                others=", ".join(named)
            ),
            _("Leave one of them out."),
        )
