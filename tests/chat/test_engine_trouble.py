"""The engine crashes, hangs, cannot load, or is somebody else's: nothing is lost, and there is a way on."""

import os
import signal
from pathlib import Path

from app.chat.changes import EngineState, Phase
from app.core.messages import State
from app.core.places import Places
from app.engine.lock import Lock, this_process
from tests.chat.desks import Scene, is_running, kept, kept_last, recorded, scene, states

DIES = [{"think": "half a thou"}, {"die": True}]
MISSING = {"kind": "ModelMissing", "message": "There is no model.", "hint": "Choose one.", "command": "model.choose"}


def engine_pid(play: Scene) -> int:
    pid = play.desk._engine.pid
    assert pid
    return pid


def test_a_crash_keeps_the_text_and_restarts_once(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[DIES]) as play:
        first = play.ask("One")
        assert (first.state, first.reasoning) == (State.INTERRUPTED, "half a thou")
        facts = first.generation
        assert facts
        assert facts.failure
        assert facts.failure.kind == "EngineStopped"
        assert (facts.model, facts.fingerprint) == ("Magistral Small", "0123456789abcdef")
        play.until_engine(EngineState.READY)
        second = play.ask("Two")
        assert second.state is State.INTERRUPTED
        play.until_engine(EngineState.STOPPED)
        play.desk.restart_engine()
        play.until_engine(EngineState.READY)
        play.desk.retry()
        assert play.ending().reasoning == "half a thou"
    assert kept_last(tmp_path).generation


def test_retry_starts_a_stopped_engine(tmp_path: Path) -> None:
    answers = [DIES]
    with scene(tmp_path, answers=answers) as play:
        play.desk.set_preference("restart_engine", value=False)
        play.ask()
        play.until_engine(EngineState.STOPPED)
        play.desk.retry()
        play.until_engine(EngineState.READY)
        play.ending()


