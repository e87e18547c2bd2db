"""`models` in the terminal does what the window's library does."""

import json
import os
import pty
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from app.core.places import Places
from app.engine.lock import Lock, this_process
from app.models.record import RECORD, Record, RecordedFile, read_record, write_record
from tests.cli.terminal import run, start, wait
from tests.hub import Fault, Hub
from tests.models.fetching import assert_whole, environment
from tests.models.folders import cache_model, write_model

MODEL = "tests/Model-4bit"
SHARD = "model-00001-of-00002.safetensors"
BEST = "lmstudio-community/Magistral-Small-2509-MLX-4bit"
MACHINE = {"device": "metal", "name": "Apple M1 Max", "memory": 34_359_738_368, "limit": 22_906_503_168}


@pytest.fixture(autouse=True)
def hub(tmp_path: Path) -> Iterator[Hub]:
    """A hub with one model, an empty home, and a machine that the library knows already."""
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/state.json").write_text(json.dumps({"machine": MACHINE}), encoding="utf-8")
    variables = {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache"), "XDG_DATA_HOME": str(home / ".local/share")}
    with Hub() as made, environment(made, tmp_path / "hf", **variables):
        made.add_model(MODEL, 300_000, 200_000)
        yield made


def models(folder: Path, *words: str | Path, said: str | None = None) -> tuple[int, str, str]:
    return run("models", *words, "--data", folder / "data", said=said)


def told(folder: Path, *words: str | Path) -> dict[str, Any]:
    """The one JSON object of a command that ends well."""
    status, out, err = models(folder, *words, "--json")
    assert (status, err) == (0, ""), err
    assert out.count("\n") == 1
    described: dict[str, Any] = json.loads(out)
    return described


def own(folder: Path, repository: str = "a/Model") -> Path:
    """A downloaded model."""
    model = write_model(folder / "data/models" / repository)
    size = (model / "model.safetensors").stat().st_size
    write_record(model, Record(repository, "c0ffee", [RecordedFile("model.safetensors", size)], finished=1.0))
    return model


# list and find -----------------------------------------------------------------------------------


def test_the_list_says_what_is_here_what_fits_and_what_is_advised(tmp_path: Path) -> None:
    own(tmp_path)
    status, out, err = models(tmp_path, "list")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert any("Model" in line and "installed" in line for line in lines)
    assert any(BEST in line and "14.1 GB" in line and "fits with 49,174 tokens" in line for line in lines)
    assert any("8-bit" in line and "does not fit" in line for line in lines)
    assert any("not proven" in line for line in lines)
    assert "Advised here: Magistral Small 1.2." in lines[-1]


def test_the_list_as_one_object_has_every_row(tmp_path: Path) -> None:
    model = own(tmp_path)
    described = told(tmp_path, "list")
    assert described["advice"]["key"] == BEST
    assert described["machine"]["name"] == "Apple M1 Max"
    assert described["folder"] == str(tmp_path / "data/models")
    rows = {row["key"]: row for row in described["models"]}
    assert rows[str(model)]["presence"] == "installed"
    assert rows["starter"]["default"]
    assert rows[BEST]["presence"] == "available"


def test_the_machine_is_asked_for_where_it_is_not_known(tmp_path: Path) -> None:
    (tmp_path / "data/state.json").unlink()
    assert told(tmp_path, "list")["machine"]["memory"] > 0
    assert "machine" in json.loads((tmp_path / "data/state.json").read_text(encoding="utf-8"))


def test_finding_shows_other_programs_models_and_remembers_a_folder(tmp_path: Path) -> None:
    cached = cache_model(tmp_path / "home/.cache/huggingface/hub", BEST)
    named = write_model(tmp_path / "elsewhere/Mine")
    found = told(tmp_path, "find", named.parent)
    assert {row["folder"] for row in found["models"]} == {"", str(cached), str(named)}
    assert str(named) in {row["folder"] for row in told(tmp_path, "find")["models"]}


# download ----------------------------------------------------------------------------------------


def test_a_download_ends_with_the_model_and_its_folder(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models/tests/Valid-4bit"
    hub.add("tests/Valid-4bit", {file.name: file.read_bytes() for file in write_model(tmp_path / "theirs").iterdir()})
    status, out, err = models(tmp_path, "download", "tests/Valid-4bit")
    assert (status, err) == (0, "")
    assert str(folder) in out
    assert_whole(hub, "tests/Valid-4bit", folder)
    assert told(tmp_path, "download", "tests/Valid-4bit")["model"]["presence"] == "installed", "once more is no error"


def test_what_arrives_and_cannot_be_used_fails_with_the_reason(tmp_path: Path) -> None:
    status, out, err = models(tmp_path, "download", MODEL)
    assert status == 1
    assert out == ""
    assert "cannot be used" in err or "damaged" in err


@pytest.mark.parametrize("name", ["tests/absent", "no name at all"])
def test_what_is_not_on_the_hub_fails_with_what_to_do(tmp_path: Path, name: str) -> None:
    status, out, err = models(tmp_path, "download", name)
    assert status in (1, 2)
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err


def stalled(hub: Hub) -> None:
    hub.always[SHARD] = Fault(cut=100_000, stall=True)


def test_ctrl_c_pauses_says_how_to_go_on_and_the_next_call_does(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models" / MODEL
    stalled(hub)
    with start("models", "download", MODEL, "--data", tmp_path / "data") as process:
        assert hub.reached[SHARD].wait(30)
        wait((folder / RECORD).exists)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == ""
    assert f"models download {MODEL}" in err
    record = read_record(folder)
    assert record
    assert not record.wanted
    hub.always.clear()
    hub.released.set()
    models(tmp_path, "download", "Model-4bit")
    assert_whole(hub, MODEL, folder)


def test_a_terminal_sees_how_far_it_is(tmp_path: Path, hub: Hub) -> None:
    stalled(hub)
    ours, theirs = pty.openpty()
    shown = b""
    with start("models", "download", MODEL, "--data", tmp_path / "data", stderr=theirs) as process:
        os.close(theirs)
        deadline = time.monotonic() + 30
        while b" of 1 MB" not in shown:
            assert time.monotonic() < deadline, shown
            shown += os.read(ours, 4096)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # the other end is closed
            while data := os.read(ours, 4096):
                shown += data
        assert process.wait(30) == 130
    os.close(ours)
    assert b"Downloading: " in shown


def test_a_token_is_read_from_standard_input_and_never_from_the_command_line(tmp_path: Path, hub: Hub) -> None:
    hub.repositories[MODEL].gated = True
    hub.repositories[MODEL].admitted = {"hf_right"}
    status, _out, err = models(tmp_path, "download", MODEL)
    assert status == 1
    assert "token" in err.lower()
    models(tmp_path, "download", MODEL, "--token", said="hf_right\n")
    assert_whole(hub, MODEL, tmp_path / "data/models" / MODEL)
    status, _out, _err = models(tmp_path, "download", MODEL, "--token", "hf_right")
    assert status == 2


def test_what_is_here_already_is_not_downloaded_again(tmp_path: Path) -> None:
    cache_model(tmp_path / "home/.cache/huggingface/hub", BEST)
    status, _out, err = models(tmp_path, "download", BEST)
    assert status == 2
    assert "already" in err
    assert not (tmp_path / "data/models").exists()


# verify and card ---------------------------------------------------------------------------------


def test_a_damaged_file_fails_the_comparison_and_is_named(tmp_path: Path, hub: Hub) -> None:
    models(tmp_path, "download", MODEL)
    status, out, _err = models(tmp_path, "verify", MODEL)
    assert status == 0
    assert "6 files, none of them damaged." in out
    file = tmp_path / "data/models" / MODEL / SHARD
    content = bytearray(file.read_bytes())
    content[1000] ^= 255
    file.write_bytes(content)
    status, out, _err = models(tmp_path, "verify", MODEL)
    assert status == 1
    assert f"damaged     {SHARD}" in out
    status, out, _err = models(tmp_path, "verify", MODEL, "--json")
    assert status == 1
    assert not json.loads(out)["whole"]


def test_a_model_on_a_disk_that_is_away_is_not_compared_for_ever(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "disk/Model")
    models(tmp_path, "find", folder)
    (tmp_path / "disk").rename(tmp_path / "away")
    status, _out, err = models(tmp_path, "verify", folder)
    assert status == 1
    assert "not" in err


def test_a_card_says_what_kind_of_model_it_is(tmp_path: Path, tiny_magistral: Path) -> None:
    status, out, err = models(tmp_path, "card", tiny_magistral)
    assert (status, err) == (0, "")
    assert "mistral3" in out
    assert "4-bit, groups of 64" in out
    assert "the model's own file" in out
    described = told(tmp_path, "card", tiny_magistral)
    assert described["card"]["release"] == "magistral"
    assert described["verified"] is None


def test_the_card_of_a_broken_model_fails_with_the_reason(tmp_path: Path) -> None:
    model = write_model(tmp_path / "Theirs", auto_map={"AutoModel": "code.Model"})
    status, _out, err = models(tmp_path, "card", model)
    assert status == 1
    assert "auto_map" in err
    assert models(tmp_path, "card", BEST)[0] == 2


# delete, use and move ----------------------------------------------------------------------------


def test_deleting_asks_and_goes_to_the_trash(tmp_path: Path) -> None:
    model = own(tmp_path)
    status, _out, err = models(tmp_path, "delete", "a/Model")
    assert status == 2
    assert "It goes to the Trash." in err
    assert model.exists()
    described = told(tmp_path, "delete", "a/Model", "--yes")
    assert described["deleted"]
    assert described["trash"]
    assert not model.exists()
    assert list((tmp_path / "home").rglob("Trash/files/Model/config.json"))


@pytest.mark.parametrize(("answer", "status"), [("n\n", 130), ("y\n", 0)])
def test_a_terminal_is_asked_before_a_model_is_deleted(tmp_path: Path, answer: str, status: int) -> None:
    model = own(tmp_path)
    ours, theirs = pty.openpty()
    with start("models", "delete", "a/Model", "--data", tmp_path / "data", stdin=theirs) as process:
        os.close(theirs)
        os.write(ours, answer.encode())
        _out, err = process.communicate(timeout=60)
        assert "[y/N]" in err
        assert process.returncode == status
    os.close(ours)
    assert model.exists() is (status != 0)


def test_what_another_program_brought_is_not_deleted(tmp_path: Path) -> None:
    cached = cache_model(tmp_path / "home/.cache/huggingface/hub", BEST)
    status, _out, err = models(tmp_path, "delete", BEST, "--yes")
    assert status == 2
    assert "left as it is" in err
    assert cached.exists()


def test_the_model_to_use_is_kept_and_may_be_a_folder(tmp_path: Path) -> None:
    model = write_model(tmp_path / "elsewhere/Mine")
    assert told(tmp_path, "use", model)["model"]["default"]
    assert json.loads((tmp_path / "data/settings.json").read_text(encoding="utf-8")) == {"model": str(model)}
    assert told(tmp_path, "use", "starter")["model"]["key"] == "starter"
    assert json.loads((tmp_path / "data/settings.json").read_text(encoding="utf-8")) == {}


def test_a_name_that_may_be_several_asks_for_more_of_it(tmp_path: Path) -> None:
    own(tmp_path, "a/Model-One")
    own(tmp_path, "a/Model-Two")
    status, _out, err = models(tmp_path, "use", "model-")
    assert status == 2
    assert "a/Model-One" in err
    assert "a/Model-Two" in err
    assert told(tmp_path, "use", "model-t")["model"]["repository"] == "a/Model-Two"


def test_downloads_move_to_another_folder_and_new_ones_go_there(tmp_path: Path) -> None:
    own(tmp_path)
    (tmp_path / "disk").mkdir()
    described = told(tmp_path, "move", tmp_path / "disk")
    assert described["folder"] == str(tmp_path / "disk")
    assert (tmp_path / "disk/a/Model/config.json").exists()
    assert told(tmp_path, "list")["folder"] == str(tmp_path / "disk")
    status, _out, err = models(tmp_path, "move", tmp_path / "away/models")
    assert status == 1
    assert "away" in err


# beside a window ---------------------------------------------------------------------------------


def test_beside_an_open_window_what_it_uses_is_not_touched(tmp_path: Path) -> None:
    model = own(tmp_path)
    (tmp_path / "disk").mkdir()
    lock = Lock(Places(tmp_path / "data").window_lock, this_process("desktop"))
    assert lock.acquire() is None
    try:
        status, _out, err = models(tmp_path, "use", "a/Model")
        assert status == 0
        assert "from its next start" in err
        for words in (("delete", "a/Model", "--yes"), ("move", str(tmp_path / "disk"))):
            status, _out, err = models(tmp_path, *words)
            assert status == 1
            assert "window" in err
    finally:
        lock.release()
    assert model.exists()


def test_a_window_keeps_what_the_terminal_chose_meanwhile(tmp_path: Path) -> None:
    from app.store.preferences import Preferences

    window = Preferences(tmp_path / "data")
    models(tmp_path, "use", own(tmp_path))
    window.set("theme", "dark")
    window.set_state("place", [1, 2])
    window.save()
    kept = json.loads((tmp_path / "data/settings.json").read_text(encoding="utf-8"))
    assert kept == {"model": str(tmp_path / "data/models/a/Model"), "theme": "dark"}
    assert json.loads((tmp_path / "data/state.json").read_text(encoding="utf-8"))["machine"]["device"] == "metal"
