"""A database that is damaged, too new, or left running by a process that died."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from app.chat.changes import ConversationOpened, EngineState, Mended
from app.core.messages import State
from app.store.files import DATABASE
from tests.chat.desks import kept_last, recorded, scene

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
        assert (play.last.state, play.last.text) == (State.INTERRUPTED, "and words")


def start_child(folder: Path) -> subprocess.Popen[str]:
    """A process in the middle of an answer that stays so until the gate opens."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(folder / "gate")], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert child.stdout
    assert child.stdout.readline() == "written\n"
    return child


def test_an_answer_whose_rows_cannot_be_written_fails_and_is_not_asked(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until(lambda: play.desk.opened)
        with closing(sqlite3.connect(tmp_path / "data" / DATABASE)) as connection:
            connection.execute("CREATE TRIGGER no BEFORE INSERT ON messages BEGIN SELECT raise(ABORT, 'no'); END")
            connection.commit()
        answer = play.ask("Why?")
        assert answer.state is State.FAILED
        assert answer.generation
        assert answer.generation.failure
        assert answer.generation.failure.kind == "StoreFailed"
        assert "could not be saved" in play.notices[0].message
        first = play.desk.sessions[0].id
        play.desk.new_session()
        play.desk.open_session(first)
        assert play.last == answer
        assert recorded(record, "generate") == []


def test_closing_while_another_program_writes_is_quick_and_keeps_the_text(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "deep"}, {"say": "and wide"}, {"hang": True}]]) as play:
        play.send()
        play.until_text("and wide")
        play.until(lambda: not play.desk.restless)
        play.desk._store.flush()
        with closing(sqlite3.connect(tmp_path / "data" / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            play.desk.close()
            assert time.monotonic() - began < 3
            other.execute("ROLLBACK")
    (aside,) = (tmp_path / "data").glob("lemma.unsaved-*.json")
    assert aside.stat().st_mode & 0o777 == 0o600
    (said,) = json.loads(aside.read_text())
    assert (said["reasoning"], said["text"]) == ("deep", "and wide")
    with scene(tmp_path) as play:
        play.until(lambda: play.notices)
        assert str(aside) in play.notices[0].hint


def test_a_trouble_that_is_over_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.writer.PATIENCE", 0.01)
    with scene(tmp_path) as play:
        play.until(lambda: play.desk.opened)
        with closing(sqlite3.connect(tmp_path / "data" / DATABASE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            play.send()
            play.until(lambda: play.notices)
            assert "Another program holds" in play.notices[0].message
            other.execute("ROLLBACK")
        assert play.ending().text == "Fine."
        assert Mended() in play.changes
