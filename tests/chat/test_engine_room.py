"""The engine loads as chosen, rests when nobody needs it, and keeps no prefix of a chat that is gone."""

from pathlib import Path

import pytest

from app.chat.changes import EngineState, SessionsChanged, StoredChanged
from app.chat.options import Options
from app.core.drawing import Drawing
from app.core.messages import Kind, Part, State
from app.core.protocol import Stored
from tests.chat.desks import is_running, kept, recorded, scene

STORED = {"size": 1_000, "budget": 10_000, "written_today": 500}


def test_the_load_says_where_prefixes_go_and_who_guesses_ahead(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), start=False) as play:
        play.desk.start_engine()
        play.until_engine(EngineState.READY)
        for key, value in {"keep_prefixes": 3, "exact_prefixes": True, "draft_model": "/models/small"}.items():
            play.desk.set_preference(key, value)
        play.desk.start_engine()
        play.until(lambda: len(recorded(record, "load")) == 2)
    first, second = recorded(record, "load")
    assert (first["storage"]["budget"], first["storage"]["exact"], first.get("draft")) == (10_000_000_000, False, None)
    assert (second["storage"]["budget"], second["storage"]["exact"]) == (3_000_000_000, True)
    assert second["draft"] == "/models/small"


def test_a_question_draws_as_it_says_then_as_the_preferences_say_then_as_the_model_does(tmp_path: Path) -> None:
    record = tmp_path / "record"
    card = {"sampling": {"temperature": 0.3, "top_p": 0.8, "top_k": 7}}
    with scene(tmp_path, record=str(record), card=card) as play:
        for key, value in {"top_p": 0.5, "guard": False, "guess_ahead": False, "repetition_penalty": 0.0}.items():
            play.desk.set_preference(key, value)
        play.until(lambda: play.desk.opened)
        play.desk.send("Why?", options=Options(seed=7, drawing=Drawing(temperature=0.0, stop=("Q:",))))
        play.ending()
    (asked,) = recorded(record, "generate")
    drawn = asked["sampling"]
    assert (drawn["temperature"], drawn["top_p"], drawn["top_k"], drawn["seed"]) == (0.0, 0.5, 7, 7)
    assert (drawn["repetition_penalty"], drawn["stop"]) == (1.0, ["Q:"])
    assert (asked["guard"], asked["speculate"]) == (False, False)


def test_a_chat_has_a_budget_and_a_memory_for_thoughts_of_its_own(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.desk.set_preference("thinking_budget", 100)
        play.desk.set_chat_budget(50)
        assert (play.desk.chat_budget, play.desk.keeps_thoughts) == (50, False)
        play.ask("One")
        play.desk.set_keep_thoughts(keep=True)
        assert play.desk.keeps_thoughts
        play.ask("Two")
        play.desk.set_chat_budget(None)
        assert play.desk.chat_budget == 100
        play.ask("Three")
        number = play.desk.sessions[0].id
        play.desk.new_session()
        assert (play.desk.chat_budget, play.desk.keeps_thoughts) == (100, False)
    said = [(asked["thinking_budget"], asked["keep_thoughts"]) for asked in recorded(record, "generate")]
    assert said == [(50, None), (50, True), (100, True)]
    assert {asked["session"] for asked in recorded(record, "generate")} == {number}
    with scene(tmp_path, start=False) as later:
        later.until(lambda: later.desk.opened)
        session = later.desk.sessions[0]
        assert (session.thinking_budget, session.keep_thoughts) == (None, True)


def test_a_private_chat_leaves_no_prefix(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.conversation.private = True
        play.desk.attach([Part(Kind.DOCUMENT, "secret", (), "a.txt")])
        play.ask()
    assert recorded(record, "generate")[0]["session"] is None
    assert recorded(record, "prewarm")[0]["session"] is None


def test_freed_memory_comes_back_with_the_next_question(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until_engine(EngineState.READY)
        pid = play.desk._engine.pid
        assert pid
        play.desk.free_memory()
        assert play.desk.engine.state is EngineState.RESTING
        play.until(lambda: not is_running(pid))
        assert play.ask().text == "Fine."
        assert play.desk._engine.pid not in (None, pid)


def test_freeing_memory_keeps_what_was_being_written(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "half a thought"}, {"hang": True}], [{"say": "Never."}]]) as play:
        play.send("One")
        play.until_text("half a thought")
        play.desk.new_session()
        play.send("Two")
        play.until(lambda: len(play.desk.running) == 2)
        play.desk.free_memory()
        assert not play.desk.running
        assert play.desk.engine.state is EngineState.RESTING
    assert sorted((message.state, message.reasoning) for message in kept(tmp_path) if message.parent) == [
        (State.STOPPED, ""),
        (State.STOPPED, "half a thought"),
    ]


