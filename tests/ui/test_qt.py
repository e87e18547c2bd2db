"""The traps of Qt for Python that this app stepped around, so that an upgrade cannot step into them."""

import subprocess
import sys

EMITS = """
import os, sys
os.environ["QT_QPA_PLATFORM"] = "offscreen"
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QLabel

app = QApplication([])
class Bridge(QObject):
    said = Signal(str)
bridge, label, refs = Bridge(), QLabel(), sys.getrefcount
before = refs(True), refs(None)
for _ in range(50):
    bridge.said.emit("x")
    label.setText("x")
print(refs(True) - before[0], refs(None) - before[1])
for _ in range(20_000):
    bridge.said.emit("x")
sys.stdout.flush()
os._exit(0)
"""
IMPORTS = """
import sys
import app.ui.desktop
heavy = {"mlx", "mlx_lm", "transformers", "tokenizers", "numpy", "app.worker", "app.worker.main",
         "PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtSvg"}
print(sorted(heavy & set(sys.modules)))
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


def test_signals_keep_the_references_of_true_and_none() -> None:
    """PySide6 6.12.0 on Python 3.11 loses one with each emit and aborts after some hundred."""
    true, none = (int(number) for number in run(EMITS).split())
    assert true > -25
    assert none > -25


def test_the_window_loads_neither_the_model_stack_nor_more_of_qt_than_it_shows() -> None:
    assert run(IMPORTS) == "[]"
