"""What the desktop and the worker say to each other: one JSON object a line, over a socket pair.

Every object is one of the structs below, told apart by its `type`. `VERSION` is spoken first, by both
sides; where they differ the worker ends, because nothing after that could be trusted.
"""

from enum import StrEnum

import msgspec

from app.core.errors import Failure
from app.core.memory import Machine
from app.core.messages import Generation, Part, Role, Sampling, ThoughtEnd

VERSION = 3
LINE_LIMIT = 64 * 1024 * 1024
"""Bytes of one line at most: a full context of token ids and text is far below it."""


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """The common root of everything that is said."""


# desktop -> worker ------------------------------------------------------------------------------


class Hello(Message, frozen=True):
    """First line of the desktop."""

    version: int


class Storage(msgspec.Struct, frozen=True):
    """How computed prefixes are kept."""

    budget: int = 10_000_000_000
    """Bytes on the disk at most; 0 keeps none there."""
    exact: bool = False
    """Kept in the cache's own type, not in 8 bits."""
    memory: int | None = None
    """Bytes in memory at most for chats that are not being answered; None: what the plan leaves."""


class Load(Message, frozen=True):
    """Load the model in a folder; without a folder the starter, built on first use under `data`."""

    data: str
    folder: str | None = None
    context: int | None = None
    """Tokens of context wanted at most."""
    storage: Storage = Storage()
    draft: str | None = None
    """Folder of a small model with the same vocabulary that guesses ahead."""


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
    session: int | None = None
    """The chat whose prefixes may be kept on the disk; None: nothing of this request is written there."""
    keep_thoughts: bool | None = None
    """Whether earlier thoughts stay in the prompt; None is the release's own choice."""
    answer: list[Part] = []
    """What the answer has already; it is continued, and its parts do not come back."""
    fork: int | None = None
    """Characters of the thought in `answer` to keep: what is kept comes back as the first `Delta`."""
    answer_now: bool = False
    """Close the thought that `answer` leaves open at once."""
    speculate: bool = True
    """Guess ahead by lookup and by the draft model; never with a seed."""
    guard: bool = True
    """Stop the answer where it runs in a loop."""


class Cancel(Message, frozen=True):
    """Stop a request, queued or running; it ends with `Finished`."""

    request: int


class AnswerNow(Message, frozen=True):
    """Close the running thought of a request and go on with its answer."""

    request: int


class Steer(Message, frozen=True):
    """Put the user's words into the running thought of a request; they come back as a part of kind STEER."""

    request: int
    text: str


class Prewarm(Message, frozen=True):
    """Read the beginning of a prompt to come, whenever nothing else is to be done; ends with `Prewarmed`.

    A last turn of documents alone is left open for the question. A later one for the same session takes
    its place; `Cancel` ends it.
    """

    request: int
    turns: list[Turn]
    instructions: str = ""
    session: int | None = None
    keep_thoughts: bool | None = None
    thinking: bool = True
    """Whether the prompt to come lets the model think."""
    fixed: bool = False
    """Whether the request to come has a seed."""


class Estimate(Message, frozen=True):
    """How long is the prompt of these turns, and how much of it need not be computed? Answered at any time."""

    request: int
    turns: list[Turn]
    instructions: str = ""
    session: int | None = None
    keep_thoughts: bool | None = None
    thinking: bool = True


class Forget(Message, frozen=True):
    """These chats are deleted: so are their prefixes, now."""

    sessions: list[int]


class Sweep(Message, frozen=True):
    """These are all chats there are: what a crash left of others is deleted."""

    sessions: list[int]


class DropPrefixes(Message, frozen=True):
    """Delete all saved prefixes, of all models."""


class Examine(Message, frozen=True):
    """What kind of model lies in a folder, and can it be used? Answered without loading its weights.

    Ends with `Examined`, or with `Failed` for the same request.
    """

    request: int
    data: str
    folder: str


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


class Severity(StrEnum):
    """How much a remark matters."""

    NOTE = "note"
    WARNING = "warning"


