"""The hub of these tests is taken for one by huggingface_hub's own download."""

import subprocess
import sys
from pathlib import Path

from tests.hub import Hub

CODE = """
import sys
from huggingface_hub import snapshot_download
print(snapshot_download("maker/Model-4bit", cache_dir=sys.argv[1], token=False))
"""


def test_huggingface_hub_downloads_from_it(hub: Hub, tmp_path: Path) -> None:
    repository = hub.add_model("maker/Model-4bit", 100_000)
    result = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path / "cache")], capture_output=True, check=True, timeout=60
    )
    snapshot = Path(result.stdout.decode().strip())
    assert {path.name: path.read_bytes() for path in snapshot.iterdir()} == {
        name: content.whole() for name, content in repository.files.items()
    }
