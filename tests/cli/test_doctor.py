"""`doctor`: one line a check, and an exit status that says whether one fails."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.terminal import ask, run


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
