"""Files into text: every usual encoding, no binary, no endless file, and a process of its own for strangers' bytes."""

import base64
import codecs
import gzip
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from app.core.errors import FileUnreadable
from app.core.roles import SOURCE
from app.documents import text as reading
from app.documents.client import read_file
from app.documents.text import SIZE_LIMIT, read_text

TEXT = "Ünïcode “text”, π ≈ 3\nand a second line\n"
WESTERN = "Café, “quoted” – naïve\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        codecs.BOM_UTF8 + TEXT.encode(),
        TEXT.encode("utf-16"),
        codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        codecs.BOM_UTF32_BE + TEXT.encode("utf-32-be"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_every_usual_encoding_gives_the_same_text(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "note.txt"
    file.write_bytes(data)
    assert read_text(file) == TEXT


def test_the_old_western_encoding_is_the_last_guess(tmp_path: Path) -> None:
    file = tmp_path / "old.txt"
    file.write_bytes(WESTERN.encode("cp1252"))
    assert read_text(file) == WESTERN


def test_a_cut_utf_16_file_keeps_what_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "cut.txt"
    file.write_bytes(TEXT.encode("utf-16")[:-1])
    assert read_text(file).startswith(TEXT[:-1])


def test_an_empty_file_is_an_empty_text(tmp_path: Path) -> None:
    for data in (b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE):
        file = tmp_path / "empty.txt"
        file.write_bytes(data)
        assert read_text(file) == ""


def test_terminal_colours_and_page_breaks_are_text(tmp_path: Path) -> None:
    file = tmp_path / "log.txt"
    file.write_bytes("\x1b[31mred\x1b[0m\fé\n".encode())
    assert "red" in read_text(file)


@pytest.mark.parametrize(
    "data",
    [
        b"text\0with a null",
        bytes(range(256)) * 4,
        gzip.compress(os.urandom(5000)),
        b"%PDF-1.7\nabc",
        b"\xff\xfea\0\0\0",
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "thing.bin"
    file.write_bytes(data)
    with pytest.raises(FileUnreadable, match="is not a text file"):
        read_text(file)


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.txt"
    with file.open("wb") as out:
        out.truncate(SIZE_LIMIT * 1000)
    with pytest.raises(FileUnreadable, match="larger than 20 MB"):
        read_text(file)


def test_a_pipe_a_device_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, why in (
        (tmp_path / "pipe", "is not a file"),
        (Path("/dev/zero"), "is not a file"),
        (tmp_path, "is a folder"),
        (tmp_path / "absent", "cannot be read: No such file"),
        (tmp_path / ("n" * 300), "cannot be read"),
    ):
        with pytest.raises(FileUnreadable, match=why):
            read_text(path)


def test_a_process_of_its_own_reads_the_file(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text(TEXT, encoding="utf-8")
    assert read_file(file) == TEXT
    assert not psutil.Process().children()


def test_a_relative_name_is_meant_from_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "note.txt").write_text("here")
    monkeypatch.chdir(tmp_path)
    assert read_file(Path("note.txt")) == "here"


def test_a_refusal_comes_back_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="absent") as caught:
        read_file(tmp_path / "absent.txt")
    assert caught.value.hint == "Check the name and try again."


def test_a_name_that_is_no_text_is_read(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"caf\xe9.txt")
    file.write_text("here")
    assert read_file(file) == "here"
    file.unlink()
    with pytest.raises(FileUnreadable, match="cannot be read"):
        read_file(file)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS has no limit of this kind")
def test_memory_is_bounded(tmp_path: Path) -> None:
    code = (
        "from app.documents import reader\n"
        "reader.read_text = lambda path: 'x' * 2_000_000_000\n"
        "import sys; reader.run(int(sys.argv[1]))"
    )
    assert b"MemoryError" in converse(code, tmp_path)


def test_time_is_bounded(tmp_path: Path) -> None:
    code = (
        "from app.documents import reader\n"
        "reader.SECONDS_LIMIT = 1\n"
        "def endless(path):\n"
        "    while True: pass\n"
        "reader.read_text = endless\n"
        "import sys; reader.run(int(sys.argv[1]))"
    )
    began = time.monotonic()
    converse(code, tmp_path)
    assert time.monotonic() - began < 30


def test_a_reader_that_dies_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.documents.client.role_command", lambda _role, _fd: [sys.executable, "-c", "pass"])
    with pytest.raises(FileUnreadable, match="within the limits"):
        read_file(tmp_path / "note.txt")


def test_the_limits_are_what_the_table_of_controls_says() -> None:
    assert all(chr(code) not in "\t\n\r\f\b\x1b" for code in reading.CONTROLS)


def converse(code: str, folder: Path) -> bytes:
    """Have a doctored reader read; what it says on standard error as it fails without an answer."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-c", code, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=subprocess.PIPE,
                cwd=SOURCE,
            )
        ours.sendall(json.dumps(base64.b64encode(os.fsencode(folder)).decode()).encode() + b"\n")
        assert ours.recv(100) == b""
        _out, err = process.communicate(timeout=30)
        assert process.returncode != 0
        return err
