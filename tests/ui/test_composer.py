"""The composer, with real keys."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.core.budget import Ledger
from app.ui.window import Window
from tests.ui import stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, SHIFT, click, press
from tests.ui.hands import write as write_keys
from tests.ui.stage import StageDesk


def words(desk: StageDesk) -> list[object]:
    return [one for one in desk.told if one[0] != "set_draft"]


def test_return_sends_and_empties(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    write_keys("Is 7 prime?")
    press(Qt.Key.Key_Return)
    assert words(desk) == [("send", "Is 7 prime?")]
    assert window.composer.text() == ""


def test_shift_return_breaks_the_line(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    before = window.composer.height()
    write_keys("one")
    press(Qt.Key.Key_Return, SHIFT)
    write_keys("two")
    assert window.composer.text() == "one\ntwo"
    assert window.composer.height() == before + 24
    assert words(desk) == []


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_nothing_is_not_sent(text: str, window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    window.composer.editor.setPlainText(text)
    press(Qt.Key.Key_Return)
    assert words(desk) == []
    assert not window.composer.button.isEnabled()


def test_nothing_is_lost_before_the_database_is_open(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    desk.opened = False
    write_keys("Is 7 prime?")
    press(Qt.Key.Key_Return)
    assert words(desk) == []
    assert window.composer.text() == "Is 7 prime?"


def test_escape_stops(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.thinking(desk)
    press(Qt.Key.Key_Escape)
    assert words(desk) == [("stop",)]


def test_control_return_answers_now_only_while_thinking(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    press(Qt.Key.Key_Return, CONTROL)
    assert words(desk) == []
    stage.thinking(desk)
    press(Qt.Key.Key_Return, CONTROL)
    assert words(desk) == [("answer_now",)]


def test_one_may_write_but_not_send_while_an_answer_runs(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.thinking(desk)
    write_keys("next")
    press(Qt.Key.Key_Return)
    assert words(desk) == []
    assert window.composer.text() == "next"


def test_the_round_button_stops_while_an_answer_runs(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.thinking(desk)
    assert window.composer.button.accessibleName() == "Stop"
    click(window.composer.button)
    assert words(desk) == [("stop",)]


def test_the_draft_moves_the_meter(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    write_keys("hello")
    assert desk.told[-1] == ("set_draft", "hello")
    assert window.header.meter.accessibleName().startswith("Context: about")


def test_the_card_grows_to_two_fifths_of_the_window(window: Window, qtbot: QtBot) -> None:
    window.composer.editor.setPlainText("line\n" * 200)
    assert 0.3 * window.height() < window.composer.height() <= 0.4 * window.height()


def test_pasted_markup_stays_text(window: Window) -> None:
    from PySide6.QtCore import QMimeData

    pasted = QMimeData()
    pasted.setHtml("<b>bold</b>")
    pasted.setText("bold")
    window.composer.editor.insertFromMimeData(pasted)
    assert window.composer.text() == "bold"
    assert window.composer.editor.fontWeight() < 600


def test_letters_typed_anywhere_go_to_the_composer(window: Window, qtbot: QtBot) -> None:
    window.sidebar.list.setFocus()
    write_keys("hi")
    assert window.composer.text() == "hi"
    assert window.composer.editor.hasFocus()


def test_a_budget_is_remembered_and_shown(window: Window, desk: StageDesk) -> None:
    window.composer.thinking.chosen.emit(1_000)
    assert ("set_preference", "thinking_budget", 1_000) in desk.told
    assert window.composer.thinking.text() == "Think · 1,000"


def test_the_meter_says_where_it_stands(open_window: Open, desk: StageDesk) -> None:
    desk.budget = Ledger(9_300, 112, 0, 40_960, exact=True)
    window = open_window(desk)
    assert window.header.meter.accessibleName() == "Context: 9,412 / 40k context · 23%"
    assert "Left for thought and answer: 31,548" in window.header.meter.toolTip()
