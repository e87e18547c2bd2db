"""`ask` while the window is open: through its door, in turn, and without harm to its answers."""

import os
import signal
import subprocess
from pathlib import Path

import psutil

from app.chat.changes import EngineState, RaiseAsked
from tests import double
from tests.chat.desks import Scene, recorded, scene
from tests.chat.leaks import _leaves_nothing
from tests.cli.terminal import rows, start, wait

__all__ = ["_leaves_nothing"]


def test_a_question_is_answered_by_the_window_in_a_chat_of_its_own(tmp_path: Path) -> None:
    with scene(tmp_path, window=True, answers=[[{"think": "hm"}, {"say": "From the window."}]]) as play:
        with start("ask", "Who answers?", "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert (asking.returncode, out, err) == (0, "From the window.\n", "hm\n")
        assert play.desk.conversation.session is None
        assert [session.title for session in play.desk.sessions] == ["Who answers?"]
        assert play.written == ""


def test_a_question_waits_its_turn_and_no_live_answer_is_touched(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answers = [[{"say": "Mine first."}, {"gate": str(gate)}], [{"say": "Then yours."}]]
    with scene(tmp_path, window=True, answers=answers) as play:
        play.send("Mine")
        play.until_text("Mine first.")
        with start("ask", "Yours", "--data", tmp_path / "data", "--json") as asking:
            play.until(lambda: len(play.desk.running) == 2)
            play.until(lambda: [state for state, _text in rows(tmp_path)] == ["running", "running"])
            gate.touch()
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert asking.returncode == 0
        assert '"answer":"Then yours."' in out
        assert "waits for its turn" in err
        assert play.ending().text == "Mine first."
    assert rows(tmp_path) == [("done", "Mine first."), ("done", "Then yours.")]


def test_ctrl_c_stops_the_answer_in_the_window(tmp_path: Path) -> None:
    with scene(tmp_path, window=True, answers=[[{"say": "on and on " * 4000, "pause": 0.005}]]) as play:
        with start("ask", "Why?", "--data", tmp_path / "data") as asking:
            play.until(lambda: _heard(play))
            os.killpg(asking.pid, signal.SIGINT)
            play.until(lambda: asking.poll() is not None)
            out, _err = asking.communicate()
        assert asking.returncode == 130
    ((state, text),) = rows(tmp_path)
    assert state == "stopped"
    assert out == f"{text}\n"


def test_options_reach_the_window(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, window=True, record=str(record)) as play:
        words = ("--temperature", "0", "--stop", "Q:", "--keep-thoughts", "--think", "5")
        with start("ask", "Why?", *words, "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            asking.communicate()
        assert play.desk.sessions[0].keep_thoughts is True
    (asked,) = recorded(record, "generate")
    assert (asked["sampling"]["temperature"], asked["sampling"]["stop"]) == (0.0, ["Q:"])
    assert (asked["keep_thoughts"], asked["thinking_budget"]) == (True, 5)


def test_an_answer_goes_on_in_the_window(tmp_path: Path) -> None:
    answers = [[{"say": "half of"}, {"limit": True}], [{"say": " it"}]]
    with scene(tmp_path, window=True, answers=answers) as play:
        play.ask()
        with start("ask", "--resume", "--json", "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            out, _err = asking.communicate()
        assert asking.returncode == 0
        assert '"answer":"half of it"' in out
        assert play.last.text == "half of it"
        with start("ask", "--resume", "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert (asking.returncode, out) == (2, "")
        assert "is complete" in err
        play.desk.new_session()
        assert play.ask("Next").text == " it"


def test_the_window_reads_a_document_while_the_question_is_typed(tmp_path: Path) -> None:
    record, note = tmp_path / "record", tmp_path / "note.md"
    note.write_text("a long note")
    with scene(tmp_path, window=True, record=str(record)) as play:
        words = ("ask", "-", "--file", note, "--seed", "7", "--think", "0", "--data", tmp_path / "data")
        with start(*words, stdin=subprocess.PIPE) as asking:
            play.until(lambda: recorded(record, "prewarm"))
            assert asking.stdin
            asking.stdin.write("What is it?")
            asking.stdin.close()
            asking.stdin = None
            play.until(lambda: asking.poll() is not None)
            out, _err = asking.communicate()
        assert (asking.returncode, out) == (0, "Fine.\n")
        assert play.desk.conversation.attached == []
    (warmed,), (asked,) = recorded(record, "prewarm"), recorded(record, "generate")
    assert (warmed["thinking"], warmed["fixed"]) == (False, True)
    assert (asked["thinking_budget"], asked["sampling"]["seed"]) == (0, 7)
    assert warmed["session"] == asked["session"]
    assert [part["kind"] for part in asked["turns"][0]["parts"]] == ["document", "text"]


def test_a_visitors_document_wakes_a_resting_window_and_is_read(tmp_path: Path) -> None:
    record, note = tmp_path / "record", tmp_path / "note.md"
    note.write_text("a long note")
    with scene(tmp_path, window=True, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.free_memory()
        with start("ask", "-", "--file", note, "--data", tmp_path / "data", stdin=subprocess.PIPE) as asking:
            play.until(lambda: recorded(record, "prewarm"))
            assert asking.stdin
            asking.stdin.close()
            asking.stdin = None
            play.until(lambda: asking.poll() is not None)
            asking.communicate()
        assert play.desk.engine.state is EngineState.READY


def test_a_visitor_who_leaves_before_asking_has_nothing_read(tmp_path: Path) -> None:
    record, gate, note = tmp_path / "record", tmp_path / "gate", tmp_path / "note.md"
    note.write_text("a long note")
    with scene(tmp_path, window=True, record=str(record), warm_gate=str(gate)) as play:
        words = ("ask", "-", "--file", note, "--data", tmp_path / "data")
        with start(*words, stdin=subprocess.PIPE) as asking:
            play.until(lambda: recorded(record, "prewarm"))
            os.killpg(asking.pid, signal.SIGINT)
            play.until(lambda: asking.poll() is not None)
        assert asking.returncode == 130
        play.until(lambda: recorded(record, "cancel"))
        assert play.desk.sessions == []


def test_another_model_is_refused_plainly(tmp_path: Path) -> None:
    with scene(tmp_path, window=True) as play:
        with start("ask", "Why?", "--data", tmp_path / "data", "--model", tmp_path) as asking:
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert (asking.returncode, out) == (1, "")
        assert f"An open window (process {os.getpid()}) holds the engine." in err
        assert "--model" in err


def test_a_window_that_closes_keeps_what_it_wrote(tmp_path: Path) -> None:
    with scene(tmp_path, window=True, answers=[[{"say": "half an ans", "each": 99}, {"hang": True}]]) as play:
        asking = start("ask", "Why?", "--data", tmp_path / "data")
        assert asking.stdout
        play.until(lambda: play.desk.running)
        play.until(lambda: _heard(play))
    out, _err = asking.communicate(timeout=30)
    assert (asking.returncode, out) == (1, "half an ans\n")
    assert rows(tmp_path) == [("interrupted", "half an ans")]


def test_a_window_without_an_engine_says_so(tmp_path: Path) -> None:
    omen = tmp_path / "omen"
    omen.touch()
    with scene(tmp_path, window=True, die_on_load=str(omen)) as play:
        play.until_engine(EngineState.STOPPED)
        with start("ask", "Why?", "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert (asking.returncode, out) == (1, "")
        assert "The engine stopped." in err
        assert not play.desk.running


def test_a_window_whose_chats_cannot_open_says_so(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lemma.db").mkdir()
    with scene(tmp_path, window=True) as play:
        with start("ask", "Why?", "--data", tmp_path / "data") as asking:
            play.until(lambda: asking.poll() is not None)
            out, err = asking.communicate()
        assert (asking.returncode, out) == (1, "")
        assert "data folder" in err


def test_a_second_window_raises_the_first(tmp_path: Path) -> None:
    with scene(tmp_path, window=True) as play:
        with start("--data", tmp_path / "data", "--screenshot", tmp_path / "never.png") as second:
            play.until(lambda: second.poll() is not None)
            second.communicate()
        assert second.returncode == 0
        assert RaiseAsked() in play.changes
        assert not (tmp_path / "never.png").exists()


def _heard(play: Scene) -> bool:
    """Whether some answer, in whichever chat, has text."""
    turns = play.desk._answering._turns.values()
    return any(turn.conversation.messages[-1].text for turn in turns)


def test_a_question_that_a_closing_window_never_took_is_answered_here(tmp_path: Path) -> None:
    with scene(tmp_path, window=True):  # nobody looks into its inbox
        asking = start(
            "ask", "Why?", "--data", tmp_path / "data", worker=double.command(tmp_path), stderr=subprocess.STDOUT
        )
        wait(lambda: _is_here(tmp_path))
    out, _err = asking.communicate(timeout=30)
    assert (asking.returncode, out) == (0, "Fine.\n")
    assert rows(tmp_path) == [("done", "Fine.")]


def _is_here(folder: Path) -> bool:
    """Whether somebody is connected to the window's door, this process being the window."""
    door = str(folder / "data" / "door.sock")
    here = [each for each in psutil.Process().net_connections("unix") if each.laddr == door]
    return len(here) > 1
