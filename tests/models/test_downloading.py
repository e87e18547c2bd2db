"""A download from begin to end, however often it is killed: the real client, process, hub protocol and disk."""

import importlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from app.core.errors import AppError, DownloadBroken
from app.core.fetching import Completed, Fetch, Progress, Refused, Stage, encode
from app.core.roles import FETCHER, role_command
from app.models.downloading import check_noted
from app.models.lanes import Lanes
from app.models.record import PART, Record, RecordedFile, read_record, set_wanted
from app.models.tally import Tally
from app.models.transfer import Errand
from tests.hub import MAIN, OLD, Content, Fault, Hub
from tests.models.fetching import ROOT, Run, assert_whole, environment, fetch

REPOSITORY = "maker/Model-4bit"
SHARD, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"
SIZE = 3_000_000
HALF = 1_500_000


def stall(hub: Hub, folder: Path, *names: str) -> Run:
    """A download that has got half of these files and gets no more."""
    for name in names:
        hub.faults[name] = [Fault(cut=HALF, stall=True)]
    run = fetch(REPOSITORY, folder)
    small = sum(content.size for name, content in hub.repositories[REPOSITORY].files.items() if content.size < 10_000)
    small -= hub.repositories[REPOSITORY].files[".gitattributes"].size
    there = small + sum(HALF if name in names else SIZE for name in (SHARD, SECOND))
    run.wait_for(lambda report: isinstance(report, Progress) and report.done == there)
    return run


def test_a_model_arrives_whole_and_nothing_that_is_not_needed(hub: Hub, tmp_path: Path) -> None:
    useless = ("pytorch_model.bin", "model.gguf", "modeling.py", "picture.png", "original/model.safetensors")
    hub.add_model(REPOSITORY, SIZE, SIZE, files=dict.fromkeys(useless, b"never asked for"))
    run = fetch(REPOSITORY, tmp_path / "model")
    assert run.last() == Completed(str(tmp_path / "model"))
    for name in useless:
        del hub.repositories[REPOSITORY].files[name]
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    record = read_record(tmp_path / "model")
    assert record is not None
    assert (record.repository, record.commit, record.licence) == (REPOSITORY, MAIN, "apache-2.0")
    assert record.finished is not None
    assert not record.wanted
    told = [report for report in run.reports if isinstance(report, Progress)]
    assert told[0].stage is Stage.LISTING
    assert told[-1].done == told[-1].total == record.size