def test_a_deaf_engine_that_shall_rest_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.engine.life.PATIENCE", 0.05)
    with scene(tmp_path, deaf=True) as play:
        play.until_engine(EngineState.READY)
        pid = play.desk._engine.pid
        assert pid
        play.desk.free_memory()
        play.until(lambda: not is_running(pid))


def test_an_engine_that_nobody_needs_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.rest.MINUTE", 0.02)
    with scene(tmp_path) as play:
        play.until_engine(EngineState.READY)
        play.until_engine(EngineState.RESTING)
        assert play.ask().text == "Fine."
        play.until_engine(EngineState.RESTING)


def test_it_never_rests_while_it_answers_or_reads_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.rest.MINUTE", 0.02)
    gate, warm = tmp_path / "gate", tmp_path / "warm"
    with scene(tmp_path, warm_gate=str(warm), answers=[[{"gate": str(gate)}, {"say": "Fine."}]]) as play:
        play.desk.attach([Part(Kind.DOCUMENT, "contents", (), "a.txt")])
        play.until_engine(EngineState.READY)
        rings: list[bool] = []
        ring = play.desk._room.ring
        play.desk._room.ring = lambda: rings.append(True) or ring()  # type: ignore[method-assign, func-returns-value]
        play.until(lambda: len(rings) == 3)
        assert play.desk.engine.state is EngineState.READY
        play.send()
        warm.touch()
        play.until(lambda: not play.desk._room.outlook.warms)
        rings.clear()
        play.until(lambda: len(rings) == 3)
        assert play.desk.engine.state is EngineState.READY
        gate.touch()
        assert play.ending().text == "Fine."
        play.until_engine(EngineState.RESTING)


def test_it_never_rests_where_that_is_not_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.chat.rest.MINUTE", 0.0)
    with scene(tmp_path, start=False) as play:
        play.desk.set_preference("idle_minutes", 0)
        play.desk.start_engine()
        play.until_engine(EngineState.READY)
        assert play.ask().text == "Fine."
        assert play.desk.engine.state is EngineState.READY
        play.desk.set_preference("idle_minutes", 1)
        play.until_engine(EngineState.RESTING)


def test_prefixes_of_chats_that_are_gone_are_swept_after_each_load(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.until(lambda: play.desk.opened)
        play.until(lambda: recorded(record, "sweep"))
        play.ask("One")
        one = play.desk.sessions[0].id
        play.desk.new_session()
        play.ask("Two")
        two = play.desk.sessions[0].id
        play.desk.free_memory()
        play.desk.delete_session(one)
        play.ask("Three")
        play.until(lambda: len(recorded(record, "sweep")) == 2)
        assert [sorted(said["sessions"]) for said in recorded(record, "sweep")] == [[], [two]]
        assert recorded(record, "forget") == []
        play.desk.delete_session(two)
        play.until(lambda: recorded(record, "forget"))
        assert recorded(record, "forget")[0]["sessions"] == [two]


def test_a_deleted_chat_is_gone_from_list_desk_and_disk(tmp_path: Path) -> None:
    with scene(tmp_path, window=True, answers=[[{"say": "Yes."}]]) as play:
        play.ask("One")
        number = play.desk.sessions[0].id
        play.desk.set_draft("not sent")
        play.changes.clear()
        play.desk.delete_session(number)
        assert (play.desk.sessions, play.desk.conversation.messages) == ([], [])
        assert SessionsChanged() in play.changes
        play.desk.delete_session(number)
        play.ask("Another")
    assert [message.text for message in kept(tmp_path)] == ["Another", "Yes."]


def test_a_chat_can_be_deleted_while_it_is_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    record = tmp_path / "record"
    answers = [[{"think": "on and on " * 400, "pause": 0.005}], [{"say": "Fine."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        play.send()
        play.until_text("on and on")
        play.desk.delete_session(play.desk.sessions[0].id)
        assert not play.desk.running
        assert play.ask("Next").text == "Fine."
        play.desk._store.flush()
        assert recorded(record, "cancel")
    assert [message.text for message in kept(tmp_path)] == ["Next", "Fine."]
    assert not caplog.records


def test_saved_prefixes_are_dropped_when_somebody_can_hear_it(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), stored=STORED) as play:
        play.until_engine(EngineState.READY)
        play.until(lambda: play.desk.stored)
        assert play.desk.stored == Stored(1_000, 10_000, 500)
        assert StoredChanged() in play.changes
        play.desk.drop_prefixes()
        play.until(lambda: len(recorded(record, "dropprefixes")) == 1)
        play.desk.free_memory()
        play.desk.drop_prefixes()
        play.until(lambda: len(recorded(record, "dropprefixes")) == 2)


def test_what_the_worker_notes_is_a_notice(tmp_path: Path) -> None:
    noted = {"kind": "MemoryShort", "message": "The Mac is short of memory.", "hint": "Close something."}
    with scene(tmp_path, noted=noted) as play:
        play.until(lambda: play.notices)
        assert play.notices[0].message == "The Mac is short of memory."
