import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.messages import End, Kind, Part, Role, ThoughtEnd
from app.core.protocol import (
    VERSION,
    AnswerNow,
    Cancel,
    Count,
    Counted,
    Delta,
    Describe,
    Described,
    Failed,
    Finished,
    Forget,
    Load,
    Loaded,
    Loading,
    Prefilled,
    Prewarm,
    Prewarmed,
    Shutdown,
    Started,
    Stored,
    TokenizerReady,
    Turn,
    Welcome,
)
from app.core.roles import SOURCE
from app.worker.link import EXIT_GONE
from app.worker.main import EXIT_GARBAGE, EXIT_VERSION
from tests.worker.process import HANGS, Desk, ask, running
from tests.worker.stage import user

LONG = "All work and no play makes Jack a dull boy. " * 150


@pytest.fixture(scope="module")
def loaded(tiny_magistral: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A worker with the tiny Magistral, shared by tests that leave it alive."""
    folder = tmp_path_factory.mktemp("worker")
    with running(folder / "worker.log") as desk:
        desk.load(tiny_magistral, folder)
        yield desk


@pytest.fixture
def desk(loaded: Desk) -> Desk:
    loaded.forget()
    return loaded


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Desk]:
    """A worker of one's own, greeted and idle."""
    with running(tmp_path / "worker.log") as desk:
        yield desk


# handshake and loading ---------------------------------------------------------------------------


def test_another_version_ends_the_worker(tmp_path: Path) -> None:
    with running(tmp_path / "worker.log", hello=VERSION + 1) as desk:
        assert desk.of(Welcome)[0].version == VERSION
        assert desk.end() == EXIT_VERSION


def test_describing_the_machine_needs_no_model(fresh: Desk) -> None:
    fresh.send(Describe())
    described = fresh.until(Described)
    assert described.machine.limit > 0
    assert described.mlx.count(".") == 2
    assert described.starter


def test_a_load_reports_each_layer_and_counts_tokens_long_before_its_end(
    fresh: Desk, tiny_magistral: Path, tmp_path: Path
) -> None:
    fresh.send(Load(str(tmp_path), str(tiny_magistral), 4096))
    fresh.until(TokenizerReady)
    fresh.send(Count(5, ["Hello world", "", "[INST]"]))
    assert fresh.until(Counted) == Counted(5, [2, 0, 4])
    assert not fresh.of(Loaded)
    card = fresh.until(Loaded).card
    steps = [(event.done, event.total) for event in fresh.of(Loading) if event.stage == "weights"]
    assert sorted(steps) == steps
    assert (steps[0], steps[-1]) == ((0, 3), (3, 3))
    assert (card.release, card.architecture, card.bits, card.context) == ("magistral", "mistral3", 4, 4096)
    assert card.name == tiny_magistral.name


def test_before_a_load_there_is_nothing_to_count_or_ask(fresh: Desk) -> None:
    fresh.send(Count(1, ["a"]), ask(2, user("Q")))
    assert {fresh.until(Failed).request, fresh.until(Failed).request} == {1, 2}


def test_a_failed_load_leaves_a_worker_that_loads_the_next_model(
    fresh: Desk, tiny_magistral: Path, tiny_magistral_v11: Path, tmp_path: Path
) -> None:
    fresh.send(Load(str(tmp_path), str(tmp_path / "nowhere")))
    failed = fresh.until(Failed)
    assert (failed.request, failed.failure.kind) == (None, "ModelMissing")
    assert fresh.load(tiny_magistral_v11, tmp_path).card.release == "magistral-1.0"
    assert fresh.load(tiny_magistral, tmp_path).card.release == "magistral"
    fresh.send(ask(1, user("Q"), max_tokens=2))
    assert fresh.finish(1).generation.end is End.LIMIT


def test_after_a_failed_load_the_model_before_it_is_gone(fresh: Desk, tiny_magistral: Path, tmp_path: Path) -> None:
    fresh.load(tiny_magistral, tmp_path)
    fresh.send(Load(str(tmp_path), str(tmp_path / "nowhere")), ask(1, user("Q")))
    assert fresh.until(Failed).failure.kind == "ModelMissing"
    assert fresh.until(Failed).request == 1


# requests ----------------------------------------------------------------------------------------


def test_two_requests_are_answered_in_their_order(desk: Desk) -> None:
    desk.send(ask(1, user("First"), max_tokens=4), ask(2, user("Second"), max_tokens=4))
    desk.finish(2)
    about = [event.request for event in desk.heard if isinstance(event, Started | Delta | Prefilled | Finished)]
    assert about == sorted(about)
    first, second = desk.of(Finished)
    assert first.generation.answer_tokens + first.generation.reasoning_tokens == 4
    assert second.generation.queue_seconds > first.generation.queue_seconds


def test_a_request_cancelled_in_the_queue_computes_nothing(desk: Desk) -> None:
    desk.send(ask(1, user("First"), max_tokens=4), ask(2, user(LONG)), Cancel(2))
    finished = desk.finish(2)
    assert finished.generation.end is End.USER
    assert finished.generation.answer_tokens == 0
    assert [event.request for event in desk.of(Started)] == [1]


def test_cancel_in_prefill(desk: Desk) -> None:
    desk.send(ask(1, user(LONG)))
    desk.until(Prefilled)
    desk.send(Cancel(1))
    assert desk.finish(1).generation.end is End.USER
    assert not desk.of(Delta)
    assert desk.of(Prefilled)[-1].done < desk.of(Prefilled)[-1].total


def test_cancel_in_decode(desk: Desk) -> None:
    desk.send(ask(1, user("Go on and on"), max_tokens=3000))
    desk.until(Delta)
    desk.send(Cancel(1))
    facts = desk.finish(1).generation
    assert 1 <= facts.reasoning_tokens + facts.answer_tokens < 3000


def test_cancelling_what_is_over_or_never_was_does_nothing(desk: Desk) -> None:
    desk.send(Cancel(77), AnswerNow(77), ask(1, user("Q"), max_tokens=2))
    assert desk.finish(1).generation.end is End.LIMIT
    desk.send(Cancel(1), ask(2, user("Q"), max_tokens=2))
    assert desk.finish(2).generation.end is End.LIMIT


def test_answer_now_reaches_a_running_thought(starter: Path, fresh: Desk) -> None:
    fresh.load(starter, starter)
    fresh.send(ask(1, user("What is 7 times 8?"), max_tokens=60, thinking_budget=500))
    fresh.until(Delta, lambda event: any(part.kind is Kind.REASONING for part in event.parts))
    fresh.send(AnswerNow(1))
    assert fresh.finish(1).generation.thought_end is ThoughtEnd.USER
    injected = [part for event in fresh.of(Delta) for part in event.parts if part.kind is Kind.INJECTED]
    assert len(injected) == 2


def test_a_prompt_that_is_too_long_fails_alone(desk: Desk) -> None:
    desk.send(ask(1, user(LONG * 3)), ask(2, user("Q"), max_tokens=2))
    failed = desk.until(Failed)
    assert (failed.request, failed.failure.kind) == (1, "ContextFull")
    assert desk.finish(2).generation.end is End.LIMIT


def test_tokens_are_counted_while_an_answer_is_written(desk: Desk) -> None:
    desk.send(ask(1, user("Go on and on"), max_tokens=3000))
    desk.until(Delta)
    chance, seconds = random.Random(1), list[float]()
    for request in range(40):
        text = "count me " * chance.randrange(1, 200)
        began = time.perf_counter()
        desk.send(Count(1000 + request, [text]))
        assert desk.until(Counted).request == 1000 + request
        seconds.append(time.perf_counter() - began)
    assert not desk.of(Finished)
    desk.send(Cancel(1))
    desk.finish(1)
    print(f"\ncount: median {sorted(seconds)[20] * 1000:.1f} ms, p95 {sorted(seconds)[37] * 1000:.1f} ms")


# the end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", [b"hello\n", b'{"type":"dance"}\n', b'{"type":"count","request":"x","texts":[]}\n', b"\xff\n"]
)
def test_what_is_not_the_protocol_ends_the_worker(fresh: Desk, line: bytes) -> None:
    fresh.sock.sendall(line)
    assert fresh.end() == EXIT_GARBAGE


