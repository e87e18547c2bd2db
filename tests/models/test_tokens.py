"""A token goes to the hub alone, only when it asks for one, and is kept only once it has opened something."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import NAME
from app.core.fetching import Completed, Fetch, Listed, Look, Refused
from tests.hub import Hub
from tests.models.fetching import Run, assert_whole, environment, fetch
from tests.models.keyrings import BACKEND, VARIABLE

REPOSITORY = "maker/Gated-4bit"
GOOD, OTHER = "hf_good", "hf_other"


@pytest.fixture
def keyring(hub: Hub, tmp_path: Path) -> Iterator[Path]:
    """The keychain's file."""
    with environment(hub, tmp_path / "hf", PYTHON_KEYRING_BACKEND=BACKEND, **{VARIABLE: str(tmp_path / "keys")}):
        yield tmp_path / "keys"


def add_gated(hub: Hub) -> None:
    hub.add_model(REPOSITORY, 500_000, gated=True, admitted={GOOD})


def refused(run: Run) -> str:
    """What is said about the token that is needed."""
    last = run.last()
    assert isinstance(last, Refused)
    assert last.failure.kind == "TokenNeeded"
    return f"{last.failure.message} {last.failure.hint}"


def test_without_a_token_it_is_told_where_to_get_one(hub: Hub, keyring: Path) -> None:
    add_gated(hub)
    said = refused(Run(Look(REPOSITORY)))
    assert f"{hub.endpoint}/{REPOSITORY}" in said
    assert f"{hub.endpoint}/settings/tokens" in said
    assert not hub.sent


def test_a_given_token_is_used_and_kept_and_serves_the_next_time(hub: Hub, keyring: Path, tmp_path: Path) -> None:
    add_gated(hub)
    assert isinstance(Run(Look(REPOSITORY, token=GOOD)).last(), Listed)
    assert json.loads(keyring.read_text()) == {f"{NAME} {hub.endpoint}": GOOD}
    assert isinstance(fetch(REPOSITORY, tmp_path / "model").last(), Completed)
    assert_whole(hub, REPOSITORY, tmp_path / "model")
    assert hub.tokens_seen("hub") == {f"Bearer {GOOD}"}


def test_the_store_behind_the_hub_never_sees_the_token(hub: Hub, keyring: Path, tmp_path: Path) -> None:
    add_gated(hub)
    assert isinstance(fetch(REPOSITORY, tmp_path / "model", token=GOOD).last(), Completed)
    assert any(host == "store" for host, _path, _token in hub.asked)
    assert hub.tokens_seen("store") == set()


def test_a_public_repository_sees_no_token(hub: Hub, keyring: Path, tmp_path: Path) -> None:
    hub.add_model("maker/Open-4bit", 500_000)
    with environment(hub, tmp_path / "hf", PYTHON_KEYRING_BACKEND=BACKEND, HF_TOKEN=OTHER, **{VARIABLE: str(keyring)}):
        assert isinstance(fetch("maker/Open-4bit", tmp_path / "model", token=GOOD).last(), Completed)
    assert hub.tokens_seen("hub") == set()
    assert not keyring.exists()


def test_a_wrong_token_is_told_and_not_kept(hub: Hub, keyring: Path) -> None:
    add_gated(hub)
    assert "does not take the token" in refused(Run(Look(REPOSITORY, token="wrong_one")))
    assert not keyring.exists()


def test_a_token_of_somebody_who_is_not_admitted_leads_to_the_terms(hub: Hub, keyring: Path) -> None:
    add_gated(hub)
    said = refused(Run(Look(REPOSITORY, token=OTHER)))
    assert "accept the terms" in said
    assert f"{hub.endpoint}/{REPOSITORY}" in said
    assert "settings/tokens" not in said


def test_what_cannot_be_a_token_is_never_sent(hub: Hub, keyring: Path) -> None:
    add_gated(hub)
    refused(Run(Look(REPOSITORY, token="a line\r\nX-Other: header")))
    assert hub.tokens_seen("hub") == set()


def test_a_private_repository_opens_to_a_token(hub: Hub, keyring: Path) -> None:
    hub.add_model(REPOSITORY, 500_000, private=True, admitted={GOOD})
    assert "does not exist, or is not for everybody" in refused(Run(Look(REPOSITORY)))
    assert isinstance(Run(Look(REPOSITORY, token=GOOD)).last(), Listed)


@pytest.mark.parametrize("place", ["variable", "file"])
def test_the_token_of_hugging_faces_own_tools_is_used_last(hub: Hub, keyring: Path, tmp_path: Path, place: str) -> None:
    add_gated(hub)
    keyring.write_text(json.dumps({f"{NAME} {hub.endpoint}": OTHER}))
    variables = {"PYTHON_KEYRING_BACKEND": BACKEND, VARIABLE: str(keyring)}
    if place == "variable":
        variables["HF_TOKEN"] = GOOD
    else:
        (tmp_path / "hf").mkdir()
        (tmp_path / "hf" / "token").write_text(f"{GOOD}\n")
    with environment(hub, tmp_path / "hf", **variables):
        assert isinstance(Run(Look(REPOSITORY)).last(), Listed)
    tokens = [token for _host, _path, token in hub.asked if token]
    assert tokens[0] == f"Bearer {OTHER}"
    assert tokens[-1] == f"Bearer {GOOD}"
    assert json.loads(keyring.read_text()) == {f"{NAME} {hub.endpoint}": OTHER}


def test_a_kept_token_is_not_shown_to_another_hub(hub: Hub, keyring: Path) -> None:
    add_gated(hub)
    keyring.write_text(json.dumps({f"{NAME} https://hub.example": GOOD}))
    refused(Run(Look(REPOSITORY)))
    assert hub.tokens_seen("hub") == set()


@pytest.mark.parametrize("backend", ["keyring.backends.fail.Keyring", "no.such.Backend"])
def test_without_a_keychain_the_token_is_used_and_nothing_fails(hub: Hub, tmp_path: Path, backend: str) -> None:
    add_gated(hub)
    with environment(hub, tmp_path / "hf", PYTHON_KEYRING_BACKEND=backend):
        assert isinstance(fetch(REPOSITORY, tmp_path / "model", token=GOOD).last(), Completed)


def test_the_token_is_written_nowhere(hub: Hub, tmp_path: Path) -> None:
    add_gated(hub)
    hub.faults["config.json"] = []
    with environment(hub, tmp_path / "hf", HF_DEBUG="1", HF_HUB_VERBOSITY="debug"):
        order = Fetch(
            REPOSITORY, str(tmp_path / "model"), token=GOOD, spare=0, official="maker/None", prompts="/none/x"
        )
        run = Run(order, log=tmp_path / "log")
        assert isinstance(run.last(), Completed)
    assert (tmp_path / "log").read_text()
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if GOOD.encode() in path.read_bytes()]
    assert GOOD not in repr(run.reports)
