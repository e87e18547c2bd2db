"""What a desk tells whoever shows it: small values, handed over in the thread that owns the desk."""

from dataclasses import dataclass
from enum import StrEnum

from app.core.errors import Failure
from app.core.messages import Kind, Message
from app.core.protocol import ModelCard


class EngineState(StrEnum):
    """What the engine is doing, as far as the person at the desk cares."""

    STARTING = "starting"
    LOADING = "loading"
    READY = "ready"
    WAITING = "waiting"
    """Another process holds the engine of this data folder."""
    STOPPED = "stopped"
    """It ended unexpectedly; `failure` says why."""
    FAILED = "failed"
    """The model could not be loaded; `failure` says why."""
    RESTING = "resting"
    """It was ended to free its memory; the next question starts it."""


@dataclass(frozen=True, slots=True)
class EngineView:
    """The engine at this moment."""

    state: EngineState
    stage: str = ""
    """While loading: "starter", "tokenizer" or "weights"."""
    done: int = 0
    total: int = 0
    card: ModelCard | None = None
    failure: Failure | None = None


class Phase(StrEnum):
    """What a running answer is doing."""

    QUEUED = "queued"
    READING = "reading"
    """Prefill: the model reads the prompt."""
    THINKING = "thinking"
    ANSWERING = "answering"


@dataclass(slots=True)
class Progress:
    """A running answer in numbers. Times are seconds, counts are tokens."""

    message: int
    phase: Phase = Phase.QUEUED
    read: int = 0
    to_read: int = 0
    cached: int = 0
    """Of those to read, the ones that are known already."""
    seconds_left: float | None = None
    """While it reads: until the first token; None where no pace is known."""
    prompt_tokens: int = 0
    tokens: int = 0
    reasoning_tokens: int = 0
    reasoning_seconds: float = 0.0
    tokens_per_second: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionsChanged:
    """The list of chats is another one, or in another order."""


@dataclass(frozen=True, slots=True)
class ConversationOpened:
    """Another chat, or an empty one, is on the desk."""


@dataclass(frozen=True, slots=True)
class MessageAdded:
    """A message was put at the end of a chat's branch."""

    message: Message


@dataclass(frozen=True, slots=True)
class TextAppended:
    """A running answer grew at the end of its thought or its answer, or the user's words were put into its thought."""

    session: int
    message: int
    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class TextRetracted:
    """A running answer lost so many characters at the end of its thought or its answer."""

    session: int
    message: int
    kind: Kind
    characters: int


@dataclass(frozen=True, slots=True)
class CameTooLate:
    """Words for a chat's thought came after its end; they stand in the chat's draft now."""

    session: int
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageChanged:
    """A message changed as a whole: it ended, or its text turned out to be its thought."""

    message: Message


@dataclass(frozen=True, slots=True)
class ProgressChanged:
    """A running answer moved on."""

    session: int
    progress: Progress


@dataclass(frozen=True, slots=True)
class EngineChanged:
    """The engine's view is another one."""

    view: EngineView


@dataclass(frozen=True, slots=True)
class LedgerChanged:
    """The context is used differently: the draft, the history or the ceiling changed."""


@dataclass(frozen=True, slots=True)
class StoredChanged:
    """The prefixes on the disk are more or fewer, or cannot be kept."""


@dataclass(frozen=True, slots=True)
class ShelfChanged:
    """The models on the disk, or a download, are not as they were."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """Something the person should know that belongs to no message: a banner."""

    failure: Failure
    unsaved: bool = False
    """Chats cannot be saved: never, or at the moment."""


@dataclass(frozen=True, slots=True)
class Mended:
    """Chats are saved again: a notice that they could not be has had its time."""


@dataclass(frozen=True, slots=True)
class RaiseAsked:
    """The app was started a second time: show the window."""


Change = (
    SessionsChanged
    | ConversationOpened
    | MessageAdded
    | TextAppended
    | TextRetracted
    | CameTooLate
    | MessageChanged
    | ProgressChanged
    | EngineChanged
    | LedgerChanged
    | StoredChanged
    | ShelfChanged
    | Noticed
    | Mended
    | RaiseAsked
)


def session_of(change: Change) -> int | None:
    """The chat that a change is about; None where it is about none in particular."""
    match change:
        case MessageAdded(message) | MessageChanged(message):
            return message.session
        case TextAppended(session=session) | TextRetracted(session=session) | ProgressChanged(session=session):
            return session
        case CameTooLate(session=session):
            return session
        case _:
            return None
