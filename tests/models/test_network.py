"""Every trouble that a network, a store or a hub can have, on the way of one file."""

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.fetching import Completed, Look, Refused, Report, Waiting
from app.models.record import PART, read_record
from tests.hub import Content, Fault, Hub
from tests.models.fetching import Run, assert_whole, environment, fetch

REPOSITORY = "maker/Model-4bit"
SHARD = "model-00001-of-00001.safetensors"
SIZE, CUT = 2_000_000, 700_000

PASSING = {
    "a cut connection": ([Fault(cut=CUT)], SIZE),
    "a cut at the first byte": ([Fault(cut=0)], SIZE),
    "a cut where no length was said": ([Fault(cut=CUT, no_length=True)], None),
    "three cuts": ([Fault(cut=CUT), Fault(cut=CUT), Fault(cut=1)], SIZE),
    "a stall": ([Fault(cut=CUT, stall=True)], SIZE),
    "ranges that are ignored": ([Fault(cut=CUT), Fault(ignore_range=True)], SIZE + CUT),
    "a range that begins too late": ([Fault(cut=CUT), Fault(shift=10)], None),
    "a range that begins too early": ([Fault(cut=CUT), Fault(shift=-10)], SIZE + 10),
    "a range that is refused": ([Fault(cut=CUT), Fault(status=416)], SIZE + CUT),
    "cuts after a range that is refused": ([Fault(cut=CUT), Fault(status=416), Fault(cut=CUT + 9)], SIZE + CUT),
    "a cut before new bytes": ([Fault(cut=CUT), Fault(status=416), Fault(cut=CUT)], SIZE + CUT),
    "a longer body": ([Fault(longer=1000)], None),
    "a shorter body": ([Fault(longer=-1000)], None),
    "wrong bytes": ([Fault(spoiled=True)], 2 * SIZE),
    "wrong bytes twice": ([Fault(spoiled=True), Fault(spoiled=True)], 3 * SIZE),
    "wrong bytes before a cut": ([Fault(spoiled=True, cut=CUT)], SIZE + SIZE),
    "too many requests": ([Fault(status=429, headers={"Retry-After": "1"})], SIZE),
    "an inner error": ([Fault(status=500)], SIZE),
    "an overloaded gateway": ([Fault(cut=CUT), Fault(status=503)], SIZE),
    "an address that has run out": ([Fault(cut=CUT), Fault(status=403)], SIZE),
}


@dataclass(frozen=True)
class Passed:
    """All downloads with a trouble that passes, once they have ended; they run side by side."""

    hub: Hub
    folder: Path
    last: dict[str, Report]


@pytest.fixture(scope="module")
def passed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passed]:
    folder = tmp_path_factory.mktemp("passing")
    with Hub() as hub, environment(hub, folder / "hf", HF_HUB_DOWNLOAD_TIMEOUT="3"):
        for number, (faults, _sent) in enumerate(PASSING.values()):
            shard = _shard(number)
            hub.add_model(f"maker/Model-{number}", files={shard: Content(SIZE, seed=number)})
            hub.faults[shard] = list(faults)
        runs = {trouble: fetch(f"maker/Model-{number}", folder / str(number)) for number, trouble in enumerate(PASSING)}
        yield Passed(hub, folder, {trouble: run.last(60) for trouble, run in runs.items()})


def _shard(number: int) -> str:
    return f"model-{number:05}.safetensors"


@pytest.mark.parametrize(("number", "trouble"), list(enumerate(PASSING)))
def test_a_trouble_that_passes_is_waited_out(passed: Passed, number: int, trouble: str) -> None:
    assert isinstance(passed.last[trouble], Completed)
    assert_whole(passed.hub, f"maker/Model-{number}", passed.folder / str(number))
    assert not passed.hub.faults[_shard(number)]
    sent = PASSING[trouble][1]
    if sent is not None:
        assert passed.hub.sent[_shard(number)] == sent


LASTING = {
    "wrong bytes": Fault(spoiled=True),
    "a longer body": Fault(longer=1000),
    "a shorter body": Fault(longer=-1000),
    "an empty body": Fault(longer=-SIZE),
}


