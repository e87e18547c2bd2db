"""The model library as a desk has it: what is on the disk, what suits the machine, what is loaded and deleted."""

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.chat.changes import EngineState, ShelfChanged
from app.chat.shelfrow import Place, Presence
from app.core.protocol import Remark, Severity
from app.models.catalogue import load_catalogue
from app.models.record import Record, RecordedFile, hold, write_record
from tests.chat.desks import Scene, recorded, scene
from tests.chat.shelves import Library, empty_home, library
from tests.models.folders import cache_model, write_model

__all__ = ["empty_home"]
BEST = "lmstudio-community/Magistral-Small-2509-MLX-4bit"
pytestmark = pytest.mark.usefixtures("empty_home")


def card(**changes: Any) -> dict[str, Any]:
    """Fields of the model that the double loads."""
    return {"card": {key: msgspec.to_builtins(value) for key, value in changes.items()}}


def own(folder: Path, repository: str = "a/Model", *, finished: float | None = 1.0, wanted: bool = True) -> Path:
    """A downloaded model in the data folder, or one of which the download was begun."""
    model = folder / "data/models" / repository
    if finished:
        write_model(model)
    else:
        model.mkdir(parents=True)
        (model / "model.safetensors.abababab.part").write_bytes(bytes(250))
    files = [RecordedFile("model.safetensors", 1000, sha256="ab" * 32)]
    write_record(model, Record(repository, "c0ffee", files, finished=finished, wanted=wanted))
    return model


def ready(shown: Library) -> Scene:
    shown.stage.desk.start_engine()
    shown.stage.until_engine(EngineState.READY)
    return shown.stage


# rows --------------------------------------------------------------------------------------------


def test_without_models_the_starter_is_there_and_the_catalogue_is_to_be_had(tmp_path: Path) -> None:
    with library(tmp_path) as shown:
        rows = shown.shelf.rows
        assert rows[0].key == "starter"
        assert rows[0].place is Place.BUILT_IN
        assert rows[0].default
        assert [row.key for row in rows[1:]] == [row.repository for row in load_catalogue()[:-1]]
        assert {row.presence for row in rows[1:]} == {Presence.AVAILABLE}
        assert any(isinstance(change, ShelfChanged) for change in shown.stage.changes)


def test_models_of_other_programs_are_offered_first_and_in_the_catalogues_order(
    tmp_path: Path, empty_home: Path
) -> None:
    write_model(empty_home / ".lmstudio/models/somebody/Another")
    cache_model(empty_home / ".cache/huggingface/hub", BEST)
    with library(tmp_path) as shown:
        rows = shown.shelf.rows
        assert [row.label for row in rows[:3]] == ["Magistral Small 1.2", "SmolLM2 135M, the starter", "Another"]
        assert [row.place for row in rows[:3]] == [Place.HUGGING_FACE, Place.BUILT_IN, Place.LM_STUDIO]
        assert not any(row.presence is Presence.AVAILABLE and row.repository == BEST for row in rows)


def test_what_fits_is_told_once_the_machine_is_known_and_at_the_next_start_at_once(tmp_path: Path) -> None:
    with library(tmp_path) as shown:
        assert shown.shelf.machine is None
        assert shown.shelf.advice is None
        assert shown.row(BEST).context is None
        ready(shown)
        assert shown.shelf.machine
        assert shown.shelf.machine.name == "Apple M1 Max"
        assert shown.row(BEST).context == 49_174
        assert shown.row("lmstudio-community/Magistral-Small-2509-MLX-8bit").context == 0
    with library(tmp_path) as again:
        assert again.shelf.advice
        assert again.shelf.advice.key == BEST
        assert "49,174 tokens" in again.shelf.advice.reason
        assert again.row(BEST).advised


def test_what_is_on_the_disk_is_advised_before_a_download(tmp_path: Path, empty_home: Path) -> None:
    there = write_model(empty_home / f".lmstudio/models/{BEST}")
    with library(tmp_path) as shown:
        ready(shown)
        assert shown.shelf.advice
        assert shown.shelf.advice.key == str(there)
        assert "already" in shown.shelf.advice.reason


def test_a_chosen_context_bounds_what_is_told_to_fit(tmp_path: Path) -> None:
    with library(tmp_path) as shown:
        ready(shown)
        shown.stage.desk.set_preference("context", 8192)
        assert shown.row(BEST).context == 8192


def test_a_begun_download_stands_there_with_what_is_here(tmp_path: Path) -> None:
    model = own(tmp_path, finished=None, wanted=False)
    with library(tmp_path) as shown:
        row = shown.row(str(model))
        assert row.presence is Presence.PAUSED
        assert row.transfer
        assert (row.transfer.done, row.transfer.total) == (250, 1000)