class Remark(msgspec.Struct, frozen=True):
    """Something that the examination of a model found."""

    severity: Severity
    text: str
    hint: str = ""
    """What to do about it."""


class ModelCard(msgspec.Struct, frozen=True, kw_only=True):
    """What is loaded, or was examined."""

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
    sampling: Sampling = Sampling()
    """The model's own: its generation_config.json over the release's row."""
    keeps_thoughts: bool = False
    """Whether earlier thoughts stay in the prompt unless a chat says otherwise."""
    draft: str = ""
    """Name of the draft model, empty where there is none."""
    group_size: int | None = None
    """Weights that share a scale; None for a model in full precision."""
    files_bytes: int = 0
    """Bytes of the weight files, those parts included that the app does not load."""
    own_context: int = 0
    """Tokens the model was made for."""
    needed_bytes: int = 0
    """Memory for the weights and the least context worth having."""
    thinking: str = ""
    """How it marks its thought: a value of releases.Thinking; empty where it does not think."""
    prompt_source: str = ""
    """Where its reasoning prompt comes from: "file", "template", "official", "ours" or "none"."""
    remarks: list[Remark] = []


class Examined(Message, frozen=True):
    """The answer to `Examine`; a context of 0 says that the model does not fit this machine."""

    request: int
    card: ModelCard


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
    seed: int | None = None
    """What the draw begins with, asked for or not."""
    queue_seconds: float = 0.0


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
    thought_end: ThoughtEnd | None = None
    """Set where the app closes the thought here: why."""


class Reclassified(Message, frozen=True):
    """Where the thought ended is known only now; the text of the turn so far is divided anew.

    Its first `thought` characters are the thought, its last `answer` characters the answer, and what
    lies between is a marker.
    """

    request: int
    thought: int
    answer: int = 0


class Retracted(Message, frozen=True):
    """The end of what was written is taken back: so many characters and ids of its last part."""

    request: int
    characters: int
    ids: int


class Prewarmed(Message, frozen=True):
    """A `Prewarm` is over: its beginning has been read, or something else was more urgent."""

    request: int
    rows: int
    """Tokens of it that are computed."""


class Estimated(Message, frozen=True):
    """The answer to `Estimate`."""

    request: int
    tokens: int
    cached: int


class Rates(Message, frozen=True):
    """Tokens per second measured on this machine with this model; 0 where not measured yet."""

    prefill: float
    decode: float


class Stored(Message, frozen=True):
    """The prefixes on the disk, of all models."""

    size: int
    """Bytes."""
    budget: int
    written_today: int
    """Bytes."""
    failure: Failure | None = None
    """Why none are kept at the moment."""


class Noted(Message, frozen=True):
    """Something the user should know that belongs to no request, such as a shortage of memory."""

    failure: Failure


class Finished(Message, frozen=True):
    """A request ended; the generation says how."""

    request: int
    generation: Generation
    unused: list[str] = []
    """Corrections that came too late for the thought."""


class Failed(Message, frozen=True):
    """A request, or the load where `request` is None, came to nothing; the worker lives on."""

    failure: Failure
    request: int | None = None


Command = (
    Hello
    | Load
    | Describe
    | Examine
    | Count
    | Estimate
    | Generate
    | Prewarm
    | Cancel
    | AnswerNow
    | Steer
    | Forget
    | Sweep
    | DropPrefixes
    | Shutdown
)
Event = (
    Welcome
    | Described
    | Examined
    | Loading
    | TokenizerReady
    | Loaded
    | Counted
    | Started
    | Prefilled
    | Delta
    | Reclassified
    | Retracted
    | Prewarmed
    | Estimated
    | Rates
    | Stored
    | Noted
    | Finished
    | Failed
)

encode = msgspec.json.Encoder().encode
"""One message as JSON, without the newline."""
decode_command = msgspec.json.Decoder(Command).decode
decode_event = msgspec.json.Decoder(Event).decode
