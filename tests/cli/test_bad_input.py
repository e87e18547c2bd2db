"""Bad models, bad folders, bad databases: one sentence each, with what to do."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.store.files import DATABASE
from tests.cli.terminal import ask, rows, run


def test_a_model_folder_that_is_missing(tmp_path: Path) -> None:
    assert "There is no folder" in complaint(tmp_path, tmp_path / "absent")


def test_a_model_folder_without_a_model(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "config.json is not there" in complaint(tmp_path, tmp_path / "empty")


@pytest.mark.model
def test_a_model_that_is_half_downloaded(tmp_path: Path, starter: Path) -> None:
    model = copy_of(starter, tmp_path)
    weights = model / "model.safetensors"
    weights.unlink()
    with (starter / "model.safetensors").open("rb") as file:
        weights.write_bytes(file.read(1_000_000))
    assert "cut short" in complaint(tmp_path, model)
    weights.unlink()
    assert "no weights" in complaint(tmp_path, model)


@pytest.mark.model
def test_a_model_of_an_unknown_kind(tmp_path: Path, starter: Path) -> None:
    model = copy_of(starter, tmp_path)
    config = json.loads((starter / "config.json").read_text())
    (model / "config.json").unlink()
    (model / "config.json").write_text(json.dumps(config | {"model_type": "marvellous"}))
    assert "marvellous" in complaint(tmp_path, model)


@pytest.mark.model
@pytest.mark.parametrize("content", ["", "{", '{"version":"1.0"}'])
def test_a_model_with_a_broken_tokenizer(tmp_path: Path, starter: Path, content: str) -> None:
    model = copy_of(starter, tmp_path)
    (model / "tokenizer.json").unlink()
    (model / "tokenizer.json").write_text(content)
    assert "tokenizer" in complaint(tmp_path, model)


def test_a_data_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, out, err = run("ask", "Why?", "--data", tmp_path / "file" / "data")
    assert (status, out) == (1, "")
    assert "cannot be written" in err
    assert err.count("\n") == 1


def test_a_newer_database_is_refused_and_untouched(tmp_path: Path) -> None:
    ask(tmp_path, "One?")
    database = tmp_path / "data" / DATABASE
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA user_version = 999")
        connection.commit()
    before = database.read_bytes()
    status, out, err = ask(tmp_path, "Two?")
    assert (status, out) == (1, "")
    assert "newer version" in err
    assert err.count("\n") == 1
    assert database.read_bytes() == before


def test_a_damaged_database_is_kept_aside_and_the_question_answered(tmp_path: Path) -> None:
    ask(tmp_path, "One?")
    (tmp_path / "data" / DATABASE).write_bytes(b"nonsense " * 1000)
    status, out, err = ask(tmp_path, "Two?")
    assert (status, out) == (0, "Fine.\n")
    assert "damaged" in err
    (aside,) = (path for path in (tmp_path / "data").iterdir() if "damaged" in path.name)
    assert aside.read_bytes().startswith(b"nonsense")
    assert rows(tmp_path) == [("done", "Fine.")]


def complaint(folder: Path, model: Path) -> str:
    """What `ask` says of a model, in one line and without an answer."""
    status, out, err = run("ask", "Why?", "--data", folder / "data", "--model", model)
    assert (status, out) == (1, "")
    assert err.count("\n") == 1, err
    assert rows(folder)[-1] == ("failed", "")
    return err


def copy_of(model: Path, folder: Path) -> Path:
    """The files of a model under other names; a test takes one away before it writes another in its place."""
    copy = folder / "model"
    copy.mkdir()
    for file in model.iterdir():
        if file.is_file():
            try:
                (copy / file.name).hardlink_to(file)
            except OSError:  # on another disk
                shutil.copy(file, copy)
    return copy
