"""A lock that dies with its process and names its owner."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.core.owner import Owner
from app.engine.lock import NOBODY, Lock, is_alive, this_process

ROOT = Path(__file__).parents[2]
HOLDER = """
import sys
from pathlib import Path
from app.engine.lock import Lock, this_process
lock = Lock(Path(sys.argv[1]), this_process("ask"))
assert lock.acquire() is None
print("held", flush=True)
sys.stdin.read()
"""


def hold(path: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_lock_names_its_holder_and_dies_with_it(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    child = hold(path)
    lock = Lock(path, this_process("desktop"))
    owner = lock.acquire()
    assert owner
    assert (owner.pid, owner.role) == (child.pid, "ask")
    assert is_alive(owner)
    assert lock.holder() == owner
    child.kill()
    child.communicate()
    assert not is_alive(owner)
    assert lock.holder() is None
    assert lock.acquire() is None
    assert lock.acquire() is None
    lock.release()
    lock.release()


def test_two_locks_of_one_process_exclude_each_other(tmp_path: Path) -> None:
    first, second = (Lock(tmp_path / "lock", this_process(role)) for role in ("desktop", "ask"))
    assert first.acquire() is None
    holder = second.acquire()
    assert holder
    assert holder.role == "desktop"
    first.release()
    assert second.acquire() is None
    second.release()


@pytest.mark.parametrize("content", ["", "nonsense", '{"pid":1,"started":1.0,"role":"desktop"}'])
def test_a_stale_file_is_no_obstacle_and_no_name(tmp_path: Path, content: str) -> None:
    path = tmp_path / "lock"
    path.write_text(content)
    lock, other = Lock(path, this_process("desktop")), Lock(path, this_process("ask"))
    assert lock.holder() is None
    assert lock.acquire() is None
    path.write_text(content)  # as if the holder had not come to write its name yet
    assert other.acquire() == NOBODY
    lock.release()


def test_a_reused_process_id_is_another_owner() -> None:
    me = this_process("desktop")
    assert is_alive(me)
    assert not is_alive(Owner(me.pid, me.started - 100, "desktop"))
    assert not is_alive(Owner(2**22 + 1, me.started))
    assert not is_alive(NOBODY)


def test_a_lock_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock", this_process("desktop"))
    lock.acquire()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
    lock.release()
