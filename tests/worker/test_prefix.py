"""Sequences in memory and on the disk: what was computed once is not computed again."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.core.memory import Level
from app.core.messages import Kind, Part, Role, Sampling
from app.core.protocol import Event, Prefilled, Prewarm, Prewarmed, Stored, Turn
from app.worker.idle import Idle, Warm
from app.worker.kvfiles import PrefixFiles
from app.worker.live import Live, common_prefix
from app.worker.prefix import Prefixes
from app.worker.prompt import Prompt
from app.worker.segments import Found
from app.worker.ticket import Recall, WarmTicket
from tests.worker.stage import GREEDY, Stage, user

PLENTY = 10**10


def number(seed: int, count: int) -> list[int]:
    """Ids that are in every vocabulary and different for every seed."""
    return [1000 + (seed * 7919 + at * 31) % 40000 for at in range(count)]


@contextmanager
def saved(folder: Path, *, exact: bool = False, budget: int = PLENTY) -> Iterator[PrefixFiles]:
    files = PrefixFiles(folder / "prefixes", "tiny", budget=budget, exact=exact, report=lambda _stored: None)
    try:
        yield files
    finally:
        files.close()


def read(prefixes: Prefixes, ids: list[int], session: int | None, shared: tuple[int, ...] = ()) -> int:
    """Read a whole prompt as a request would; how much of it was there."""
    taken = prefixes.take(Prompt([*ids, 0], shared), session)
    assert taken.live.prefill([*ids, 0], fixed=False, size=lambda: 256, step=lambda _read, _seconds: True)
    assert taken.live.ids == ids
    assert {layer.offset for layer in taken.live._cache} == {len(ids)}
    return taken.cached


def continuation(live: Live, ids: list[int], count: int = 8) -> list[int]:
    """What the model itself says after these ids on a sequence that holds them."""
    live.keep(ids)
    assert live.prefill(ids, fixed=False, size=lambda: 256, step=lambda _read, _seconds: True)
    return list(live.decode(ids, count))


def save_all(prefixes: Prefixes, files: PrefixFiles) -> None:
    while prefixes.save_any():
        pass
    assert files.flush(30)


@pytest.fixture
def prefixes(stage: Stage) -> Prefixes:
    return stage.prefixes


def test_common_prefixes() -> None:
    long = number(1, 1000)
    for at in (0, 1, 2, 500, 998, 999):
        assert common_prefix(long, [*long[:at], -1, *long[at + 1 :]]) == at
    assert common_prefix(long, long) == common_prefix(long, [*long, 1]) == 1000
    assert common_prefix([], long) == 0


# in memory ---------------------------------------------------------------------------------------


def test_the_next_turn_pays_for_itself_alone(prefixes: Prefixes) -> None:
    first = number(1, 300)
    assert read(prefixes, first, 1) == 0
    assert read(prefixes, first + number(2, 40), 1) == 300
    assert len(prefixes._lives) == 1


def test_chats_asked_in_turn_keep_their_rows(prefixes: Prefixes) -> None:
    chats = {session: number(session, 200) for session in range(1, 6)}
    for session, ids in chats.items():
        assert read(prefixes, ids, session) == 0
    for session, ids in chats.items():
        assert read(prefixes, ids + number(99, 10), session) == 200


def test_a_branch_leaves_the_other_branch_alone(prefixes: Prefixes) -> None:
    trunk = number(1, 200)
    one, other = trunk + number(2, 60), trunk + number(3, 60)
    read(prefixes, one, 1)
    assert read(prefixes, other, 1) == 200
    assert read(prefixes, one + number(4, 5), 1) == 260
    assert read(prefixes, other + number(4, 5), 1) == 260


def test_a_new_chat_shares_the_beginning_and_takes_nothing_away(prefixes: Prefixes) -> None:
    document = number(1, 300)
    mine = document + number(2, 50)
    read(prefixes, mine, 1)
    assert read(prefixes, document + number(3, 50), 2) == 300
    assert read(prefixes, [*mine, 7], 1) == 350


def test_rows_that_were_copied_are_the_same_rows(prefixes: Prefixes, stage: Stage) -> None:
    trunk = number(1, 150)
    read(prefixes, trunk + number(2, 60), 1)
    read(prefixes, trunk + number(3, 20), 2)
    ids = trunk + number(3, 20)
    expected = continuation(Live(stage.model), ids)
    assert continuation(prefixes._lives[0], ids) == expected


def test_memory_is_bounded_and_the_chat_used_longest_ago_leaves_first(stage: Stage) -> None:
    read(stage.prefixes, number(0, 255), 0)
    one = stage.prefixes.size
    stage.clear(room=3 * one)
    for session in range(1, 6):
        read(stage.prefixes, number(session, 255), session)
    assert stage.prefixes.size <= 3 * one
    assert [live.session for live in stage.prefixes._lives] == [5, 4, 3]


def test_room_is_made_before_it_is_taken(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    read(stage.prefixes, number(0, 511), 0)
    one = stage.prefixes.size
    stage.clear(room=int(1.5 * one))
    sizes: list[int] = []
    copied = Live.copy

    def copy(live: Live, rows: int) -> Live:
        other = copied(live, rows)
        sizes.append(stage.prefixes.size + other.size)
        return other

    monkeypatch.setattr(Live, "copy", copy)
    trunk = number(1, 400)
    read(stage.prefixes, trunk + number(2, 100), None)
    assert read(stage.prefixes, trunk + number(3, 100), None) == 400
    assert max(sizes, default=0) <= 1.5 * one
    assert stage.prefixes.size <= 1.5 * one


def test_a_sequence_that_could_not_be_put_together_is_not_used_again(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = number(1, 300)
    with saved(tmp_path) as files:
        stage.clear(files=files)
        read(stage.prefixes, ids, 1)
        save_all(stage.prefixes, files)
        stage.prefixes.clear()
        whole = PrefixFiles.read

        def lack_a_layer(self: PrefixFiles, found: Found, start: int) -> object:
            return (whole(self, found, start) or [])[:-1]

        with monkeypatch.context() as patch:
            patch.setattr(PrefixFiles, "read", lack_a_layer)
            with pytest.raises(ValueError, match="zip"):
                stage.prefixes.take(Prompt([*ids, 5]), 1)
        assert stage.prefixes.take(Prompt([*ids, 5]), 1).cached == 300


def test_what_is_kept_aside_can_be_bounded_apart(stage: Stage) -> None:
    read(stage.prefixes, number(0, 255), 0)
    stage.clear(aside=2 * stage.prefixes.size)
    for session in range(1, 6):
        read(stage.prefixes, number(session, 255), session)
    assert len(stage.prefixes._lives) == 3  # two aside and the one in use


def test_deleted_chats_leave_memory(prefixes: Prefixes) -> None:
    read(prefixes, number(1, 100), 1)
    read(prefixes, number(2, 100), 2)
    prefixes.forget([1])
    assert read(prefixes, number(1, 100), 3) == 0


def test_a_chat_in_memory_only_does_not_become_another_chats(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        ids = number(1, 200)
        read(stage.prefixes, ids, 5)
        read(stage.prefixes, ids + number(2, 100), None)  # goes on from the very same rows
        save_all(stage.prefixes, files)
        assert files.find(ids + number(2, 100), 5).rows == 200


# on the disk -------------------------------------------------------------------------------------


def test_a_prefix_survives_the_process(stage: Stage, tmp_path: Path) -> None:
    ids = number(1, 700)
    with saved(tmp_path, exact=True) as files:
        stage.clear(files=files)
        read(stage.prefixes, ids, 1)
        save_all(stage.prefixes, files)
    expected = continuation(Live(stage.model), [*ids, 5])
    with saved(tmp_path, exact=True) as files:
        stage.clear(files=files)
        taken = stage.prefixes.take(Prompt([*ids, 5]), 1)
        assert (taken.cached, taken.restored) == (700, 700)
        assert taken.seconds > 0
        assert continuation(taken.live, [*ids, 5]) == expected


def test_memory_and_disk_are_put_together(stage: Stage, tmp_path: Path) -> None:
    ids = number(1, 600)
    with saved(tmp_path) as files:
        stage.clear(files=files)
        read(stage.prefixes, ids, 1)
        save_all(stage.prefixes, files)
        stage.prefixes.clear()
        read(stage.prefixes, ids[:200], 2)
        taken = stage.prefixes.take(Prompt([*ids, 5]), 1)
        assert (taken.cached, taken.restored) == (600, 400)


def test_a_chat_that_leaves_memory_is_saved_first(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(room=1, files=files)
        for session in (1, 2):
            read(stage.prefixes, number(session, 300), session)
        assert read(stage.prefixes, [*number(1, 300), 7], 1) == 300


def test_nothing_of_a_chat_in_memory_only_is_written(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        read(stage.prefixes, number(1, 300), None, shared=(100,))
        save_all(stage.prefixes, files)
        assert stage.prefixes.shed()
        assert files.stored.size == 0


def test_only_new_rows_are_written(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        read(stage.prefixes, number(1, 500), 1)
        save_all(stage.prefixes, files)
        first = files.stored.written_today
        read(stage.prefixes, number(1, 500) + number(2, 50), 1)
        save_all(stage.prefixes, files)
        assert 0 < files.stored.written_today - first < first / 4


def test_a_seed_takes_only_rows_that_depend_on_their_ids_alone(stage: Stage, tmp_path: Path) -> None:
    long = user("All work and no play makes Jack a dull boy. " * 40)
    seeded = Sampling(temperature=1.0, seed=3)
    with saved(tmp_path) as files:
        stage.clear(files=files)
        stage.answer(stage.ticket(long, session=1, max_tokens=3))
        first = stage.answer(stage.ticket(long, session=1, sampling=seeded, max_tokens=6))
        assert first.started.cached_tokens == 0  # the rows that are there were read at the machine's own pace
        save_all(stage.prefixes, files)
        stage.prefixes.clear()
        again = stage.answer(stage.ticket(long, session=1, sampling=seeded, max_tokens=6))
        assert again.facts.restored_tokens == again.started.cached_tokens > 0
        assert again.ids == first.ids


def test_how_much_is_known_is_told_without_touching_anything(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        ids = number(1, 300)
        assert stage.prefixes.known([*ids, 0], 1) == 0
        read(stage.prefixes, ids, 1)
        assert stage.prefixes.known([*ids, 0], 1) == 300
        save_all(stage.prefixes, files)
        stage.prefixes.clear()
        assert stage.prefixes.known([*ids, 0], 1) == 300
        assert stage.prefixes.known([*ids, 0], 2) == 0
        assert stage.prefixes._lives == ()


# in idle time ------------------------------------------------------------------------------------


def warmed(session: int | None, *parts: Part) -> WarmTicket:
    return WarmTicket(Prewarm(9, [Turn(Role.USER, list(parts))], session=session))


def idle(stage: Stage, events: list[Event], *urgent: bool) -> Idle:
    said = iter(urgent)
    return Idle(stage.prefixes, stage.pace, stage.watch(events.append), events.append, lambda: next(said, False))


def test_an_attached_document_is_read_before_its_question(stage: Stage) -> None:
    document = Part(Kind.DOCUMENT, "The lemma holds for even numbers. " * 60, (), "notes.txt")
    ticket, events = warmed(None, document), list[Event]()
    work = idle(stage, events)
    prompt = stage.layout.lead(ticket.command.turns, "", thinking=True)
    work.add(Warm(prompt, None, ticket=ticket))
    assert work.step()
    assert not work.step()
    assert events[-1] == Prewarmed(9, len(prompt.ids))
    assert isinstance(events[0], Prefilled)
    answer = stage.answer(stage.ticket(Turn(Role.USER, [document, Part(Kind.TEXT, "Why?")]), session=4), 2)
    assert answer.started.cached_tokens == len(prompt.ids)
    assert stage.live.session == 4


def test_reading_ahead_stops_when_somebody_waits_and_goes_on_later(stage: Stage) -> None:
    events: list[Event] = []
    work = idle(stage, events, False, True)
    stage.pace.note_prefill(32, 10)  # slow: small chunks
    work.add(Warm(Prompt(number(1, 200)), 1))
    assert work.step()
    assert 0 < stage.live.rows < 200
    rows = stage.live.rows
    assert work.step()
    assert stage.live.rows > rows
    assert len(stage.prefixes._lives) == 1


def test_nothing_is_read_ahead_for_a_chat_that_is_gone(stage: Stage) -> None:
    events: list[Event] = []
    work = idle(stage, events)
    work.add(Warm(Prompt(number(1, 100)), 1, ticket=warmed(1)))
    work.add(Warm(Prompt(number(2, 100)), 2))
    work.drop(1)
    assert events[-1] == Prewarmed(9, 0)
    work.drop_all()
    assert not work.step()
    assert stage.live.rows == 0


def test_a_cancelled_reading_ahead_is_over(stage: Stage) -> None:
    ticket, events = warmed(1, Part(Kind.DOCUMENT, "a " * 50)), list[Event]()
    work = idle(stage, events)
    work.add(Warm(Prompt(number(1, 100)), 1, ticket=ticket))
    ticket.cancelled = True
    assert work.step()
    assert [event for event in events if isinstance(event, Prewarmed)] == [Prewarmed(9, 0)]
    assert not work.step()


def test_the_newest_beginning_of_a_chat_is_the_one_that_is_read(stage: Stage) -> None:
    events: list[Event] = []
    work = idle(stage, events)
    first = warmed(1)
    work.add(Warm(Prompt(number(1, 50)), 1, ticket=first))
    work.add(Warm(Prompt(number(2, 50)), 1))
    assert [event for event in events if isinstance(event, Prewarmed)] == [Prewarmed(9, 0)]
    while work.step():
        pass
    assert stage.live.ids == number(2, 50)


def test_the_stripped_history_is_read_while_the_thought_stays_on_the_disk(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        think, end_think, end = 34, 35, 2
        script = [think, *stage.text("Hm, that is hard. " * 20), end_think, *stage.text("Four."), end]
        answer = stage.answer(stage.ticket(session=1, keep_thoughts=False), *script)
        whole = answer.prompt + answer.ids
        assert stage.lead is not None
        work = idle(stage, [])
        work.add(Warm(stage.lead, 1))
        while work.step():
            pass
        assert files.flush(30)
        assert stage.live.ids == stage.lead.ids
        assert stage.prefixes.known([*stage.lead.ids, 0], 1) == len(stage.lead.ids)
        assert stage.prefixes.known(whole, 1) >= len(whole) - 1


def test_a_chat_that_is_opened_comes_back_from_the_disk_before_it_is_asked(stage: Stage, tmp_path: Path) -> None:
    with saved(tmp_path) as files:
        stage.clear(files=files)
        ids = number(1, 300)
        read(stage.prefixes, ids, 1)
        save_all(stage.prefixes, files)
        assert not stage.prefixes.lies_on_disk([*ids, 0], 1)
        stage.prefixes.clear()
        assert stage.prefixes.lies_on_disk([*ids, 0], 1)
        work = idle(stage, [])
        work.recall(Recall(Prompt(ids + number(2, 50)), 1))
        assert work.step()
        assert not work.step()
        assert stage.live.ids == ids  # nothing was computed
        assert stage.prefixes.take(Prompt([*ids, 5]), 1).restored == 0


def test_a_shortage_of_memory_ends_idle_work_and_not_the_worker(stage: Stage) -> None:
    events: list[Event] = []
    work = idle(stage, events)
    ticket = warmed(1, Part(Kind.DOCUMENT, "a"))
    stage.pressure.now = Level.CRITICAL
    stage.pace.note_prefill(32, 10)
    work.add(Warm(Prompt(number(1, 1000)), 1, ticket=ticket))
    while work.step():
        pass
    assert isinstance(events[-1], Prewarmed)
    assert stage.live.rows < 1000


def test_a_disk_that_is_off_costs_nothing_but_the_saving(stage: Stage, tmp_path: Path) -> None:
    events: list[Stored] = []
    (tmp_path / "prefixes").write_text("a file where a folder should be", encoding="utf-8")
    files = PrefixFiles(tmp_path / "prefixes", "tiny", budget=PLENTY, exact=False, report=events.append)
    try:
        stage.clear(files=files)
        answer = stage.answer(stage.ticket(session=1, sampling=GREEDY), *stage.text("Four."), 2)
        assert answer.answer == "Four."
        work = idle(stage, [])
        while work.step():
            pass
        assert files.stored.failure is not None
    finally:
        files.close()
