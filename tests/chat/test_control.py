"""Going on with answers, and cutting, steering and forking their thoughts."""

import os
import signal
from pathlib import Path
from typing import Any

from app.chat.changes import ConversationOpened, EngineState, MessageChanged, TextAppended, TextRetracted
from app.core.messages import End, Kind, Part, Role, State, ThoughtEnd
from tests.chat.desks import Scene, crash_copy, kept, kept_last, recorded, scene

LONG: dict[str, Any] = {"think": "round and round " * 400, "pause": 0.005}
DIES = [{"think": "half a thought"}, {"die": True}]


def stop_in_thought(play: Scene) -> None:
    play.send()
    play.until_text("round")
    play.desk.stop()
    assert play.ending().state is State.STOPPED


def test_a_stopped_thought_goes_on_in_place_and_its_facts_add_up(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[LONG], [{"think": "and home", "each": 99}, {"say": "Yes."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        stop_in_thought(play)
        first = play.last
        assert first.generation
        assert play.desk.can_resume
        play.desk.resume()
        running = [change.message for change in play.changes if isinstance(change, MessageChanged)][-1]
        assert (running.id, running.state, running.reasoning) == (first.id, State.RUNNING, first.reasoning)
        second = play.ending()
        assert (second.id, second.state, second.text) == (first.id, State.DONE, "Yes.")
        assert second.reasoning == first.reasoning + "and home"
        assert len(second.parts[0].ids) == len(first.parts[0].ids) + 1
        before, facts = first.generation, second.generation
        assert facts
        assert facts.reasoning_tokens == before.reasoning_tokens + 1
        assert (facts.answer_tokens, facts.prompt_tokens) == (1, before.prompt_tokens)
        assert facts.reasoning_seconds > before.reasoning_seconds
        assert facts.passes == before.passes + 2
        assert (facts.end, facts.thought_end) == (End.TURN, ThoughtEnd.ITSELF)
        assert not play.desk.can_resume
        asked = recorded(record, "generate")[-1]
        assert [(part["kind"], part["text"], len(part["ids"])) for part in asked["answer"]] == [
            ("reasoning", first.reasoning, before.reasoning_tokens)
        ]
        assert [turn["role"] for turn in asked["turns"]] == ["user"]
        assert asked["request"] != recorded(record, "generate")[0]["request"]
        shown = play.desk.conversation.messages
    assert kept(tmp_path) == shown


def test_an_answer_that_the_engine_lost_goes_on_with_its_ids(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[DIES]) as play:
        assert play.ask().state is State.INTERRUPTED
    with scene(tmp_path, record=str(record), answers=[[{"say": "Whole."}]]) as later:
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        assert later.desk.can_resume
        later.desk.resume()
        whole = later.ending()
        assert (whole.state, whole.reasoning, whole.text) == (State.DONE, "half a thought", "Whole.")
        assert whole.generation
        assert (whole.generation.reasoning_tokens, whole.generation.failure) == (2, None)
    assert recorded(record, "generate")[-1]["answer"][0]["ids"] == [1001, 1002]


def test_an_answer_that_died_with_the_app_goes_on_with_its_ids(tmp_path: Path) -> None:
    record, gate = tmp_path / "record", tmp_path / "gate"
    with scene(tmp_path, answers=[[{"think": "half a thought"}, {"gate": str(gate)}]]) as play:
        play.send()
        play.until_text("half a thought")
        play.until(lambda: not play.desk.restless)
        play.desk._store.flush()
        copied = crash_copy(tmp_path, tmp_path / "crashed")
        gate.touch()
    with scene(copied, record=str(record), answers=[[{"think": "!"}, {"say": "Whole."}]]) as later:
        later.until_engine(EngineState.READY)
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        assert later.last.state is State.INTERRUPTED
        later.desk.resume()
        whole = later.ending()
        assert (whole.reasoning, whole.text) == ("half a thought!", "Whole.")
        assert whole.generation
        assert whole.generation.reasoning_tokens == 3
        assert whole.generation.thought_end is ThoughtEnd.ITSELF
    assert recorded(record, "generate")[-1]["answer"][0]["ids"] == [1001, 1002]


def test_another_model_goes_on_from_the_words_alone(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, answers=[DIES]) as play:
        play.ask()
    with scene(
        tmp_path, record=str(record), card={"fingerprint": "another"}, answers=[[{"think": "!", "each": 1}]]
    ) as other:
        other.until(lambda: other.desk.opened)
        other.desk.open_session(other.desk.sessions[0].id)
        other.desk.resume()
        whole = other.ending()
        assert whole.parts == (Part(Kind.REASONING, "half a thought!", (1001,)),)
        assert whole.generation
        assert (whole.generation.fingerprint, whole.generation.reasoning_tokens) == ("another", 3)
    assert [part.get("ids") for part in recorded(record, "generate")[-1]["answer"]] == [[]]


def test_a_crash_in_an_answer_that_runs_again_keeps_both_its_halves(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answers = [[LONG], [{"think": "more of it", "each": 99}, {"gate": str(gate)}]]
    with scene(tmp_path, answers=answers) as play:
        stop_in_thought(play)
        first = play.last.reasoning
        play.desk.resume()
        play.until_text("more of it")
        play.until(lambda: not play.desk.restless)
        play.desk._store.flush()
        copied = crash_copy(tmp_path, tmp_path / "crashed")
        gate.touch()
    with scene(copied) as later:
        later.until_engine(EngineState.READY)
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        assert (later.last.state, later.last.reasoning) == (State.INTERRUPTED, first + "more of it")


def test_answer_now_after_a_stop_closes_the_thought(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[LONG], [{"inject": "[/THINK]"}, {"say": "So: yes."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        stop_in_thought(play)
        assert play.desk.can_answer_now
        play.desk.answer_now()
        answer = play.ending()
        assert (answer.state, answer.text) == (State.DONE, "So: yes.")
        assert not play.desk.can_answer_now
    asked = recorded(record, "generate")[-1]
    assert asked["answer_now"] is True
    assert asked["answer"]


def test_a_complete_answer_is_not_gone_on_with(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[{"think": "hm"}, {"say": "Yes."}], [{"say": "half of"}, {"limit": True}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        play.ask()
        assert (play.desk.can_resume, play.desk.can_answer_now, play.desk.can_steer) == (False, False, False)
        play.desk.resume()
        play.desk.answer_now()
        play.desk.steer("No.")
        assert not play.desk.running
        play.ask("And now?")
        assert (play.desk.can_resume, play.desk.can_answer_now) == (True, False)
    assert len(recorded(record, "generate")) == 2


def test_words_are_put_into_a_running_thought(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[{"think": "one way"}, {"steer": True}, {"think": "another"}, {"say": "Yes."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        play.send()
        play.until_text("one way")
        assert play.desk.can_steer
        play.desk.steer("  Try the \ud83d other.  ")
        answer = play.ending()
        assert [(part.kind, part.text) for part in answer.parts] == [
            (Kind.REASONING, "one way"),
            (Kind.STEER, "Try the � other."),
            (Kind.REASONING, "another"),
            (Kind.TEXT, "Yes."),
        ]
        told = [
            change.text for change in play.changes if isinstance(change, TextAppended) and change.kind is Kind.STEER
        ]
        assert told == ["Try the � other."]
        (said,) = recorded(record, "steer")
        assert said["request"] == recorded(record, "generate")[0]["request"]
    assert kept_last(tmp_path).parts == answer.parts


def test_words_are_put_into_a_stopped_thought_which_goes_on(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[[LONG], [{"think": "Right."}, {"say": "Yes."}]]) as play:
        stop_in_thought(play)
        play.desk.steer("Think of zero.")
        answer = play.ending()
        assert [part.kind for part in answer.parts] == [Kind.REASONING, Kind.STEER, Kind.REASONING, Kind.TEXT]
        assert answer.parts[1].text == "Think of zero."
    asked = recorded(record, "generate")[-1]["answer"]
    assert (asked[-1]["kind"], asked[-1]["text"]) == ("steer", "Think of zero.")


def test_a_fork_is_a_sibling_that_begins_with_the_kept_thought(tmp_path: Path) -> None:
    record = tmp_path / "record"
    answers = [[{"think": "One way to go."}, {"say": "No."}], [{"think": "!"}, {"say": "Yes."}]]
    with scene(tmp_path, record=str(record), answers=answers) as play:
        first = play.ask()
        play.desk.fork(first.id, 8)
        assert ConversationOpened() in play.changes
        second = play.ending()
        assert (second.reasoning, second.text, second.parent) == ("One way !", "Yes.", first.parent)
        assert play.desk.conversation.siblings(first.id) == [first.id, second.id]
        assert play.desk.conversation.find(first.id) == first
        assert second.generation
        assert (second.generation.reasoning_tokens, second.generation.passes) == (2, 0)
        asked = recorded(record, "generate")[-1]
        assert (asked["fork"], asked["answer"][0]["text"]) == (8, "One way to go.")
        play.desk.fork(play.desk.conversation.messages[0].id, 3)  # a question has no thought
        assert not play.desk.running
    assert [message.text for message in kept(tmp_path)] == ["Why?", "Yes."]


def test_an_edited_question_is_a_branch_with_the_same_documents(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[[{"say": "First."}], [{"say": "Second."}]]) as play:
        play.until(lambda: play.desk.opened)
        play.desk.send("Why?", [Part(Kind.DOCUMENT, "contents", (), "a.txt")])
        play.ending()
        old = play.desk.conversation.messages[0]
        play.desk.edit(old.id, "Why not?")
        assert play.ending().text == "Second."
        question = play.desk.conversation.messages[0]
        assert (question.text, question.parent) == ("Why not?", None)
        assert question.parts[0] == old.parts[0]
        assert play.desk.conversation.siblings(question.id) == [old.id, question.id]
        assert [turn["role"] for turn in recorded(record, "generate")[-1]["turns"]] == ["user"]
        play.desk.show_branch(old.id)
        assert [message.text for message in play.desk.conversation.messages] == ["Why?", "First."]
        play.ask("And then?")
        play.desk.show_branch(question.id)
        play.desk.show_branch(old.id)
        assert [message.text for message in play.desk.conversation.messages][:3] == ["Why?", "First.", "And then?"]


def test_no_branch_is_left_while_an_answer_runs_in_it(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"say": "First."}], [{"think": "slow"}, {"gate": str(gate)}]]) as play:
        first = play.ask()
        play.desk.retry()
        play.until_text("slow")
        play.desk.show_branch(first.id)
        play.desk.edit(play.desk.conversation.messages[0].id, "Other?")
        play.desk.fork(first.id, 1)
        play.desk.resume()
        assert play.last.reasoning == "slow"
        gate.touch()
        play.ending()


def test_what_is_taken_back_is_gone_from_screen_and_disk(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    answers = [
        [
            {"think": "once twice ", "each": 11},
            {"think": "twice ", "each": 6},
            {"gate": str(gate)},
            {"retract": [6, 1]},
            {"loop": True},
        ]
    ]
    with scene(tmp_path, answers=answers) as play:
        play.send()
        play.until_text("twice twice")
        play.until(lambda: not play.desk.restless)
        gate.touch()
        answer = play.ending()
        assert (answer.state, answer.reasoning, answer.parts[0].ids) == (State.STOPPED, "once twice ", (1001,))
        taken = [change for change in play.changes if isinstance(change, TextRetracted)]
        assert [(change.message, change.kind, change.characters) for change in taken] == [
            (answer.id, Kind.REASONING, 6)
        ]
        facts = answer.generation
        assert facts
        assert (facts.end, facts.thought_end) == (End.LOOP, ThoughtEnd.LOOP)
        assert (play.desk.can_resume, play.desk.can_answer_now) == (True, True)
    assert kept_last(tmp_path) == answer


def test_a_stop_string_is_a_good_end(tmp_path: Path) -> None:
    answers = [[{"say": "Yes.\n"}, {"retract": [0, 0]}, {"stop": True}]]
    with scene(tmp_path, answers=answers) as play:
        answer = play.ask()
        assert answer.state is State.DONE
        assert answer.generation
        assert answer.generation.end is End.STOP
        assert not any(isinstance(change, TextRetracted) for change in play.changes)
        assert not play.desk.can_resume


def test_going_on_waits_for_a_worker_and_a_crash_before_it_begins_costs_nothing(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[DIES]) as play:
        assert play.ask().state is State.INTERRUPTED
    with scene(tmp_path, load_gate=str(gate), answers=[[{"say": "Whole."}]]) as later:
        later.until_engine(EngineState.LOADING)
        later.until(lambda: later.desk.opened)
        later.desk.open_session(later.desk.sessions[0].id)
        later.desk.resume()
        pid = later.desk._engine.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        gate.touch()
        whole = later.ending()
        assert (whole.reasoning, whole.text) == ("half a thought", "Whole.")


def test_going_on_that_is_refused_keeps_what_was_there(tmp_path: Path) -> None:
    refusal = {"kind": "ContextFull", "message": "It is too long.", "hint": "Ask with less."}
    with scene(tmp_path, answers=[[LONG], [{"fail": refusal}], [{"say": "Then this."}]]) as play:
        stop_in_thought(play)
        before = play.last
        play.desk.resume()
        refused = play.ending()
        assert (refused.state, refused.parts) == (State.FAILED, before.parts)
        assert refused.generation
        assert refused.generation.failure
        assert refused.generation.failure.message == "It is too long."
        assert before.generation
        assert refused.generation.reasoning_tokens == before.generation.reasoning_tokens
        play.desk.resume()
        assert play.ending().text == "Then this."


def test_a_refused_question_stays_in_the_chat(tmp_path: Path) -> None:
    refusal = {"kind": "ContextFull", "message": "It is too long.", "hint": "Ask with less.", "command": "chat.new"}
    with scene(tmp_path, answers=[[{"fail": refusal}], [{"say": "Fine."}]]) as play:
        answer = play.ask("A question of many words")
        assert answer.state is State.FAILED
        assert answer.generation
        assert answer.generation.failure
        assert answer.generation.failure.kind == "ContextFull"
        question = play.desk.conversation.messages[0]
        play.desk.edit(question.id, "Fewer words")
        assert play.ending().text == "Fine."
        assert play.desk.conversation.find(question.id) == question
    roles = [(message.role, message.text) for message in kept(tmp_path)]
    assert roles == [(Role.USER, "Fewer words"), (Role.ASSISTANT, "Fine.")]


def test_a_budget_changed_in_between_does_not_change_whether_it_thinks(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record), answers=[[LONG], [{"think": "!"}, {"say": "Yes."}]]) as play:
        stop_in_thought(play)
        play.desk.set_chat_budget(0)
        play.desk.resume()
        play.ending()
    assert [asked["thinking_budget"] for asked in recorded(record, "generate")] == [None, None]
