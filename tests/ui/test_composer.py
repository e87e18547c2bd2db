"""The composer, with real keys."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.chat.changes import EngineChanged, LedgerChanged, StoredChanged
from app.core.budget import Ledger
from app.core.errors import Failure
from app.core.messages import Kind, Part
from app.core.protocol import Stored
from app.ui.attached import Chip
from app.ui.window import Window
from tests.ui import samples, stage
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


def test_a_budget_belongs_to_the_chat_and_is_shown(window: Window, desk: StageDesk) -> None:
    window.composer.thinking.chosen.emit(1_000)
    assert ("set_chat_budget", 1_000) in desk.told
    assert window.composer.thinking.text() == "Think · 1,000"
    window.composer.thinking.chosen.emit(-1)
    assert ("set_chat_budget", None) in desk.told
    assert window.composer.thinking.text() == "Think"


def test_another_chat_shows_its_own_budget(window: Window, desk: StageDesk) -> None:
    desk.chat_budget = 0
    stage.folded(desk)
    assert window.composer.thinking.text() == "No thinking"


def test_control_shift_return_puts_what_is_written_into_the_thought(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    write_keys("Use fractions.")
    press(Qt.Key.Key_Return, CONTROL | SHIFT)
    assert words(desk) == [("steer", "Use fractions.")]
    assert window.composer.text() == ""
    assert desk.conversation.draft == ""


def test_nothing_is_put_into_a_thought_without_words_or_without_a_thought(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    press(Qt.Key.Key_Return, CONTROL | SHIFT)
    stage.folded(desk)
    write_keys("Use fractions.")
    press(Qt.Key.Key_Return, CONTROL | SHIFT)
    assert words(desk) == []
    assert window.composer.text() == "Use fractions."


def test_a_hint_names_the_keys_of_a_running_thought(window: Window, desk: StageDesk) -> None:
    assert window.composer.hint == ""
    stage.thinking(desk)
    assert window.composer.hint == "Ctrl+Return answers now · Ctrl+Shift+Return corrects the thought"
    stage.folded(desk)
    assert window.composer.hint == ""


def test_a_narrow_composer_has_the_shorter_hint(open_window: Open, desk: StageDesk) -> None:
    window = open_window(desk, (800, 600))
    stage.thinking(desk)
    assert window.composer.hint == "Ctrl+Return answers now"
    write_keys("Use fractions.")
    assert window.composer.hint == "Ctrl+Shift+Return corrects the thought"


def test_what_a_question_costs_is_told_before_it_is_sent(window: Window, desk: StageDesk) -> None:
    for seconds, words_shown in ((100.0, "about 1 min 40 s to read"), (2.9, ""), (None, "")):
        desk.seconds = seconds
        desk.say(LedgerChanged())
        assert window.composer.number == words_shown
    desk.seconds = 100.0
    stage.thinking(desk)
    assert window.composer.number == "18.4 tok/s"


def test_attached_documents_are_named_and_can_be_taken_off(window: Window, desk: StageDesk) -> None:
    before = window.composer.height()
    stage.attached(desk)
    desk.say(LedgerChanged())
    chips = window.composer.findChildren(Chip)
    assert [chip.text() for chip in chips] == list(samples.FILES)
    assert window.composer.height() > before
    middle, cross = chips[1].rect().center(), chips[1].rect().center()
    click(chips[1], middle)
    assert words(desk) == []
    cross.setX(chips[1].width() - 8)
    click(chips[1], cross)
    assert words(desk) == [("detach", 1)]
    left = [chip.text() for chip in window.composer.findChildren(Chip) if chip.isVisible()]
    assert left == [samples.FILES[0], *samples.FILES[2:]]


def test_many_documents_are_counted(window: Window, desk: StageDesk) -> None:
    desk.conversation.attached = [
        Part(Kind.DOCUMENT, "…", name=f"Part {number} of the file.pdf") for number in range(40)
    ]
    desk.say(LedgerChanged())
    shown = sum(chip.isVisible() for chip in window.composer.findChildren(Chip))
    assert window.composer.attached.rest == f"and {40 - shown} more"
    assert 0 < shown < 40


def test_up_in_an_empty_composer_edits_the_last_question(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    question = desk.conversation.messages[-2]
    press(Qt.Key.Key_Up)
    assert window.composer.text() == question.text
    write_keys(" Twice")
    press(Qt.Key.Key_Return)
    assert desk.told == [("edit", question.id, question.text + " Twice")]
    assert window.edited is None
    assert window.composer.text() == ""
    write_keys("x")
    press(Qt.Key.Key_Return)
    assert desk.told[-1] == ("send", "x")


def test_escape_leaves_the_question_and_brings_the_draft_back(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    write_keys("A draft")
    window.edit_question()
    assert desk.conversation.draft == "A draft"
    press(Qt.Key.Key_Escape)
    assert window.edited is None
    assert window.composer.text() == "A draft"
    assert window.composer.attached.isHidden()


def test_another_chat_is_not_edited_into(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    window.edit_question()
    desk.open_session(desk.sessions[2].id)
    assert window.edited is None
    assert window.composer.text() == ""


def test_what_was_typed_into_a_question_is_kept_when_another_chat_is_opened(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    here = desk.conversation
    window.edit_question()
    write_keys(" Twice")
    typed = window.composer.text()
    window.step_chat(1)
    assert here.draft == typed
    assert window.edited is None
    assert window.composer.text() == ""
    desk.told.clear()
    window.edit_question()
    window.step_chat(1)  # nothing was typed
    assert [one for one in desk.told if one[0] != "open_session"] == []


def test_the_documents_that_go_along_are_shown_while_a_question_is_edited(window: Window, desk: StageDesk) -> None:
    stage.attached(desk)
    desk.say(LedgerChanged())
    window.edit_question()
    chips = [chip.text() for chip in window.composer.findChildren(Chip) if not chip.isHidden()]
    assert chips == ["Editing your question", *samples.FILES]


def test_up_is_an_ordinary_key_in_a_text_and_while_an_answer_runs(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    press(Qt.Key.Key_Up)
    assert window.edited is None
    stage.folded(desk)
    write_keys("a")
    press(Qt.Key.Key_Up)
    assert window.edited is None
    assert window.composer.text() == "a"


def test_the_meter_says_where_it_stands(open_window: Open, desk: StageDesk) -> None:
    desk.budget = Ledger(9_300, 112, 0, 40_960, exact=True)
    window = open_window(desk)
    assert window.header.meter.accessibleName() == "Context: 9,412 / 40k context · 23%"
    assert "Left for thought and answer: 31,548" in window.header.meter.toolTip()
    assert window.header.meter.accessibleDescription() == window.header.meter.toolTip()


@pytest.mark.parametrize(
    ("keeps", "words_shown"),
    [(False, "Earlier thoughts are left out of it."), (True, "Earlier thoughts are kept in it.")],
)
def test_the_meter_says_what_becomes_of_thoughts(
    keeps: bool, words_shown: str, window: Window, desk: StageDesk
) -> None:
    assert "thoughts" not in window.header.meter.toolTip()
    desk.keeps_thoughts = keeps
    stage.folded(desk)
    assert words_shown in window.header.meter.toolTip().splitlines()


@pytest.mark.parametrize(
    ("stored", "words_shown"),
    [
        (
            Stored(1_200_000_000, 10_000_000_000, 340_000_000),
            "Saved for reading faster: 1.2 of 10 GB, 340 MB written today",
        ),
        (Stored(0, 10_000_000_000, 0), "Saved for reading faster: 0 of 10 GB"),
        (Stored(0, 0, 0), "Saved for reading faster: off"),
        (
            Stored(0, 10_000_000_000, 0, Failure("DiskFull", "The disk is full.")),
            "Saved for reading faster: nothing at the moment. The disk is full.",
        ),
    ],
)
def test_the_meter_says_what_is_saved(stored: Stored, words_shown: str, window: Window, desk: StageDesk) -> None:
    desk.stored = stored
    desk.say(StoredChanged())
    assert window.header.meter.toolTip().splitlines()[-1] == words_shown


def test_a_resting_model_says_what_brings_it_back(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    window.run_command("engine.free")
    assert window.dock.accessibleName() == "Magistral Small is resting. It loads with your next question."
    assert window.header.model.text() == "Magistral Small · resting"
    desk.say(EngineChanged(samples.READY))
    assert window.dock.accessibleName() == ""
    assert window.header.model.text() == "Magistral Small · 4-bit"
