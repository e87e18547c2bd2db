"""What an answer that goes on, ends early or is refused leaves behind: its wishes, its record, its words."""

from pathlib import Path
from typing import Any

import pytest

from app.chat.options import Options
from app.core.drawing import Drawing
from app.core.errors import UsageError
from app.core.messages import Kind, Part, ThoughtEnd
from tests.chat.desks import Scene, kept_last, recorded, scene

LONG: dict[str, Any] = {"think": "round and round " * 400, "pause": 0.005}
DIES = [{"think": "half a thought"}, {"die": True}]


def ask_with_wishes(play: Scene) -> None:
    play.until(lambda: play.desk.opened)
    play.desk.send("Why?", options=Options(40, 7, drawing=Drawing(temperature=0.2, top_k=9, stop=("Q:",))))


def test_what_goes_on_or_is_forked_keeps_the_sampling_and_the_budget_it_began_with(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[LONG], [{"think": "!", "each": 1}, {"say": "Half"}, {"limit": True}], [{"say": "Yes."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        ask_with_wishes(play)
        play.until_text("round")
        play.desk.stop()
        play.ending()
        play.desk.set_preference("temperature", 1.5)
        play.desk.set_chat_budget(5_000)
        play.desk.resume()
        play.ending()
        play.desk.fork(play.last.id, 5)
        play.ending()
        play.ask("And a new one?")
    *same, new = recorded(record, "generate")
    assert [(said["sampling"], said["thinking_budget"]) for said in same] == [
        (same[0]["sampling"], same[0]["thinking_budget"])
    ] * 3
    drawn = same[0]["sampling"]
    assert (drawn["temperature"], drawn["top_k"], drawn["stop"], drawn["seed"]) == (0.2, 9, ["Q:"], 7)
    assert (new["sampling"]["temperature"], new["sampling"]["seed"], new["thinking_budget"]) == (1.5, None, 5_000)


def test_what_is_asked_for_when_going_on_counts_more_than_the_record(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[[LONG], [{"say": "Yes."}]]) as play:
        ask_with_wishes(play)
        play.until_text("round")
        play.desk.stop()
        play.ending()
        play.desk.resume_in(None, Options(seed=8, drawing=Drawing(temperature=0.0)))
        play.ending()
    drawn = recorded(record, "generate")[-1]["sampling"]
    assert (drawn["temperature"], drawn["top_k"], drawn["seed"]) == (0.0, 9, 8)


@pytest.mark.parametrize("why", [ThoughtEnd.BUDGET, ThoughtEnd.USER])
def test_a_crash_leaves_why_the_thought_was_closed_the_seed_and_the_wait(tmp_path: Path, why: ThoughtEnd) -> None:
    steps = [{"think": "half"}, {"inject": "[/THINK]", "closes": str(why)}, {"say": "Be"}, {"die": True}]
    with scene(tmp_path, queue=1.5, answers=[steps]) as play:
        ask_with_wishes(play)
        facts = play.ending().generation
        assert facts
        assert (facts.thought_end, facts.seed, facts.queue_seconds, facts.passes) == (why, 7, 1.5, 0)
        assert not play.desk.can_answer_now
    assert kept_last(tmp_path).generation == facts


def test_passes_are_told_only_where_all_runs_counted_theirs(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[DIES]) as play:
        play.ask()
    with scene(tmp_path, answers=[[{"say": "Whole."}, {"limit": True}], [{"say": "!"}]]) as later:
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        for _run in range(2):
            later.desk.resume()
            facts = later.ending().generation
            assert facts
            assert facts.passes == 0


def test_a_correction_that_came_too_late_is_a_draft_again(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, window=True, answers=[[{"think": "one way"}, {"gate": str(gate)}, {"say": "Yes."}]]) as play:
        play.send()
        play.until_text("one way")
        play.desk.steer("Try another.")
        play.desk.set_draft("And then?")
        gate.touch()
        play.ending()
        assert play.desk.conversation.draft == "Try another.\n\nAnd then?"
        assert [notice.message for notice in play.notices] == [
            "Too late for the thought; it is kept as your next message."
        ]
    with scene(tmp_path, window=True, start=False) as later:
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        assert later.desk.conversation.draft == "Try another.\n\nAnd then?"


def test_an_edited_question_takes_the_attached_documents_in_place_of_its_own(tmp_path: Path) -> None:
    old, new = (Part(Kind.DOCUMENT, name, (), name) for name in ("old.txt", "new.txt"))
    with scene(tmp_path) as play:
        play.until(lambda: play.desk.opened)
        play.desk.send("Why?", [old])
        play.ending()
        play.desk.attach([new])
        play.desk.edit(play.desk.conversation.messages[0].id, "Why not?")
        play.ending()
        assert play.desk.conversation.messages[0].parts == (new, Part(Kind.TEXT, "Why not?"))
        assert play.desk.conversation.attached == []


def test_why_an_answer_cannot_go_on_is_said(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    refusal = {"kind": "ContextFull", "message": "It is too long.", "hint": "Ask with less."}
    answers = [[{"say": "Yes."}], [{"fail": refusal}], [{"say": ""}], [{"gate": str(gate)}, {"say": "Yes."}]]
    with scene(tmp_path, answers=answers) as play:
        for words in ("is complete.", "failed before its first word. It is too long.", "said nothing"):
            play.ask()
            with pytest.raises(UsageError, match=words):
                play.desk.resume_in(None)
        play.send()
        with pytest.raises(UsageError, match="is being written"):
            play.desk.resume_in(None)
        gate.touch()
        play.ending()
