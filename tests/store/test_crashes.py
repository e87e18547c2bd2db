"""Processes that die, and processes that live beside each other."""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.core.errors import Failure
from app.core.messages import Kind, Part, State
from app.core.owner import Owner
from app.store.files import DATABASE
from app.store.opening import open_database
from app.store.store import Opened
from tests.store.samples import (
    GENERATION,
    OWNER,
    ROOT,
    ask_database,
    done,
    everyone_died,
    everyone_lives,
    new_session,
    new_turn,
    opened,
    opening_of,
)


def start_child(role: str, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.store.child", role, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_an_answer_of_a_dead_process_is_interrupted_with_its_text(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.REASONING, "Let", (1,))])
        store.checkpoint(answer.id, [Part(Kind.REASONING, " me", (2,))])
    asked: list[Owner] = []

    def is_alive(owner: Owner) -> bool:
        asked.append(owner)
        return False

    with opened(tmp_path, is_alive) as store:
        recovered = store.messages(session.id)[1]
    assert asked == [OWNER]
    assert recovered.state is State.INTERRUPTED
    assert recovered.parts == (Part(Kind.REASONING, "Let me", (1, 2)),)
    assert ask_database(tmp_path, "SELECT count(*) FROM checkpoints") == [(0,)]


def test_an_answer_that_ran_again_is_interrupted_with_all_its_text(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    ended = done(answer, Part(Kind.REASONING, "Let", (1,)), state=State.STOPPED)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.finish(ended, session)
        store.reopen(replace(ended, state=State.RUNNING), session)
        store.checkpoint(answer.id, [Part(Kind.REASONING, " me", (2,))], replace(GENERATION, reasoning_tokens=2))
    with opened(tmp_path, everyone_died) as store:
        recovered = store.messages(session.id)[1]
    assert recovered.state is State.INTERRUPTED
    assert recovered.parts == (Part(Kind.REASONING, "Let me", (1, 2)),)
    assert recovered.generation == replace(GENERATION, reasoning_tokens=2)


def test_an_answer_of_a_living_process_is_left_alone(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as asking:
        asking.add_turn(session, [question, answer])
        asking.checkpoint(answer.id, [Part(Kind.TEXT, "5")])
        asking.flush()
        with opened(tmp_path) as window:
            asking.checkpoint(answer.id, [Part(Kind.TEXT, "6")])
            asking.flush()
            seen = window.messages(session.id)[1]
    assert seen.state is State.RUNNING
    assert seen.text == "56"


@pytest.mark.parametrize("acknowledged", [1, 2, 5, 11, 19, 20, 21, 34, 60, 100])
def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path, acknowledged: int) -> None:
    with start_child("stream", tmp_path) as child:
        assert child.stdout is not None
        numbers = [child.stdout.readline().strip() for _ in range(acknowledged)]
        child.send_signal(signal.SIGKILL)
        numbers += child.stdout.read().split()
    opening = opening_of(tmp_path, everyone_died)
    assert isinstance(opening, Opened)
    assert opening.notice is None
    assert ask_database(tmp_path, "PRAGMA integrity_check") == [("ok",)]
    with opened(tmp_path) as store:
        answer = store.messages(opening.sessions[0].id)[1]
    assert answer.state is State.INTERRUPTED
    written = answer.reasoning.split() + answer.text.split()
    assert written[: len(numbers)] == numbers
    assert [str(id_) for part in answer.parts for id_ in part.ids] == written


def test_several_processes_start_and_write_at_once(tmp_path: Path) -> None:
    children = [start_child("chat", tmp_path) for _ in range(3)]
    with opened(tmp_path, everyone_lives) as store:
        session = new_session()
        store.add_turn(session, new_turn(session))
        for child in children:
            with child:
                assert child.wait() == 0
        store.flush()
        assert len(store.sessions()) == 61
    assert ask_database(tmp_path, "SELECT state, count(*) FROM messages GROUP BY state ORDER BY state") == [
        ("done", 121),
        ("running", 1),
    ]
    assert ask_database(tmp_path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("content", [b"", b"damaged " * 500], ids=["first", "damaged"])
def test_many_starts_at_once_make_one_database(tmp_path: Path, content: bytes) -> None:
    for round_ in range(5):
        folder = tmp_path / str(round_)
        folder.mkdir()
        (folder / DATABASE).write_bytes(content)
        together = threading.Barrier(6)

        def start(folder: Path = folder, together: threading.Barrier = together) -> Failure | None:
            together.wait()
            opening = open_database(folder, everyone_lives)
            opening.connection.close()
            return opening.notice

        with ThreadPoolExecutor(6) as pool:
            notices = [future.result() for future in [pool.submit(start) for _ in range(6)]]
        assert sum(notice is not None for notice in notices) == bool(content)
        assert len(list(folder.glob("*.damaged-*.db"))) == bool(content)


def test_a_full_disk_is_said_once_and_costs_nothing_once_there_is_room(tmp_path: Path) -> None:
    with start_child("fill_disk", tmp_path) as child:
        said = child.communicate()[0]
    assert child.returncode == 0
    outcome = json.loads(said)
    assert "cannot be used" in outcome.pop("broken")
    assert outcome == {
        "opening": "Opened",
        "mended": "Mended",
        "asked_too_early": False,
        "asked": True,
        "text": "kept",
        "last": "Broken",
        "more": False,
    }
    with opened(tmp_path) as store:
        assert [session.title for session in store.sessions()] == ["A proof"]
