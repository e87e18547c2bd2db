"""Databases that are damaged, locked or out of reach."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from app.core.errors import StoreFailed
from app.core.messages import Kind, Part
from app.store.failures import explain
from app.store.files import DATABASE, check_folder, mark_of
from app.store.store import Broken, StoreEvent
from tests.store.samples import content_of, crash_image, fill, new_session, notice_of, opened, refusal_of

PAGE = 4096
LEAF = 0x0D
"""First byte of a page that holds rows."""


def spoil_header(content: bytes) -> bytes:
    return b"\xde\xad\xbe\xef" * 32 + content[128:]


def cut_in_half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def cut_to_a_stump(content: bytes) -> bytes:
    return content[:50]


def cut_inside_the_first_page(content: bytes) -> bytes:
    return content[:700]


def replace_by_text(_content: bytes) -> bytes:
    return b"This was a database once.\n" * 400


def replace_by_another_database(_content: bytes) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        return connection.serialize()


def zero_first_page_after_header(content: bytes) -> bytes:
    return content[:100] + bytes(PAGE - 100) + content[PAGE:]


def zero_all_but_first_page(content: bytes) -> bytes:
    return content[:PAGE] + bytes(len(content) - PAGE)


def zero_middle_page(content: bytes) -> bytes:
    """One page of rows in the middle of the file."""
    middle = len(content) // PAGE // 2
    page = next(page for page in range(middle, len(content) // PAGE) if content[page * PAGE] == LEAF)
    return content[: page * PAGE] + bytes(PAGE) + content[(page + 1) * PAGE :]


Spoil = Callable[[bytes], bytes]
SEEN_AT_ONCE: list[Spoil] = [
    spoil_header,
    cut_in_half,
    cut_to_a_stump,
    cut_inside_the_first_page,
    replace_by_text,
    replace_by_another_database,
    zero_first_page_after_header,
    zero_all_but_first_page,
]


def kept_files(folder: Path) -> dict[str, bytes]:
    """What was set aside, by the last part of its name."""
    return {name.rpartition(".")[2]: content for name, content in content_of(folder).items() if ".damaged-" in name}


@pytest.mark.parametrize("spoil", SEEN_AT_ONCE)
def test_a_damaged_database_is_kept_aside_and_a_new_one_started(tmp_path: Path, spoil: Spoil) -> None:
    fill(tmp_path)
    path = tmp_path / DATABASE
    spoiled = spoil(path.read_bytes())
    path.write_bytes(spoiled)
    notice = notice_of(tmp_path)
    assert notice is not None
    assert "damaged" in notice.message
    kept = Path(notice.hint.partition(": ")[2])
    assert kept.name.startswith("lemma.damaged-")
    assert kept.read_bytes() == spoiled
    session = new_session()
    with opened(tmp_path) as store:
        store.add_turn(session, [])
        store.flush()
        assert store.sessions() == [session]
    assert notice_of(tmp_path) is None


@pytest.mark.parametrize("spoil", [*SEEN_AT_ONCE, zero_middle_page])
def test_after_a_crash_every_page_is_checked_and_the_log_is_kept_too(tmp_path: Path, spoil: Spoil) -> None:
    fill(tmp_path / "whole")
    crashed = tmp_path / "crashed"
    crash_image(tmp_path / "whole", crashed, "UPDATE sessions SET title = 'last words'")
    path = crashed / DATABASE
    path.write_bytes(spoil(path.read_bytes()))
    before = path.read_bytes(), path.with_name(f"{DATABASE}-wal").read_bytes()
    assert notice_of(crashed) is not None
    kept = kept_files(crashed)
    assert (kept["db"], kept["db-wal"]) == before


def test_a_crash_without_damage_is_no_reason_to_start_anew(tmp_path: Path) -> None:
    fill(tmp_path / "whole")
    crash_image(tmp_path / "whole", tmp_path / "crashed", "UPDATE sessions SET title = 'last words'")
    with opened(tmp_path / "crashed") as store:
        assert [session.title for session in store.sessions()] == ["last words"]
    assert list((tmp_path / "crashed").iterdir()) == [tmp_path / "crashed" / DATABASE]


def test_damage_deep_in_a_clean_file_is_said_when_met_and_set_aside_at_the_next_start(tmp_path: Path) -> None:
    session = fill(tmp_path)
    path = tmp_path / DATABASE
    path.write_bytes(zero_middle_page(path.read_bytes()))
    with opened(tmp_path) as store:
        with pytest.raises(StoreFailed, match="damaged"):
            store.messages(session.id)
        store.flush()
        assert store.sessions() == [session]
    assert mark_of(path).exists()
    assert notice_of(tmp_path) is not None
    assert not mark_of(path).exists()
    assert notice_of(tmp_path) is None


def test_a_mark_of_damage_on_a_whole_database_is_taken_off(tmp_path: Path) -> None:
    fill(tmp_path, messages=3)
    mark_of(tmp_path / DATABASE).touch()
    assert notice_of(tmp_path) is None
    assert not mark_of(tmp_path / DATABASE).exists()


def test_a_write_into_a_damaged_page_is_said_and_later_writes_go_on(tmp_path: Path) -> None:
    session = fill(tmp_path)
    path = tmp_path / DATABASE
    with closing(sqlite3.connect(path)) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'checkpoints_by_message'"
        root: int = connection.execute(query).fetchone()[0]
    content = path.read_bytes()
    path.write_bytes(content[: (root - 1) * PAGE] + b"\xff" * PAGE + content[root * PAGE :])
    events: list[StoreEvent] = []
    with opened(tmp_path, events=events) as store:
        store.flush()
        store.checkpoint(store.messages(session.id)[0].id, [Part(Kind.TEXT, "nowhere to go")])
        store.add_turn(msgspec.structs.replace(session, title="goes on"), [])
        store.flush()
        assert store.sessions()[0].title == "goes on"
    assert [type(event).__name__ for event in events] == ["Opened", "Broken"]
    assert mark_of(path).exists()


def test_two_databases_damaged_in_the_same_second_are_both_kept(tmp_path: Path) -> None:
    for content in (b"one" * 500, b"two" * 500):
        (tmp_path / DATABASE).write_bytes(content)
        assert notice_of(tmp_path) is not None
    kept = [content for name, content in content_of(tmp_path).items() if "damaged" in name]
    assert sorted(kept) == [b"one" * 500, b"two" * 500]


def test_a_log_whose_database_is_gone_is_kept(tmp_path: Path) -> None:
    fill(tmp_path / "whole", messages=3)
    crash_image(tmp_path / "whole", tmp_path / "crashed", "UPDATE sessions SET title = 'last words'")
    (tmp_path / "crashed" / DATABASE).unlink()
    log = (tmp_path / "crashed" / f"{DATABASE}-wal").read_bytes()
    assert notice_of(tmp_path / "crashed") is not None
    assert kept_files(tmp_path / "crashed") == {"db-wal": log}


def test_an_empty_file_is_a_first_start(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch()
    assert notice_of(tmp_path) is None
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


def test_a_locked_database_is_not_taken_for_a_damaged_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, messages=3)
    monkeypatch.setattr("app.store.connection.BUSY_SECONDS", 0.01)
    with closing(sqlite3.connect(tmp_path / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "Another program holds" in refusal_of(tmp_path).message
    assert kept_files(tmp_path) == {}
    assert notice_of(tmp_path) is None


def test_a_data_folder_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    failure = refusal_of(tmp_path / "file" / "data")
    assert failure.kind == "StoreFailed"
    assert failure.message == f"The data folder {tmp_path / 'file' / 'data'} cannot be used: not a directory."
    assert failure.hint


def test_something_else_in_the_place_of_the_database_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / DATABASE / "inside").mkdir(parents=True)
    assert refusal_of(tmp_path).kind == "StoreFailed"
    assert (tmp_path / DATABASE / "inside").is_dir()


def test_a_store_that_did_not_open_says_so_to_every_reader_and_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    events: list[StoreEvent] = []
    sent: list[None] = []
    ran: list[None] = []
    with opened(tmp_path / "file", events=events) as store:
        store.add_turn(new_session(), [], lambda: sent.append(None))
        store.later(lambda: ran.append(None))
        for read in (store.flush, store.sessions, lambda: store.messages(1)):
            with pytest.raises(StoreFailed, match="cannot be used"):
                read()
    assert [type(event) for event in events] == [Broken]
    assert (sent, ran) == ([], [None])


def test_a_full_disk_has_its_own_sentence(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / DATABASE)) as connection:
        connection.execute("PRAGMA max_page_count = 2")
        connection.execute("CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            connection.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert "disk is full" in explain(caught.value, tmp_path).message
    assert "disk is full" in explain(OSError(28, "No space left on device"), tmp_path).message


def test_a_data_folder_is_private_and_made_on_demand(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreFailed, match="cannot be written"):
        check_folder(tmp_path / "file" / "data")
