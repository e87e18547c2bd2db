"""The empty page while no real model is loaded."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.chat.changes import EngineChanged, EngineState, EngineView, Noticed
from app.chat.shelfrow import Place
from app.core.errors import Failure
from app.ui.library.face import Verb
from app.ui.window import Window
from tests.ui import samples, shelfscenes, stage
from tests.ui.conftest import Open
from tests.ui.hands import click, press, write
from tests.ui.stage import StageDesk
from tests.ui.stageshelf import MAGISTRAL, MINISTRAL, REASON, STARTER, coming, on_disk


def show(scene: object, desk: StageDesk, open_window: Open, size: tuple[int, int] = (1120, 800)) -> Window:
    scene(desk)  # type: ignore[operator]
    return open_window(desk, size)


def said(window: Window) -> str:
    return window.empty.accessibleName()


def test_the_advised_model_is_offered_with_its_reason_and_its_size(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start, desk, open_window)
    row = window.empty.rows[0]
    assert row.face.title == "Magistral Small 1.2"
    assert REASON in row.face.text
    button = row.buttons[Verb.DOWNLOAD]
    assert button.text() == "Download (14.1 GB)"
    click(button)
    assert desk.told == [("download", MAGISTRAL.key)]
    assert "SmolLM2\u00a0135M answers" in said(window)


def test_other_models_open_the_library(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start, desk, open_window)
    click(window.empty.others)
    assert window.in_library


def test_models_of_the_disk_come_first_and_are_used_in_place(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start_found, desk, open_window)
    assert [row.face.title for row in window.empty.rows] == ["Magistral Small 1.2", "Ministral 3 14B Reasoning"]
    assert window.empty.rows[0].face.lines[0].text.startswith("In LM Studio’s folder, used in place · 14.1 GB")
    click(window.empty.rows[0].buttons[Verb.USE])
    assert desk.told == [("use", on_disk(MAGISTRAL, Place.LM_STUDIO).key)]


def test_a_smaller_model_of_the_disk_stands_before_the_advised_download(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.first_start(desk)
    desk.shelf.put(STARTER, on_disk(MINISTRAL, Place.LM_STUDIO), MAGISTRAL, advised=MAGISTRAL.key)
    window = open_window(desk)
    assert [list(row.buttons) for row in window.empty.rows] == [[Verb.USE], [Verb.DOWNLOAD]]


def test_where_nothing_fits_that_is_said_in_numbers(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start_small, desk, open_window)
    assert "Ministral 3 14B Reasoning needs 9.5 GB of memory, and this machine can give 5.7 GB." in said(window)
    assert window.empty.rows == []
    assert window.empty.others.isVisible()


def test_a_download_is_seen_on_the_page_and_at_the_foot_of_the_sidebar(
    open_window: Open, desk: StageDesk, qtbot: QtBot
) -> None:
    window = show(shelfscenes.first_start, desk, open_window)
    assert not window.sidebar.download.isVisible()
    shelfscenes.first_start_coming(desk)
    qtbot.waitUntil(lambda: bool(window.empty.rows) and Verb.PAUSE in window.empty.rows[0].buttons)
    assert window.empty.rows[0].face.moving.startswith("4.2 of 14.1 GB")
    line = window.sidebar.download
    assert line.isVisible()
    assert line.accessibleName() == "Magistral Small 1.2: 30% · about 3 min 10 s left"
    click(window.empty.rows[0].buttons[Verb.PAUSE])
    assert desk.told == [("pause", MAGISTRAL.key)]
    click(line)
    assert window.in_library


def test_the_line_is_there_in_a_chat_too(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    stage.folded(desk)
    window = open_window(desk)
    assert window.sidebar.download.isVisible()


def test_a_complete_download_is_ready_with_one_button(open_window: Open, desk: StageDesk, qtbot: QtBot) -> None:
    window = show(shelfscenes.first_start_coming, desk, open_window)
    shelfscenes.first_start_ready(desk)
    desk.say(Noticed(Failure("ModelReady", "Magistral Small 1.2 is ready.", "Use it.", "model.choose")))
    qtbot.waitUntil(lambda: window.empty.rows[0].face.title == "Magistral Small 1.2 is ready")
    assert window.sidebar.download.accessibleName() == "Magistral Small 1.2: Ready"
    assert not window.banner.isVisible()
    click(window.empty.rows[0].buttons[Verb.USE])
    assert desk.told == [("use", MAGISTRAL.key)]
    desk.shelf.put(replace(on_disk(MAGISTRAL), key=MAGISTRAL.key, loaded=True, default=True))
    assert not window.sidebar.download.isVisible()


def test_without_a_sidebar_a_complete_download_is_told_in_a_banner(open_window: Open, desk: StageDesk) -> None:
    stage.folded(desk)
    window = open_window(desk, (700, 600))
    desk.say(Noticed(Failure("ModelReady", "Magistral Small 1.2 is ready.", "Use it.", "model.choose")))
    assert window.banner.isVisible()


def test_a_stopped_download_says_why_and_can_be_tried_again(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start_stopped, desk, open_window)
    row = window.empty.rows[0]
    assert "short of 3.2 GB" in row.face.text
    click(row.buttons[Verb.GO_ON])
    assert desk.told == [("download", MAGISTRAL.key)]


def test_with_a_real_model_the_page_is_calm(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.library(desk)
    window = open_window(desk)
    assert window.empty.rows == []
    assert not window.empty.others.isVisible()
    assert said(window).endswith("Nothing leaves this machine.")


@pytest.mark.parametrize("state", [EngineState.STARTING, EngineState.LOADING, EngineState.FAILED])
def test_a_model_that_a_person_has_chosen_is_waited_for(state: EngineState, open_window: Open, desk: StageDesk) -> None:
    shelfscenes.first_start(desk)
    desk.preferences["model"] = "/models/Magistral-Small-2509"
    desk.engine = EngineView(state)
    window = open_window(desk)
    assert window.empty.rows == []


def test_the_offer_goes_when_a_real_model_is_loaded(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start, desk, open_window)
    assert window.empty.rows
    desk.say(EngineChanged(EngineView(EngineState.READY, card=samples.MAGISTRAL)))
    assert window.empty.rows == []


def test_the_offer_is_reached_by_tab_and_typing_still_writes(open_window: Open, desk: StageDesk) -> None:
    window = show(shelfscenes.first_start, desk, open_window)
    button = window.empty.rows[0].buttons[Verb.DOWNLOAD]
    button.setFocus()
    press(Qt.Key.Key_Down)
    assert window.empty.others.hasFocus()
    press(Qt.Key.Key_Up)
    assert button.hasFocus()
    write("Why")
    assert window.composer.text() == "Why"


def test_a_button_keeps_the_keyboard_while_the_download_moves(open_window: Open, desk: StageDesk, qtbot: QtBot) -> None:
    window = show(shelfscenes.first_start_coming, desk, open_window)
    button = window.empty.rows[0].buttons[Verb.PAUSE]
    button.setFocus()
    desk.shelf.put(STARTER, coming(MAGISTRAL, 9 * 10**9))
    qtbot.waitUntil(lambda: window.empty.rows[0].face.moving.startswith("9.0"))
    assert button.hasFocus()


@pytest.mark.parametrize("scene", shelfscenes.SCENES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("size", [(640, 480), (800, 600), (1280, 800)])
def test_nothing_is_cut_off(scene: object, size: tuple[int, int], open_window: Open, desk: StageDesk) -> None:
    window = show(scene, desk, open_window, size)
    page = window.empty
    shown = [one for one in (*page.rows, page.others) if one.isVisible()]
    for one in shown:
        assert page.rect().contains(one.geometry()), one
    window.show_library()
    sheet = window.library.sheet
    for row in sheet.rows:
        assert sheet.rect().contains(row.geometry())
        for button in row.buttons.values():
            assert row.rect().contains(button.geometry()), (row.face.title, button.text())
    assert window.library.area.horizontalScrollBar().maximum() == 0


def test_before_the_disk_was_searched_the_page_says_that_it_looks(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.first_start(desk)
    desk.shelf.looked = False
    desk.shelf.machine = None
    desk.shelf.put(STARTER, replace(MAGISTRAL, context=None, needed=0))
    window = open_window(desk)
    assert "Looking for models" in said(window)
    assert window.empty.rows == []
