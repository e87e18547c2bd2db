"""What a second start of the app says to the open window, and what it hears back.

Newline-delimited JSON over a Unix socket in the data folder, as between desktop and worker.
"""

import msgspec

from app.core.drawing import OPEN, Drawing
from app.core.errors import Failure
from app.core.messages import Generation, Part


class Line(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """The common root of everything that is said at the door."""


class Document(msgspec.Struct, frozen=True):
    """A file's text, read by whoever asks."""

    name: str
    text: str


class RaiseWindow(Line, frozen=True):
    """Come to the front."""


class Ask(Line, frozen=True):
    """Answer a question in a chat of its own."""

    question: str
    documents: list[Document] = []
    thinking_budget: int | None = None
    seed: int | None = None
    drawing: Drawing = OPEN
    keep_thoughts: bool | None = None


class Prepare(Line, frozen=True):
    """A question about these documents is being typed: read them ahead. An `Ask` follows."""

    documents: list[Document]
    thinking_budget: int | None = None
    seed: int | None = None
    keep_thoughts: bool | None = None


class Resume(Line, frozen=True):
    """Let the last answer of a chat go on where it ended."""

    session: int | None = None
    """None: the chat that changed last."""
    drawing: Drawing = OPEN


class Interrupt(Line, frozen=True):
    """Stop the answer; what is there is kept."""


class Heard(Line, frozen=True):
    """The window has taken the request."""

    waits: bool = False
    """Another answer comes first."""


class Reads(Line, frozen=True):
    """How much of the prompt is read, in tokens; `seconds_left` is None where no pace is known."""

    done: int
    total: int
    seconds_left: float | None = None


class Said(Line, frozen=True):
    """More of the thought or the answer."""

    parts: list[Part]


class Ended(Line, frozen=True):
    """The answer as it is kept."""

    session: int
    state: str
    reasoning: str
    answer: str
    generation: Generation | None = None


class Refused(Line, frozen=True):
    """The request came to nothing."""

    failure: Failure


Request = RaiseWindow | Ask | Prepare | Resume | Interrupt
Reply = Heard | Reads | Said | Ended | Refused
encode = msgspec.json.Encoder().encode
decode_request = msgspec.json.Decoder(Request).decode
decode_reply = msgspec.json.Decoder(Reply).decode
