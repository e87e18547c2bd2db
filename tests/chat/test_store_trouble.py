"""A database that is damaged, too new, or left running by a process that died."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from app.chat.changes import ConversationOpened, EngineState
from app.core.messages import State
from app.store.files import DATABASE
from tests.chat.desks import kept_last, scene

ROOT = Path(__file__).parents[2]
CHILD = """
import sys
from pathlib import Path
from tests.chat.desks import scene

with scene(Path(sys.argv[1]), answers=[[{"think": "A thought "}, {"say": "and words"}, {"gate": sys.argv[2]}]]) as play:
    play.send("Still there?")
    play.until_text("words")
    play.until(lambda: not play.desk.restless)
    play.desk._store.flush()
    print("written", flush=True)
    play.ending()
"""


def test_a_damaged_database_is_kept_aside_and_told(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.ask()
    (tmp_path / "data" / DATABASE).write_bytes(b"nonsense " * 1000)
    with scene(tmp_path) as play:
        assert play.ask().text == "Fine."
        assert "damaged" in play.notices[0].message
        assert len(play.desk.sessions) == 1
    assert list((tmp_path / "data").glob("*damaged*"))


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.ask()
    database = tmp_path / "data" / DATABASE
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.commit()
    before = database.read_bytes()
    with scene(tmp_path) as play:
        play.until(lambda: play.notices)
        assert play.notices[0].kind == "StoreTooNew"
        assert not play.desk.opened
        play.desk.send("Is anybody there?")
        assert not play.desk.running
    assert database.read_bytes() == before


def test_damaged_settings_are_told_and_the_chats_open(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(parents=True)
    (tmp_path / "data" / "settings.json").write_text("{")
    with scene(tmp_path) as play:
        assert play.ask().text == "Fine."
        assert "settings.json" in play.notices[0].message


def test_an_answer_of_a_killed_process_is_kept_as_interrupted(tmp_path: Path) -> None:
    child = start_child(tmp_path)
    child.kill()
    child.communicate()
    answer = kept_last(tmp_path)
    assert (answer.state, answer.reasoning, answer.text) == (State.INTERRUPTED, "A thought ", "and words")


def test_a_live_answer_of_another_process_is_left_alone_and_read_again(tmp_path: Path) -> None:
    child = start_child(tmp_path)
    with scene(tmp_path) as play:
        play.until_engine(EngineState.WAITING)
        play.until(lambda: play.desk.opened)
        play.desk.open_session(play.desk.sessions[0].id)
        assert (play.last.state, play.last.text) == (State.RUNNING, "and words")
        (tmp_path / "gate").touch()
        play.until_engine(EngineState.READY)
        assert (play.last.state, play.last.text) == (State.DONE, "and words")
        assert any(isinstance(change, ConversationOpened) for change in play.changes)
    assert child.wait(20) == 0
    child.communicate()


def test_an_answer_whose_process_dies_meanwhile_does_not_run_for_ever(tmp_path: Path) -> None:
    child = start_child(tmp_path)
    with scene(tmp_path) as play:
        play.until_engine(EngineState.WAITING)
        play.until(lambda: play.desk.opened)
        play.desk.open_session(play.desk.sessions[0].id)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        play.until_engine(EngineState.READY)
        play.desk.new_session()
        play.desk.open_session(play.desk.sessions[0].id)
        assert (play.last.state, play.last.text) == (State.INTERRUPTED, "and words")


def start_child(folder: Path) -> subprocess.Popen[str]:
    """A process in the middle of an answer that stays so until the gate opens."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(folder / "gate")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout
    assert child.stdout.readline() == "written\n"
    return child
