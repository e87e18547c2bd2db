"""What importing the window, the desk or the command line must not load."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODEL_STACK = ("mlx", "mlx_lm", "transformers", "tokenizers", "numpy", "torch")


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("app.ui.window", (*MODEL_STACK, "huggingface_hub")),
        ("app.ui.desktop", (*MODEL_STACK, "huggingface_hub")),
        ("app.chat.desk", (*MODEL_STACK, "PySide6", "huggingface_hub")),
        ("app.cli.ask", (*MODEL_STACK, "PySide6", "huggingface_hub")),
        ("app.cli.doctor", (*MODEL_STACK, "PySide6", "huggingface_hub")),
        ("app.worker.main", ("mlx", "mlx_lm", "transformers", "PySide6", "sqlite3")),
        ("app.documents.reader", (*MODEL_STACK, "PySide6", "sqlite3")),
        ("app.core.protocol", (*MODEL_STACK, "PySide6", "sqlite3", "psutil", "socket", "subprocess")),
    ],
)
def test_a_module_stays_light(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*[name for name in {absent!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert result.stdout.split() == []
