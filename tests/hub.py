"""A hub on loopback for tests: what huggingface_hub asks of the real one, and every trouble that a network has.

Two servers: the hub, and beside it, at another origin, the store to which it redirects whoever asks for a large
file. `python -m tests.hub BYTES SHARDS RATE` serves one repository until its standard input ends.
"""

import hashlib
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import unquote, urlsplit

PIECE = 1 << 16
BLOCK = (1 << 20) + 7
"""Bytes that large files repeat; no power of two, so that a shifted range never looks right."""
CONFIG: dict[str, Any] = {
    "architectures": ["MistralForCausalLM"],
    "model_type": "mistral",
    "hidden_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "intermediate_size": 256,
    "vocab_size": 1000,
    "max_position_embeddings": 4096,
    "quantization": {"group_size": 64, "bits": 4},
}
MAIN, OLD = "a" * 40, "b" * 40


class Content:
    """A file's bytes; large ones are made when they are sent, and never lie anywhere whole."""

    def __init__(self, size: int, seed: int) -> None:
        self.size = size
        self._block = memoryview(random.Random(seed).randbytes(min(BLOCK, size)))

    def pieces(self, start: int, end: int) -> Iterator[memoryview]:
        at = start
        while at < end:
            inside = at % len(self._block)
            piece = self._block[inside : inside + min(PIECE, end - at)]
            yield piece
            at += len(piece)

    def whole(self) -> bytes:
        return b"".join(self.pieces(0, self.size))


class Text(Content):
    """A small file's bytes."""

    def __init__(self, text: bytes) -> None:
        self.size, self._block = len(text), memoryview(text)


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer to a request for a file."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    """Bytes of the body after which the connection is closed."""
    stall: bool = False
    """Nothing more comes after `cut` bytes, and the connection stays."""
    ignore_range: bool = False
    shift: int = 0
    """The answer to a range begins so many bytes later than it was asked for."""
    longer: int = 0
    """Bytes that come, and are announced, beyond the file's end; negative: so many fewer."""
    spoiled: bool = False
    no_length: bool = False


@dataclass
class Repository:
    """One repository. Files above `large` bytes are stored elsewhere, as Git LFS does."""

    files: dict[str, Content]
    commit: str = MAIN
    past: tuple[str, ...] = ()
    """Older commits, with the same files."""
    tags: tuple[str, ...] = ("mlx", "license:apache-2.0")
    library: str = "mlx"
    large: int = 10_000
    gated: bool = False
    private: bool = False
    admitted: set[str] = field(default_factory=set)
    """Tokens that open it."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Said instead of the right ones."""
    sizes: dict[str, int] = field(default_factory=dict)
    bare: bool = False
    """The description has names only, as that of some mirrors."""
    _known: dict[str, tuple[str, str]] = field(default_factory=dict)

    def tag(self, name: str) -> tuple[str, str]:
        """sha256 of a large file or nothing, and git's name."""
        if name not in self._known:
            content = self.files[name]
            is_large = content.size > self.large
            digest = hashlib.sha256() if is_large else hashlib.sha1(f"blob {content.size}\0".encode())
            for piece in content.pieces(0, content.size):
                digest.update(piece)
            said = self.hashes.get(name, digest.hexdigest())
            self._known[name] = (said, hashlib.sha1(said.encode()).hexdigest()) if is_large else ("", said)
        return self._known[name]

    def describe(self, repository: str, revision: str | None = None) -> dict[str, Any]:
        return {
            "id": repository,
            "sha": revision if revision in self.past else self.commit,
            "tags": list(self.tags),
            "library_name": self.library,
            "gated": "auto" if self.gated else False,
            "private": self.private,
            "cardData": {"license": "apache-2.0"},
            "siblings": [{"rfilename": name} if self.bare else self._sibling(name) for name in self.files],
        }

    def tree(self) -> list[dict[str, Any]]:
        found = []
        for name in self.files:
            sibling = self._sibling(name)
            entry = {"type": "file", "path": name, "size": sibling["size"], "oid": sibling["blobId"]}
            if lfs := sibling.get("lfs"):
                entry["lfs"] = {"oid": lfs["sha256"], "size": lfs["size"], "pointerSize": lfs["pointerSize"]}
            found.append(entry)
        return found

    def _sibling(self, name: str) -> dict[str, Any]:
        sha256, git = self.tag(name)
        size = self.sizes.get(name, self.files[name].size)
        sibling = {"rfilename": name, "size": size, "blobId": git}
        return sibling | ({"lfs": {"size": size, "sha256": sha256, "pointerSize": 130}} if sha256 else {})


