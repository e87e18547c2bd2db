"""Models on the disk are found where they lie, read and left alone."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from app.models.finding import Found, Home, Roots, find, usual_roots
from app.models.homes import explain_absence, hugging_face_caches, lm_studio_folders, name_disk
from app.models.record import Record, RecordedFile, write_record
from tests.models.folders import cache_model, write_model

OWNED = "lmstudio-community/Magistral-Small-2509-MLX-4bit"


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Empty folders of everybody."""
    for name in ("own", "hub", "studio"):
        (tmp_path / name).mkdir()
    return Roots(tmp_path / "own", (), (tmp_path / "hub",), (tmp_path / "studio",))


def named(roots: Roots, *folders: Path) -> Roots:
    return Roots(roots.own, folders, roots.hugging_face, roots.lm_studio)


def only(found: list[Found]) -> Found:
    assert len(found) == 1, found
    return found[0]


def every_file(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(file): (file.lstat().st_size, file.lstat().st_mtime_ns) for file in folder.rglob("*")}


# where models lie --------------------------------------------------------------------------------


def test_a_model_of_each_program_is_found_with_its_repository(roots: Roots, tmp_path: Path) -> None:
    write_model(roots.own / OWNED)
    cache_model(roots.hugging_face[0], "mlx-community/Magistral-Small-2506-4bit")
    write_model(roots.lm_studio[0] / "somebody/A-Model-4bit")
    write_model(tmp_path / "elsewhere/Ministral-3-14B-Reasoning-2512-4bit")
    found = find(named(roots, tmp_path / "elsewhere"))
    assert [(each.place, each.repository) for each in found] == [
        (Home.OWN, OWNED),
        (Home.HUGGING_FACE, "mlx-community/Magistral-Small-2506-4bit"),
        (Home.LM_STUDIO, "somebody/A-Model-4bit"),
        (Home.NAMED, "mlx-community/Ministral-3-14B-Reasoning-2512-4bit"),
    ]
    assert all(each.model and each.model.bits == 4 and each.size > 256 for each in found)
    assert found[1].name == "Magistral-Small-2506-4bit"
    assert found[1].folder.name == "c0ffee"


def test_a_real_model_is_found(roots: Roots, tiny_magistral: Path) -> None:
    found = only(find(named(roots, tiny_magistral)))
    assert found.folder == tiny_magistral
    assert found.model
    assert found.model.shape.layers == 2
    assert found.size == (tiny_magistral / "model.safetensors").stat().st_size


def test_searching_writes_nothing(roots: Roots, tmp_path: Path) -> None:
    write_model(roots.own / OWNED)
    cache_model(roots.hugging_face[0], "a/b")
    write_model(roots.lm_studio[0] / "c/d")
    write_model(tmp_path / "e")
    before = every_file(tmp_path)
    assert len(find(named(roots, tmp_path / "e"))) == 4
    assert every_file(tmp_path) == before


def test_of_a_cached_repository_the_snapshot_of_its_main_branch_counts(roots: Roots) -> None:
    hub = roots.hugging_face[0]
    old = cache_model(hub, "a/b", "0ld")
    new = cache_model(hub, "a/b", "2new", main=False)
    os.utime(old, (1, 1))
    assert only(find(roots)).folder == old
    (hub / "models--a--b/refs/main").unlink()
    assert only(find(roots)).folder == new


def test_a_main_snapshot_that_is_not_whole_gives_way_to_one_that_is(roots: Roots) -> None:
    hub = roots.hugging_face[0]
    main = cache_model(hub, "a/b", "aaa")
    other = cache_model(hub, "a/b", "bbb", main=False)
    (main / "model.safetensors").resolve().unlink()
    assert only(find(roots)).folder == other


def test_a_model_that_is_reached_in_two_ways_is_listed_once(roots: Roots) -> None:
    write_model(roots.lm_studio[0] / "a/b")
    found = find(named(roots, roots.lm_studio[0] / "a/b", roots.lm_studio[0]))
    assert only(found).place is Home.LM_STUDIO


# what is listed ----------------------------------------------------------------------------------


def spoil_config(folder: Path) -> None:
    (folder / "config.json").write_text("{", encoding="utf-8")


def spoil_weights(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 64)


def cut_weights(folder: Path) -> None:
    os.truncate(folder / "model.safetensors", 200)


def promise_too_much(folder: Path) -> None:
    file = folder / "model.safetensors"
    with file.open("r+b") as opened:
        opened.write((64 * 1024 * 1024).to_bytes(8, "little"))
        opened.truncate(65 * 1024 * 1024)


def need_code(folder: Path) -> None:
    write_model(folder, auto_map={"AutoModel": "modeling.Model"})


def of_another_library(folder: Path) -> None:
    write_model(folder, form="pt")


