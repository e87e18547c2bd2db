"""The record in a model's folder: whole or not at all, and of one writer at a time."""

import threading
from pathlib import Path

import msgspec

from app.models.record import RECORD, Record, RecordedFile, hold, read_record, set_wanted, write_record

GIT, SHA = "1" * 40, "2" * 64


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    files = [RecordedFile("config.json", 2, git=GIT, checked=7), RecordedFile("model.safetensors", 10**10, sha256=SHA)]
    record = Record("maker/Model", "c" * 40, files, "apache-2.0", "maker/Original", finished=1.5)
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    assert [path.name for path in tmp_path.iterdir()] == [RECORD] == [".lemma.json"]


def test_a_record_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    assert read_record(tmp_path) is None
    (tmp_path / RECORD).write_text('{"repository": 3}')
    assert read_record(tmp_path) is None


def test_a_file_is_hashed_as_the_hub_does_it() -> None:
    """Git's name is a SHA-1 over a header and the content: that of an empty file is known to everybody."""
    assert RecordedFile("empty", 0, git=GIT).digest().hexdigest() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    large = RecordedFile("large", 3, sha256=SHA).digest()
    large.update(b"abc")
    assert large.hexdigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_name_of_a_part_tells_its_content() -> None:
    assert RecordedFile("a.json", 2, git=GIT).part == "a.json.11111111.part"
    assert RecordedFile("a.json", 2, sha256=SHA).part == "a.json.22222222.part"
    assert RecordedFile("a.json", 16).part == "a.json.00000010.part"


def test_only_one_holds_a_folder(tmp_path: Path) -> None:
    with hold(tmp_path) as first, hold(tmp_path) as second:
        assert first
        assert not second
    with hold(tmp_path) as third:
        assert third


def test_wanting_waits_for_a_writer_that_is_just_ending(tmp_path: Path) -> None:
    write_record(tmp_path, Record("maker/Model", "c" * 40, []))
    begun = threading.Event()

    def pause() -> None:
        begun.set()
        set_wanted(tmp_path, wanted=False)

    with hold(tmp_path):
        thread = threading.Thread(target=pause)
        thread.start()
        begun.wait()
        record = read_record(tmp_path)
        assert record is not None
        write_record(tmp_path, msgspec.structs.replace(record, commit="d" * 40))
    thread.join()
    record = read_record(tmp_path)
    assert record is not None
    assert (record.commit, record.wanted) == ("d" * 40, False)


def test_wanting_a_folder_without_a_record_makes_none(tmp_path: Path) -> None:
    set_wanted(tmp_path, wanted=True)
    assert read_record(tmp_path) is None


def test_a_record_that_another_process_keeps_writing_is_left_to_it(tmp_path: Path) -> None:
    write_record(tmp_path, Record("maker/Model", "c" * 40, []))
    with hold(tmp_path):
        set_wanted(tmp_path, wanted=False)
    record = read_record(tmp_path)
    assert record is not None
    assert record.wanted