class Limit:
    """So many bytes a second for all connections together."""

    def __init__(self, rate: float) -> None:
        self._rate, self._lock = rate, threading.Lock()
        self._free_at = time.monotonic()

    def take(self, count: int) -> None:
        with self._lock:
            now = time.monotonic()
            self._free_at = max(self._free_at, now - 0.02) + count / self._rate
            wait = self._free_at - now
        if wait > 0:
            time.sleep(wait)


class Hub:
    """The two servers, and what they have seen."""

    def __init__(self, rate: float | None = None) -> None:
        self.repositories: dict[str, Repository] = {}
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        """By a file's name, or by the word "api" for descriptions; each is used once."""
        self.always: dict[str, Fault] = {}
        """Used when there are none of those."""
        self.sent: Counter[str] = Counter()
        """Bytes of bodies by file name."""
        self.asked: list[tuple[str, str, str]] = []
        """Host ("hub" or "store"), path, and the Authorization header of every request."""
        self.reached: dict[str, threading.Event] = defaultdict(threading.Event)
        """Set when a stalled answer has come to its stall."""
        self.released = threading.Event()
        self.limit = Limit(rate) if rate else None
        self._servers = [_Server(self, "hub"), _Server(self, "store")]
        self.endpoint, self.store = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), name=server.host, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.released.set()
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def add(self, repository: str, files: Mapping[str, Content | bytes], **options: Any) -> Repository:
        """Put a repository on the hub."""
        made = {name: Text(content) if isinstance(content, bytes) else content for name, content in files.items()}
        self.repositories[repository] = Repository(made, **options)
        return self.repositories[repository]

    def add_model(self, repository: str, *weights: int, **options: Any) -> Repository:
        """Put a model on the hub with shards of so many bytes; `files` are added, `config` is laid over the usual."""
        files: dict[str, Content | bytes] = {
            "config.json": json.dumps(CONFIG | options.pop("config", {})).encode(),
            "tokenizer.json": b"{}" * 50,
            "tokenizer_config.json": b'{"model_max_length": 4096}',
            "README.md": b"# A model\n",
            ".gitattributes": b"*.safetensors filter=lfs\n",
        }
        for number, size in enumerate(weights, 1):
            files[f"model-{number:05}-of-{len(weights):05}.safetensors"] = Content(size, seed=number)
        return self.add(repository, files | options.pop("files", {}), **options)

    def next_fault(self, name: str) -> Fault:
        waiting = self.faults[name]
        return waiting.pop(0) if waiting else self.always.get(name, Fault())

    def tokens_seen(self, host: str) -> set[str]:
        return {header for asked, _path, header in self.asked if asked == host and header}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, hub: Hub, host: str) -> None:
        self.hub, self.host = hub, host
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed leaves broken pipes; they are no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def log_message(self, *_words: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, path = self.server.hub, unquote(urlsplit(self.path).path)
        hub.asked.append((self.server.host, path, self.headers.get("Authorization", "")))
        if path == "/_sent":
            self._say(200, json.dumps(hub.sent).encode())
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/(revision|tree)/(.+))?", path):
            self._describe(match[1], match[3], tree=match[2] == "tree")
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[2], match[3])
        elif match := re.fullmatch(r"/stored/([^/]+/[^/]+)/(.+)", path):
            self._send_file(hub.repositories[match[1]].files[match[2]], match[2])
        else:
            self._say(404, b"", {"X-Error-Code": "RepoNotFound"})

    def _describe(self, name: str, revision: str | None, *, tree: bool) -> None:
        fault = self.server.hub.next_fault("api")
        if fault.stall:
            self.server.hub.reached["api"].set()
            self.server.hub.released.wait()
        if fault.status:
            self._say(fault.status, b"no", fault.headers)
        elif (found := self._find(name, revision, closed=lambda one: one.private)) is not None:
            self._say(200, json.dumps(found.tree() if tree else found.describe(name, revision)).encode())

    def _resolve(self, name: str, revision: str, file: str) -> None:
        found = self._find(name, revision, closed=lambda one: one.private or one.gated)
        if found is None:
            return
        if file not in found.files:
            self._say(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        sha256, git = found.tag(file)
        headers = {"X-Repo-Commit": found.commit, "ETag": f'"{sha256 or git}"'}
        if sha256:
            headers |= {"X-Linked-Size": str(found.files[file].size), "X-Linked-Etag": f'"{sha256}"'}
            headers["Location"] = f"{self.server.hub.store}/stored/{name}/{file}?signature=1"
            self._say(302, b"", headers)
        else:
            self._send_file(found.files[file], file, headers)

    def _find(self, name: str, revision: str | None, closed: Any) -> Repository | None:
        """The repository, if there is one and the token that came opens it; else the refusal is said."""
        found = self.server.hub.repositories.get(name)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if found is None:
            self._say(404, b"", {"X-Error-Code": "RepoNotFound"})
        elif closed(found) and token not in found.admitted:
            code = {"X-Error-Code": "GatedRepo" if found.gated else "RepoNotFound"}
            if token.startswith("wrong"):
                self._say(401, b"", {"X-Error-Message": "Invalid credentials in Authorization header"})
            else:
                self._say(403 if token else 401, b"", code)
        elif revision not in (None, "main", found.commit, *found.past):
            self._say(404, b"", {"X-Error-Code": "RevisionNotFound"})
        else:
            return found
        return None

    def _send_file(self, content: Content, name: str, headers: Mapping[str, str] | None = None) -> None:
        fault = self.server.hub.next_fault(name) if self.command == "GET" else Fault()
        if fault.status:
            self._say(fault.status, b"trouble", fault.headers)
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start, end = 0, content.size + fault.longer
        self.send_response_only(206 if asked and not fault.ignore_range else 200)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        if asked and not fault.ignore_range:
            start = int(asked[1]) + fault.shift
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{content.size}")
        if fault.no_length:
            self.send_header("Connection", "close")
            self.close_connection = True
        else:
            self.send_header("Content-Length", str(max(0, end - start)))
        self.end_headers()
        if self.command == "GET":
            self._send_body(content, name, start, end, fault)

    def _send_body(self, content: Content, name: str, start: int, end: int, fault: Fault) -> None:
        stop = end if fault.cut is None else min(end, start + fault.cut)
        for piece in content.pieces(start, stop):
            left = memoryview(bytes(byte ^ 255 for byte in piece)) if fault.spoiled else piece
            if limit := self.server.hub.limit:
                limit.take(len(left))
            while left:
                count = self.connection.send(left)
                self.server.hub.sent[name] += count
                left = left[count:]
        if stop < end:
            if fault.stall:
                self.server.hub.reached[name].set()
                self.server.hub.released.wait()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    def _say(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response_only(status)
        for key, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


def main() -> None:
    """Serve one model; the first line of output is where, further ones answer lines of input with bytes sent."""
    size, shards, rate = (int(word) for word in sys.argv[1:4])
    with Hub(rate) as hub:
        repository = hub.add_model("bench/Model-4bit", *[size // shards] * shards)
        files = {name: content.size for name, content in repository.files.items() if repository.tag(name)}
        print(json.dumps({"endpoint": hub.endpoint, "files": files}), flush=True)
        for _line in sys.stdin:
            print(json.dumps(hub.sent), flush=True)


if __name__ == "__main__":
    main()
