"""The window on a real desk with a real store; only the engine plays a script."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.chat.changes import EngineState
from app.chat.desk import Desk
from app.core.messages import Kind, State
from app.ui.bridge import Bridge
from app.ui.deletion import DeleteQuestion
from app.ui.transcript.answer import Answer
from app.ui.window import Window
from tests.chat.desks import scene
from tests.ui.conftest import Open
from tests.ui.hands import ALT, CONTROL, SHIFT, click, press, write

ANSWER = [{"read": [4, 8]}, {"think": "Seven eights are"}, {"say": "It is fifty-six."}]
Stage = Callable[..., Any]
"""Its context gives a window and a desk."""


@pytest.fixture
def whole(tmp_path: Path, open_window: Open, qtbot: QtBot) -> Stage:
    """Opens a window on the data folder of this test; what it yields is closed in order."""

    @contextmanager
    def open_it(**script: Any) -> Iterator[tuple[Window, Desk]]:
        with scene(tmp_path, **script) as play:
            bridge = Bridge()
            play.desk.inbox.ring = bridge.ring
            window = open_window(play.desk)
            bridge.serve(play.desk)
            bridge.ring()
            qtbot.waitUntil(lambda: play.desk.opened)
            yield window, play.desk
            play.desk.inbox.ring = None
            window.close()

    return open_it


def last(window: Window) -> Answer:
    window.transcript.flush()
    turn = window.transcript.turns[-1]
    assert isinstance(turn, Answer)
    return turn


def texts(window: Window) -> list[str]:
    """What the last answer says, the thought first."""
    return [section.source for section in last(window).sections]


def test_a_typed_question_is_thought_about_answered_and_there_again_later(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER]) as (window, _desk):
        assert window.empty.isVisible()
        write("What is 7 times 8?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.DONE)
        assert window.composer.text() == ""
        assert texts(window) == ["Seven eights are", "It is fifty-six."]
        assert not last(window).opened
        assert window.header.accessibleName() == "What is 7 times 8?"
        assert not window.empty.isVisible()
    with whole(answers=[ANSWER]) as (window, desk):
        assert window.sidebar.list.chats.rows[1] == desk.sessions[0]
        window.step_chat(1)
        assert texts(window)[-1] == "It is fifty-six."


def test_a_question_waits_for_the_model(whole: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with whole(answers=[ANSWER], load_gate=str(gate)) as (window, _desk):
        write("Now?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.last_answer is not None and last(window).waiting is not None)
        waiting = last(window).waiting
        assert waiting
        qtbot.waitUntil(lambda: waiting.accessibleName() == "Waiting until the model is loaded")
        gate.touch()
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.DONE)


def test_escape_stops_and_keeps(whole: Stage, qtbot: QtBot) -> None:
    endless = [{"think": "on and on " * 1_000, "pause": 0.02}]
    with whole(answers=[endless]) as (window, _desk):
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: "on and on" in texts(window)[0] if window.thinking else False)
        press(Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.STOPPED)
        assert last(window).words.endswith("stopped by you")
        assert "on and on" in texts(window)[0]


def test_an_engine_that_dies_leaves_the_text_and_a_way_on(whole: Stage, qtbot: QtBot) -> None:
    gone = [{"think": "Half a thou"}, {"die": True}]
    with whole(answers=[gone]) as (window, desk):
        desk.set_preference("restart_engine", False)
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.STOPPED)
        card = last(window).card
        assert card
        assert texts(window)[0] == "Half a thou"
        assert not window.dock.card.isVisible()
        assert [button.text() for button in card.buttons] == ["Continue", "Answer now"]
        before = last(window).message.id
        click(card.buttons[0])
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.STOPPED and not window.running)
        assert last(window).message.id == before
        assert texts(window)[0] == "Half a thouHalf a thou"


def test_a_model_that_cannot_be_loaded_says_so_over_the_composer(whole: Stage, qtbot: QtBot) -> None:
    broken = {
        "kind": "ModelBroken",
        "message": "The model cannot be used.",
        "hint": "Choose another folder.",
        "command": "model.choose",
    }
    with whole(answers=[ANSWER], fail_load=broken) as (window, desk):
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.FAILED)
        assert window.dock.card.isVisible()
        assert window.dock.card.buttons[0].text() == "Choose a model…"


def waits_for(window: Window) -> str:
    waiting = last(window).waiting
    return waiting.accessibleName() if waiting else ""


def test_a_question_behind_another_chats_answer_says_that_it_waits(whole: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    slow = [{"think": "Hm."}, {"gate": str(first)}, {"say": "Seven."}]
    with whole(answers=[slow, [{"gate": str(second)}, *ANSWER]]) as (window, desk):
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.READY)
        write("First?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.thinking)
        window.start_chat()
        write("Second?")
        press(Qt.Key.Key_Return)
        assert waits_for(window) == "Waiting for the answer before this one"
        first.touch()
        qtbot.waitUntil(lambda: len(desk.running) == 1)
        assert waits_for(window) == "Reading the question"
        second.touch()
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.DONE)


def test_a_model_that_failed_can_be_left_for_the_starter(whole: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    broken = {"kind": "ModelBroken", "message": "It cannot be used.", "command": "model.choose"}
    with whole(answers=[ANSWER], fail_load=broken) as (window, desk):
        desk.load_model(str(tmp_path))
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.FAILED)
        click(window.dock.card.buttons[1])
        assert desk.preferences.get("model") == ""
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.FAILED)
        assert len(window.dock.card.buttons) == 1


def test_a_question_that_met_a_broken_model_offers_the_starter(whole: Stage, qtbot: QtBot, tmp_path: Path) -> None:
    broken = {"kind": "ModelBroken", "message": "It cannot be used.", "command": "model.choose"}
    with whole(answers=[ANSWER], fail_load=broken) as (window, desk):
        desk.load_model(str(tmp_path))
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.FAILED)
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.FAILED)
        card = last(window).card
        assert card
        assert not window.dock.card.isVisible()
        click(card.buttons[1])
        assert desk.preferences.get("model") == ""


def settled(window: Window) -> bool:
    return window.last_answer is not None and not window.running


def test_a_running_thought_is_corrected_from_the_composer(whole: Stage, qtbot: QtBot) -> None:
    answer = [{"think": "Decimals first."}, {"steer": True}, {"think": "Fractions, then."}, {"say": "25/8."}]
    with whole(answers=[answer]) as (window, desk):
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.thinking)
        write("Use fractions.")
        press(Qt.Key.Key_Return, CONTROL | SHIFT)
        assert window.composer.text() == ""
        qtbot.waitUntil(lambda: settled(window))
        kinds = [part.kind for part in desk.conversation.messages[-1].parts]
        assert kinds == [Kind.REASONING, Kind.STEER, Kind.REASONING, Kind.TEXT]
        window.toggle_thought()
        said = texts(window)
        assert said == ["Decimals first.", "Use fractions.", "Fractions, then.", "25/8."]
        session = desk.conversation.session
        assert session
        window.start_chat()
        window.open_chat(session.id)
        window.toggle_thought()
        assert texts(window) == said


def test_a_looping_thought_offers_to_answer_now(whole: Stage, qtbot: QtBot) -> None:
    loop = [{"think": "So. ", "each": 4}, {"think": "Again. Again. ", "each": 7}, {"retract": [7, 1]}, {"loop": True}]
    with whole(answers=[loop, [{"think": "no more"}, {"say": "Seven."}]]) as (window, desk):
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: settled(window))
        answer = last(window)
        assert answer.words.endswith("loop stopped")
        assert texts(window)[0] == "So. Again. "
        assert answer.card
        assert [button.text() for button in answer.card.buttons] == ["Answer now", "Try again from before the loop"]
        before = answer.message.id
        click(answer.card.buttons[0])
        qtbot.waitUntil(lambda: settled(window) and bool(last(window).taken))
        assert last(window).message.id == before
        assert last(window).card is None
        assert desk.conversation.messages[-1].text == "Seven."


def test_an_edited_question_leaves_the_other_one_in_reach(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER]) as (window, desk):
        write("What is 7 times 8?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: settled(window))
        first = desk.conversation.messages[-1].id
        press(Qt.Key.Key_Up)
        write("!")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: settled(window) and desk.conversation.messages[-1].id != first)
        assert [one.text for one in desk.conversation.messages] == ["What is 7 times 8?!", "It is fifty-six."]
        press(Qt.Key.Key_Left, CONTROL | ALT)
        assert desk.conversation.messages[-1].id == first
        assert last(window).message.id == first


def test_a_thought_is_thought_again_beside_the_other(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER, [{"think": "nine are sixty-three."}, {"say": "It is 63."}]]) as (window, desk):
        write("What is 7 times 8?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: settled(window))
        first = desk.conversation.messages[-1].id
        press(Qt.Key.Key_R, CONTROL | SHIFT)
        for _ in range(len("eights are")):
            press(Qt.Key.Key_Left)
        press(Qt.Key.Key_R, CONTROL | SHIFT)
        qtbot.waitUntil(lambda: settled(window) and desk.conversation.messages[-1].id != first)
        assert desk.conversation.messages[-1].reasoning == "Seven nine are sixty-three."
        foot = last(window).foot
        assert foot
        assert foot.versions
        assert foot.versions.accessibleName() == "Version 2 of 2"


def test_a_resting_engine_comes_back_with_the_next_question(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER]) as (window, desk):
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.READY)
        window.run_command("engine.free")
        assert desk.engine.state is EngineState.RESTING
        assert window.dock.accessibleName().endswith("It loads with your next question.")
        write("What is 7 times 8?")
        press(Qt.Key.Key_Return)
        assert waits_for(window) == "Waiting until the model is loaded"
        qtbot.waitUntil(lambda: settled(window))
        assert desk.conversation.messages[-1].text == "It is fifty-six."
        assert window.dock.accessibleName() == ""


def test_the_budget_and_the_thoughts_are_the_chats_own(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER]) as (window, desk):
        write("First?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: settled(window))
        window.composer.thinking.chosen.emit(500)
        window.run_command("chat.keep_thoughts")
        assert window.composer.thinking.text() == "Think · 500"
        window.start_chat()
        assert window.composer.thinking.text() == "Think"
        assert not window.actions_by_id["chat.keep_thoughts"].isChecked()
        window.open_chat(desk.sessions[0].id)
        assert window.composer.thinking.text() == "Think · 500"
        assert window.actions_by_id["chat.keep_thoughts"].isChecked()


def test_what_reading_costs_is_told_as_soon_as_the_pace_is_known(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER], rates=[2.0, 10.0]) as (window, desk):
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.READY)
        write("What do seven times eight make in the end?")
        qtbot.waitUntil(lambda: window.composer.number.endswith("to read"))
        assert window.composer.number.startswith("about ")


def test_a_correction_that_came_too_late_stands_in_the_composer_again(
    whole: Stage, qtbot: QtBot, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with whole(answers=[[{"think": "Decimals."}, {"gate": str(gate)}, {"say": "25/8."}]]) as (window, desk):
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.thinking)
        write("Use fractions.")
        press(Qt.Key.Key_Return, CONTROL | SHIFT)
        gate.touch()
        qtbot.waitUntil(lambda: settled(window) and window.composer.text() == "Use fractions.")
        assert window.banner.isVisible()
        assert desk.conversation.draft == "Use fractions."


def test_a_chat_is_deleted_with_everything_in_it(whole: Stage, qtbot: QtBot) -> None:
    endless = [{"think": "on and on " * 1_000, "pause": 0.02}]
    with whole(answers=[endless]) as (window, desk):
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.thinking)
        press(Qt.Key.Key_Backspace, CONTROL | SHIFT)
        question = window.findChild(DeleteQuestion)
        assert question
        click(question.delete)
        assert (desk.sessions, desk.running) == ([], set())
        assert window.empty.isVisible()
