"""The desktop role as a process: pictures, the paint log, and an end that keeps everything."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.chat.desks import is_running


def start(data: Path, *options: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    return subprocess.Popen([sys.executable, "-m", "app", "--data", str(data), *options], env=environment)


def test_a_picture_has_the_size_and_the_scale_that_were_asked_for(tmp_path: Path) -> None:
    picture = tmp_path / "window.png"
    done = start(
        tmp_path / "data", "--screenshot", str(picture), "--size", "800x600", "--scale", "2", "--theme", "dark"
    )
    assert done.wait(60) == 0
    image = QImage(str(picture))
    assert (image.width(), image.height()) == (1600, 1200)
    assert image.pixelColor(1000, 300).lightness() < 60


@pytest.mark.parametrize("name", ["missing/window.png", "window.unknown"])
def test_a_picture_that_cannot_be_saved_ends_with_a_sentence(name: str, tmp_path: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "app", "--data", str(tmp_path / "data"), "--screenshot", str(tmp_path / name)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"lemma: The picture could not be saved as {tmp_path / name}")
    assert len(done.stderr.splitlines()) == 1


def test_control_c_ends_the_window_cleanly(tmp_path: Path) -> None:
    log = tmp_path / "paint.log"
    process = start(tmp_path / "data", "--paint-log", str(log))
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first = json.loads(log.read_text().splitlines()[0])
    assert first["heavy_modules"] == []
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not is_running(process.pid)
    assert json.loads((tmp_path / "data" / "state.json").read_text())["window"]
