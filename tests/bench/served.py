"""mlx_lm's own server on a loopback port, asked as a client would ask it."""

import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from app.engine.spawn import worker_environment

TEMPLATE = (
    "{% for message in messages %}{% if not loop.first %}{{ '\n' }}{% endif %}"
    "<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}{{ '\n' }}<|im_start|>assistant\n{% endif %}"
)
"""The starter's, in Jinja: the server needs one in the model's folder."""
QUIETLY = ("--log-level", "WARNING")
DEADLINE = 120.0


class Served(NamedTuple):
    """One answer."""

    seconds: float
    """To the first piece of text."""
    text: str
    cached: int
    """Tokens of the prompt that it says it knew."""


class Server:
    """A server that listens; its prompt cache is its own."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, messages: list[dict[str, str]], max_tokens: int) -> Served:
        """Ask greedily, streaming."""
        body = {
            "messages": messages,
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.0,
            "max_tokens": max_tokens,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        began = time.perf_counter()
        connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            raise RuntimeError(f"mlx_lm.server said {response.status}: {response.read()[:500]!r}")
        seconds, text, cached = 0.0, "", 0
        for line in response:
            if not line.startswith(b"data: {"):
                continue
            said: dict[str, Any] = json.loads(line[6:])
            piece = "".join(choice["delta"].get("content") or "" for choice in said.get("choices", []))
            if piece and not text:
                seconds = time.perf_counter() - began
            text += piece
            cached = (((said.get("usage") or {}).get("prompt_tokens_details")) or {}).get("cached_tokens", cached)
        connection.close()
        return Served(seconds, text, cached)


@contextmanager
def server(model: Path) -> Iterator[Server]:
    """A server with that model, the starter; ended with the block."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        taken.close()
        log = Path(folder) / "server.log"
        with log.open("wb") as output:
            dressed = _dress(model, Path(folder) / "model")
            process = subprocess.Popen(
                [sys.executable, "-m", "mlx_lm.server", "--model", dressed, "--port", str(port), *QUIETLY],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=folder,
                env=worker_environment(),
            )
        try:
            _wait_for(port, process, log)
            yield Server(port)
        finally:
            process.kill()
            process.wait()


def _dress(model: Path, folder: Path) -> Path:
    """The same files with the template and the tokenizer's class, which the server looks for."""
    folder.mkdir()
    for file in model.iterdir():
        (folder / file.name).symlink_to(file)
    described = folder / "tokenizer_config.json"
    config = json.loads(described.read_text(encoding="utf-8"))
    described.unlink()
    config |= {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": TEMPLATE}
    described.write_text(json.dumps(config), encoding="utf-8")
    return folder


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health")
            if connection.getresponse().status == http.client.OK:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"mlx_lm.server did not start: {log.read_text(encoding='utf-8')[-1000:]}")
