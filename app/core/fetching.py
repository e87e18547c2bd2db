"""What the desktop and a fetcher say to each other: one JSON object a line, over a socket pair.

A fetcher gets one order, does it, tells how it goes and ends. There is no word for a pause: whoever wants one
ends the process, which loses next to nothing (models/transfer.py).
"""

from enum import StrEnum

import msgspec

from app.core.errors import Failure


class Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """The common root of everything that is said."""


# desktop -> fetcher -----------------------------------------------------------------------------


class Look(Message, frozen=True):
    """What is in a repository, and can the app use it? Ends with `Listed`; nothing but its small files is read."""

    repository: str
    """owner/name, or the address of its page."""
    token: str = ""
    """Used, and kept in the keychain if it opens the repository; empty: the one that is kept, if it is needed."""


class Fetch(Message, frozen=True):
    """Bring a repository's model into a folder, going on with what is there; ends with `Completed`."""

    repository: str
    folder: str
    """The model's own folder; made if it is not there, but the folder above it must be."""
    token: str = ""
    official: str = ""
    """The makers' own repository, whose reasoning prompt and licence are fetched too; empty: none is known."""
    prompts: str = ""
    """Folder for those two."""
    spare: int = 500_000_000
    """Bytes of disk that stay free."""


class Verify(Message, frozen=True):
    """Compare a model's files with the sizes and hashes that the hub named; ends with `Verified`."""

    folder: str


class Move(Message, frozen=True):
    """Bring all models from one folder of downloads to another; ends with `Completed`."""

    source: str
    target: str
    spare: int = 500_000_000


# fetcher -> desktop -----------------------------------------------------------------------------


class Stage(StrEnum):
    """What a fetcher is doing."""

    LISTING = "listing"
    CHECKING = "checking"
    """Reading what is on the disk already."""
    FETCHING = "fetching"
    MOVING = "moving"


class Listed(Message, frozen=True):
    """What a repository holds that the app would fetch."""

    repository: str
    commit: str
    size: int
    """Bytes of all files that would be fetched."""
    files: int
    licence: str = ""
    architecture: str = ""
    bits: int | None = None


class Progress(Message, frozen=True):
    """How far it is, a few times a second at most."""

    stage: Stage
    done: int
    """Bytes."""
    total: int
    rate: float = 0.0
    """Bytes per second over the last seconds; 0 while that is not known."""
    seconds: float | None = None
    """Until it is done, at this rate."""


class Waiting(Message, frozen=True):
    """The hub cannot be reached at the moment; it is tried again by itself."""

    failure: Failure
    seconds: float


class FileCondition(StrEnum):
    """What a comparison of one file found."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    MISSING = "missing"
    UNKNOWN = "unknown"
    """There is nothing to compare it with."""


class FileChecked(msgspec.Struct, frozen=True):
    """One file of a model."""

    name: str
    size: int
    condition: FileCondition


class Verified(Message, frozen=True):
    """The comparison is over."""

    folder: str
    files: list[FileChecked]


class Completed(Message, frozen=True):
    """The order is carried out; the model, or all models, lie there."""

    folder: str


class Refused(Message, frozen=True):
    """The order came to nothing, or to an end before its end; what is on the disk stays there."""

    failure: Failure


Order = Look | Fetch | Verify | Move
Report = Listed | Progress | Waiting | Verified | Completed | Refused

encode = msgspec.json.Encoder().encode
"""One message as JSON, without the newline."""
decode_order = msgspec.json.Decoder(Order).decode
decode_report = msgspec.json.Decoder(Report).decode
