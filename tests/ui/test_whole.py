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
from app.core.messages import State
from app.ui.bridge import Bridge
from app.ui.transcript.turn import Answer
from app.ui.window import Window
from tests.chat.desks import scene
from tests.ui.conftest import Open
from tests.ui.hands import click, press, write

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
    turn = window.transcript._column.turns[-1]
    assert isinstance(turn, Answer)
    return turn


def test_a_typed_question_is_thought_about_answered_and_there_again_later(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[ANSWER]) as (window, _desk):
        assert window.empty.isVisible()
        write("What is 7 times 8?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.DONE)
        assert window.composer.text() == ""
        assert [text.text() for text in last(window).texts()] == ["Seven eights are", "It is fifty-six."]
        thought = last(window).thought
        assert thought
        assert not thought.open
        assert window.header.accessibleName() == "What is 7 times 8?"
        assert not window.empty.isVisible()
    with whole(answers=[ANSWER]) as (window, desk):
        assert window.sidebar.list.chats.rows[1] == desk.sessions[0]
        window.step_chat(1)
        assert last(window).texts()[-1].text() == "It is fifty-six."


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
        qtbot.waitUntil(lambda: "on and on" in last(window).texts()[0].text() if window.thinking else False)
        press(Qt.Key.Key_Escape)
        qtbot.waitUntil(lambda: window.last_answer is not None and window.last_answer.state is State.STOPPED)
        thought = last(window).thought
        assert thought
        assert thought.header.text().endswith("stopped by you")
        assert "on and on" in last(window).texts()[0].text()


def test_an_engine_that_dies_leaves_the_text_and_one_button(whole: Stage, qtbot: QtBot) -> None:
    with whole(answers=[[{"think": "Half a thou"}, {"die": True}]]) as (window, desk):
        desk.set_preference("restart_engine", False)
        write("Why?")
        press(Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.STOPPED)
        card = last(window).card
        assert card
        assert last(window).texts()[0].text() == "Half a thou"
        assert not window.dock.card.isVisible()
        before = last(window).message.id
        click(card._button)
        qtbot.waitUntil(lambda: last(window).message.id != before)


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
        assert window.dock.card._button.text() == "Choose a model folder…"


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
        click(window.dock.card._second)
        assert desk.preferences.get("model") == ""
        qtbot.waitUntil(lambda: desk.engine.state is EngineState.FAILED)
        assert not window.dock.card._second.isVisible()


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
        click(card._second)
        assert desk.preferences.get("model") == ""
