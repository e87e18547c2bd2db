"""An error that nobody foresaw goes to the log, and the window says where that is."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
CODE = """
import logging, sys, threading
from pathlib import Path
from app.chat.log import keep_log
said = []
keep_log(Path(sys.argv[1]), said.append)
def fail(): raise ZeroDivisionError("in a thread")
thread = threading.Thread(target=fail); thread.start(); thread.join()
thread = threading.Thread(target=fail); thread.start(); thread.join()
print(len(said), said[0].failure.hint)
raise ValueError("in the main thread")
"""


def test_a_bug_in_any_thread_is_logged_and_told_once(tmp_path: Path) -> None:
    file = tmp_path / "logs" / "desktop.log"
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.startswith("1 ")
    assert str(file) in done.stdout
    written = file.read_text()
    assert written.count("ZeroDivisionError: in a thread") == 2
    assert "ValueError: in the main thread" in written
