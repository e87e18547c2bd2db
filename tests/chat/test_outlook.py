"""What the next question costs is told before it is asked, and its documents are read before Return."""

from pathlib import Path

import pytest

from app.chat.changes import EngineState, Phase
from app.chat.options import Options
from app.chat.running import RunningAnswer
from app.core.messages import Kind, Message, Part, Role, State
from app.core.protocol import Started
from tests.chat.desks import recorded, scene

DOCUMENT = Part(Kind.DOCUMENT, "contents of a file" * 10, (), "a.txt")


def test_documents_are_read_as_soon_as_they_are_attached(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.set_preference("instructions", "Be brief.")
        play.desk.attach([DOCUMENT])
        assert play.desk.conversation.attached == [DOCUMENT]
        play.until(lambda: recorded(record, "prewarm"))
        (warmed,) = recorded(record, "prewarm")
        assert [part["name"] for part in warmed["turns"][0]["parts"]] == ["a.txt"]
        assert (warmed["instructions"], warmed["thinking"]) == ("Be brief.", True)
        play.ask("What is it?")
        assert play.desk.conversation.attached == []
        (asked,) = recorded(record, "generate")
        assert [part["kind"] for part in asked["turns"][0]["parts"]] == ["document", "text"]
        assert asked["session"] == warmed["session"]


def test_what_is_attached_before_the_model_is_there_is_read_when_it_is(tmp_path: Path) -> None:
    gate, record = tmp_path / "gate", tmp_path / "record"
    with scene(tmp_path, record=str(record), load_gate=str(gate)) as play:
        play.desk.attach([DOCUMENT])
        assert recorded(record, "prewarm") == []
        gate.touch()
        play.until(lambda: recorded(record, "prewarm"))


def test_a_document_that_is_taken_back_is_not_read_any_more(tmp_path: Path) -> None:
    record, gate = tmp_path / "record", tmp_path / "gate"
    with scene(tmp_path, record=str(record), warm_gate=str(gate)) as play:
        play.until_engine(EngineState.READY)
        play.desk.attach([DOCUMENT, Part(Kind.DOCUMENT, "half an emoji \ud83d", (), "b.txt")])
        play.desk.detach(0)
        assert [part.text for part in play.desk.conversation.attached] == ["half an emoji �"]
        play.desk.detach(0)
        play.until(lambda: recorded(record, "cancel"))
        play.until(lambda: not play.desk._room.outlook.warms)
        assert [len(said["turns"][0]["parts"]) for said in recorded(record, "prewarm")] == [2, 1]
        play.ask("Nothing attached?")
        assert len(recorded(record, "generate")[0]["turns"][0]["parts"]) == 1


def test_attached_documents_stay_with_their_chat(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.ask("One")
        first = play.desk.sessions[0].id
        play.desk.attach([DOCUMENT])
        play.desk.new_session()
        assert play.desk.conversation.attached == []
        play.desk.open_session(first)
        assert play.desk.conversation.attached == [DOCUMENT]


def test_the_ledger_is_exact_with_documents_and_after_another_model(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until_engine(EngineState.READY)
        play.desk.attach([DOCUMENT])
        assert not play.desk.ledger().exact
        play.until(lambda: play.desk.ledger().exact)
        assert play.desk.ledger().history == len(DOCUMENT.text) // 4 + 1 + 8
        play.ask("One")
    with scene(tmp_path, card={"fingerprint": "another"}) as other:
        other.until_engine(EngineState.READY)
        other.until(lambda: other.desk.opened)
        other.desk.open_session(other.desk.sessions[0].id)
        other.until(lambda: other.desk.ledger().exact)


def test_a_prompt_is_counted_anew_when_it_changes_and_not_on_every_key(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.until(lambda: play.desk.opened)
        play.until(lambda: recorded(record, "estimate"))
        before = len(recorded(record, "estimate"))
        for length in range(50):
            play.desk.set_draft("x" * length)
        play.until(lambda: play.desk.ledger().exact)
        play.until(lambda: len(recorded(record, "estimate")) > before)
        assert len(recorded(record, "estimate")) == before + 1  # at the first key, for what was read meanwhile
        play.desk.set_keep_thoughts(keep=True)
        play.desk.set_chat_budget(0)
        play.until(lambda: len(recorded(record, "estimate")) == before + 3)
        last = recorded(record, "estimate")[-1]
        assert (last["keep_thoughts"], last["thinking"]) == (True, False)
        play.ask()
        play.until(lambda: len(recorded(record, "estimate")[-1]["turns"]) == 3)


def test_the_time_to_read_is_told_before_sending(tmp_path: Path) -> None:
    with scene(tmp_path, rates=[10.0, 5.0], cached=8) as play:
        assert play.desk.reading_time() is None
        play.until_engine(EngineState.READY)
        play.desk.set_draft("x" * 79)
        play.until(lambda: play.desk.reading_time() == 2.0)  # 20 tokens that are not cached
        play.desk.attach([DOCUMENT])
        play.until(lambda: play.desk.reading_time() == 2.0 + (len(DOCUMENT.text) // 4 + 1) / 10)
        assert play.desk.rates
        assert play.desk.rates.decode == 5.0
        play.desk.free_memory()
        assert play.desk.reading_time() is None


def test_the_time_to_read_is_unknown_until_it_was_measured(tmp_path: Path) -> None:
    with scene(tmp_path) as play:
        play.until_engine(EngineState.READY)
        play.desk.set_draft("What is it?")
        play.until(lambda: play.desk.ledger().exact)
        assert play.desk.reading_time() is None


def test_the_time_that_is_left_is_told_while_it_reads(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    steps = [{"read": [4, 204]}, {"gate": str(gate)}, {"say": "Fine."}]
    with scene(tmp_path, rates=[10.0, 5.0], cached=4, answers=[steps]) as play:
        play.until(lambda: play.desk.rates)
        play.send()
        play.until(lambda: play.desk.conversation.progress and play.desk.conversation.progress.to_read == 204)
        progress = play.desk.conversation.progress
        assert progress
        assert (progress.phase, progress.cached, progress.seconds_left) == (Phase.READING, 4, 20.0)
        gate.touch()
        play.ending()
        assert progress.seconds_left is None


def test_the_pace_of_this_very_reading_is_believed_once_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    message = Message(id=2, session=1, parent=1, role=Role.ASSISTANT, state=State.RUNNING, created=0.0)
    running = RunningAnswer(message, 2)
    running.start(Started(2, 1000, 0), 0.001)
    assert running.progress.seconds_left == 1_000_000
    running.read(500, 1000, 0.001)
    assert running.progress.seconds_left == 500_000
    monkeypatch.setattr("app.chat.running.PACE_SECONDS", 0.0)
    running.read(600, 1000, 0.001)
    assert running.progress.seconds_left
    assert running.progress.seconds_left < 400_000


def test_a_document_that_is_attached_while_the_engine_rests_wakes_it(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.free_memory()
        play.desk.attach([DOCUMENT])
        play.until_engine(EngineState.READY)
        play.until(lambda: recorded(record, "prewarm"))


def test_what_is_attached_while_an_answer_runs_is_read_after_it(tmp_path: Path) -> None:
    record, gate = tmp_path / "record", tmp_path / "gate"
    with scene(tmp_path, record=str(record), answers=[[{"think": "slow"}, {"gate": str(gate)}]]) as play:
        play.send()
        play.until_text("slow")
        play.desk.attach([DOCUMENT])
        play.desk.new_session()  # it need not be the open chat
        assert recorded(record, "prewarm") == []
        gate.touch()
        play.until(lambda: recorded(record, "prewarm"))
        (warmed,) = recorded(record, "prewarm")
        assert [turn["role"] for turn in warmed["turns"]] == ["user", "user"]
        assert warmed["session"] == play.desk.sessions[0].id


def test_a_chat_that_is_not_open_any_more_has_its_documents_read_after_the_load(tmp_path: Path) -> None:
    record, gate = tmp_path / "record", tmp_path / "gate"
    with scene(tmp_path, record=str(record), load_gate=str(gate)) as play:
        play.until(lambda: play.desk.opened)
        play.send("One")
        play.desk.stop()
        number = play.desk.sessions[0].id
        play.desk.attach([DOCUMENT])
        play.desk.new_session()
        gate.touch()
        play.until(lambda: recorded(record, "prewarm"))
        assert [said["session"] for said in recorded(record, "prewarm")] == [number]


def test_it_is_read_ahead_as_the_question_will_ask_for_it(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.attach([DOCUMENT], Options(thinking_budget=0, seed=7))
        play.until(lambda: len(recorded(record, "prewarm")) == 1)
        play.ask()
        play.desk.attach([DOCUMENT])
        play.until(lambda: len(recorded(record, "prewarm")) == 2)
        play.desk.set_chat_budget(0)
        play.until(lambda: len(recorded(record, "prewarm")) == 3)
    warmed = [(said["thinking"], said["fixed"]) for said in recorded(record, "prewarm")]
    assert warmed == [(False, True), (True, False), (False, False)]
