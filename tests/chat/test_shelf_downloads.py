"""Downloads as a desk has them: real fetcher processes against a hub on loopback."""

from pathlib import Path

import msgspec
import pytest

from app.chat.changes import EngineState
from app.chat.shelfrow import Presence
from app.core.fetching import FileCondition, Listed
from app.models.record import read_record, set_wanted
from tests.chat.shelves import MODEL, Library, hub, library
from tests.hub import Fault, Hub
from tests.models.fetching import assert_whole
from tests.models.folders import write_model

__all__ = ["hub"]
SHARD = "model-00001-of-00002.safetensors"
STALL = Fault(cut=100_000, stall=True)


def arrives(shown: Library, folder: Path) -> None:
    """Wait for a download to be whole and found on the disk."""
    shown.stage.until(lambda: (record := read_record(folder)) and record.finished)
    shown.stage.until(lambda: not shown.shelf._downloads.jobs)
    shown.look()


def stalls(shown: Library, hub: Hub) -> None:
    """Begin a download that stands still in the middle of a file, and wait until what came is on the disk."""
    hub.always[SHARD] = STALL
    shown.shelf.download(MODEL)
    shown.stage.until(hub.reached[SHARD].is_set)
    shown.stage.until(lambda: (row := shown.shelf.row(MODEL)) and row.transfer and row.transfer.done > 0)


def goes_on(hub: Hub) -> None:
    """The network is mended."""
    hub.always.clear()
    hub.released.set()


def test_a_model_by_name_arrives_whole_and_is_told_to_be_ready_and_not_switched_to(tmp_path: Path, hub: Hub) -> None:
    name = "tests/Valid-4bit"
    hub.add(name, {file.name: file.read_bytes() for file in write_model(tmp_path / "theirs").iterdir()})
    folder = tmp_path / "data/models" / name
    with library(tmp_path) as shown:
        shown.shelf.download(name)
        assert shown.row(name).presence is Presence.QUEUED
        shown.until(name, Presence.INSTALLED)
        assert_whole(hub, name, folder)
        said = shown.notice()
        assert said.message == "Valid-4bit is ready."
        assert said.command == "model.choose"
        assert shown.row("starter").default


def test_a_model_that_arrived_and_cannot_be_used_says_so(tmp_path: Path, hub: Hub) -> None:
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        assert shown.until(MODEL, Presence.BROKEN).failure == shown.notice()


def test_the_address_of_a_page_is_a_name_too_and_nonsense_is_refused(tmp_path: Path, hub: Hub) -> None:
    with library(tmp_path) as shown:
        shown.shelf.download("no such thing")
        assert shown.notice().kind == "UsageError"
        shown.shelf.download(f"{hub.endpoint}/{MODEL}/tree/main")
        arrives(shown, tmp_path / "data/models" / MODEL)


def test_a_look_says_what_would_come_and_why_not(tmp_path: Path, hub: Hub) -> None:
    with library(tmp_path) as shown:
        shown.shelf.look_up(MODEL)
        assert shown.shelf.looked_up is None
        shown.stage.until(lambda: shown.shelf.looked_up)
        assert isinstance(shown.shelf.looked_up, Listed)
        assert shown.shelf.looked_up.size > 500_000
        for name in ("tests/absent", "no name"):
            shown.shelf.look_up(name)
            shown.stage.until(lambda: shown.shelf.looked_up)
            assert not isinstance(shown.shelf.looked_up, Listed)


