"""Scenes of models: the first start, the library and its troubles, the switcher."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtWidgets import QApplication

from app.chat.changes import EngineState, EngineView
from app.chat.shelfrow import Place, Presence, ShelfRow, Transfer
from app.core.budget import Ledger
from app.core.errors import Failure
from app.core.fetching import FileChecked, FileCondition, Listed, Stage
from app.core.protocol import Remark, Severity
from app.ui.library.face import Verb
from app.ui.library.removal import RemovalQuestion
from tests.ui import samples
from tests.ui.stageshelf import (
    DRAFT,
    EIGHT,
    GB,
    MAGISTRAL,
    MINISTRAL,
    OLD,
    OTHER,
    SMALL,
    STARTER,
    coming,
    on_disk,
)

if TYPE_CHECKING:
    from app.ui.window import Window
    from tests.ui.stage import StageDesk

DAY = 86_400.0
CATALOGUE = (MAGISTRAL, EIGHT, OLD, OTHER, MINISTRAL, DRAFT)
TOKEN_NEEDED = Failure(
    "TokenNeeded",
    "mistralai/Magistral-Small-2509 is given only to people who have accepted its terms.",
    "Open https://huggingface.co/mistralai/Magistral-Small-2509, sign in and accept the terms there. Make an access "
    "token at https://huggingface.co/settings/tokens and enter it here.",
)
DISK_FULL = Failure(
    "DiskFull",
    "The disk is short of 3.2 GB for Magistral Small 1.2.",
    "Free some room, or move the downloads to another disk; it goes on where it stopped.",
)
ABSENT = Failure(
    "DiskAbsent",
    "The disk Attic is not connected.",
    "Connect it, then look again.",
)
BROKEN = Failure(
    "ModelBroken",
    "The model in Magistral-Small-2506-MLX-4bit cannot be used: two of its three weight files are missing.",
    "Fetch what is damaged, or delete it.",
)
OFFLINE = Failure("HubUnreachable", "The hub cannot be reached.", "It goes on by itself once it can.")


def first_start(desk: "StageDesk") -> None:
    desk.engine = EngineView(EngineState.READY, card=samples.STARTER)
    desk.budget = Ledger(62, 0, 0, 8_192, exact=True)
    desk.shelf.put(STARTER, *CATALOGUE, advised=MAGISTRAL.key)


def first_start_found(desk: "StageDesk") -> None:
    first_start(desk)
    here = on_disk(MAGISTRAL, Place.LM_STUDIO)
    other = on_disk(MINISTRAL, Place.HUGGING_FACE)
    desk.shelf.put(STARTER, here, other, *CATALOGUE[1:4], DRAFT, advised=here.key)


def first_start_coming(desk: "StageDesk") -> None:
    first_start(desk)
    desk.shelf.put(STARTER, coming(MAGISTRAL, 4_200_000_000), *CATALOGUE[1:], advised=MAGISTRAL.key)


def first_start_ready(desk: "StageDesk") -> None:
    first_start_coming(desk)
    ready = replace(on_disk(MAGISTRAL), key=MAGISTRAL.key)
    desk.shelf.put(STARTER, ready, *CATALOGUE[1:], advised=ready.key)


def first_start_small(desk: "StageDesk") -> None:
    """Nothing but the starter fits."""
    first_start(desk)
    desk.shelf.machine = SMALL
    rows = [replace(row, context=0) if not row.draft else row for row in CATALOGUE]
    desk.shelf.put(STARTER, *rows)


def first_start_stopped(desk: "StageDesk") -> None:
    first_start(desk)
    row = coming(MAGISTRAL, 10_900_000_000, Presence.STOPPED, failure=DISK_FULL)
    desk.shelf.put(STARTER, row, *CATALOGUE[1:], advised=MAGISTRAL.key)


def library(desk: "StageDesk") -> None:
    """Something in every section."""
    now = time.time()
    magistral = on_disk(MAGISTRAL, Place.LM_STUDIO, loaded=True, default=True, used=now)
    ministral = on_disk(MINISTRAL, used=now - DAY)
    starter = replace(STARTER, loaded=False, default=False, used=now - 12 * DAY)
    desk.shelf.put(
        magistral, ministral, starter, EIGHT, OTHER, DRAFT, coming(OLD, 4_200_000_000), advised=magistral.key
    )


def library_first(desk: "StageDesk") -> None:
    first_start_coming(desk)


def library_focus(desk: "StageDesk") -> None:
    library(desk)


def library_looking(desk: "StageDesk") -> None:
    desk.shelf.looked = False
    desk.shelf.machine = None
    rows = [replace(row, context=None, needed=0) for row in CATALOGUE]
    desk.shelf.put(*rows)


def make_troubles() -> list[ShelfRow]:
    """Rows on which something is in the way."""
    long_name = "有界变差函数的推理模型-Reasoning-2512-with-a-name-that-goes-on-and-on-MLX-4bit-次世代モデル"
    stranger = replace(MAGISTRAL, label=long_name, repository="", good_for="", licence="")
    damaged = (
        *(FileChecked(f"model-0000{at}-of-00003.safetensors", 5 * GB, FileCondition.WHOLE) for at in (1, 2)),
        FileChecked("model-00003-of-00003.safetensors", 4 * GB, FileCondition.DAMAGED),
    )
    hurt = Failure(
        "ModelBroken",
        "1 of its files are damaged or missing: model-00003-of-00003.safetensors.",
        "Download it again: only these files are fetched.",
    )
    return [
        replace(on_disk(MINISTRAL), checked=damaged, failure=hurt),
        replace(on_disk(EIGHT), key="/eight"),
        replace(on_disk(OLD, Place.NAMED), presence=Presence.ABSENT, failure=ABSENT),
        replace(on_disk(OTHER), presence=Presence.BROKEN, failure=BROKEN),
        replace(on_disk(stranger, Place.NAMED), folder="/Volumes/Attic/weights/" + long_name, key="/stranger"),
        coming(
            replace(MAGISTRAL, key="gated", repository="mistralai/Magistral-Small-2509"),
            0,
            Presence.STOPPED,
            failure=TOKEN_NEEDED,
            transfer=None,
        ),
        coming(MAGISTRAL, 10_900_000_000, Presence.STOPPED, failure=DISK_FULL),
        coming(replace(OLD, key="waits"), 2 * GB, Presence.WAITING, failure=OFFLINE),
        coming(replace(MINISTRAL, key="queued"), 0, Presence.QUEUED),
        coming(replace(DRAFT, key="paused"), 120_000_000, Presence.PAUSED),
    ]


def library_troubles(desk: "StageDesk") -> None:
    desk.shelf.put(*make_troubles(), advised=MINISTRAL.key)


def library_token(desk: "StageDesk") -> None:
    gated, full, waits, queued, paused = make_troubles()[-5:]
    desk.shelf.put(STARTER, gated, full, waits, queued, paused)


def library_moving(desk: "StageDesk") -> None:
    library(desk)
    desk.shelf.moving = Transfer(Stage.MOVING, 5_300_000_000, 22_440_000_000)


def library_unplugged(desk: "StageDesk") -> None:
    library_first(desk)
    desk.shelf.absent = ABSENT
    desk.shelf.put(STARTER, *CATALOGUE, advised=MAGISTRAL.key)


def library_many(desk: "StageDesk") -> None:
    """As many rows as anybody will have."""
    rows = [
        replace(on_disk(MINISTRAL, Place.NAMED), key=f"/many/{at}", label=f"Model {at}", folder=f"/many/{at}")
        for at in range(60)
    ]
    desk.shelf.put(*rows)


def switcher(desk: "StageDesk") -> None:
    library(desk)
    eight = replace(on_disk(EIGHT), key="/eight")
    desk.shelf.put(*desk.shelf.rows[:3], eight, advised=MAGISTRAL.key)


def switcher_misfit(desk: "StageDesk") -> None:
    switcher(desk)


def adding(desk: "StageDesk") -> None:
    library(desk)


def adding_gated(desk: "StageDesk") -> None:
    library(desk)


def details(desk: "StageDesk") -> None:
    library(desk)
    card = samples.MAGISTRAL
    remarks = [
        Remark(Severity.NOTE, "The vision tower of 0.9 GB is not loaded: this app reads no pictures."),
        Remark(
            Severity.WARNING,
            "Its tokenizer was written for another decoder.",
            "The app reads it rightly; other programs may show Ġ in place of spaces.",
        ),
    ]
    loaded = msgspec.structs.replace(
        card,
        folder=desk.shelf.rows[0].folder,
        group_size=64,
        files_bytes=14_140_000_000,
        weights_bytes=13_260_072_960,
        own_context=131_072,
        needed_bytes=14_780_000_000,
        thinking="control",
        prompt_source="official",
        remarks=remarks,
        fingerprint="3f9c2d71",
    )
    desk.engine = EngineView(EngineState.READY, card=loaded)
    whole = tuple(FileChecked(f"file-{at}", GB, FileCondition.WHOLE) for at in range(9))
    desk.shelf.change(desk.shelf.rows[0].key, checked=whole)


def deleting(desk: "StageDesk") -> None:
    library(desk)


def dropping(desk: "StageDesk") -> None:
    library(desk)


def save_sheets(window: "Window", path: Path) -> None:
    """A question is a window of its own, with a picture of its own."""
    if question := window.findChild(RemovalQuestion):
        question.grab().save(str(path))


Act = Callable[["Window", "StageDesk"], None]


def _open(window: "Window", _desk: "StageDesk") -> None:
    window.show_library()


def _focus(window: "Window", _desk: "StageDesk") -> None:
    window.show_library()
    QApplication.processEvents()
    window.library.sheet.rows[1].setFocus()


def _focus_button(window: "Window", _desk: "StageDesk") -> None:
    window.show_library()
    QApplication.processEvents()
    window.library.sheet.rows[4].setFocus()


def _scroll(window: "Window", _desk: "StageDesk") -> None:
    window.show_library()
    QApplication.processEvents()
    window.library.area.verticalScrollBar().setValue(330)


def _switch(window: "Window", _desk: "StageDesk") -> None:
    window.choose_model()


def _switch_down(window: "Window", _desk: "StageDesk") -> None:
    window.choose_model()
    window.switcher.list.setCurrentIndex(window.switcher.lines.index(3))


def _add(window: "Window", desk: "StageDesk") -> None:
    window.show_library()
    window.library.sheet.adding.open()
    window.library.sheet.adding.field.setText("mlx-community/Ministral-3-8B-Reasoning-2512-6bit")
    window.library.sheet.adding.field.returnPressed.emit()
    name = "mlx-community/Ministral-3-8B-Reasoning-2512-6bit"
    desk.shelf.answer(Listed(name, "c0ffee", 7_420_000_000, 11, "Apache-2.0", "ministral3", 6))


def _add_gated(window: "Window", desk: "StageDesk") -> None:
    _add(window, desk)
    desk.shelf.answer(TOKEN_NEEDED)


def _detail(window: "Window", desk: "StageDesk") -> None:
    window.show_library()
    window.do_with_model(Verb.DETAILS, desk.shelf.rows[0].key)


def _delete(window: "Window", desk: "StageDesk") -> None:
    window.show_library()
    window.do_with_model(Verb.DELETE, desk.shelf.rows[1].key)


def _drop(window: "Window", _desk: "StageDesk") -> None:
    window._outline.show_hover(True)


SCENES: dict[Callable[["StageDesk"], None], Act | None] = {
    first_start: None,
    first_start_found: None,
    first_start_coming: None,
    first_start_ready: None,
    first_start_small: None,
    first_start_stopped: None,
    library: _open,
    library_first: _open,
    library_focus: _focus,
    library_looking: _open,
    library_troubles: _focus_button,
    library_token: _scroll,
    library_moving: _open,
    library_unplugged: _open,
    switcher: _switch,
    switcher_misfit: _switch_down,
    adding: _add,
    adding_gated: _add_gated,
    details: _detail,
    deleting: _delete,
    dropping: _drop,
}
"""Scenes, and what a person has done in them when the picture is taken."""
