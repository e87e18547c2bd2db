"""The front door: each role by its argument, and nothing heavy before it is needed."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.fetching import Look, Move, Order, Verify
from app.core.fetching import encode as encode_order
from app.core.protocol import VERSION, Hello, Shutdown, encode

ROOT = Path(__file__).parents[1]
LOOK = """
import atexit, json, sys
def tell():
    heavy = ("PySide6", "mlx", "mlx_lm", "transformers", "tokenizers", "numpy", "huggingface_hub", "sqlite3",
             "hf_xet", "keyring", "multiprocessing.synchronize")
    sys.stderr.write("LOADED " + json.dumps([name for name in heavy if name in sys.modules]) + "\\n")
atexit.register(tell)
import runpy
sys.argv = ["app", *sys.argv[1:]]
runpy.run_module("app", run_name="__main__", alter_sys=True)
"""


def start(*words: str, said: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run the app to its end, without a display."""
    clean = {key: value for key, value in os.environ.items() if key not in _DISPLAYS}
    return subprocess.run(
        [sys.executable, *words],
        check=False,
        input=said,
        capture_output=True,
        cwd=ROOT,
        env=clean | environment,
        timeout=60,
    )


_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def loaded(result: subprocess.CompletedProcess[bytes]) -> list[str]:
    """Which heavy packages a role had loaded at its end."""
    (line,) = [line for line in result.stderr.decode().splitlines() if line.startswith("LOADED ")]
    found: list[str] = json.loads(line.removeprefix("LOADED "))
    return found


def test_code_is_run_as_an_interpreter_would() -> None:
    code = "import sys; print(__name__, sys.argv, 'app.cli' in sys.modules)"
    result = start("-m", "app", "-c", code, "first", "-second")
    assert result.stdout.decode() == "__main__ ['-c', 'first', '-second'] False\n"
    assert start("-m", "app", "-c", "raise SystemExit(7)").returncode == 7


TRACK = """
import multiprocessing.resource_tracker as tracker, multiprocessing.spawn as spawn, os, sys
spawn.set_executable(sys.argv[1])
tracker.ensure_running()
tracker.register("/lemma-test", "semaphore")
tracker.unregister("/lemma-test", "semaphore")
own = tracker._resource_tracker
os.close(own._fd)
print("status", os.waitpid(own._pid, 0)[1])
own._fd = own._pid = None
"""


@pytest.mark.parametrize("flags", [(), ("-I",), ("-B", "-X", "utf8", "-W", "error")])
def test_multiprocessing_can_use_the_app_as_its_interpreter(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """As in a bundle: it starts its resource tracker as `app FLAGS -c CODE`, with the flags it runs under itself."""
    launcher = tmp_path / "Lemma"
    launcher.write_text(f'#!/bin/sh\ncd {ROOT}\nexec {sys.executable} -m app "$@"\n')
    launcher.chmod(0o700)
    result = start(*flags, "-c", TRACK, str(launcher))
    assert result.stdout == b"status 0\n", result.stderr.decode()
    assert result.stderr == b""


@pytest.mark.parametrize(
    ("words", "status"),
    [(("--help",), 0), (("--version",), 0), (("--nonsense",), 2), (("--fetcher", "9"), 2), (("ask", ""), 2)],
)
def test_the_command_line_loads_nothing_heavy(words: tuple[str, ...], status: int) -> None:
    result = start("-c", LOOK, *words)
    assert result.returncode == status
    assert set(loaded(result)) <= {"sqlite3"}


def test_the_reader_loads_nothing_heavy() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", LOOK, "--reader", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        ours.sendall(b'"L25vbmUv"\n')  # base64 of /none/
        assert b"FileUnreadable" in ours.recv(10_000)
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.splitlines()[-1] == b"LOADED []"


@pytest.mark.parametrize(
    ("order", "said", "heavy"),
    [
        (Verify("/none"), b"DiskAbsent", []),
        (Move("/none", "/none/more"), b"DiskAbsent", []),
        (Look("/none"), b"UsageError", []),
        (Look("maker/Model"), b"offline", ["huggingface_hub"]),
    ],
)
def test_the_fetcher_loads_the_hub_alone_and_only_where_it_is_asked(
    order: Order, said: bytes, heavy: list[str]
) -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", LOOK, "--fetcher", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                cwd=ROOT,
                env=os.environ | {"HF_HUB_OFFLINE": "1"},
            )
        ours.sendall(encode_order(order) + b"\n")
        with ours.makefile("rb") as stream:
            assert said in stream.readlines()[-1]
        _out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err.splitlines()[-1] == b"LOADED " + json.dumps(heavy).encode()


def test_a_fetcher_whose_desktop_says_nothing_and_goes_ends() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "--fetcher", str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
        )
    ours.close()
    assert process.wait(30) == 0


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks at what Linux has mapped")
def test_the_worker_says_hello_before_it_loads_mlx() -> None:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "--worker", str(theirs.fileno())], pass_fds=[theirs.fileno()], cwd=ROOT
            )
        ours.sendall(encode(Hello(VERSION)) + b"\n")
        assert b'"type":"welcome"' in ours.recv(10_000)
        mapped = Path(f"/proc/{process.pid}/maps").read_text()
        assert "libpython" in mapped or "python" in mapped
        assert "mlx" not in mapped
        assert "PySide6" not in mapped
        ours.sendall(encode(Shutdown()) + b"\n")
        assert process.wait(30) == 0


def test_without_a_display_one_line_names_the_terminal(tmp_path: Path) -> None:
    result = start("-c", LOOK, "--data", str(tmp_path / "data"))
    assert result.returncode == 2
    first, *rest = result.stderr.decode().splitlines()
    assert "no display" in first
    assert "./run ask" in first
    assert len(rest) == 1
    assert "PySide6" not in loaded(result)
    assert not (tmp_path / "data").exists()


def test_a_data_folder_that_cannot_be_written_is_told_before_a_window_opens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = start("-m", "app", "--data", str(tmp_path / "file" / "data"), QT_QPA_PLATFORM="offscreen")
    assert result.returncode == 1
    assert b"cannot be written" in result.stderr
    assert result.stderr.count(b"\n") == 1