def test_a_download_of_another_process_is_told_and_not_begun_a_second_time(tmp_path: Path) -> None:
    model = own(tmp_path, finished=None)
    with hold(model) as ours, library(tmp_path) as shown:
        assert ours
        assert shown.row(str(model)).presence is Presence.FETCHING
        shown.shelf.pause(str(model))
        assert "another window or terminal" in shown.notice().message


def test_a_row_is_found_by_its_folder_and_its_repository_too(tmp_path: Path) -> None:
    model = own(tmp_path)
    with library(tmp_path) as shown:
        assert shown.row("a/Model") is shown.row(str(model))
        assert shown.shelf.row("") is None


# folders -----------------------------------------------------------------------------------------


def test_a_folder_that_was_named_is_remembered(tmp_path: Path) -> None:
    model = write_model(tmp_path / "elsewhere/Mine")
    with library(tmp_path) as shown:
        shown.shelf.add_folder(str(tmp_path / "elsewhere"))
        assert shown.until(str(model), Presence.INSTALLED).place is Place.NAMED
    with library(tmp_path) as again:
        assert again.row(str(model)).presence is Presence.INSTALLED


def test_a_named_folder_that_cannot_be_used_says_why_in_its_row(tmp_path: Path) -> None:
    model = write_model(tmp_path / "Theirs", auto_map={"AutoModel": "code.Model"})
    with library(tmp_path) as shown:
        shown.shelf.add_folder(str(model))
        row = shown.until(str(model), Presence.BROKEN)
        assert row.failure
        assert row.failure.kind == "ModelUnsafe"
        shown.shelf.use(row.key)
        assert shown.notice() == row.failure


