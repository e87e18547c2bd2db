"""What a person does with a conversation: sending, stopping, cutting short, trying again, switching chats."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.chat.changes import Change, ConversationOpened, EngineState, MessageAdded, Phase, TextAppended
from app.chat.options import Options
from app.core.errors import UsageError
from app.core.messages import Kind, Part, Role, State, ThoughtEnd
from app.store.files import DATABASE
from tests.chat.desks import Scene, kept, kept_last, recorded, scene, states

ANSWER = [{"read": [4, 8]}, {"think": "Seven eights are"}, {"say": "It is fifty-six."}]


def test_an_answer_streams_and_is_kept_with_its_facts(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[ANSWER]) as play:
        answer = play.ask("What is 7 times 8?")
        assert play.written == "Seven eights areIt is fifty-six."
        assert (answer.state, answer.reasoning, answer.text) == (State.DONE, "Seven eights are", "It is fifty-six.")
        assert answer.parts[0].ids == (1001, 1002)
        facts = answer.generation
        assert facts
        assert (facts.model, facts.reasoning_tokens, facts.answer_tokens) == ("Magistral Small", 2, 2)
        assert facts.thought_end is ThoughtEnd.ITSELF
        shown = play.desk.conversation.messages
        assert play.desk.sessions[0].title == "What is 7 times 8?"
    assert kept(tmp_path) == shown


def test_rows_are_on_the_disk_before_the_request_goes_out(tmp_path: Path) -> None:
    record, gate = tmp_path / "record", tmp_path / "gate"
    with scene(tmp_path, record=str(record), answers=[[{"gate": str(gate)}, *ANSWER]]) as play:
        play.send("Is this kept?")
        play.until(lambda: recorded(record, "generate"))
        with closing(sqlite3.connect(tmp_path / "data" / DATABASE)) as database:
            rows = database.execute("SELECT role, state, owner_role FROM messages ORDER BY id").fetchall()
        assert rows == [("user", "done", None), ("assistant", "running", "desktop")]
        gate.touch()
        play.ending()


def test_text_is_checkpointed_while_it_streams(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"think": "Kept at once"}, {"gate": str(gate)}, {"say": "done"}]]) as play:
        play.send()
        play.until_text("Kept at once")
        play.until(lambda: not play.desk.restless)
        play.until(lambda: _checkpoints(tmp_path) == "Kept at once")
        gate.touch()
        assert play.ending().text == "done"
        play.until(lambda: _checkpoints(tmp_path) == "")


def test_stop_in_a_thought_and_in_an_answer_keeps_the_text(tmp_path: Path) -> None:
    with scene(
        tmp_path,
        answers=[
            [{"think": "a long thought " * 400, "pause": 0.005}],
            [{"think": "short"}, {"say": "a long answer " * 400, "pause": 0.005}],
        ],
    ) as play:
        play.send()
        play.until_text("thought")
        play.desk.stop()
        first = play.ending()
        assert first.state is State.STOPPED
        assert first.reasoning.startswith("a long thought")
        assert first.text == ""
        assert first.generation
        assert first.generation.thought_end is ThoughtEnd.USER
        play.send("And now?")
        play.until_text("answer")
        play.desk.stop()
        second = play.ending()
        assert second.state is State.STOPPED
        assert second.text.startswith("a long answer")
    assert states(kept(tmp_path)) == [State.DONE, State.STOPPED, State.DONE, State.STOPPED]


def test_answer_now_closes_the_thought_and_goes_on(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "round and round " * 400, "pause": 0.005}, {"say": "So: yes."}]]) as play:
        play.send()
        play.until(lambda: play.desk.conversation.progress and play.desk.conversation.progress.phase is Phase.THINKING)
        play.desk.answer_now()
        answer = play.ending()
        assert (answer.state, answer.text) == (State.DONE, "So: yes.")
        assert answer.generation
        assert answer.generation.thought_end is ThoughtEnd.USER


def test_retry_makes_a_sibling_under_the_same_question(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"say": "First."}], [{"say": "Second."}]]) as play:
        first = play.ask()
        play.desk.retry()
        assert play.changes[-1] == ConversationOpened()
        assert play.last.state is State.RUNNING
        second = play.ending()
        assert second.parent == first.parent
        assert second.id != first.id
        assert [message.text for message in play.desk.conversation.messages] == ["Why?", "Second."]
    with scene(tmp_path, start=False) as later:
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        assert [message.text for message in later.desk.conversation.messages] == ["Why?", "Second."]


def test_two_chats_queue_and_the_one_in_the_background_is_kept(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answers = [[{"think": "slow"}, {"gate": str(gate)}, {"say": "First."}], [{"say": "Second."}]]
    with scene(tmp_path, answers=answers) as play:
        play.send("One")
        play.until_text("slow")
        first = play.desk.conversation.session
        assert first
        play.desk.new_session()
        play.send("Two")
        play.until(lambda: len(play.desk.running) == 2)
        progress = play.desk.conversation.progress
        assert progress
        assert progress.phase is Phase.QUEUED
        play.changes.clear()
        gate.touch()
        assert play.ending().text == "Second."
        assert play.written == "Second."
        play.desk.open_session(first.id)
        assert play.last.text == "First."
        assert [session.title for session in play.desk.sessions] == ["Two", "One"]


def test_a_chat_whose_answer_runs_goes_on_when_it_is_opened_again(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"think": "slow"}, {"gate": str(gate)}, {"say": "Done."}]]) as play:
        play.send("One")
        play.until_text("slow")
        session = play.desk.conversation.session
        assert session
        play.desk.new_session()
        play.desk.open_session(session.id)
        assert play.last.reasoning == "slow"
        gate.touch()
        assert play.ending().text == "Done."


def test_an_answer_that_just_ended_is_never_read_back_as_running(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        for number in range(5):
            play.desk.new_session()
            play.ask(f"Question {number}")
            session = play.desk.conversation.session
            assert session
            play.desk.new_session()
            play.desk.open_session(session.id)  # its end may not be on the disk yet
            assert (play.last.state, play.last.text) == (State.DONE, "Fine.")


def test_stopping_a_question_that_waits_ends_it_at_once(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"think": "slow"}, {"gate": str(gate)}, {"say": "First."}]]) as play:
        play.send("One")
        play.until_text("slow")
        play.desk.new_session()
        play.send("Two")
        play.until(lambda: len(play.desk.running) == 2)
        play.desk.stop()
        assert play.last.state is State.STOPPED
        gate.touch()
        play.until(lambda: not play.desk.running)
    assert sorted(states(kept(tmp_path))) == sorted([State.DONE, State.DONE, State.DONE, State.STOPPED])


def test_text_that_turns_out_to_be_a_thought_moves(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    thought = "I wonder"
    answers = [
        [{"say": thought}, {"reclassify": True, "thought": len(thought)}, {"gate": str(gate)}, {"say": "It is."}]
    ]
    with scene(tmp_path, answers=answers) as play:
        play.send()
        play.until(lambda: play.last.reasoning == thought)
        assert play.last.text == ""
        play.until(lambda: _parts(tmp_path, "reasoning") == thought and _checkpoints(tmp_path) == "")
        gate.touch()
        answer = play.ending()
        assert (answer.reasoning, answer.text) == (thought, "It is.")
    assert kept_last(tmp_path).reasoning == thought


def test_injected_text_is_kept_apart(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "hm"}, {"inject": "</think>"}, {"say": "Yes."}]]) as play:
        answer = play.ask()
        assert [part.kind for part in answer.parts] == [Kind.REASONING, Kind.INJECTED, Kind.TEXT]
        assert play.written == "hmYes."


def test_stored_ids_go_back_only_to_the_model_that_made_them(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[ANSWER]) as play:
        play.ask("One")
        play.ask("Two")
        again = recorded(record, "generate")[-1]["turns"]
        assert [turn["role"] for turn in again] == ["user", "assistant", "user"]
        assert [part["ids"] for part in again[1]["parts"]] == [[1001, 1002], [1001, 1002]]
    with scene(tmp_path, record=str(record), card={"fingerprint": "another"}) as other:
        other.until(lambda: other.desk.opened)
        other.desk.open_session(other.desk.sessions[0].id)
        other.ask("Three")
        turns = recorded(record, "generate")[-1]["turns"]
        assert len(turns) == 5
        assert all(not part.get("ids") for turn in turns for part in turn["parts"])
        assert turns[1]["parts"][1]["text"] == "It is fifty-six."


def test_documents_go_along_and_an_answer_without_a_word_stays_out(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[{"fail": {"kind": "EngineStopped", "message": "No."}}], [{"say": "Fine."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        play.until(lambda: play.desk.opened)
        play.desk.send("Read this", [Part(Kind.DOCUMENT, "contents", (), "a.txt")])
        failed = play.ending()
        assert failed.state is State.FAILED
        assert failed.generation
        assert failed.generation.failure
        assert failed.generation.failure.message == "No."
        play.ask("And now?")
        turns = recorded(record, "generate")[-1]["turns"]
        assert [turn["role"] for turn in turns] == ["user", "user"]
        assert turns[0]["parts"][0] == {"kind": "document", "text": "contents", "ids": [], "name": "a.txt"}


def test_preferences_and_options_reach_the_engine(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), start=False) as play:
        play.desk.set_preference("instructions", "Be brief.")
        play.desk.set_preference("thinking_budget", 0)
        play.desk.set_preference("context", 4096)
        play.desk.start_engine()
        play.ask()
        play.until(lambda: play.desk.opened)
        play.desk.send("Again", options=Options(thinking_budget=50, seed=7))
        play.ending()
        with pytest.raises(UsageError):
            play.desk.set_preference("theme", "purple")
    assert recorded(record, "load")[0]["context"] == 4096
    first, second = recorded(record, "generate")
    assert (first["instructions"], first["thinking_budget"]) == ("Be brief.", 0)
    assert (second["thinking_budget"], second["sampling"]["seed"]) == (50, 7)
    with scene(tmp_path, start=False) as later:
        assert later.desk.preferences.get("instructions") == "Be brief."


def test_drafts_belong_to_their_chats(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.desk.set_draft("not asked yet")
        play.until(lambda: play.desk.opened)
        play.desk.send("One")
        play.ending()
        first = play.desk.conversation.session
        assert first
        assert play.desk.conversation.draft == ""
        play.desk.set_draft("for one")
        play.desk.new_session()
        assert play.desk.conversation.draft == ""
        play.desk.set_draft("for a new one")
        play.desk.open_session(first.id)
        assert play.desk.conversation.draft == "for one"
        play.desk.new_session()
        assert play.desk.conversation.draft == "for a new one"


def test_drafts_are_there_again_after_a_restart(tmp_path: Path) -> None:
    with scene(tmp_path, window=True) as play:
        play.ask("One")
        play.desk.set_draft("for one")
        play.until(lambda: not play.desk.restless)
        play.desk.new_session()
        play.desk.set_draft("for a new one \ud83d")
    with scene(tmp_path, start=False) as terminal:
        terminal.send("Not the window's")
    with scene(tmp_path, window=True) as play:
        assert play.desk.conversation.draft == "for a new one \ufffd"
        play.until(lambda: play.desk.opened)
        play.desk.open_session(play.desk.sessions[-1].id)
        assert play.desk.conversation.draft == "for one"


def test_text_that_cannot_be_encoded_is_mended(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until_engine(EngineState.READY)
        play.desk.set_draft("half an emoji \ud83d")
        play.until(lambda: play.desk.ledger().exact)
        play.ask("half an emoji \ud83d")
        question = play.desk.conversation.messages[0]
        assert question.text == "half an emoji \ufffd"
    assert kept(tmp_path)[0].text == question.text


def test_nothing_is_sent_twice_into_one_chat(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"gate": str(gate)}, {"say": "Once."}]]) as play:
        play.send("One")
        play.desk.send("Two")
        play.desk.retry()
        play.desk.send("   ")
        gate.touch()
        play.ending()
        added = [change.message.role for change in play.changes if isinstance(change, MessageAdded)]
        assert added == [Role.USER, Role.ASSISTANT]


def test_retry_in_an_empty_chat_does_nothing(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until(lambda: play.desk.opened)
        play.desk.retry()
        play.desk.stop()
        play.desk.answer_now()
        assert play.desk.conversation.messages == []
        assert not play.desk.running


def _checkpoints(folder: Path) -> str:
    with closing(sqlite3.connect(folder / "data" / DATABASE)) as database:
        rows = database.execute("SELECT text FROM checkpoints ORDER BY id").fetchall()
    return "".join(text for (text,) in rows)


def _parts(folder: Path, kind: str) -> str:
    with closing(sqlite3.connect(folder / "data" / DATABASE)) as database:
        rows = database.execute("SELECT text FROM parts WHERE kind = ? ORDER BY position", (kind,)).fetchall()
    return "".join(text for (text,) in rows)


def test_scene_helper_reports_what_did_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.chat.desks.DEADLINE", 0.05)
    with scene(tmp_path, start=False) as play, pytest.raises(AssertionError, match="never"):
        Scene(play.desk).until(lambda: False, "never")


def test_after_the_clock_is_set_back_the_newest_turn_is_still_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scene(tmp_path) as play:
        play.ask("One")
    monkeypatch.setattr("app.chat.conversation.new_id", lambda: 5)
    with scene(tmp_path) as play:
        play.until(lambda: play.desk.opened)
        play.desk.open_session(play.desk.sessions[0].id)
        play.ask("Two")
    assert [message.text for message in kept(tmp_path)] == ["One", "Fine.", "Two", "Fine."]


def test_a_bug_in_a_listener_loses_nothing_else_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with scene(tmp_path, answers=[[{"say": "A long answer."}]]) as play:
        hear = play.desk.listener
        assert hear

        def fail(change: Change) -> None:
            hear(change)
            if isinstance(change, TextAppended):
                raise ZeroDivisionError

        play.desk.listener = fail
        assert play.ask().text == "A long answer."
        play.until(lambda: play.notices)
        assert [notice.kind for notice in play.notices] == ["Bug"]
    assert "ZeroDivisionError" in caplog.text