@pytest.mark.parametrize("trouble", LASTING)
def test_a_file_that_never_comes_right_ends_the_download(hub: Hub, tmp_path: Path, trouble: str) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.always[SHARD] = LASTING[trouble]
    last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "DownloadBroken"
    assert SHARD in last.failure.message
    assert not (tmp_path / "model" / SHARD).exists()
    record = read_record(tmp_path / "model")
    assert record is not None
    assert not record.wanted
    assert hub.sent[SHARD] <= 3 * (SIZE + 1000)


def test_what_has_arrived_outlives_an_answer_of_another_length(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.faults[SHARD] = [Fault(cut=CUT)]
    hub.always[SHARD] = Fault(longer=5, ignore_range=True)  # as a page that asks to sign in to the network
    last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    (part,) = (tmp_path / "model").glob(f"*{PART}")
    assert part.stat().st_size == CUT


def test_a_file_that_the_hub_has_lost_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.always[SHARD] = Fault(status=404)
    last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "HubRefused"
    assert SHARD in last.failure.message


def test_waiting_is_told_with_its_reason(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.faults["api"] = [Fault(status=503)]
    hub.faults[SHARD] = [Fault(status=429, headers={"Retry-After": "1"})]
    run = fetch(REPOSITORY, tmp_path / "model")
    assert isinstance(run.last(), Completed)
    waited = [report for report in run.reports if isinstance(report, Waiting)]
    assert [report.failure.kind for report in waited] == ["HubUnreachable"] * 2
    assert "503" in waited[0].failure.message
    assert "patience" in waited[1].failure.message
    assert 0 < waited[1].seconds <= 1


def test_a_page_in_the_place_of_a_description_is_waited_out(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    hub.faults["api"] = [Fault(status=200)]  # its body is no JSON
    run = fetch(REPOSITORY, tmp_path / "model")
    assert isinstance(run.last(), Completed)
    assert any(isinstance(report, Waiting) for report in run.reports)


def test_a_hub_that_is_not_there_is_waited_for_by_a_download_and_told_to_a_look(hub: Hub, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with environment(hub, tmp_path / "hf", HF_ENDPOINT=nowhere):
        download = fetch(REPOSITORY, tmp_path / "model")
        last = Run(Look(REPOSITORY)).last()
        assert isinstance(last, Refused)
        assert last.failure.kind == "HubUnreachable"
        assert "127.0.0.1" in last.failure.message
        download.wait_for(lambda report: isinstance(report, Waiting))
        download.kill()


def test_in_offline_mode_the_hub_is_not_asked(hub: Hub, tmp_path: Path) -> None:
    hub.add_model(REPOSITORY, SIZE)
    with environment(hub, tmp_path / "hf", HF_HUB_OFFLINE="1"):
        last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "HubUnreachable"
    assert "offline" in last.failure.message
    assert hub.asked == []


def test_an_address_of_no_hub_is_told_at_once(hub: Hub, tmp_path: Path) -> None:
    with environment(hub, tmp_path / "hf", HF_ENDPOINT="nonsense"):
        last = fetch(REPOSITORY, tmp_path / "model").last()
    assert isinstance(last, Refused)
    assert "HF_ENDPOINT" in last.failure.hint


@pytest.mark.parametrize("proxy", ["socks5://name:secret@127.0.0.1:1", "gopher://127.0.0.1:1", "http://127.0.0.1:x"])
def test_a_proxy_that_cannot_be_used_is_told_by_its_variable(hub: Hub, tmp_path: Path, proxy: str) -> None:
    with environment(hub, tmp_path / "hf", ALL_PROXY=proxy):
        last = Run(Look(REPOSITORY)).last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "HubUnreachable"
    assert "ALL_PROXY" in last.failure.message
    assert "HTTPS proxies" in last.failure.hint
    assert "secret" not in f"{last.failure}"


def test_the_password_in_the_hubs_address_is_never_shown(hub: Hub, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nowhere = f"127.0.0.1:{taken.getsockname()[1]}"
    hub.add_model(REPOSITORY, SIZE).private = True
    ours = hub.endpoint.partition("//")[2]
    for scheme, host, told in (("http", nowhere, nowhere), ("http", ours, ours), ("gopher", ours, ours)):
        with environment(hub, tmp_path / "hf", HF_ENDPOINT=f"{scheme}://name:sec@ret@{host}"):
            last = Run(Look(REPOSITORY)).last()
        assert isinstance(last, Refused)
        said = f"{last.failure.message} {last.failure.hint}"
        assert told in said
        assert "name" not in said.replace("Check the name", "")
        assert "ret@" not in said