def test_the_chosen_model_on_a_disk_that_is_away_is_absent_and_comes_back_with_it(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with library(tmp_path) as shown:
        shown.stage.desk.set_preference("model", str(disk / "Model"))
        row = shown.until(str(disk / "Model"), Presence.ABSENT)
        assert row.default
        assert row.failure
        assert row.failure.kind == "DiskAbsent"
        write_model(disk / "Model")
        shown.shelf.find()
        assert shown.until(str(disk / "Model"), Presence.INSTALLED).default


def test_a_folder_of_downloads_on_a_disk_that_is_away_is_told_and_not_made(tmp_path: Path) -> None:
    away = tmp_path / "away/models"
    with library(tmp_path) as shown:
        shown.stage.desk.set_preference("models_folder", str(away))
        shown.stage.until(lambda: shown.shelf.absent)
        assert shown.shelf.absent
        assert shown.shelf.absent.kind == "DiskAbsent"
        shown.shelf.download(BEST)
        row = shown.until(BEST, Presence.STOPPED)
        assert row.failure
        assert row.failure.kind == "DiskAbsent"
        assert not away.parent.exists()


# the engine --------------------------------------------------------------------------------------


def test_the_loaded_model_is_marked_with_the_time(tmp_path: Path) -> None:
    model = own(tmp_path)
    before = time.time()
    with library(tmp_path, **card(folder=str(model))) as shown:
        ready(shown)
        row = shown.row(str(model))
        assert row.loaded
        assert row.used
        assert before <= row.used <= time.time()
        shown.stage.desk.free_memory()
        assert not shown.row(str(model)).loaded
    with library(tmp_path) as again:
        assert again.row(str(model)).used == row.used


def test_the_starter_is_marked_when_it_is_loaded(tmp_path: Path) -> None:
    with library(tmp_path, **card(release="starter", folder=str(tmp_path / "data/models/starter"))) as shown:
        ready(shown)
        assert shown.row("starter").loaded


def test_using_a_model_loads_it_and_makes_it_the_default(tmp_path: Path) -> None:
    model, record = own(tmp_path), tmp_path / "record"
    with library(tmp_path, record=str(record), **card(folder=str(model))) as shown:
        shown.shelf.use(str(model))
        shown.stage.until_engine(EngineState.READY)
        assert [load["folder"] for load in recorded(record, "load")] == [str(model)]
        assert shown.row(str(model)).default
        assert not shown.row("starter").default


def test_a_default_is_chosen_without_loading_it(tmp_path: Path) -> None:
    model = own(tmp_path)
    with library(tmp_path) as shown:
        shown.shelf.set_default(str(model))
        assert shown.row(str(model)).default
        assert shown.stage.desk.engine.state is EngineState.STARTING
        shown.shelf.set_default("starter")
        assert shown.row("starter").default


def test_a_model_that_is_not_here_is_not_used(tmp_path: Path) -> None:
    with library(tmp_path) as shown:
        shown.shelf.use(BEST)
        assert "not on this machine" in shown.notice().message
        assert shown.row("starter").default


def test_a_draft_model_is_put_beside_the_other_and_taken_away_again(tmp_path: Path) -> None:
    draft = own(tmp_path, "badmadrad/Mistral-Small-3.1-DRAFT-0.5B-MLX-4bit")
    record = tmp_path / "record"
    with library(tmp_path, record=str(record)) as shown:
        assert shown.row(str(draft)).draft
        shown.shelf.use(str(draft))
        shown.stage.until_engine(EngineState.READY)
        assert shown.row(str(draft)).default
        assert shown.row("starter").default
        shown.shelf.use(str(draft))
        shown.stage.until(lambda: len(recorded(record, "load")) == 2)
        assert [load["draft"] for load in recorded(record, "load")] == [str(draft), None]


def test_warnings_about_the_loaded_model_are_told(tmp_path: Path) -> None:
    remarks = [Remark(Severity.WARNING, "Its tokenizer was repaired.", "Nothing to do."), Remark(Severity.NOTE, "Old.")]
    with scene(tmp_path, **card(remarks=remarks)) as stage:
        stage.until_engine(EngineState.READY)
        assert [(said.message, said.hint) for said in stage.notices] == [
            ("Its tokenizer was repaired.", "Nothing to do.")
        ]


def test_a_model_that_is_missing_at_the_start_names_the_disk(tmp_path: Path) -> None:
    missing = {"kind": "ModelMissing", "message": "There is no folder.", "hint": ""}
    with scene(tmp_path, start=False, fail_load=missing) as stage:
        stage.desk.load_model("/Volumes/Archive/models/Magistral")
        stage.until_engine(EngineState.FAILED)
        assert stage.desk.engine.failure
        assert "“Archive”" in stage.desk.engine.failure.message
        assert "starter" in stage.desk.engine.failure.hint
        assert stage.desk.engine.failure.command == "model.choose"


# what a switch means -----------------------------------------------------------------------------


def test_a_switch_costs_the_open_chat_its_tokens_and_the_time_to_read_them(tmp_path: Path) -> None:
    model, other = own(tmp_path), own(tmp_path, "a/Other")
    with library(tmp_path, rates=[100.0, 10.0], answers=[[{"say": "So."}]], **card(folder=str(model))) as shown:
        stage = ready(shown)
        empty = shown.shelf.reading_after_switch(str(other))
        assert empty.tokens == 0
        stage.ask("Why is that? " * 200)
        stage.until(lambda: shown.shelf.reading_after_switch(str(other)).tokens > 100)
        cost = shown.shelf.reading_after_switch(str(other))
        assert cost.seconds == pytest.approx(cost.tokens / 100, rel=0.1), "it is a model of the same size"
        assert cost.kept
        assert shown.shelf.reading_after_switch(str(model)).tokens == 0
        assert shown.shelf.reading_after_switch("starter").seconds is None, "far too different to tell"
        stage.desk.set_preference("keep_prefixes", 0)
        assert not shown.shelf.reading_after_switch(str(other)).kept


# deleting ----------------------------------------------------------------------------------------


def test_deleting_the_loaded_default_rests_the_engine_and_falls_back_to_the_starter(tmp_path: Path) -> None:
    model, record = own(tmp_path), tmp_path / "record"
    with library(tmp_path, record=str(record), **card(folder=str(model))) as shown:
        shown.shelf.trash = False  # what goes to the Trash would stay in the home of this test's whole process
        shown.shelf.use(str(model))
        shown.stage.until_engine(EngineState.READY)
        shown.shelf.delete(str(model))
        shown.stage.until(lambda: shown.shelf.row(str(model)) is None)
        assert not model.exists()
        assert shown.stage.desk.engine.state is EngineState.RESTING
        assert shown.row("starter").default
        shown.stage.ask()
        assert recorded(record, "load")[-1]["folder"] is None


def test_what_another_program_brought_is_not_deleted(tmp_path: Path, empty_home: Path) -> None:
    model = write_model(empty_home / ".lmstudio/models/a/Model")
    with library(tmp_path) as shown:
        shown.shelf.delete(str(model))
        assert "left as it is" in shown.notice().message
        assert model.exists()


def test_a_model_that_cannot_be_deleted_says_why_in_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.removal.PATIENCE", 0.1)
    model = own(tmp_path)
    with library(tmp_path) as shown, hold(model):
        shown.shelf.delete(str(model))
        shown.stage.until(lambda: shown.row(str(model)).failure)
        failure = shown.row(str(model)).failure
        assert failure
        assert "another window or terminal" in failure.message
        assert (model / "config.json").exists()


def test_a_download_that_is_given_up_leaves_nothing(tmp_path: Path) -> None:
    model = own(tmp_path, finished=None, wanted=False)
    with library(tmp_path) as shown:
        shown.shelf.discard(str(model))
        shown.stage.until(lambda: not model.exists())
        shown.stage.until(lambda: shown.shelf.row(str(model)) is None)


# moving ------------------------------------------------------------------------------------------


def test_where_downloads_go_is_changed_at_once_while_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    with library(tmp_path) as shown:
        shown.shelf.move(str(tmp_path / "disk"))
        shown.stage.until(lambda: shown.shelf.folder == tmp_path / "disk")
        shown.shelf.move(str(tmp_path / "absent"))
        assert shown.notice().kind == "DiskAbsent"
        assert shown.shelf.folder == tmp_path / "disk"


def test_the_default_the_times_and_the_models_move_along(tmp_path: Path) -> None:
    model = own(tmp_path)
    (tmp_path / "disk").mkdir()
    with library(tmp_path, **card(folder=str(model))) as shown:
        shown.shelf.use(str(model))
        shown.stage.until_engine(EngineState.READY)
        shown.shelf.move(str(tmp_path / "disk"))
        shown.stage.until(lambda: shown.shelf.folder == tmp_path / "disk")
        moved = shown.until(str(tmp_path / "disk/a/Model"), Presence.INSTALLED)
        assert moved.default
        assert moved.used
        assert not model.exists()
        assert shown.stage.desk.engine.state is EngineState.RESTING
    with library(tmp_path) as again:
        assert again.row(str(tmp_path / "disk/a/Model")).default


def test_another_folder_is_chosen_while_the_disk_of_the_old_one_is_away(tmp_path: Path) -> None:
    away, there = tmp_path / "away/models", tmp_path / "there"
    there.mkdir()
    with library(tmp_path) as shown:
        desk = shown.stage.desk
        desk.set_preference("models_folder", str(away))
        desk.set_preference("model", str(away / "a/Model"))
        shown.stage.until(lambda: shown.shelf.absent)
        shown.shelf.move(str(there))
        shown.stage.until(lambda: shown.shelf.folder == there)
        assert desk.preferences.get("model") == str(away / "a/Model")
        write_model(away / "a/Model")
        write_model(away / "a/Other")
        shown.look()
        assert shown.until(str(away / "a/Model"), Presence.INSTALLED).default
        shown.until(str(away / "a/Other"), Presence.INSTALLED)


def test_a_move_that_ends_before_its_end_loses_nothing_from_sight(tmp_path: Path) -> None:
    first, second = own(tmp_path, "a/Model"), own(tmp_path, "b/Model")
    disk = tmp_path / "disk"
    in_the_way = write_model(disk / "b/Model", weights=512)
    write_record(in_the_way, Record("b/Model", "beef", [], finished=1.0))
    with library(tmp_path) as shown:
        shown.shelf.set_default(str(first))
        shown.shelf.move(str(disk))
        assert "another copy" in shown.notice().message
        shown.stage.until(lambda: not shown.shelf._moving.busy)
        shown.look()
        assert not first.exists()
        assert shown.row(str(disk / "a/Model")).default
        assert shown.row(str(second)).place is Place.OWN


def test_a_model_on_its_way_to_another_folder_is_left_alone(tmp_path: Path) -> None:
    model = own(tmp_path)
    (tmp_path / "disk").mkdir()
    with library(tmp_path) as shown:
        shown.shelf.move(str(tmp_path / "disk"))
        shown.shelf.delete(str(model))
        assert shown.notice().message == "Model is being moved to another folder."
        shown.stage.until(lambda: shown.shelf.folder == tmp_path / "disk")
        shown.until(str(tmp_path / "disk/a/Model"), Presence.INSTALLED)


def test_a_model_that_was_used_before_and_is_deleted_is_not_asked_for_again(tmp_path: Path) -> None:
    model, record = own(tmp_path), tmp_path / "record"
    with library(tmp_path, record=str(record), **card(folder=str(model))) as shown:
        shown.shelf.trash = False
        shown.shelf.use(str(model))
        shown.stage.until_engine(EngineState.READY)
        shown.stage.desk.free_memory()
        shown.stage.desk.set_preference("model", "")
        shown.shelf.delete(str(model))
        shown.stage.until(lambda: shown.shelf.row(str(model)) is None)
        shown.stage.ask()
        assert recorded(record, "load")[-1]["folder"] is None