def test_shutdown_of_an_idle_worker(fresh: Desk) -> None:
    fresh.send(Shutdown())
    assert fresh.end() == EXIT_GONE


def test_shutdown_while_an_answer_is_written_finishes_it(fresh: Desk, tiny_magistral: Path, tmp_path: Path) -> None:
    fresh.load(tiny_magistral, tmp_path)
    fresh.send(ask(1, user("Go on and on"), max_tokens=3000), ask(2, user("Never"), max_tokens=3000))
    fresh.until(Delta)
    fresh.send(Shutdown())
    assert [fresh.until(Finished).generation.end for _ in range(2)] == [End.USER, End.USER]
    assert fresh.end() == EXIT_GONE


def test_ctrl_c_in_the_terminal_is_for_the_desktop_to_understand(desk: Desk) -> None:
    desk.send(ask(1, user("Q"), max_tokens=4))
    desk.until(Started)
    os.kill(desk.process.pid, signal.SIGINT)
    assert desk.finish(1).generation.end is End.LIMIT


def test_what_is_printed_goes_to_the_log_and_never_into_the_socket(
    fresh: Desk, tiny_magistral: Path, tmp_path: Path
) -> None:
    """Every byte of the socket was an event, or `listen` had failed; and what failed is in the log."""
    fresh.load(tiny_magistral, tmp_path)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{", encoding="utf-8")
    fresh.send(Load(str(tmp_path), str(broken)))
    assert fresh.until(Failed).failure.kind == "ModelBroken"
    assert "JSONDecodeError" in fresh.log.read_text(encoding="utf-8")


PARENT = """
import os, signal, socket, sys
from pathlib import Path
from app.core.protocol import VERSION, Generate, Hello, Load, encode, decode_event, Turn
from app.core.messages import Kind, Part, Role
from app.core.lines import Lines
from app.engine.spawn import spawn_worker

model, stage, log = sys.argv[1:]
ours, theirs = socket.socketpair()
process = spawn_worker(None, theirs.fileno(), Path(log))
theirs.close()
long = "All work and no play makes Jack a dull boy. " * 100
turn = Turn(Role.USER, [Part(Kind.TEXT, long)])
for command in (Hello(VERSION), Load("/nowhere", model, 8192), Generate(1, [turn])):
    ours.sendall(encode(command) + b"\\n")
lines = Lines()
while True:
    for line in lines.feed(ours.recv(65536)):
        if type(decode_event(line)).__name__ == stage:
            print(process.pid, flush=True)
            signal.pause()
"""


@pytest.mark.parametrize("stage", ["Welcome", "TokenizerReady", "Prefilled", "Delta"])
def test_a_killed_desktop_takes_the_worker_with_it(stage: str, tiny_magistral: Path, tmp_path: Path) -> None:
    """During the start, the import of MLX, the prefill and the answer."""
    log = tmp_path / "worker.log"
    os.mkfifo(log)  # it ends when the last process that writes into it does
    end = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    desktop = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tiny_magistral), stage, str(log)], stdout=subprocess.PIPE, cwd=SOURCE
    )
    with desktop, os.fdopen(end, "rb") as prints:
        assert desktop.stdout
        assert int(desktop.stdout.readline()) > 0
        desktop.kill()
        began = time.perf_counter()
        os.set_blocking(end, True)
        assert b"Traceback" not in prints.read()
    print(f"\n{stage}: gone after {time.perf_counter() - began:.2f} s")


