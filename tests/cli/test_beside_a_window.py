"""`ask` while the window is open: through its door, in turn, and without harm to its answers."""

import os
import signal
import subprocess
from pathlib import Path

import psutil

from app.chat.changes import EngineState, RaiseAsked
from tests import double
from tests.chat.desks import Scene, scene
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
