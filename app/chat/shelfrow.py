"""A model as the library shows it: on the disk, on its way, or to be had."""

from dataclasses import dataclass, field
from enum import StrEnum

from app.core.errors import Failure
from app.core.fetching import FileChecked, Stage


class Place(StrEnum):
    """Where a model lies."""

    OWN = "own"
    """In the folder of downloads; only these are deleted and moved by the app."""
    HUGGING_FACE = "huggingface"
    LM_STUDIO = "lmstudio"
    NAMED = "named"
    """In a folder that the person named."""
    BUILT_IN = "built-in"
    """The starter, which comes with the app."""
    HUB = "hub"
    """Not on this machine."""


class Presence(StrEnum):
    """How much of a model is here."""

    INSTALLED = "installed"
    AVAILABLE = "available"
    FETCHING = "fetching"
    WAITING = "waiting"
    """It goes on by itself once the hub can be reached; `failure` says what is in the way."""
    QUEUED = "queued"
    """Another download runs first."""
    PAUSED = "paused"
    STOPPED = "stopped"
    """The download ended before its end; `failure` says why and what to do."""
    ABSENT = "absent"
    """Its folder is not there: the disk is not connected."""
    BROKEN = "broken"
    """It cannot be used; `failure` says why."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """A download, a comparison or a move on its way, in bytes."""

    stage: Stage
    done: int
    total: int
    rate: float = 0.0
    """Bytes per second; 0 while unknown."""
    seconds: float | None = None
    """Until it is done."""


@dataclass(frozen=True, slots=True)
class ShelfRow:
    """One model."""

    key: str
    """Names the row for as long as the app runs: the folder of what is on the disk, else the repository."""
    label: str
    """"Magistral Small 1.2"; the folder's name for a model that the catalogue does not know."""
    presence: Presence
    place: Place
    repository: str = ""
    """owner/name; empty where it is not known."""
    folder: str = ""
    """Empty where there is none yet."""
    size: int = 0
    """Bytes on the disk, or to be fetched."""
    bits: int | None = None
    needed: int = 0
    """Bytes of memory it takes at least; 0 while unknown."""
    context: int | None = None
    """Tokens of context that fit here; 0: it does not fit; None while the machine is not known."""
    good_for: str = ""
    licence: str = ""
    proven: bool = True
    """Whether it is known to exist and to work."""
    draft: bool = False
    """It only guesses ahead for another model."""
    advised: bool = False
    """The catalogue's choice for this machine."""
    default: bool = False
    """The model that is loaded at the start."""
    loaded: bool = False
    used: float | None = None
    """When it was loaded last, in seconds since the epoch."""
    transfer: Transfer | None = None
    failure: Failure | None = None
    checked: tuple[FileChecked, ...] = field(default=())
    """What the last comparison of its files found."""


@dataclass(frozen=True, slots=True)
class Advice:
    """Which model is best for this machine, and why in a sentence."""

    key: str
    reason: str