SPOILERS = [spoil_config, spoil_weights, cut_weights, promise_too_much, need_code, of_another_library]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_cannot_be_used_is_left_out_and_spoils_nothing_else(roots: Roots, spoil: Callable[[Path], None]) -> None:
    spoil(write_model(roots.lm_studio[0] / "a/broken"))
    write_model(roots.lm_studio[0] / "a/whole")
    assert only(find(roots)).name == "whole"


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_cannot_be_used_is_told_with_the_reason_where_it_was_named(
    roots: Roots, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(write_model(tmp_path / "broken"))
    found = only(find(named(roots, tmp_path / "broken")))
    assert found.model is None
    assert found.failure
    assert found.failure.message
    assert found.failure.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_folder_without_permission_spoils_nothing(roots: Roots) -> None:
    locked = write_model(roots.lm_studio[0] / "a/locked")
    write_model(roots.lm_studio[0] / "a/open")
    locked.chmod(0)
    try:
        assert only(find(roots)).name == "open"
    finally:
        locked.chmod(0o755)


def test_a_folder_without_a_model_that_was_named_is_told_so(roots: Roots, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    found = only(find(named(roots, tmp_path / "empty")))
    assert found.failure
    assert "no MLX model" in found.failure.message
    assert "config.json" in found.failure.hint


def test_a_cache_that_was_named_gives_its_models(roots: Roots, tmp_path: Path) -> None:
    cache_model(tmp_path / "disk/hub", "a/b")
    by_hub = only(find(named(roots, tmp_path / "disk/hub")))
    by_repository = only(find(named(roots, tmp_path / "disk/hub/models--a--b")))
    assert by_hub.repository == by_repository.repository == "a/b"
    assert by_hub.place is Home.NAMED


def test_a_folder_that_is_not_there_is_told_to_be_absent(roots: Roots, tmp_path: Path) -> None:
    found = only(find(named(roots, tmp_path / "gone/model")))
    assert found.failure
    assert found.failure.kind == "DiskAbsent"
    assert "connect it" in found.failure.hint


def test_folders_of_others_that_are_not_there_are_no_failure(tmp_path: Path) -> None:
    assert find(Roots(tmp_path / "own", (), (tmp_path / "hub",), (tmp_path / "studio",))) == []


# own downloads -----------------------------------------------------------------------------------


def begin(folder: Path, *, finished: float | None = None) -> Record:
    size = (folder / "model.safetensors").stat().st_size if (folder / "model.safetensors").exists() else 1000
    files = [RecordedFile("config.json", 500), RecordedFile("model.safetensors", size, sha256="ab" * 32)]
    record = Record("a/b", "c0ffee", files, finished=finished)
    write_record(folder, record)
    return record


def test_a_begun_download_is_found_by_its_record_with_what_is_here_of_it(roots: Roots) -> None:
    folder = roots.own / "a/b"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes(b"{" * 500)
    (folder / "model.safetensors.abababab.part").write_bytes(bytes(300))
    begin(folder)
    found = only(find(roots))
    assert found.unfinished
    assert found.failure is None
    assert found.part_bytes == 800
    assert found.record
    assert found.record.size == 1500
    assert found.repository == "a/b"


def test_a_download_that_is_whole_is_a_model(roots: Roots) -> None:
    folder = write_model(roots.own / "a/b")
    begin(folder, finished=time.time())
    found = only(find(roots))
    assert not found.unfinished
    assert found.model
    assert found.record
    assert found.part_bytes == 0


def test_a_download_that_was_whole_and_lacks_a_file_says_so(roots: Roots) -> None:
    folder = write_model(roots.own / "a/b")
    begin(folder, finished=time.time())
    (folder / "model.safetensors").unlink()
    found = only(find(roots))
    assert found.model is None
    assert found.failure
    assert found.failure.kind == "ModelMissing"


# how much is looked at ---------------------------------------------------------------------------


def test_nothing_below_owner_and_name_is_looked_at(roots: Roots) -> None:
    write_model(roots.lm_studio[0] / "a/b/c")
    write_model(roots.lm_studio[0] / "shallow")
    assert find(roots) == []


def test_a_root_with_names_without_end_is_left_after_some_thousands(roots: Roots) -> None:
    for number in range(4100):
        (roots.lm_studio[0] / f"{number:05}").mkdir()
    write_model(roots.own / "a/b")
    assert only(find(roots)).place is Home.OWN


def test_a_circle_of_links_ends(roots: Roots) -> None:
    (roots.lm_studio[0] / "a").mkdir()
    (roots.lm_studio[0] / "a/again").symlink_to(roots.lm_studio[0], target_is_directory=True)
    write_model(roots.lm_studio[0] / "a/b")
    assert only(find(roots)).name == "b"


def test_what_has_not_changed_is_not_read_again_and_what_has_is(roots: Roots) -> None:
    folder = write_model(roots.lm_studio[0] / "a/b")
    write_model(roots.lm_studio[0] / "a/c")
    first = find(roots)
    second = find(roots, first)
    assert [again.model is before.model for again, before in zip(second, first, strict=True)] == [True, True]
    write_model(folder, weights=512)
    third = find(roots, second)
    assert [again.model is before.model for again, before in zip(third, first, strict=True)] == [False, True]
    assert third[0].size > first[0].size


# the usual places --------------------------------------------------------------------------------


def test_the_variables_of_hugging_face_are_honoured(tmp_path: Path) -> None:
    usual = tmp_path / ".cache/huggingface/hub"
    assert hugging_face_caches({}, tmp_path) == (usual,)
    assert hugging_face_caches({"XDG_CACHE_HOME": "/caches"}, tmp_path) == (Path("/caches/huggingface/hub"),)
    assert hugging_face_caches({"HF_HOME": "~/hf"}, tmp_path) == (tmp_path / "hf/hub", usual)
    assert hugging_face_caches({"HF_HUB_CACHE": "/a", "HF_HOME": "/b"}, tmp_path) == (Path("/a"), Path("/b/hub"), usual)


def test_the_folder_that_lm_studio_was_told_to_use_comes_first(tmp_path: Path) -> None:
    (tmp_path / "moved").mkdir()
    (tmp_path / ".lmstudio-home-pointer").write_text(f"{tmp_path}/moved\n", encoding="utf-8")
    (tmp_path / "moved/settings.json").write_text(json.dumps({"downloadsFolder": "/big/models"}), encoding="utf-8")
    assert lm_studio_folders(tmp_path) == (
        Path("/big/models"),
        tmp_path / "moved/models",
        tmp_path / ".lmstudio/models",
        tmp_path / ".cache/lm-studio/models",
    )


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[]", b"{", b'{"downloadsFolder": 7}', b"[" * 100_000])
def test_settings_of_lm_studio_that_make_no_sense_are_passed_over(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".lmstudio").mkdir()
    (tmp_path / ".lmstudio/settings.json").write_bytes(content)
    (tmp_path / ".lmstudio-home-pointer").write_bytes(b"\xff\xfe\x00")
    assert lm_studio_folders(tmp_path) == (tmp_path / ".lmstudio/models", tmp_path / ".cache/lm-studio/models")


def test_all_roots_are_those_of_one_home(tmp_path: Path) -> None:
    roots = usual_roots(tmp_path / "own", [tmp_path / "named"], {}, tmp_path)
    assert roots.own == tmp_path / "own"
    assert roots.named == (tmp_path / "named",)
    assert all(each.is_relative_to(tmp_path) for each in (*roots.hugging_face, *roots.lm_studio))


def test_a_disk_that_is_not_connected_is_called_by_its_name() -> None:
    assert name_disk(Path("/Volumes/Archive/models/a")) == "Archive"
    assert name_disk(Path("/media/me/Archive/models")) == "Archive"
    assert name_disk(Path("/Users/me/models")) == ""
    told = explain_absence(Path("/Volumes/Archive/models/a"))
    assert "“Archive”" in told.message
    assert told.command == "model.choose"


def test_a_record_is_what_the_shelf_needs_to_go_on(roots: Roots) -> None:
    folder = roots.own / "a/b"
    folder.mkdir(parents=True)
    record = begin(folder)
    write_record(folder, msgspec.structs.replace(record, wanted=False))
    found = only(find(roots))
    assert found.record
    assert not found.record.wanted


# what spoils nothing but itself ------------------------------------------------------------------


def test_a_named_folder_whose_name_no_disk_takes_spoils_no_other(roots: Roots, tmp_path: Path) -> None:
    write_model(tmp_path / "model")
    first, second = find(named(roots, tmp_path / ("n" * 300), tmp_path / "model"))
    assert first.failure is not None
    assert second.model is not None


def test_a_link_to_itself_hides_no_model_beside_it(roots: Roots) -> None:
    write_model(roots.lm_studio[0] / "maker/model")
    for folder in (roots.lm_studio[0], roots.lm_studio[0] / "maker"):
        for name in ("a", "m", "z"):
            (folder / name).symlink_to(name)
    assert only(find(roots)).name == "model"


def test_a_pipe_in_the_place_of_weights_is_not_waited_at(roots: Roots, tmp_path: Path) -> None:
    for folder in (roots.lm_studio[0] / "maker/model", tmp_path / "named"):
        write_model(folder)
        (folder / "model.safetensors").unlink()
        os.mkfifo(folder / "model.safetensors")
    failure = only(find(named(roots, tmp_path / "named"))).failure
    assert failure is not None
    assert "model.safetensors" in failure.message
