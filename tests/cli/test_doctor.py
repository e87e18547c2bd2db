"""`doctor`: one line a check, and an exit status that says whether one fails."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.terminal import ask, run
from tests.models.folders import write_model


def test_every_check_has_a_name_a_status_and_words(tmp_path: Path) -> None:
    ask(tmp_path, "One?")
    status, out, err = run("doctor", "--json", "--data", tmp_path / "data")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert {"python", "system", "data folder", "disk", "chats", "window", "engine", "starter model"} <= set(checks)
    assert all(check["status"] in ("ok", "warn", "fail") and check["text"] for check in checks.values())
    assert all(check["hint"] for check in checks.values() if check["status"] != "ok")
    assert "1 kept" in checks["chats"]["text"]
    assert "Magistral Small, 4-bit" in checks
    assert "GB for a model, 1.1 GB of them in reserve" in checks["memory"]["text"]
    assert checks["saved for reading faster"]["text"] == "nothing yet"
    assert status == int(any(check["status"] == "fail" for check in checks.values()))
    assert err == ""


def test_a_folder_that_cannot_be_written_fails_and_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = run("doctor", "--data", tmp_path / "file" / "data")
    assert status == 1
    assert "fail  data folder:" in out
    assert "python:" in out
    assert "\033" not in out
    assert err == ""


def test_a_damaged_database_is_told_and_left_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "lemma.db").write_bytes(b"nonsense " * 1000)
    status, out, _err = run("doctor", "--data", tmp_path / "data")
    assert status == 1
    assert "fail  chats:" in out
    assert (tmp_path / "data" / "lemma.db").read_bytes().startswith(b"nonsense")


def test_looking_makes_no_data_folder(tmp_path: Path) -> None:
    _status, out, _err = run("doctor", "--json", "--data", tmp_path / "absent" / "data")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert "made at the first start" in checks["data folder"]["text"]
    assert checks["chats"]["text"] == "none yet"
    assert not (tmp_path / "absent").exists()


def test_a_database_of_a_newer_version_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "lemma.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    status, out, _err = run("doctor", "--data", tmp_path / "data")
    assert status == 1
    assert "newer version" in out


def test_saved_prefixes_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "prefixes" / "a model"
    folder.mkdir(parents=True)
    for name, size in (("one", 150_000_000), ("two", 60_000_000)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    _status, out, _err = run("doctor", "--data", tmp_path / "data")
    assert "ok    saved for reading faster: 210 MB in 2 files" in out


def test_a_machine_told_to_be_small_says_what_would_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "16GB")
    _status, out, _err = run("doctor", "--json", "--data", tmp_path / "data")
    checks = {check["name"]: check for check in json.loads(out)["checks"]}
    assert checks["LEMMA_MEMORY"]["text"] == "the engine is told that there are 16.0 GB of memory"
    assert "needs 14." in checks["Magistral Small, 4-bit"]["text"]
    assert checks["Magistral Small, 4-bit"]["hint"] == "Ministral 3 14B fits."
    assert "tokens of context, read" in checks["Ministral 3 14B, 4-bit"]["text"]


def test_an_amount_of_memory_that_is_none_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEMMA_MEMORY", "plenty")
    status, out, _err = run("doctor", "--data", tmp_path / "data")
    assert status == 1
    assert "fail  LEMMA_MEMORY: LEMMA_MEMORY is “plenty”" in out
    assert "16GiB" in out


# models ------------------------------------------------------------------------------------------


def checks_of(data: Path, **settings: str) -> dict[str, dict[str, str]]:
    """The doctor's lines about a data folder with these settings."""
    data.mkdir(exist_ok=True)
    (data / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    _status, out, _err = run("doctor", "--json", "--data", data)
    return {check["name"]: check for check in json.loads(out)["checks"]}


def test_the_chosen_model_is_whole_and_fits_or_says_why_not(tmp_path: Path, tiny_magistral: Path) -> None:
    data = tmp_path / "data"
    assert checks_of(data)["chosen model"]["text"] == "the starter"
    whole = checks_of(data, model=str(tiny_magistral))["chosen model"]
    assert whole["status"] == "ok"
    assert "131,072 tokens of context" in whole["text"]
    broken = write_model(tmp_path / "broken", auto_map={"AutoModel": "code.Model"})
    for folder in (tmp_path / "absent", broken):
        failed = checks_of(data, model=str(folder))["chosen model"]
        assert failed["status"] == "fail"
        assert str(folder) in failed["text"]
        assert failed["hint"]


def test_the_folder_for_downloads_and_its_trash_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    data = tmp_path / "data"
    usual = checks_of(data)
    assert str(data / "models") in usual["folder for downloads"]["text"]
    assert usual["trash"]["status"] == "ok"
    assert not (data / "models").exists()
    away = checks_of(data, models_folder=str(tmp_path / "away"))
    assert away["folder for downloads"]["status"] == "fail"
    assert "trash" not in away


def test_a_system_without_a_keychain_is_told_what_that_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    assert "asked for at each download" in checks_of(tmp_path / "data")["keychain"]["hint"]
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.models.keyrings.FileKeyring")
    assert checks_of(tmp_path / "data")["keychain"]["status"] == "ok"


def test_damaged_settings_are_left_for_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/settings.json").write_text("{", encoding="utf-8")
    _status, out, _err = run("doctor", "--data", tmp_path / "data")
    assert "chosen model: the starter" in out
    assert (tmp_path / "data/settings.json").read_text(encoding="utf-8") == "{"
