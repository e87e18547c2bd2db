"""A shelf of models for the stage: what the window asks of it is written down, and its rows are what a scene sets."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.chat.shelfrow import Advice, Place, Presence, ShelfRow, Transfer
from app.chat.switching import Switch
from app.core.errors import Failure
from app.core.fetching import Listed, Stage
from app.core.memory import Machine

GB = 1_000_000_000
MAC = Machine(device="metal", name="Apple M1 Pro", memory=32 << 30, limit=22_906_500_000)
SMALL = Machine(device="metal", name="Apple M1", memory=8 << 30, limit=5_726_000_000)
MAGISTRAL = ShelfRow(
    "lmstudio-community/Magistral-Small-2509-MLX-4bit",
    "Magistral Small 1.2",
    Presence.AVAILABLE,
    Place.HUB,
    repository="lmstudio-community/Magistral-Small-2509-MLX-4bit",
    size=14_140_000_000,
    bits=4,
    needed=14_780_000_000,
    context=49_046,
    good_for="Proofs, code and plans: the newest release of Magistral Small, and the one to begin with.",
    licence="Apache-2.0",
)
EIGHT = replace(
    MAGISTRAL,
    key="lmstudio-community/Magistral-Small-2509-MLX-8bit",
    label="Magistral Small 1.2, 8-bit",
    repository="lmstudio-community/Magistral-Small-2509-MLX-8bit",
    size=25_923_983_360,
    bits=8,
    needed=26_560_000_000,
    context=0,
    good_for="Next to the original, at half the speed: for a Mac with 48 GB or more.",
)
OLD = replace(
    MAGISTRAL,
    key="lmstudio-community/Magistral-Small-2506-MLX-4bit",
    label="Magistral Small 1.0",
    repository="lmstudio-community/Magistral-Small-2506-MLX-4bit",
    size=13_300_000_000,
    good_for="The first release, for comparing with work that was done with it; best within 40,000 tokens.",
)
OTHER = replace(
    MAGISTRAL,
    key="mlx-community/Magistral-Small-2509-4bit",
    label="Magistral Small 1.2, another conversion",
    repository="mlx-community/Magistral-Small-2509-4bit",
    good_for="The newest release, converted by others.",
    proven=False,
)
MINISTRAL = replace(
    MAGISTRAL,
    key="mlx-community/Ministral-3-14B-Reasoning-2512-4bit",
    label="Ministral 3 14B Reasoning",
    repository="mlx-community/Ministral-3-14B-Reasoning-2512-4bit",
    size=8_300_000_000,
    needed=9_520_000_000,
    context=82_944,
    good_for="A Mac with 16 or 24 GB, and faster answers on any other: thinks in the same way, and knows less.",
)
DRAFT = replace(
    MAGISTRAL,
    key="badmadrad/Mistral-Small-3.1-DRAFT-0.5B-MLX-4bit",
    label="Draft model 0.5B",
    repository="badmadrad/Mistral-Small-3.1-DRAFT-0.5B-MLX-4bit",
    size=335_000_000,
    needed=1_400_000_000,
    context=32_768,
    good_for="Guesses ahead for Magistral, which then writes the same answer, on some machines faster.",
    draft=True,
)
STARTER = ShelfRow(
    "starter",
    "SmolLM2 135M, the starter",
    Presence.INSTALLED,
    Place.BUILT_IN,
    repository="HuggingFaceTB/SmolLM2-135M-Instruct",
    size=76_000_000,
    bits=4,
    needed=1_340_000_000,
    context=8_192,
    good_for="Trying the app at once, while a real model is on its way. It is no reasoning model.",
    licence="Apache-2.0",
    default=True,
    loaded=True,
)
REASON = (
    "It fits this machine with 49,046 tokens of context: the newest release, in the smallest form that keeps "
    "its quality."
)


class StageShelf:
    """Looks like `app.chat.shelf.Shelf` from the window."""

    def __init__(self, told: list[tuple[object, ...]], changed: Callable[[], None]) -> None:
        self._told, self._changed = told, changed
        self.rows: list[ShelfRow] = [STARTER]
        self.advice: Advice | None = None
        self.machine: Machine | None = MAC
        self.folder = Path("/Users/mira/Library/Application Support/Lemma/models")
        self.looked = True
        self.looked_up: Listed | Failure | None = None
        self.moving: Transfer | None = None
        self.absent: Failure | None = None
        self.trash = True
        self.searches = 0
        """How often the disk was searched."""
        self.switch = Switch(9_412, 40.0, kept=True)

    def row(self, key: str) -> ShelfRow | None:
        for name in ("key", "folder", "repository"):
            if key and (row := next((row for row in self.rows if getattr(row, name) == key), None)):
                return row
        return None

    # what a scene sets --------------------------------------------------------------------------

    def put(self, *rows: ShelfRow, advised: str = "", reason: str = REASON) -> None:
        """Put these models on the shelf."""
        self.rows = [replace(row, advised=row.key == advised) for row in rows]
        self.advice = Advice(advised, reason) if advised else None
        self._changed()

    def change(self, key: str, **values: object) -> None:
        """Let a row be otherwise."""
        self.rows = [replace(row, **values) if row.key == key else row for row in self.rows]  # type: ignore[arg-type]
        self._changed()

    def answer(self, result: Listed | Failure | None) -> None:
        """Let a look at the hub come to this."""
        self.looked_up = result
        self._changed()

    # what the window calls ----------------------------------------------------------------------

    def find(self) -> None:
        self.searches += 1

    def look_up(self, repository: str) -> None:
        self._told.append(("look_up", repository))
        self.answer(None)

    def download(self, repository: str, token: str = "") -> None:
        self._told.append(("download", repository, *([token] if token else [])))

    def pause(self, key: str) -> None:
        self._told.append(("pause", key))

    def discard(self, key: str) -> None:
        self._told.append(("discard", key))

    def verify(self, key: str) -> None:
        self._told.append(("verify", key))

    def delete(self, key: str) -> None:
        self._told.append(("delete", key))

    def add_folder(self, folder: str) -> None:
        self._told.append(("add_folder", folder))

    def use(self, key: str) -> None:
        self._told.append(("use", key))

    def set_default(self, key: str) -> None:
        self._told.append(("set_default", key))

    def move(self, folder: str) -> None:
        self._told.append(("move", folder))

    def reading_after_switch(self, key: str) -> Switch:
        return self.switch


def on_disk(row: ShelfRow, place: Place = Place.OWN, **values: object) -> ShelfRow:
    """A model of the hub as it lies on the disk."""
    homes = {
        Place.OWN: "/Users/mira/Library/Application Support/Lemma/models",
        Place.LM_STUDIO: "/Users/mira/.lmstudio/models",
        Place.HUGGING_FACE: "/Users/mira/.cache/huggingface/hub",
        Place.NAMED: "/Volumes/Attic/weights",
    }
    folder = f"{homes[place]}/{row.repository}"
    row = replace(row, key=folder, presence=Presence.INSTALLED, place=place, folder=folder)
    return replace(row, **values)  # type: ignore[arg-type]


def coming(row: ShelfRow, done: int, presence: Presence = Presence.FETCHING, **values: object) -> ShelfRow:
    """A model on its way; its key stays the repository's."""
    home = on_disk(row)
    moves = presence is Presence.FETCHING
    transfer = Transfer(
        Stage.FETCHING,
        done,
        row.size,
        52_300_000.0 if moves else 0.0,
        (row.size - done) / 52_300_000.0 if moves else None,
    )
    row = replace(row, presence=presence, place=Place.OWN, folder=home.folder, transfer=transfer)
    return replace(row, **values)  # type: ignore[arg-type]