def test_a_desktop_that_closes_its_socket_ends_the_worker(fresh: Desk, tiny_magistral: Path, tmp_path: Path) -> None:
    fresh.send(Load(str(tmp_path), str(tiny_magistral)))
    fresh.until(TokenizerReady)
    fresh.sock.shutdown(socket.SHUT_RDWR)
    assert fresh.process.wait(HANGS) == EXIT_GONE


def test_the_reader_thread_has_no_mlx() -> None:
    """Counting and listening are loaded and work without a trace of the model stack."""
    script = (
        "import sys, app.worker.main, app.worker.tokens;"
        "print([name for name in sys.modules if name.split('.')[0] in ('mlx', 'mlx_lm', 'transformers', 'numpy')])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=SOURCE, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_document_parts_travel_and_come_first(desk: Desk) -> None:
    turn = user("What is in it?", Part(Kind.DOCUMENT, "x" * 50, name="notes.txt"))
    desk.send(ask(1, turn, max_tokens=2))
    assert desk.finish(1).generation.prompt_tokens > 15


# prefixes ----------------------------------------------------------------------------------------


def files_of(data: Path, session: int) -> list[Path]:
    return list((data / "prefixes").rglob(f"{session}-*"))


def test_what_was_computed_for_a_chat_goes_with_it_and_does_not_come_back(
    fresh: Desk, tiny_magistral: Path, tmp_path: Path
) -> None:
    fresh.load(tiny_magistral, tmp_path)
    long = user("The lemma holds for even numbers. " * 30)
    fresh.send(ask(1, long, session=5, max_tokens=4), ask(2, long, session=6, max_tokens=4))
    fresh.finish(2)
    fresh.until(Stored, lambda _event: bool(files_of(tmp_path, 5)) and bool(files_of(tmp_path, 6)))
    document = Turn(Role.USER, [Part(Kind.DOCUMENT, "A deed of gift. " * 200, (), "deed.txt")])
    fresh.send(Prewarm(3, [long, document], session=5), Forget([5]), Cancel(2))
    fresh.until(Prewarmed)
    fresh.send(ask(4, user("And now?"), session=6, max_tokens=2))
    fresh.finish(4)
    fresh.send(Shutdown())
    fresh.end()
    assert not files_of(tmp_path, 5)
    assert files_of(tmp_path, 6)


def test_a_document_beyond_the_context_is_not_read(desk: Desk) -> None:
    document = Turn(Role.USER, [Part(Kind.DOCUMENT, "A deed of gift. " * 2000, (), "deed.txt")])
    desk.send(Prewarm(31, [document]))
    assert desk.until(Prewarmed).rows == 0
    assert not [event for event in desk.of(Prefilled) if event.request == 31]


def test_a_restarted_worker_goes_on_from_the_disk(tiny_magistral: Path, tmp_path: Path) -> None:
    long = user("The lemma holds for even numbers. " * 30)
    with running(tmp_path / "first.log") as first:
        first.load(tiny_magistral, tmp_path)
        first.send(ask(1, long, session=5, max_tokens=4))
        before = first.finish(1).generation
        first.send(Shutdown())
        first.end()
    with running(tmp_path / "second.log") as second:
        second.load(tiny_magistral, tmp_path)
        second.send(ask(1, long, session=5, max_tokens=4))
        after = second.finish(1).generation
    assert before.restored_tokens == 0
    assert after.restored_tokens == after.cached_tokens == after.prompt_tokens - 1


def test_two_workers_on_one_folder_both_answer_and_one_of_them_saves(tiny_magistral: Path, tmp_path: Path) -> None:
    with running(tmp_path / "first.log") as first, running(tmp_path / "second.log") as second:
        first.load(tiny_magistral, tmp_path)
        second.load(tiny_magistral, tmp_path)
        told = [event.failure for event in second.of(Stored) if event.failure]
        assert told
        second.send(ask(1, user("Hello"), session=7, max_tokens=3))
        assert second.finish(1).generation.answer_tokens
        assert not files_of(tmp_path, 7)
