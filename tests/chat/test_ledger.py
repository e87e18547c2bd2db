"""The context ledger: exact where the tokenizer has counted, an estimate where it has not."""

from pathlib import Path

import msgspec

from app.chat.changes import EngineState, LedgerChanged
from app.chat.conversation import Conversation
from app.chat.ledger import is_full
from app.core.budget import LEAST_ROOM, estimate_tokens
from app.core.messages import End, Generation, Kind, Message, Part, Role, Session, State
from tests import double
from tests.chat.desks import recorded, scene


def test_a_draft_is_estimated_until_it_is_counted(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, load_gate=str(gate), start=False) as play:
        play.desk.set_draft("x" * 470)
        ledger = play.desk.ledger()
        assert (ledger.draft, ledger.exact, ledger.ceiling) == (estimate_tokens("x" * 470), False, 0)
        play.desk.start_engine()
        play.until(lambda: play.desk.ledger().draft == 470 // 4 + 1)  # the tokenizer is there before the model
        assert play.desk.engine.state is not EngineState.READY
        assert not play.desk.ledger().exact  # what the prompt begins with is not known yet
        gate.touch()
        play.until_engine(EngineState.READY)
        assert play.desk.ledger().exact
        assert play.desk.ledger().ceiling == 40_960


def test_the_count_follows_the_typing(tmp_path: Path) -> None:
    record = tmp_path / "record"
    with scene(tmp_path, record=str(record)) as play:
        play.until_engine(EngineState.READY)
        play.desk.inbox.drain()
        for length in range(1, 200):
            play.desk.set_draft("x" * length)
        assert not play.desk.ledger().exact
        play.until(lambda: play.desk.ledger().exact)
        assert play.desk.ledger().draft == 199 // 4 + 1
        assert len(recorded(record, "count")) < 10
        assert LedgerChanged() in play.changes
        play.desk.set_draft("")
        assert (play.desk.ledger().draft, play.desk.ledger().exact) == (0, True)


def test_history_is_known_from_the_last_answer_of_the_same_model(tmp_path: Path) -> None:
    with scene(tmp_path, answers=[[{"think": "a" * 80}, {"say": "b" * 24}]]) as play:
        answer = play.ask()
        facts = answer.generation
        assert facts
        ledger = play.desk.ledger()
        assert (ledger.history, ledger.exact, ledger.live) == (facts.prompt_tokens + 3, True, 0)
    with scene(tmp_path, card={"fingerprint": "another"}) as other:
        other.until_engine(EngineState.READY)
        other.until(lambda: other.desk.opened)
        other.desk.open_session(other.desk.sessions[0].id)
        assert not other.desk.ledger().exact
        assert other.desk.ledger().history > 0


def test_a_running_answer_counts_as_it_grows(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, answers=[[{"think": "a" * 80}, {"gate": str(gate)}, {"say": "b"}]]) as play:
        play.send()
        play.until(lambda: play.desk.ledger().live == 10)
        assert play.desk.ledger().exact
        assert play.desk.ledger().history > 0
        gate.touch()
        play.ending()


def test_an_empty_chat_holds_what_every_prompt_begins_with(tmp_path: Path) -> None:
    with scene(tmp_path, card={"empty_tokens": 30, "turn_tokens": 4}, answers=[[{"say": "b" * 24}]]) as play:
        play.until_engine(EngineState.READY)
        assert (play.desk.ledger().history, play.desk.ledger().exact) == (30, True)
        play.desk.set_preference("instructions", "Be brief. " * 20)
        assert play.desk.ledger().history > 30
        assert not play.desk.ledger().exact
        facts = play.ask().generation
        assert facts
        assert play.desk.ledger().history == facts.prompt_tokens + facts.answer_tokens + 4


def test_a_question_that_waits_counts_already(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with scene(tmp_path, load_gate=str(gate), answers=[[{"say": "b"}]]) as play:
        play.send("x" * 470)
        ledger = play.desk.ledger()
        assert ledger.history >= estimate_tokens("x" * 470)
        assert not ledger.exact
        gate.touch()
        play.ending()


def test_an_answer_at_the_ceiling_has_room_again_once_earlier_thoughts_are_left_out() -> None:
    facts = Generation(
        model="m", fingerprint="f", prompt_tokens=900, reasoning_tokens=80, answer_tokens=20, end=End.LIMIT
    )
    question = Message(id=1, session=1, parent=None, role=Role.USER, state=State.DONE, created=0.0)
    answer = Message(
        id=2,
        session=1,
        parent=1,
        role=Role.ASSISTANT,
        state=State.DONE,
        created=0.0,
        parts=(Part(Kind.TEXT, "half"),),
        generation=facts,
    )
    conversation = Conversation(Session(id=1, title="", created=0.0, updated=0.0), [question, answer])
    card = msgspec.structs.replace(double.CARD, context=1_000, turn_tokens=5)
    assert is_full(conversation, card)
    assert is_full(conversation, card, 900 + 20 + 5)
    least = LEAST_ROOM + 1
    assert not is_full(conversation, card, 900 - least + 20 + 5)
    conversation.choose(thinking_budget=None, keep_thoughts=True)
    assert is_full(conversation, card, 900 + 80 + 20 + 5)
    assert not is_full(conversation, msgspec.structs.replace(card, context=2_000))
