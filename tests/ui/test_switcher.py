"""The panel in which a model is chosen by key."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from app.chat.changes import EngineChanged, EngineState, EngineView
from app.chat.shelfrow import Place, Presence
from app.chat.switching import Switch
from app.core.errors import Failure
from app.ui.switcher import say_switch
from app.ui.window import Window
from tests.ui import shelfscenes, stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, SHIFT, click, focused, press, write
from tests.ui.stage import StageDesk
from tests.ui.stageshelf import DRAFT, MAGISTRAL, coming, on_disk


@pytest.fixture
def panel(window: Window, desk: StageDesk) -> Window:
    shelfscenes.switcher(desk)
    press(Qt.Key.Key_L, CONTROL)
    assert window.switcher.isVisible()
    return window


def titles(window: Window) -> list[str]:
    return [line.title for line in window.switcher.lines.lines]


def current(window: Window) -> str:
    return str(window.switcher.list.currentIndex().data())


def test_the_models_of_the_disk_are_listed_those_that_do_not_fit_last(panel: Window) -> None:
    assert titles(panel) == [
        "Magistral Small 1.2",
        "Ministral 3 14B Reasoning",
        "SmolLM2 135M, the starter",
        "Magistral Small 1.2, 8-bit",
        "All models…",
    ]
    assert [line.usable for line in panel.switcher.lines.lines] == [True, True, True, False, True]
    assert panel.switcher.lines.lines[3].facts == "It needs 26.6 GB of memory; this machine can give 22.9 GB."


def test_what_is_not_on_the_disk_or_only_guesses_ahead_is_not_listed(window: Window, desk: StageDesk) -> None:
    desk.shelf.put(
        MAGISTRAL, coming(MAGISTRAL, 1), on_disk(DRAFT), replace(on_disk(MAGISTRAL), presence=Presence.ABSENT)
    )
    press(Qt.Key.Key_L, CONTROL)
    assert titles(window) == ["All models…"]


def test_return_takes_the_first_other_model_and_gives_the_keyboard_back(panel: Window, desk: StageDesk) -> None:
    assert current(panel) == "Ministral 3 14B Reasoning"
    key = desk.shelf.rows[1].key
    press(Qt.Key.Key_Return)
    assert desk.told == [("use", key)]
    assert not panel.switcher.isVisible()
    assert panel.composer.editor.hasFocus()


def test_typing_filters_by_words_in_any_order(panel: Window, desk: StageDesk) -> None:
    write("small magis")
    assert titles(panel) == ["Magistral Small 1.2", "Magistral Small 1.2, 8-bit", "All models…"]
    write("zzz")
    assert titles(panel) == ["All models…"]


def test_the_consequence_is_said_of_the_chosen_line(panel: Window, desk: StageDesk) -> None:
    said = "It reads this chat’s 9,412 tokens anew, about 40 s; what Magistral Small has read stays on the disk."
    assert panel.switcher.cost == said
    assert said in panel.switcher.filter.accessibleDescription()
    press(Qt.Key.Key_Up)
    assert panel.switcher.cost == "It is loaded."
    press(Qt.Key.Key_Return)
    assert desk.told == []
    assert not panel.switcher.isVisible()


@pytest.mark.parametrize(
    ("switch", "loaded", "words"),
    [
        (Switch(0, 0.0, kept=True), "Magistral", "This chat is empty: nothing has to be read anew."),
        (Switch(1, None, kept=True), "", "It reads this chat’s 1 token anew."),
        (
            Switch(900, None, kept=False),
            "Magistral",
            "It reads this chat’s 900 tokens anew; what Magistral has read is not kept.",
        ),
    ],
)
def test_what_a_switch_costs(switch: Switch, loaded: str, words: str) -> None:
    assert say_switch(switch, loaded) == words


def test_a_model_that_does_not_fit_cannot_be_taken(panel: Window, desk: StageDesk) -> None:
    press(Qt.Key.Key_Down)
    press(Qt.Key.Key_Down)
    assert panel.switcher.cost == "It does not fit here. Magistral Small 1.2 fits."
    press(Qt.Key.Key_Return)
    assert panel.switcher.isVisible()
    assert desk.told == []


def test_a_filter_that_found_nothing_and_then_something_chooses_it(panel: Window) -> None:
    write("zzz")
    assert current(panel) == "All models…"
    panel.switcher.filter.selectAll()
    write("smol")
    assert current(panel) == "SmolLM2 135M, the starter"


def test_the_last_line_and_its_key_lead_to_the_library(panel: Window, desk: StageDesk) -> None:
    for _ in range(9):
        press(Qt.Key.Key_Down)
    assert current(panel) == "All models…"
    press(Qt.Key.Key_Return)
    assert panel.in_library
    assert panel.library.isAncestorOf(focused())
    press(Qt.Key.Key_L, CONTROL)
    assert panel.switcher.isVisible()
    press(Qt.Key.Key_L, CONTROL | SHIFT)
    assert not panel.switcher.isVisible()
    assert panel.in_library


@pytest.mark.parametrize(("key", "modifiers"), [(Qt.Key.Key_Escape, None), (Qt.Key.Key_L, CONTROL)])
def test_it_closes_without_a_choice_and_starts_nothing_underneath(
    key: Qt.Key, modifiers: Qt.KeyboardModifier | None, window: Window, desk: StageDesk
) -> None:
    stage.thinking(desk)
    shelfscenes.switcher(desk)
    press(Qt.Key.Key_L, CONTROL)
    desk.told.clear()
    press(Qt.Key.Key_R, CONTROL)
    press(key, *([modifiers] if modifiers else []))
    assert not window.switcher.isVisible()
    assert desk.told == []
    assert window.composer.editor.hasFocus()


def test_a_click_takes_a_line_and_one_beside_the_panel_closes_it(panel: Window, desk: StageDesk) -> None:
    models = panel.switcher.list
    click(models.viewport(), models.visualRect(panel.switcher.lines.index(2)).center())
    assert desk.told == [("use", "starter")]
    press(Qt.Key.Key_L, CONTROL)
    click(panel.switcher, panel.switcher.rect().bottomRight())
    assert not panel.switcher.isVisible()


def test_the_chosen_line_stays_while_the_shelf_changes(panel: Window, desk: StageDesk) -> None:
    press(Qt.Key.Key_Down)
    assert current(panel) == "SmolLM2 135M, the starter"
    rows = desk.shelf.rows
    desk.shelf.put(on_disk(MAGISTRAL, Place.NAMED, label="A new one"), *rows)
    assert current(panel) == "SmolLM2 135M, the starter"
    assert panel.switcher.filter.hasFocus()


def test_it_fits_into_the_smallest_window(open_window: Open, desk: StageDesk) -> None:
    shelfscenes.library_many(desk)
    window = open_window(desk, (640, 480))
    press(Qt.Key.Key_L, CONTROL)
    QApplication.processEvents()
    assert window.switcher.rect().contains(window.switcher.card)
    for _ in range(40):
        press(Qt.Key.Key_Down)
    place = window.switcher.list.visualRect(window.switcher.list.currentIndex())
    assert window.switcher.list.viewport().rect().contains(place)


def test_a_load_that_failed_for_its_size_leads_to_the_panel(window: Window, desk: StageDesk) -> None:
    shelfscenes.switcher(desk)
    failure = Failure("ModelTooBig", "It needs 26.6 GB of memory; this machine can give 22.9 GB.", "", "model.choose")
    desk.say(EngineChanged(EngineView(EngineState.FAILED, failure=failure)))
    click(window.dock.card.buttons[0])
    assert window.switcher.isVisible()
