"""What the desktop and the worker say to each other: one JSON object a line, over a socket pair.

Every object is one of the structs below, told apart by its `type`. `VERSION` is spoken first, by both
sides; where they differ the worker ends, because nothing after that could be trusted.
"""

import msgspec

from app.core.errors import Failure
from app.core.memory import Machine
from app.core.messages import Generation, Part, Role, Sampling

VERSION = 1
LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line at most: a full context of token ids and text is far below it."""


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """The common root of everything that is said."""


# desktop -> worker ------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First line of the desktop."""

    version: int


class Load(Message, frozen=True):
    """Load the model in a folder; without a folder the starter, built on first use under `data`."""

    data: str
    folder: str | None = None
    context: int | None = None
    """Tokens of context wanted at most."""


class Count(Message, frozen=True):
    """How many tokens is each text? Answered at any time after `TokenizerReady`."""

    request: int
    texts: list[str]


class Turn(msgspec.Struct, frozen=True):
    """A message of the history. Parts with ids are used as they are, others are encoded as text."""

    role: Role
    parts: list[Part]


class Generate(Message, frozen=True):
    """Answer the last turn. One at a time: a second request waits for the first."""

    request: int
    turns: list[Turn]
    instructions: str = ""
    """The user's own words for the system prompt; they come after the model's reasoning prompt."""
    sampling: Sampling | None = None
    """None: the release's own."""
    thinking_budget: int | None = None
    """Tokens of thought at most; 0 answers without a thought; None is the release's own."""
    max_tokens: int | None = None


class Cancel(Message, frozen=True):
    """Stop a request, queued or running; it ends with `Finished`."""

    request: int


class AnswerNow(Message, frozen=True):
    """Close the running thought of a request and go on with its answer."""

    request: int


class Describe(Message, frozen=True):
    """What does the engine compute on? Answered without loading a model."""


class Shutdown(Message, frozen=True):
    """End cleanly."""


# worker -> desktop ------------------------------------------------------------------------------


class Welcome(Message, frozen=True):
    """First line of the worker."""

    version: int
    pid: int


class Described(Message, frozen=True):
    """The answer to `Describe`."""

    machine: Machine
    mlx: str
    """Version of MLX."""
    starter: bool
    """Whether the package with the starter model is installed."""


class Loading(Message, frozen=True):
    """How far the load is, in parts of the model (embedding, each layer, the head)."""

    stage: str
    """"starter", "tokenizer" or "weights"."""
    done: int
    total: int


class TokenizerReady(Message, frozen=True):
    """`Count` is answered from now on."""


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is loaded."""

    name: str
    folder: str
    fingerprint: str
    release: str
    """Key of a row of core/releases.py."""
    architecture: str
    bits: int | None
    weights_bytes: int
    cache_bytes_per_token: int
    context: int
    """The ceiling: tokens of prompt, thought and answer together."""
    empty_tokens: int = 0
    """Tokens of a prompt whose only question is empty: the reasoning prompt and the layout's own."""
    turn_tokens: int = 0
    """Tokens that the layout adds for an answer and the question after it."""
    machine: Machine


class Loaded(Message, frozen=True):
    """Requests are answered from now on."""

    card: ModelCard


class Counted(Message, frozen=True):
    """The answer to `Count`, in the order of its texts."""

    request: int
    counts: list[int]


class Started(Message, frozen=True):
    """A request left the queue."""

    request: int
    prompt_tokens: int
    cached_tokens: int


class Prefilled(Message, frozen=True):
    """How much of the prompt the model has read."""

    request: int
    done: int
    total: int


class Delta(Message, frozen=True):
    """New text, about every 30 ms; a part continues the last one where its kind is the same."""

    request: int
    parts: list[Part]
    tokens: int
    """Tokens of the whole turn so far."""


class Reclassified(Message, frozen=True):
    """Where the thought ended is known only now; the text of the turn so far is divided anew.

    Its first `thought` characters are the thought, its last `answer` characters the answer, and what
    lies between is a marker.
    """

    request: int
    thought: int
    answer: int = 0


class Finished(Message, frozen=True):
    """A request ended; the generation says how."""

    request: int
    generation: Generation


class Failed(Message, frozen=True):
    """A request, or the load where `request` is None, came to nothing; the worker lives on."""

    failure: Failure
    request: int | None = None


Command = Hello | Load | Describe | Count | Generate | Cancel | AnswerNow | Shutdown
Event = (
    Welcome
    | Described
    | Loading
    | TokenizerReady
    | Loaded
    | Counted
    | Started
    | Prefilled
    | Delta
    | Reclassified
    | Finished
    | Failed
)

encode = msgspec.json.Encoder().encode
"""One message as JSON, without the newline."""
decode_command = msgspec.json.Decoder(Command).decode
decode_event = msgspec.json.Decoder(Event).decode
