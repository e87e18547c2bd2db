"""What is written is what is read."""

import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.errors import StoreFailed
from app.core.messages import End, Generation, Kind, Message, Part, Role, Sampling, State, ThoughtEnd
from app.store.files import DATABASE
from app.store.store import Mended, Store
from tests.store.samples import (
    GENERATION,
    OWNER,
    ask_database,
    done,
    everyone_lives,
    new_message,
    new_session,
    new_turn,
    opened,
)


def test_a_finished_turn_is_there_after_a_restart(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    thought, text = Part(Kind.REASONING, "so…", (7, 131_071)), Part(Kind.TEXT, "56", (1, 2**32 - 1))
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.finish(done(answer, thought, text), replace(session, updated=99.0))
    with opened(tmp_path) as store:
        assert store.sessions() == [replace(session, updated=99.0)]
        assert store.messages(session.id) == [question, done(answer, thought, text)]


def test_a_tree_keeps_its_branches(tmp_path: Path) -> None:
    session = new_session()
    root = new_message(session, Role.USER, "first")
    edited = [new_message(session, Role.USER, text, root) for text in ("second", "second, better")]
    with opened(tmp_path) as store:
        store.add_turn(session, [root, *edited])
        store.flush()
        assert store.messages(session.id) == [root, *edited]


def test_chats_come_newest_first(tmp_path: Path) -> None:
    older, newer = new_session("older"), new_session("newer")
    with opened(tmp_path) as store:
        for session in (newer, older):
            store.add_turn(session, [])
        store.flush()
        assert [session.title for session in store.sessions()] == ["newer", "older"]
        store.add_turn(replace(older, updated=99_999.0), [])
        store.flush()
        assert [session.title for session in store.sessions()] == ["older", "newer"]


def test_a_running_answer_reads_as_its_checkpoints_joined(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.INJECTED, "", (1,)), Part(Kind.REASONING, "Let", (2,))])
        store.checkpoint(answer.id, [Part(Kind.REASONING, " me", (3, 4)), Part(Kind.TEXT, "56", (5,))])
        store.flush()
        assert store.messages(session.id)[1] == replace(
            answer,
            parts=(
                Part(Kind.INJECTED, "", (1,)),
                Part(Kind.REASONING, "Let me", (2, 3, 4)),
                Part(Kind.TEXT, "56", (5,)),
            ),
        )


def test_the_end_of_an_answer_replaces_its_checkpoints(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.TEXT, "fif")])
        store.finish(done(answer, Part(Kind.TEXT, "fifty"), state=State.STOPPED), session)
        store.flush()
        assert store.messages(session.id)[1] == done(answer, Part(Kind.TEXT, "fifty"), state=State.STOPPED)
        assert ask_database(tmp_path, "SELECT count(*) FROM checkpoints") == [(0,)]


def test_a_reader_beside_the_writer_sees_one_moment(tmp_path: Path) -> None:
    session = new_session()
    turns = [new_turn(session) for _ in range(300)]
    ended = threading.Event()
    with opened(tmp_path) as store:
        store.add_turn(session, [message for turn in turns for message in turn])
        for _question, answer in turns:
            store.checkpoint(answer.id, [Part(Kind.TEXT, "yes")])
        store.flush()
        for _question, answer in turns:
            store.finish(done(answer, Part(Kind.TEXT, "yes")), session)
        store.later(ended.set)
        while not ended.is_set():
            assert {message.text for message in store.messages(session.id)[1::2]} == {"yes"}


def test_text_that_turns_out_to_be_a_thought_is_read_as_one(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.TEXT, "hm, ")])
        store.checkpoint(answer.id, [Part(Kind.TEXT, "yes")])
        store.rewrite(replace(answer, parts=(Part(Kind.REASONING, "hm, yes"),)))
        store.checkpoint(answer.id, [Part(Kind.TEXT, "56")])
        store.flush()
        assert store.messages(session.id)[1].parts == (Part(Kind.REASONING, "hm, yes"), Part(Kind.TEXT, "56"))