def test_the_small_files_come_before_the_first_weight(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    fetch(REPOSITORY, tmp_path / "model").last()
    files = [path.rsplit("/", 1)[1] for _host, path, _token in hub.asked if "/resolve/" in path]
    first = min(files.index(SHARD), files.index(SECOND))
    assert set(files[first:]) == {SHARD, SECOND}


def test_what_was_there_when_it_was_killed_does_not_come_again(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    stall(hub, tmp_path / "model", SHARD, SECOND).kill()
    record = read_record(tmp_path / "model")
    assert record is not None
    assert record.wanted
    assert record.finished is None
    assert sum(path.stat().st_size for path in (tmp_path / "model").glob(f"*{PART}")) == 2 * HALF
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert hub.sent[SHARD] == hub.sent[SECOND] == SIZE


def test_it_ends_whole_after_many_kills_at_any_moment(tmp_path: Path) -> None:
    with Hub(rate=20_000_000) as hub, environment(hub, tmp_path / "hf"):
        hub.add_model(REPOSITORY, SIZE, SIZE, SIZE)
        for kill in range(6):
            run = fetch(REPOSITORY, tmp_path / "model")
            goal = kill * 1_100_000
            run.wait_for(lambda report, goal=goal: isinstance(report, Progress) and report.done >= goal)  # type: ignore[misc]
            run.kill()
        assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
        assert_whole(hub, REPOSITORY, tmp_path / "model")


@pytest.mark.parametrize("moment", ["api", SHARD])
def test_the_fetcher_ends_when_the_desktop_is_gone(hub: Hub, tmp_path: Path, moment: str) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    hub.faults[moment] = [Fault(cut=HALF, stall=True)]
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(role_command(FETCHER, theirs.fileno()), pass_fds=[theirs.fileno()], cwd=ROOT)
    with ours:
        ours.sendall(encode(Fetch(REPOSITORY, str(tmp_path / "model"), spare=0)) + b"\n")
        assert hub.reached[moment].wait(30)
    assert process.wait(10) == 0


def test_a_fetcher_that_dies_is_told_as_a_failure(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    run = stall(hub, tmp_path / "model", SHARD)
    assert run.fetcher.pid
    subprocess.run(["kill", f"-{signal.SIGKILL}", str(run.fetcher.pid)], check=True)
    last = run.last()
    assert isinstance(last, Refused)
    assert "came to a stop" in last.failure.message


def test_after_the_end_nothing_more_is_said(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    run = stall(hub, tmp_path / "model", SHARD)
    said = len(run.reports)
    run.kill()
    assert len(run.reports) == said


def test_ending_before_the_process_is_there_is_harmless(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    run = fetch(REPOSITORY, tmp_path / "model")
    run.kill()
    assert run.reports == []


def test_a_paused_download_is_remembered_as_paused(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    stall(hub, tmp_path / "model", SHARD).fetcher.end()  # not waited for: the folder may still be held for a moment
    set_wanted(tmp_path / "model", wanted=False)
    record = read_record(tmp_path / "model")
    assert record is not None
    assert not record.wanted
    assert not list((tmp_path / "model").glob(".lemma.json.*"))


def test_a_begun_download_stays_with_its_commit(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model(REPOSITORY, SIZE, SIZE, commit=OLD)
    stall(hub, tmp_path / "model", SHARD).kill()
    repository.commit, repository.past = MAIN, (OLD,)
    hub.asked.clear()
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    record = read_record(tmp_path / "model")
    assert record is not None
    assert record.commit == OLD
    assert {path.split("/")[4] for _host, path, _token in hub.asked if "/resolve/" in path} == {OLD}


def test_where_its_commit_is_gone_the_newest_is_taken_and_what_fits_is_kept(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model(REPOSITORY, SIZE, SIZE, commit=OLD)
    stall(hub, tmp_path / "model", SHARD, SECOND).kill()
    files = repository.files | {SECOND: Content(SIZE, seed=99)}
    hub.add(REPOSITORY, files, commit=MAIN)
    hub.sent.clear()
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert (hub.sent[SHARD], hub.sent[SECOND]) == (SIZE - HALF, SIZE)


def test_files_of_a_former_commit_go(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE, commit=OLD)
    stall(hub, tmp_path / "model", SHARD).kill()
    hub.add_model(REPOSITORY, SIZE, commit=MAIN)
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")


def test_stale_parts_are_swept_and_other_files_stay(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / f"{SHARD}.00000000{PART}").write_bytes(b"of another content")
    (tmp_path / "model" / "notes.txt").write_text("mine")
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert (tmp_path / "model" / "notes.txt").read_text() == "mine"
    assert not list((tmp_path / "model").glob(f"*{PART}"))


def test_files_that_are_there_already_are_compared_and_kept(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model(REPOSITORY, SIZE, SIZE)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / SHARD).write_bytes(repository.files[SHARD].whole())
    (tmp_path / "model" / SECOND).write_bytes(bytes(SIZE))  # as large, and wrong
    run = fetch(REPOSITORY, tmp_path / "model")
    assert isinstance(run.last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert (hub.sent[SHARD], hub.sent[SECOND]) == (0, SIZE)
    assert any(isinstance(report, Progress) and report.stage is Stage.CHECKING for report in run.reports)


def test_a_part_with_wrong_bytes_is_found_out_and_only_that_file_comes_again(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    stall(hub, tmp_path / "model", SHARD).kill()
    (part,) = (tmp_path / "model").glob(f"{SHARD}.*{PART}")
    with part.open("r+b") as file:
        file.write(b"wrong")
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert (hub.sent[SHARD], hub.sent[SECOND]) == (2 * SIZE, SIZE)


def test_two_downloads_into_one_folder_do_not_meet(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    first = stall(hub, tmp_path / "model", SHARD)
    last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert "under way" in last.failure.message
    first.kill()


def test_a_folder_with_another_model_is_left_alone(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    hub.add_model("maker/Other-4bit", SIZE)
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    last = fetch("maker/Other-4bit", tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert REPOSITORY in last.failure.message
    assert_whole(hub, REPOSITORY, tmp_path / "model")


def test_progress_names_bytes_rate_and_time_a_few_times_a_second(tmp_path: Path) -> None:
    with Hub(rate=5_000_000) as hub, environment(hub, tmp_path / "hf"):
        hub.add_model(REPOSITORY, SIZE, SIZE)
        began = time.monotonic()
        run = fetch(REPOSITORY, tmp_path / "model")
        assert isinstance(run.last(), Completed)
        told = [one for one in run.reports if isinstance(one, Progress) and one.stage is Stage.FETCHING]
        assert len(told) <= 4 * (time.monotonic() - began) + 2
        assert [one.done for one in told] == sorted(one.done for one in told)
        rated = [one for one in told if one.rate]
        assert rated
        assert all(one.seconds == pytest.approx((one.total - one.done) / one.rate) for one in rated)


def test_the_makers_prompt_and_licence_come_too(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    hub.add("maker/Model", {"SYSTEM_PROMPT.txt": b"Think first.", "LICENSE": b"Apache", "model.bin": b"-"})
    options = {"official": "maker/Model", "prompts": str(tmp_path / "official" / "1.2")}
    assert isinstance(fetch(REPOSITORY, tmp_path / "model", **options).last(), Completed)
    found = {path.name: path.read_bytes() for path in (tmp_path / "official" / "1.2").iterdir()}
    assert found == {"SYSTEM_PROMPT.txt": b"Think first.", "LICENSE": b"Apache"}
    record = read_record(tmp_path / "model")
    assert record is not None
    assert record.official == "maker/Model"


@pytest.mark.parametrize("official", ["maker/None", "maker/Gated"])
def test_a_model_is_complete_without_the_makers_prompt(hub: Hub, tmp_path: Path, official: str) -> None:
    hub.add_model(REPOSITORY, SIZE, SIZE)
    hub.add("maker/Gated", {"SYSTEM_PROMPT.txt": b"Think first."}, gated=True)
    run = Run(
        Fetch(REPOSITORY, str(tmp_path / "model"), official=official, prompts=str(tmp_path / "prompts"), spare=0),
        log=tmp_path / "logs" / "log",
    )
    assert isinstance(run.last(), Completed)
    assert not (tmp_path / "prompts" / "SYSTEM_PROMPT.txt").exists()
    assert official in (tmp_path / "logs" / "log").read_text()


def test_a_mirror_that_lists_names_only_is_asked_for_each_file(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE, bare=True)
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    record = read_record(tmp_path / "model")
    assert record is not None
    assert all(file.hash for file in record.files)


def test_a_proxy_is_used_where_the_environment_names_one(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    variables = {"HF_ENDPOINT": "http://hub.invalid", "HTTP_PROXY": hub.endpoint}
    with environment(hub, tmp_path / "hf", **variables):
        assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")


def test_every_failure_travels_as_its_own_error(hub: Hub, tmp_path: Path) -> None:
    last = fetch("maker/None", tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert type(AppError.of(last.failure)).__name__ == last.failure.kind == "HubRefused"
    assert json.loads(encode(last))["type"] == "refused"


def test_a_fault_of_our_own_while_a_file_is_noted_ends_the_download(tmp_path: Path) -> None:
    """An IndexError is no sign that no file is left."""

    def note(_file: RecordedFile, _changed: int) -> None:
        raise IndexError

    root = os.open(tmp_path, os.O_RDONLY)
    hub = importlib.import_module("app.models.hub").Hub()
    tally = Tally(Stage.FETCHING, 0)
    errand = Errand(hub, REPOSITORY, MAIN, tmp_path, root, tally, threading.Event())
    with pytest.raises(IndexError):
        Lanes(errand, note, lambda _report: None).bring([RecordedFile("empty.json", 0)], lambda: None)
    os.close(root)


def test_a_model_of_which_a_file_was_not_compared_is_not_finished() -> None:
    files = [RecordedFile("config.json", 2, checked=7), RecordedFile(SHARD, 3)]
    with pytest.raises(DownloadBroken, match=SHARD):
        check_noted(Record(REPOSITORY, MAIN, files))
    check_noted(Record(REPOSITORY, MAIN, files[:1]))
