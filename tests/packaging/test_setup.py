"""The real scripts in a copy of their own; what surrounds them (python3, uv, apt-get) is played where it must fail."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = (
    "awk",
    "cat",
    "chmod",
    "cmp",
    "cp",
    "dirname",
    "id",
    "ldd",
    "ln",
    "mkdir",
    "mount",
    "readlink",
    "rm",
    "sed",
    "sh",
    "sleep",
    "uname",
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's namespaces and loader")

FAKE_UV = """\
echo "$1 $2" >>"$LOG"
case $1 in
venv)
    sleep 0.3
    mkdir -p .venv/bin .venv/lib/python3.11/site-packages/PySide6
    printf '#!/bin/sh\\n[ "$1" = -c ] || echo "$PWD|$PYTHONPATH|$*"\\n' >.venv/bin/python
    chmod +x .venv/bin/python;;
pip) [ -z "${SAYS:-}" ] || { echo "$SAYS" >&2; exit 2; };;
esac
"""
FAKE_LDD = 'case $(cat "$LOG") in *"get install"*) ;; *) echo "libGL.so.1 => not found";; esac'
FAKE_APT = 'echo "apt-get $*" >>"$LOG"'


class Checkout:
    """A copy of what the scripts need, and a PATH with nothing but the tools they may use."""

    def __init__(self, folder: Path) -> None:
        self.root, self.path, self.log = folder / "lemma", folder / "bin", folder / "log"
        self.root.mkdir()
        self.path.mkdir()
        self.log.touch()
        shutil.copy(ROOT / "run", self.root)
        shutil.copytree(ROOT / "packaging", self.root / "packaging")
        for tool in TOOLS:
            self.link(tool, shutil.which(tool))
        self.environment = {"PATH": str(self.path), "HOME": str(folder), "LOG": str(self.log)}

    def link(self, name: str, target: str | Path | None) -> None:
        """Put a real tool on the PATH."""
        if not target:
            pytest.skip(f"there is no {name} here")
        (self.path / name).symlink_to(target)

    def fake(self, name: str, script: str) -> None:
        """Put a played tool on the PATH."""
        (self.path / name).unlink(missing_ok=True)
        (self.path / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.path / name).chmod(0o755)

    def start(self, *arguments: str, inside: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ./run; `inside` names the namespaces to run it in and what to do there first."""
        command = [str(self.root / "run"), *arguments]
        if inside:
            flags, _, first = inside.partition(" ")
            isolated = ["/usr/bin/unshare", f"-{flags}" if os.geteuid() == 0 else f"-r{flags}"]
            if subprocess.run([*isolated, "true"], check=False, capture_output=True).returncode:
                pytest.skip("no namespaces can be made here")
            command = [*isolated, "/bin/sh", "-c", f'{first or ":"} && exec "$0" "$@"', *command]
        return self.call(command, environment)

    def call(self, command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder above the copy."""
        return subprocess.run(
            command,
            cwd=self.root.parent,
            env=self.environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What the played tools were asked."""
        return self.log.read_text().splitlines()


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


@pytest.fixture
def playing(checkout: Checkout) -> Checkout:
    """A checkout whose uv is played and whose system libraries are all there."""
    checkout.fake("uv", FAKE_UV)
    checkout.fake("ldd", ":")
    return checkout


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """One sentence on stderr says why, and the status says that nothing was started."""
    *before, sentence = result.stderr.splitlines()
    assert sentence.startswith("run: ")
    assert all(word in sentence for word in words), result.stderr
    assert all(line.startswith("run: setting up") for line in before), result.stderr
    assert result.returncode == 1
    assert not result.stdout


def left(checkout: Checkout) -> set[str]:
    """What a start made in the checkout, but for the empty folder of its lock."""
    made = {path.name for path in checkout.root.iterdir()} - {"run", "packaging", ".tools"}
    tools = checkout.root / ".tools"
    return made | ({path.name for path in tools.iterdir()} if tools.exists() else set())


def test_the_second_start_goes_straight_to_the_app(playing: Checkout) -> None:
    assert playing.start("ask", "two words").returncode == 0
    asked = playing.calls()
    playing.fake("uv", "exit 9")
    began = time.perf_counter()
    result = playing.start("ask", "two words")
    assert time.perf_counter() - began < 1
    assert result.stdout == f"{playing.root.parent}|{playing.root}|-m app ask two words\n"
    assert not result.stderr
    assert playing.calls() == asked


def test_a_changed_lock_is_installed_into_the_same_environment(playing: Checkout) -> None:
    playing.start()
    with (playing.root / "packaging/data.lock").open("a") as lock:
        lock.write("# changed\n")
    playing.start()
    assert [call for call in playing.calls() if "--version" not in call] == ["venv --quiet", "pip sync", "pip sync"]


def test_it_can_be_started_from_anywhere_by_a_link(playing: Checkout) -> None:
    (playing.path / "lemma").symlink_to(playing.root / "run")
    result = playing.call(["lemma", "doctor"], {})
    assert result.stdout == f"{playing.root.parent}|{playing.root}|-m app doctor\n"


def test_of_two_first_starts_one_sets_up_and_the_other_waits(playing: Checkout) -> None:
    command = [playing.root / "run"]
    starts = [
        subprocess.Popen(command, env=playing.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    words = [start.communicate(timeout=60)[1] for start in starts]
    assert [start.returncode for start in starts] == [0, 0, 0]
    assert playing.calls().count("pip sync") == 1
    assert sum("waiting for another start" in word for word in words) == len(starts) - 1


def test_a_set_up_that_was_killed_is_begun_anew(playing: Checkout) -> None:
    (playing.root / ".tools").mkdir()
    (playing.root / ".tools/turn").symlink_to("99999999")
    (playing.root / ".venv/bin").mkdir(parents=True)
    (playing.root / ".venv/bin/python").symlink_to("/bin/false")
    assert playing.start().returncode == 0
    assert "venv --quiet" in playing.calls()


def test_an_environment_whose_python_is_gone_is_made_anew(playing: Checkout) -> None:
    assert playing.start().returncode == 0
    (playing.root / ".venv/bin/python").unlink()
    assert playing.start().returncode == 0
    assert playing.calls().count("venv --quiet") == 2


def test_no_python(checkout: Checkout) -> None:
    assert_refused(checkout.start(), "needs python3", "python3-venv")
    assert not left(checkout)


@pytest.mark.parametrize("module", ["venv", "ensurepip"])
def test_no_venv_module(checkout: Checkout, module: str) -> None:
    checkout.fake("python3", f'echo "/usr/bin/python3: No module named {module}" >&2; exit 1')
    assert_refused(checkout.start(), "no venv module", "sudo apt-get install python3-venv")
    assert not left(checkout)


def test_python_is_too_old(checkout: Checkout) -> None:
    checkout.link("uv", shutil.which("uv") or next(ROOT.glob(".tools/uv/bin/uv"), None))
    checkout.fake("python3", """echo '{"result":"error","kind":"unsupported_python_version","python_version":"3.9"}'""")
    result = checkout.start(UV_PYTHON_DOWNLOADS="never", UV_PYTHON_INSTALL_DIR=str(checkout.root.parent / "none"))
    assert_refused(result, "needs Python 3.11 to 3.14")
    assert not left(checkout)


def test_no_network(checkout: Checkout) -> None:
    checkout.link("python3", getattr(sys, "_base_executable", sys.executable))
    assert_refused(checkout.start(inside="n"), "could not get uv", "the network cannot be reached")
    assert not left(checkout)


def test_the_network_ends_while_packages_are_fetched(playing: Checkout) -> None:
    says = "error: Request failed after 3 retries\n  cause: client error (Connect)\n  cause: dns error"
    assert_refused(playing.start(SAYS=says), "Python packages", "the network cannot be reached")
    assert not left(playing)


def test_the_folder_is_read_only(checkout: Checkout) -> None:
    mount = f"mount --bind '{checkout.root}' '{checkout.root}' && mount -o remount,bind,ro '{checkout.root}'"
    assert_refused(checkout.start(inside=f"m {mount}"), "cannot write to", str(checkout.root), "Read-only")
    assert not left(checkout)


def test_the_disk_is_full(checkout: Checkout) -> None:
    checkout.link("python3", getattr(sys, "_base_executable", sys.executable))
    disk = (
        f"mount -t tmpfs -o size=1m none '{checkout.root}' && cp -r '{ROOT}/run' '{ROOT}/packaging' '{checkout.root}'"
    )
    assert_refused(checkout.start(inside=f"m {disk}"), "the disk is full")


def test_the_disk_fills_up_while_packages_are_installed(playing: Checkout) -> None:
    assert_refused(playing.start(SAYS="error: failed to write: No space left on device (os error 28)"), "disk is full")
    assert not left(playing)


def test_missing_system_libraries_are_named_to_a_user(playing: Checkout) -> None:
    playing.fake("ldd", FAKE_LDD)
    playing.fake("apt-get", FAKE_APT)
    playing.fake("id", "echo 1000")
    assert_refused(playing.start(), "type: sudo apt-get install libegl1 libgl1 ")
    assert not [call for call in playing.calls() if call.startswith("apt-get")]


def test_missing_system_libraries_are_installed_by_root(playing: Checkout) -> None:
    playing.fake("ldd", FAKE_LDD)
    playing.fake("apt-get", FAKE_APT)
    playing.fake("dpkg-query", "exit 1")
    playing.fake("id", "echo 0")
    assert playing.start().returncode == 0
    asked = [call for call in playing.calls() if call.startswith("apt-get")]
    assert "libxcb-cursor0" in asked[1]
    assert "fonts-inter" in asked[2]


def test_a_window_needs_more_than_drawing_off_screen(playing: Checkout) -> None:
    assert playing.start().returncode == 0
    playing.fake("ldd", 'case $* in *libqxcb.so*) echo "libxcb-cursor.so.0 => not found";; esac')
    playing.fake("apt-get", FAKE_APT)
    playing.fake("id", "echo 1000")
    assert playing.start().returncode == 0
    assert_refused(playing.start(DISPLAY=":0"), "libxcb-cursor0")