def test_a_question_starts_a_stopped_engine(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.desk.set_preference("restart_engine", value=False)
        play.until_engine(EngineState.READY)
        os.kill(engine_pid(play), signal.SIGKILL)
        play.until_engine(EngineState.STOPPED)
        assert play.ask().text == "Fine."


def test_an_engine_that_has_answered_since_is_restarted_again(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        for number in range(3):
            play.until_engine(EngineState.READY)
            assert play.ask(f"Question {number}").text == "Fine."
            killed = engine_pid(play)
            os.kill(killed, signal.SIGKILL)
            play.until(lambda killed=killed: play.desk._engine.pid not in (None, killed))  # type: ignore[misc]


def test_garbage_ends_the_engine_and_keeps_the_text(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answers = [[{"gate": str(gate)}, {"say": "half an ans"}, {"garbage": True}], [{"say": "Fine."}]]
    with scene(tmp_path, answers=answers) as play:
        play.send()
        play.until_engine(EngineState.READY)
        before = engine_pid(play)
        gate.touch()
        answer = play.ending()
        assert (answer.state, answer.text) == (State.INTERRUPTED, "half an ans")
        play.until(lambda: not is_running(before))
        play.until_engine(EngineState.READY)


def test_queued_questions_survive_a_crash(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(
        tmp_path, answers=[[{"think": "slow"}, {"gate": str(gate)}, {"die": True}], [{"say": "Never."}]]
    ) as play:
        play.send("One")
        play.until_text("slow")
        play.desk.new_session()
        play.send("Two")
        play.until(lambda: play.desk.conversation.running and play.desk.conversation.running.sent)
        gate.touch()
        # The new worker plays from the start, so the second question meets the first script: it dies, too.
        assert play.ending().reasoning == "slow"
    assert states(kept(tmp_path)).count(State.INTERRUPTED) == 2


def test_a_queued_question_is_answered_by_the_next_worker(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"say": "Here."}]], load_gate=str(tmp_path / "gate")) as play:
        play.send("One")
        play.until_engine(EngineState.LOADING)
        os.kill(engine_pid(play), signal.SIGKILL)
        (tmp_path / "gate").touch()
        assert play.ending().text == "Here."


def test_a_second_crash_leaves_the_question_waiting_for_a_restart(tmp_path: Path) -> None:
    omen = tmp_path / "omen"
    omen.touch()
    with scene(tmp_path, die_on_load=str(omen)) as play:
        play.send("One")
        play.until_engine(EngineState.STOPPED)
        running = play.desk.conversation.running
        assert running
        assert not running.sent
        omen.unlink()
        play.desk.restart_engine()
        assert play.ending().text == "Fine."


def test_a_question_typed_while_the_model_loads_is_sent_afterwards(tmp_path: Path) -> None:
    gate, record = tmp_path / "gate", tmp_path / "record"
    with scene(tmp_path, load_gate=str(gate), record=str(record)) as play:
        play.send()
        play.until_engine(EngineState.LOADING)
        play.until(lambda: play.desk.engine.done == 2)
        assert recorded(record, "generate") == []
        gate.touch()
        assert play.ending().text == "Fine."


def test_a_failed_load_fails_the_question_and_another_model_answers(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, fail_load=MISSING, load_gate=str(gate)) as play:
        play.send()
        gate.touch()
        answer = play.ending()
        assert answer.state is State.FAILED
        assert answer.generation
        assert answer.generation.failure
        assert answer.generation.failure.message == "There is no model."
        assert play.desk.engine.state is EngineState.FAILED
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as other:
        other.desk.load_model("/models/other")
        assert other.ask().text == "Fine."
        assert recorded(record, "load")[-1]["folder"] == "/models/other"
        assert other.desk.preferences.get("model") == "/models/other"


def test_a_question_after_a_failed_load_tries_once_more(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, fail_load=MISSING, record=str(record)) as play:
        play.until_engine(EngineState.FAILED)
        assert play.ask().state is State.FAILED
        assert len(recorded(record, "load")) == 2


def test_a_model_named_for_this_time_survives_a_restart(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, start=False, record=str(record)) as play:
        play.desk.start_engine("/models/this-time")
        play.until_engine(EngineState.READY)
        os.kill(engine_pid(play), signal.SIGKILL)
        play.until(lambda: len(recorded(record, "load")) == 2)
        assert [load["folder"] for load in recorded(record, "load")] == ["/models/this-time"] * 2
        assert play.desk.preferences.get("model") == ""


def test_another_model_stops_the_running_answer_and_keeps_it(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[[{"say": "on and on " * 400, "pause": 0.005}]]) as play:
        play.send("One")
        play.until_text("on and on")
        play.desk.load_model("/models/other")
        answer = play.ending()
        assert answer.state is State.STOPPED
        assert answer.text.startswith("on and on")
        assert answer.generation
        assert answer.generation.failure is None
        play.until_engine(EngineState.READY)
        assert len(recorded(record, "generate")) == 1


def test_news_of_an_earlier_worker_are_not_taken_for_the_new_one(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until(lambda: play.desk.opened)
        play.desk.inbox.wait(5)
        for _again in range(5):  # without a look at the inbox in between
            play.desk.load_model("/models/other")
        play.until_engine(EngineState.READY)
        loaded = [change for change in play.changes if getattr(getattr(change, "view", None), "card", None)]
        assert len(loaded) == 1


def test_a_desk_waits_for_the_engine_of_another_process(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    places = Places(tmp_path / "data")
    other = Lock(places.engine_lock, this_process("ask"))
    assert other.acquire() is None
    with scene(tmp_path) as play:
        play.send()
        play.until_engine(EngineState.WAITING)
        failure = play.desk.engine.failure
        assert failure
        assert str(os.getpid()) in failure.message
        assert "terminal" in failure.message
        assert play.desk.conversation.progress
        assert play.desk.conversation.progress.phase is Phase.QUEUED
        other.release()
        assert play.ending().text == "Fine."


def test_a_missing_engine_program_is_told(tmp_path: Path) -> None:
    with scene(tmp_path, start=False) as play:
        play.desk._engine._worker = ["/no/such/program"]
        play.desk.set_preference("restart_engine", value=False)
        play.desk.start_engine()
        play.until_engine(EngineState.STOPPED)
        failure = play.desk.engine.failure
        assert failure
        assert "could not be started" in failure.message
        assert failure.command == "engine.restart"


def test_closing_in_the_middle_of_an_answer_keeps_it_as_interrupted(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "deep "}, {"say": "and wide " * 400, "pause": 0.005}]]) as play:
        play.send()
        play.until_text("and wide")
        shown = play.last.text
    answer = kept_last(tmp_path)
    assert answer.state is State.INTERRUPTED
    assert answer.reasoning == "deep "
    assert answer.text.startswith(shown)
    assert answer.generation


def test_closing_twice_is_fine(tmp_path: Path) -> None:
    with scene(tmp_path, window=True) as play:
        play.ask()
        play.desk.close()