def test_a_download_is_paused_stays_so_over_a_restart_and_goes_on(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        stalls(shown, hub)
        key = shown.row(MODEL).key
        shown.shelf.pause(key)
        assert shown.row(key).presence is Presence.PAUSED
        shown.stage.until(lambda: (record := read_record(folder)) and not record.wanted)
    goes_on(hub)
    sent = hub.sent[SHARD]
    with library(tmp_path) as again:
        row = again.row(str(folder))
        assert row.presence is Presence.PAUSED
        assert row.transfer
        assert row.transfer.done > 0
        again.shelf.download(row.key)
        arrives(again, folder)
        assert_whole(hub, MODEL, folder)
        assert hub.sent[SHARD] - sent < 300_000, "what was here is not fetched again"


def test_a_download_that_was_under_way_goes_on_by_itself_at_the_next_start(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        stalls(shown, hub)
    goes_on(hub)
    with library(tmp_path) as again:
        arrives(again, folder)
        assert_whole(hub, MODEL, folder)


def test_a_second_download_waits_for_the_first_and_a_pause_lets_it_begin(tmp_path: Path, hub: Hub) -> None:
    hub.add_model("tests/Second-4bit", 50_000)
    with library(tmp_path) as shown:
        stalls(shown, hub)
        shown.shelf.download("tests/Second-4bit")
        assert shown.row("tests/Second-4bit").presence is Presence.QUEUED
        shown.shelf.pause(MODEL)
        shown.stage.until(lambda: (row := shown.shelf.row("tests/Second-4bit")) and row.presence is not Presence.QUEUED)
        goes_on(hub)
        shown.stage.until(
            lambda: not any(job.presence is Presence.FETCHING for job in shown.shelf._downloads.jobs.values())
        )
        assert_whole(hub, "tests/Second-4bit", tmp_path / "data/models/tests/Second-4bit")
        assert shown.row(MODEL).presence is Presence.PAUSED


def test_a_download_that_is_given_up_in_the_middle_leaves_nothing(tmp_path: Path, hub: Hub) -> None:
    with library(tmp_path) as shown:
        stalls(shown, hub)
        shown.shelf.discard(MODEL)
        shown.stage.until(lambda: not (tmp_path / "data/models/tests").exists())
        shown.stage.until(lambda: shown.shelf.row(MODEL) is None)


def test_a_repository_that_wants_a_token_says_so_in_its_row_and_takes_one(tmp_path: Path, hub: Hub) -> None:
    hub.repositories[MODEL].gated = True
    hub.repositories[MODEL].admitted = {"hf_right"}
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        row = shown.until(MODEL, Presence.STOPPED)
        assert row.failure
        assert row.failure.kind == "TokenNeeded"
        shown.shelf.download(row.key, "hf_right")
        arrives(shown, tmp_path / "data/models" / MODEL)


def test_a_hub_in_trouble_is_waited_for_and_told(tmp_path: Path, hub: Hub) -> None:
    hub.always["api"] = Fault(status=503)
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        row = shown.until(MODEL, Presence.WAITING)
        assert row.failure
        hub.always.clear()
        arrives(shown, tmp_path / "data/models" / MODEL)


def test_a_download_that_waits_is_tried_at_once_when_somebody_asks_for_it(tmp_path: Path, hub: Hub) -> None:
    hub.always["api"] = Fault(status=503)
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        shown.until(MODEL, Presence.WAITING)
        first = shown.shelf._downloads.jobs[str(folder)].carrier
        hub.always.clear()
        shown.shelf.download(MODEL)
        assert shown.shelf._downloads.jobs[str(folder)].carrier is not first
        arrives(shown, folder)


def test_a_download_that_waited_in_the_queue_begins_at_the_next_start(tmp_path: Path, hub: Hub) -> None:
    hub.add_model("tests/Second-4bit", 50_000)
    with library(tmp_path) as shown:
        stalls(shown, hub)
        shown.shelf.download("tests/Second-4bit")
    goes_on(hub)
    with library(tmp_path) as again:
        arrives(again, tmp_path / "data/models/tests/Second-4bit")
        assert not again.shelf._memory.wanted


def test_giving_a_repair_up_keeps_the_rest_of_the_model(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        arrives(shown, folder)
        (folder / SHARD).write_bytes(b"damaged")
        hub.reached[SHARD].clear()
        stalls(shown, hub)
        shown.shelf.discard(MODEL)
        shown.until(MODEL, Presence.PAUSED)
        assert (folder / "model-00002-of-00002.safetensors").is_file()


def test_a_damaged_file_is_found_and_mended_by_downloading_again(tmp_path: Path, hub: Hub) -> None:
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        shown.shelf.download(MODEL)
        arrives(shown, folder)
        content = bytearray((folder / SHARD).read_bytes())
        content[1000] ^= 255
        (folder / SHARD).write_bytes(content)
        key = shown.row(str(folder)).key
        shown.shelf.verify(key)
        shown.stage.until(lambda: shown.row(key).checked)
        row = shown.row(key)
        assert {file.name for file in row.checked if file.condition is FileCondition.DAMAGED} == {SHARD}
        assert row.failure
        hub.sent.clear()
        shown.shelf.download(key)
        shown.stage.until(lambda: not shown.shelf._downloads.jobs)
        assert_whole(hub, MODEL, folder)
        assert set(hub.sent) <= {SHARD, "config.json"}, "the other shard is whole"
        assert not shown.row(key).checked


def test_a_key_names_its_row_from_the_catalogue_to_the_disk(tmp_path: Path, hub: Hub) -> None:
    name = "lmstudio-community/Magistral-Small-2509-MLX-4bit"
    hub.add_model(name, 50_000)
    hub.add("mistralai/Magistral-Small-2509", {"SYSTEM_PROMPT.txt": b"Think.[THINK]x[/THINK]", "LICENSE": b"Apache"})
    with library(tmp_path) as shown:
        assert shown.row(name).presence is Presence.AVAILABLE
        shown.shelf.download(name)
        assert shown.row(name).key == name
        arrives(shown, tmp_path / "data/models" / name)
        assert shown.row(name).key == name
        assert (tmp_path / "data/official/magistral/SYSTEM_PROMPT.txt").read_bytes() == b"Think.[THINK]x[/THINK]"


def test_a_move_takes_a_begun_download_along_and_it_goes_on_there(tmp_path: Path, hub: Hub) -> None:
    (tmp_path / "disk").mkdir()
    with library(tmp_path) as shown:
        stalls(shown, hub)
        shown.look()
        shown.shelf.move(str(tmp_path / "disk"))
        goes_on(hub)
        shown.stage.until(lambda: shown.shelf.folder == tmp_path / "disk")
        arrives(shown, tmp_path / "disk" / MODEL)
        assert_whole(hub, MODEL, tmp_path / "disk" / MODEL)
        assert not (tmp_path / "data/models" / MODEL).exists()


def test_the_starter_answers_while_a_model_is_on_its_way(tmp_path: Path, hub: Hub) -> None:
    with library(tmp_path, answers=[[{"say": "Yes."}]]) as shown:
        stalls(shown, hub)
        shown.stage.desk.start_engine()
        shown.stage.until_engine(EngineState.READY)
        assert shown.stage.ask("Are you there?").text == "Yes."
        assert shown.row(MODEL).presence is Presence.FETCHING


@pytest.mark.parametrize("wanted", [True, False])
def test_only_what_is_wanted_goes_on(tmp_path: Path, hub: Hub, wanted: bool) -> None:
    folder = tmp_path / "data/models" / MODEL
    with library(tmp_path) as shown:
        stalls(shown, hub)
    record = read_record(folder)
    assert record
    assert record.wanted
    set_wanted(folder, wanted)
    assert msgspec.structs.replace(record, wanted=wanted) == read_record(folder)
    with library(tmp_path) as again:
        assert (str(folder) in again.shelf._downloads.jobs) is wanted
