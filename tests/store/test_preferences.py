"""Preferences and window state."""

import json
import stat
import threading
from pathlib import Path

import pytest

from app.core.errors import StoreFailed, UsageError
from app.core.settings import SETTINGS, Setting
from app.store.preferences import Preferences
from app.store.store import Broken, Opened, StoreEvent
from tests.store.samples import opened


def settings_of(folder: Path) -> object:
    return json.loads((folder / "settings.json").read_text())


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.key)
def test_every_setting_has_its_default_at_first(tmp_path: Path, row: Setting) -> None:
    assert Preferences(tmp_path).get(row.key) == row.default


def test_only_differences_from_the_defaults_are_written(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    preferences.set("theme", "dark")
    preferences.set("sidebar", value=False)
    preferences.set("context", 0)
    preferences.save()
    assert settings_of(tmp_path) == {"theme": "dark", "sidebar": False}
    again = Preferences(tmp_path)
    assert (again.get("theme"), again.get("sidebar"), again.get("context")) == ("dark", False, 0)
    again.set("theme", "system")
    again.save()
    assert settings_of(tmp_path) == {"sidebar": False}


def test_nothing_is_written_before_save_and_nothing_without_a_change(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    preferences.save()
    preferences.set("theme", "dark")
    assert list(tmp_path.iterdir()) == []


def test_what_a_newer_version_wrote_is_kept(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text('{"from_the_future": [1, 2], "theme": "sepia"}')
    preferences = Preferences(tmp_path)
    assert preferences.get("theme") == "system"
    preferences.set("context", 4096)
    preferences.save()
    assert settings_of(tmp_path) == {"context": 4096, "from_the_future": [1, 2], "theme": "sepia"}


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("theme", "purple", "Choose one of: system, light, dark."),
        ("context", -5, "It is a number from 0 to 1,048,576."),
        ("context", True, "It is a number from 0 to 1,048,576."),
        ("sidebar", 1, "It is true or false."),
        ("model", 7, "It is a text."),
        ("colour", "red", "There is no setting “colour”."),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(
    tmp_path: Path, key: str, value: object, sentence: str
) -> None:
    preferences = Preferences(tmp_path)
    with pytest.raises(UsageError) as refused:
        preferences.set(key, value)
    assert sentence in str(refused.value)
    preferences.save()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"[1]", b"null", b"\xff\xfe{}", b'{"theme": "dark"', b"[" * 100_000, bytes(64)],
    ids=["open", "empty", "list", "null", "utf16", "cut", "deep", "zeros"],
)
def test_a_damaged_file_is_kept_aside_and_the_defaults_are_used(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "settings.json").write_bytes(content)
    preferences = Preferences(tmp_path)
    assert preferences.get("theme") == "system"
    assert preferences.notice is not None
    kept = Path(preferences.notice.hint.partition(": ")[2])
    assert kept.name.startswith("settings.damaged-")
    assert kept.read_bytes() == content
    preferences.set("theme", "dark")
    preferences.save()
    assert Preferences(tmp_path).notice is None
    assert kept.exists()


def test_the_window_finds_its_place_again(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    assert preferences.get_state("geometry") is None
    assert preferences.get_state("last_session", 0) == 0
    preferences.set_state("geometry", [10, 20, 800, 600])
    preferences.set_state("last_session", 2**61)
    preferences.save()
    again = Preferences(tmp_path)
    assert again.get_state("geometry") == [10, 20, 800, 600]
    assert again.get_state("last_session") == 2**61
    assert not (tmp_path / "settings.json").exists()


def test_only_the_user_may_read_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    preferences = Preferences(folder)
    preferences.set("instructions", "Be brief.")
    preferences.save()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {"settings.json": 0o600}


def test_a_folder_that_takes_no_file_is_said_and_tried_again_next_time(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    preferences = Preferences(tmp_path / "data")
    assert preferences.notice is None
    preferences.set("theme", "dark")
    with pytest.raises(StoreFailed, match="cannot be used"):
        preferences.save()
    (tmp_path / "data").unlink()
    preferences.save()
    assert Preferences(tmp_path / "data").get("theme") == "dark"


def test_a_save_that_fails_in_the_stores_thread_is_reported(tmp_path: Path) -> None:
    events: list[StoreEvent] = []
    preferences = Preferences(tmp_path)
    (tmp_path / "settings.json" / "inside").mkdir(parents=True)
    with opened(tmp_path, events=events) as store:
        preferences.set("theme", "light")
        store.later(preferences.save)
    assert [type(event) for event in events] == [Opened, Broken]
    assert not list(tmp_path.glob("*.draft"))


def test_the_stores_thread_can_save_them(tmp_path: Path) -> None:
    preferences = Preferences(tmp_path)
    with opened(tmp_path) as store:
        preferences.set("theme", "light")
        store.later(preferences.save)
    assert settings_of(tmp_path) == {"theme": "light"}


def test_a_file_out_of_reach_is_told_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "settings.json" / "inside").mkdir(parents=True)
    preferences = Preferences(tmp_path)
    assert preferences.notice is not None
    assert "cannot be read: Is a directory" in preferences.notice.message
    assert "left as it is" in preferences.notice.hint
    preferences.set("theme", "dark")
    preferences.set_state("geometry", [1])
    preferences.save()
    assert preferences.get("theme") == "dark"
    assert (tmp_path / "settings.json" / "inside").is_dir()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["settings.json", "state.json"]


def test_a_setting_can_be_chosen_while_a_slow_disk_saves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    preferences = Preferences(tmp_path)
    saving, may_end = threading.Event(), threading.Event()

    def sync(_descriptor: int) -> None:
        saving.set()
        assert may_end.wait(20)

    monkeypatch.setattr("os.fsync", sync)
    preferences.set("theme", "dark")
    saver = threading.Thread(target=preferences.save)
    saver.start()
    assert saving.wait(20)
    preferences.set("theme", "light")
    may_end.set()
    saver.join()
    assert settings_of(tmp_path) == {"theme": "dark"}
    preferences.save()
    assert settings_of(tmp_path) == {"theme": "light"}