def test_what_was_written_can_be_replaced_as_a_whole(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.checkpoint(answer.id, [Part(Kind.REASONING, "once twice twice", (1, 2, 2))], GENERATION)
        kept = replace(answer, parts=(Part(Kind.REASONING, "once twice", (1, 2)),), generation=GENERATION)
        store.rewrite(kept)
        store.checkpoint(answer.id, [Part(Kind.REASONING, "!", (3,))])
        store.flush()
        assert store.messages(session.id)[1] == replace(kept, parts=(Part(Kind.REASONING, "once twice!", (1, 2, 3)),))


def test_a_checkpoint_notes_the_facts_so_far(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        for count in (3, 4):
            store.checkpoint(answer.id, [], replace(GENERATION, reasoning_tokens=count))
        store.flush()
        assert store.messages(session.id)[1].generation == replace(GENERATION, reasoning_tokens=4)


def test_an_answer_that_ended_runs_again_with_its_parts_and_facts(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    ended = done(answer, Part(Kind.REASONING, "half", (1,)), state=State.STOPPED)
    owners = "SELECT owner_pid, owner_started, owner_role FROM messages ORDER BY id"
    seen: list[object] = []
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.finish(ended, session)
        again = replace(ended, state=State.RUNNING)
        store.reopen(again, replace(session, updated=88.0), lambda: seen.append(ask_database(tmp_path, owners)[1]))
        store.checkpoint(answer.id, [Part(Kind.REASONING, " and half", (2,))])
        store.flush()
        assert seen == [(OWNER.pid, OWNER.started, OWNER.role)]
        assert store.sessions()[0].updated == 88.0
        grown = store.messages(session.id)[1]
        assert grown == replace(again, parts=(Part(Kind.REASONING, "half and half", (1, 2)),))
        store.finish(done(answer, Part(Kind.REASONING, "half and half", (1, 2))), session)
        store.flush()
        assert ask_database(tmp_path, owners)[1] == (None, None, None)
        assert ask_database(tmp_path, "SELECT count(*) FROM checkpoints") == [(0,)]


def test_what_is_chosen_for_a_chat_is_kept_with_it(tmp_path: Path) -> None:
    session = new_session()
    with opened(tmp_path) as store:
        store.add_turn(session, [])
        for keep in (True, False, None):
            chosen = replace(session, title="renamed", thinking_budget=0, keep_thoughts=keep)
            store.save_session(chosen)
            store.flush()
            assert store.sessions() == [chosen]


def test_a_deleted_chat_takes_everything_with_it(tmp_path: Path) -> None:
    gone, stays = new_session(), new_session()
    question, answer = new_turn(gone)
    with opened(tmp_path) as store:
        store.add_turn(stays, new_turn(stays))
        store.add_turn(gone, [question, answer])
        store.finish(done(answer, Part(Kind.TEXT, "yes")), gone)
        more = new_turn(gone, "And?", answer)
        store.add_turn(gone, more)
        store.checkpoint(more[1].id, [Part(Kind.TEXT, "ye")], GENERATION)
        store.delete_session(gone.id)
        store.delete_session(404)
        store.flush()
        assert [session.id for session in store.sessions()] == [stays.id]
    assert ask_database(tmp_path, "SELECT count(*) FROM messages") == [(2,)]
    assert ask_database(tmp_path, "SELECT count(*) FROM parts") == [(1,)]
    for table in ("checkpoints", "generations"):
        assert ask_database(tmp_path, f"SELECT count(*) FROM {table}") == [(0,)]


def test_the_request_goes_out_after_the_commit_and_not_in_the_callers_thread(tmp_path: Path) -> None:
    session = new_session()
    seen: list[object] = []

    def send() -> None:
        seen.append(ask_database(tmp_path, "SELECT role, state FROM messages ORDER BY id"))
        seen.append(threading.current_thread() is threading.main_thread())

    with opened(tmp_path) as store:
        store.add_turn(session, new_turn(session), send)
    assert seen == [[("user", "done"), ("assistant", "running")], False]


def test_jobs_and_writes_keep_their_order(tmp_path: Path) -> None:
    session = new_session("first")
    titles: list[object] = []

    def note() -> None:
        titles.extend(ask_database(tmp_path, "SELECT title FROM sessions"))

    with opened(tmp_path) as store:
        store.add_turn(session, [])
        store.later(note)
        store.add_turn(replace(session, title="second"), [])
        store.later(note)
    assert titles == [("first",), ("second",)]


def test_a_running_row_names_its_owner_and_a_finished_one_does_not(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    owners = "SELECT owner_pid, owner_started, owner_role FROM messages ORDER BY id"
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.flush()
        assert ask_database(tmp_path, owners)[1] == (OWNER.pid, OWNER.started, OWNER.role)
        store.finish(done(answer), session)
        store.flush()
        assert ask_database(tmp_path, owners)[1] == (None, None, None)


def test_token_ids_lie_in_the_file_as_little_endian_words(tmp_path: Path) -> None:
    session = new_session()
    question = replace(new_message(session, Role.USER, "x"), parts=(Part(Kind.TEXT, "x", (1, 258)),))
    with opened(tmp_path) as store:
        store.add_turn(session, [question])
    assert ask_database(tmp_path, "SELECT ids FROM parts") == [(b"\1\0\0\0\2\1\0\0",)]


def test_the_seed_can_be_asked_for_in_sql(tmp_path: Path) -> None:
    session = new_session()
    question, answer = new_turn(session)
    generation = replace(GENERATION, seed=42)
    with opened(tmp_path) as store:
        store.add_turn(session, [question, answer])
        store.finish(replace(done(answer), generation=generation), session)
    assert ask_database(tmp_path, "SELECT seed FROM generations") == [(42,)]


def test_half_a_surrogate_pair_does_not_cost_the_question(tmp_path: Path) -> None:
    session = new_session()
    with opened(tmp_path) as store:
        store.add_turn(session, [new_message(session, Role.USER, "cut \ud83d here, \ud83d\ude00 whole")])
        store.flush()
        assert store.messages(session.id)[0].text == "cut � here, 😀 whole"


def test_a_wrong_write_is_dropped_and_logged_and_the_next_one_is_done(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def go_wrong() -> None:
        raise ZeroDivisionError

    session = new_session()
    with opened(tmp_path) as store:
        store.checkpoint(404, [Part(Kind.TEXT, "of no message")])
        store.later(go_wrong)
        store.add_turn(session, [])
        store.flush()
        assert store.sessions() == [session]
    assert "FOREIGN KEY" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_only_the_user_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "Lemma"
    with opened(folder) as store:
        store.add_turn(new_session(), [])
        store.flush()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys((DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"), 0o600)


def test_closing_saves_what_is_queued_and_leaves_one_file(tmp_path: Path) -> None:
    session = new_session()
    store = Store(tmp_path, OWNER, everyone_lives, lambda _event: None)
    store.start()
    store.add_turn(session, [new_message(session, Role.USER, str(number)) for number in range(50)])
    store.close()
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]
    assert ask_database(tmp_path, "SELECT count(*) FROM messages") == [(50,)]


def test_a_store_that_was_never_started_can_be_closed(tmp_path: Path) -> None:
    Store(tmp_path, OWNER, everyone_lives, lambda _event: None).close()
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_fails_does_not_stop_the_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_event: object) -> None:
        raise KeyError

    store = Store(tmp_path, OWNER, everyone_lives, fail)
    store.start()
    store.add_turn(new_session(), [])
    store.flush()
    assert len(store.sessions()) == 1
    store.close()
    assert "KeyError" in caplog.text


def test_flush_says_so_when_it_cannot_wait_longer(tmp_path: Path) -> None:
    held = threading.Event()

    def hold() -> None:
        held.wait()

    with opened(tmp_path) as store:
        store.later(hold)
        with pytest.raises(StoreFailed, match="in time"):
            store.flush(timeout=0)
        held.set()


def test_a_locked_database_keeps_the_write_and_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.store.writer.PATIENCE", 0.01)
    said = threading.Event()
    failures: list[object] = []

    def report(event: object) -> None:
        failures.append(event)
        if len(failures) == 2:
            said.set()

    session = new_session()
    store = Store(tmp_path, OWNER, everyone_lives, report)
    store.start()
    store.flush()
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        store.add_turn(session, [])
        store.add_turn(replace(session, title="after all"), [])
        assert said.wait(30)
        other.execute("ROLLBACK")
    store.flush()
    assert [row.title for row in store.sessions()] == ["after all"]
    store.close()
    assert len(failures) == 3
    assert failures[2] == Mended()
    assert "Another program holds" in failures[1].failure.message  # type: ignore[attr-defined]


Node = tuple[int, Role, State, tuple[Part, ...], Generation | None]

small = st.integers(0, 2**31)
seconds = st.floats(0, 1e9)
parts = st.builds(
    Part,
    st.sampled_from(Kind),
    st.text(),
    st.lists(st.integers(0, 2**32 - 1), max_size=5).map(tuple),
    st.text(max_size=8),
)
generations = st.builds(
    Generation,
    model=st.text(),
    fingerprint=st.text(),
    sampling=st.builds(Sampling, temperature=seconds, seed=st.none() | st.integers(0, 2**64 - 1)),
    seed=st.none() | st.integers(0, 2**64 - 1),
    end=st.none() | st.sampled_from(End),
    thinking_budget=st.none() | small,
    prompt_tokens=small,
    restored_tokens=small,
    restore_seconds=seconds,
    fixed_chunk=small,
    passes=small,
    answer_tokens=small,
    prefill_seconds=seconds,
    thought_end=st.none() | st.sampled_from(ThoughtEnd),
    failure=st.none() | st.just(GENERATION.failure),
)
nodes = st.tuples(
    st.integers(0, 5),
    st.sampled_from(Role),
    st.sampled_from([state for state in State if state is not State.RUNNING]),
    st.lists(parts, max_size=4).map(tuple),
    st.none() | generations,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.text(),
    updated=seconds,
    budget=st.none() | small,
    keep=st.none() | st.booleans(),
    tree=st.lists(nodes, max_size=6),
)
def test_any_chat_comes_back_as_it_was(
    tmp_path: Path, title: str, updated: float, budget: int | None, keep: bool | None, tree: list[Node]
) -> None:
    session = replace(new_session(title), updated=updated, thinking_budget=budget, keep_thoughts=keep)
    messages: list[Message] = []
    for back, role, state, content, generation in tree:
        parent = messages[-back] if 0 < back <= len(messages) else None
        node = new_message(session, role, "", parent)
        messages.append(replace(node, state=state, parts=content, generation=generation))
    with opened(tmp_path) as store:
        store.add_turn(session, messages)
        store.flush()
        assert store.messages(session.id) == messages
        assert session in store.sessions()
