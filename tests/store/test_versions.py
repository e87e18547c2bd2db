"""Databases of other versions."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from app.core.messages import End, Generation, Kind, Message, Part, Role, Sampling, Session, State, ThoughtEnd
from app.store.files import DATABASE
from app.store.opening import open_database
from app.store.schema import MIGRATIONS, Migration
from app.store.store import Opened
from tests.store.samples import (
    ask_database,
    content_of,
    crash_image,
    everyone_lives,
    fill,
    opened,
    opening_of,
    refusal_of,
)

RELEASED = sorted((Path(__file__).parent / "schemas").glob("*.sql"))


SESSION = Session(id=10, title="Seven times eight", created=1.5, updated=2.5, thinking_budget=400, keep_thoughts=True)


def add_stars(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE sessions ADD COLUMN starred INTEGER NOT NULL DEFAULT 0")


def add_half_and_fail(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE half (x INTEGER) STRICT")
    connection.execute("DELETE FROM sessions")
    connection.execute("SELECT nothing FROM nowhere")


def orphan_messages(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM sessions")


def upgrade(folder: Path, migrations: Sequence[Migration]) -> None:
    open_database(folder, everyone_lives, migrations).connection.close()


def version_of(folder: Path) -> object:
    return ask_database(folder, "PRAGMA user_version")[0][0]


def columns_of(folder: Path, name: str = DATABASE) -> list[str]:
    with closing(sqlite3.connect(folder / name)) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(sessions)")]


def schema_of(folder: Path) -> list[tuple[str, str]]:
    rows = ask_database(folder, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name")
    return [(str(name), " ".join(str(sql).split())) for name, sql in rows]


def build(folder: Path, script: Path) -> None:
    folder.mkdir(exist_ok=True)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        connection.executescript(script.read_text())


def test_a_database_is_backed_up_before_each_migration(tmp_path: Path) -> None:
    session = fill(tmp_path, messages=5)
    before = columns_of(tmp_path)
    upgrade(tmp_path, (*MIGRATIONS, add_stars))
    assert version_of(tmp_path) == 2
    assert columns_of(tmp_path) == [*before, "starred"]
    assert columns_of(tmp_path, "lemma.before-2.db") == before
    assert (tmp_path / "lemma.before-2.db").stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(tmp_path / "lemma.before-2.db")) as backup:
        assert backup.execute("SELECT id FROM sessions").fetchall() == [(session.id,)]
        assert backup.execute("SELECT count(*) FROM messages").fetchall() == [(5,)]


def test_a_first_start_goes_through_all_migrations_without_a_backup(tmp_path: Path) -> None:
    upgrade(tmp_path, (*MIGRATIONS, add_stars))
    assert version_of(tmp_path) == 2
    assert [path.name for path in tmp_path.iterdir()] == [DATABASE]


@pytest.mark.parametrize("migration", [add_half_and_fail, orphan_messages])
def test_a_migration_that_fails_changes_nothing(tmp_path: Path, migration: Migration) -> None:
    session = fill(tmp_path, messages=5)
    schema = schema_of(tmp_path)
    with pytest.raises(sqlite3.Error):
        upgrade(tmp_path, (*MIGRATIONS, migration))
    assert version_of(tmp_path) == 1
    assert schema_of(tmp_path) == schema
    with opened(tmp_path) as store:
        assert store.sessions() == [session]
        assert len(store.messages(session.id)) == 5
    upgrade(tmp_path, (*MIGRATIONS, add_stars))
    assert version_of(tmp_path) == 2


def test_a_newer_database_is_refused_with_a_sentence_and_left_untouched(tmp_path: Path) -> None:
    upgrade(tmp_path, (*MIGRATIONS, add_stars))
    before = content_of(tmp_path)
    failure = refusal_of(tmp_path)
    assert failure.kind == "StoreTooNew"
    assert failure.message == f"The chat history {tmp_path / DATABASE} was written by a newer version of Lemma."
    assert failure.hint == "Update Lemma. The history was left as it is."
    assert content_of(tmp_path) == before


def test_a_newer_database_that_crashed_is_refused_and_left_untouched(tmp_path: Path) -> None:
    fill(tmp_path / "whole", messages=5)
    crash_image(tmp_path / "whole", tmp_path / "crashed", "PRAGMA user_version = 99")
    before = content_of(tmp_path / "crashed")
    assert refusal_of(tmp_path / "crashed").kind == "StoreTooNew"
    after = content_of(tmp_path / "crashed")
    assert {name: after[name] for name in before} == before


def test_every_version_has_its_sample() -> None:
    assert [script.stem for script in RELEASED] == [f"{number:03}" for number in range(1, len(MIGRATIONS) + 1)]


@pytest.mark.parametrize("script", RELEASED, ids=lambda script: script.stem)
def test_every_released_database_can_be_read_and_gets_the_newest_schema(tmp_path: Path, script: Path) -> None:
    build(tmp_path / "old", script)
    opening = opening_of(tmp_path / "old")
    assert opening == Opened([SESSION], None)
    with opened(tmp_path / "old") as store:
        assert store.messages(10) == [
            Message(
                id=11,
                session=10,
                parent=None,
                role=Role.USER,
                state=State.DONE,
                created=1.5,
                parts=(
                    Part(Kind.DOCUMENT, "A page.", name="page.txt"),
                    Part(Kind.TEXT, "What is 7 times 8?"),
                ),
            ),
            Message(
                id=12,
                session=10,
                parent=11,
                role=Role.ASSISTANT,
                state=State.DONE,
                created=1.5,
                parts=(Part(Kind.REASONING, "Seven eights…", (34, 1, 2)), Part(Kind.TEXT, "56", (35, 3))),
                generation=Generation(
                    model="Magistral",
                    fingerprint="sha256:00",
                    sampling=Sampling(stop=("Q:",), seed=7),
                    seed=7,
                    prompt_tokens=20,
                    cached_tokens=5,
                    restored_tokens=4,
                    restore_seconds=0.125,
                    passes=5,
                    reasoning_tokens=3,
                    answer_tokens=2,
                    reasoning_seconds=0.5,
                    end=End.TURN,
                    thought_end=ThoughtEnd.ITSELF,
                ),
            ),
            Message(
                id=13,
                session=10,
                parent=11,
                role=Role.ASSISTANT,
                state=State.RUNNING,
                created=2.5,
                parts=(Part(Kind.REASONING, "Let me", (4, 5)),),
            ),
        ]
    opening_of(tmp_path / "new")
    assert schema_of(tmp_path / "old") == schema_of(tmp_path / "new")


def test_the_newest_sample_is_the_schema_itself(tmp_path: Path) -> None:
    build(tmp_path / "sample", RELEASED[-1])
    opening_of(tmp_path / "new")
    assert schema_of(tmp_path / "sample") == schema_of(tmp_path / "new")
