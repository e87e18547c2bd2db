"""`ask`: what it prints where, what it keeps, and how it ends."""

import fcntl
import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import double
from tests.chat.desks import recorded
from tests.cli.terminal import ask, rows, run, start, wait

ANSWER: list[dict[str, Any]] = [{"think": "Seven eights"}, {"say": "It is 56."}]


def test_the_answer_goes_to_one_stream_and_the_thought_to_the_other(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "What is 7 times 8?", answers=[ANSWER])
    assert (status, out, err) == (0, "It is 56.\n", "Seven eights\n")
    assert rows(tmp_path) == [("done", "It is 56.")]


def test_json_is_one_object_with_everything(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "Why?", "--json", "--seed", "7", answers=[ANSWER])
    assert (status, err) == (0, "")
    said = json.loads(out)
    assert (said["reasoning"], said["answer"], said["state"]) == ("Seven eights", "It is 56.", "done")
    assert said["counts"] == {"prompt": 10, "cached": 0, "reasoning": 2, "answer": 2}
    assert set(said["seconds"]) == {"queue", "prefill", "reasoning", "answer"}
    assert (said["model"], said["thought_end"]) == ("Magistral Small", "itself")


def test_options_reach_the_engine(tmp_path: Path) -> None:
    record, note = tmp_path / "record", tmp_path / "note.md"
    note.write_text("a ünicode note")
    question = "Read this:\n  and that"
    status, _out, err = ask(
        tmp_path, "-", "--file", note, "--think", "0", "--seed", "5", said=question, record=str(record)
    )
    assert (status, err) == (0, "")
    (request,) = recorded(record, "generate")
    assert (request["thinking_budget"], request["sampling"]["seed"]) == (0, 5)
    document, text = request["turns"][0]["parts"]
    assert (document["name"], document["text"], text["text"]) == ("note.md", "a ünicode note", question)


@pytest.mark.parametrize("words", [("",), ("  \n",), ("-",)])
def test_an_empty_question_is_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    status, out, err = ask(tmp_path, *words)
    assert (status, out) == (2, "")
    assert "There is no question." in err


@pytest.mark.parametrize(
    "words", [("--think", "-1"), ("--think", "much"), ("--seed", str(2**64)), ("--colour", "red"), ("and", "more")]
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    status, out, err = ask(tmp_path, "Why?", *words)
    assert (status, out) == (2, "")
    assert "usage:" in err
    assert "Traceback" not in err


def test_files_that_cannot_be_read_are_refused_in_one_line(tmp_path: Path) -> None:
    binary = tmp_path / "photo.jpg"
    binary.write_bytes(b"\xff\xd8\xff\x00\x01")
    for file, why in (
        (binary, "photo.jpg is not a text file."),
        (tmp_path / "absent.txt", "absent.txt cannot be read: No such file or directory."),
        (tmp_path, "is a folder."),
    ):
        status, out, err = ask(tmp_path, "Why?", "--file", file)
        assert (status, out) == (1, "")
        assert why in err
        assert err.count("\n") == 1
    assert rows(tmp_path) == []


def test_a_question_with_stray_bytes_is_asked(tmp_path: Path) -> None:
    status, out, _err = ask(tmp_path, os.fsdecode(b"caf\xe9?"))
    assert (status, out) == (0, "Fine.\n")


def test_ctrl_c_stops_the_answer_and_keeps_it(tmp_path: Path) -> None:
    worker = double.command(tmp_path, answers=[[{"think": "hm"}, {"say": "on and on " * 4000, "pause": 0.005}]])
    with start("ask", "Why?", "--data", tmp_path / "data", worker=worker) as process:
        assert process.stdout
        heard = os.read(process.stdout.fileno(), 20).decode()
        os.killpg(process.pid, signal.SIGINT)  # a terminal tells the whole group
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == "hm\n"
    ((state, text),) = rows(tmp_path)
    assert state == "stopped"
    assert heard + out == f"{text}\n"


def test_ctrl_c_while_the_model_loads_ends_at_once(tmp_path: Path) -> None:
    worker = double.command(tmp_path, load_gate=str(tmp_path / "gate"))
    with start("ask", "Why?", "--data", tmp_path / "data", worker=worker) as process:
        wait(lambda: rows(tmp_path) == [("running", "")])
        os.killpg(process.pid, signal.SIGINT)
        _out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    assert rows(tmp_path) == [("stopped", "")]


def test_a_crash_keeps_the_text_and_says_so(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "Why?", answers=[[{"say": "half an ans"}, {"die": True}]])
    assert (status, out) == (1, "half an ans\n")
    assert "The engine stopped." in err
    assert rows(tmp_path) == [("interrupted", "half an ans")]


def test_an_engine_that_never_comes_up_is_given_up(tmp_path: Path) -> None:
    omen = tmp_path / "omen"
    omen.touch()
    status, out, err = ask(tmp_path, "Why?", die_on_load=str(omen))
    assert (status, out) == (1, "")
    assert "The engine stopped." in err
    assert rows(tmp_path) == [("interrupted", "")]


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    worker = double.command(tmp_path, answers=[[{"say": "on and on " * 4000, "pause": 0.001}]])
    with start("ask", "Why?", "--data", tmp_path / "data", worker=worker) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(30) == 1
        assert "Traceback" not in process.stderr.read()
    assert rows(tmp_path)[0][0] == "interrupted"


def test_a_terminal_sees_the_thought_dimmed_and_no_tricks(tmp_path: Path) -> None:
    trick = "title\033]0;mine\007 and \033[2Jclear\x9b2J"
    worker = double.command(tmp_path, answers=[[{"think": "hm"}, {"say": trick, "each": 99}]])
    ours, theirs = pty.openpty()
    with start(
        "ask", "Why?", "--data", tmp_path / "data", worker=worker, stdout=theirs, stderr=theirs, text=False
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while data := os.read(ours, 4096):
                shown += data
        except OSError:
            pass  # the other end is closed
        os.close(ours)
        assert process.wait(30) == 0
    assert b"\033[2mhm\033[0m" in shown
    assert b"title]0;mine and [2Jclear2J" in shown
    assert rows(tmp_path) == [("done", trick)]


def test_two_questions_at_once_wait_for_one_another(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    worker = double.command(tmp_path, answers=[[{"say": "First."}, {"gate": str(gate)}]])
    with start("ask", "One?", "--data", tmp_path / "data", worker=worker) as first:
        assert first.stdout
        assert os.read(first.stdout.fileno(), 6) == b"First."
        with start("ask", "Two?", "--data", tmp_path / "data", worker=double.command(tmp_path)) as second:
            assert second.stderr
            said = second.stderr.readline()
            assert f"(process {first.pid}) uses the engine" in said
            wait(lambda: [state for state, _text in rows(tmp_path)] == ["running", "running"])
            gate.touch()
            assert first.wait(30) == 0
            out, _err = second.communicate(timeout=30)
            assert (second.returncode, out) == (0, "Fine.\n")
    assert rows(tmp_path) == [("done", "First."), ("done", "Fine.")]


@pytest.mark.model
def test_the_real_starter_thinks_and_answers_the_same_with_one_seed(tmp_path: Path, starter: Path) -> None:
    asked = ("ask", "Is 7 a number? Say yes or no.", "--seed", "3", "--think", "8", "--json")
    words = (*asked, "--model", starter, "--data", tmp_path / "data")
    first, again = (json.loads(run(*words)[1]) for _time in range(2))
    assert first["reasoning"]
    assert first["answer"]
    assert first["counts"]["reasoning"] > 0
    assert first["seconds"]["answer"] > 0
    assert (first["reasoning"], first["answer"]) == (again["reasoning"], again["answer"])
    assert [state for state, _text in rows(tmp_path)] == ["done", "done"]


@pytest.mark.model
def test_the_real_starter_answers_without_a_thought_and_stops_when_told(tmp_path: Path, starter: Path) -> None:
    words = ("ask", "Write a long story about a fox.", "--data", tmp_path / "data", "--model", starter, "--think", "0")
    with start(*words) as process:
        assert process.stdout
        heard = os.read(process.stdout.fileno(), 10).decode()
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "")
    ((state, text),) = rows(tmp_path)
    assert state == "stopped"
    assert (heard + out).startswith(text)


def test_help_and_version_need_nothing() -> None:
    assert subprocess.run([*_app(), "--version"], capture_output=True, check=True).stdout.startswith(b"Lemma ")
    assert b"ask" in subprocess.run([*_app(), "--help"], capture_output=True, check=True).stdout


def _app() -> list[str]:
    return [sys.executable, "-m", "app"]


def test_an_answer_that_is_cut_off_says_so(tmp_path: Path) -> None:
    answers = [[{"say": "half an ans"}, {"limit": True}]]
    status, out, err = ask(tmp_path, "Why?", answers=answers)
    assert (status, out, err) == (0, "half an ans\n", "The answer was cut off: the context is full.\n")
    said = json.loads(ask(tmp_path, "Why?", "--json", "--seed", "7", answers=answers)[1])
    assert (said["end"], said["seed"]) == ("limit", 7)


def test_ctrl_c_before_the_chats_are_open_ends_at_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    handle = os.open(tmp_path / "data", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)  # as if another process were opening them
    gate = tmp_path / "record"
    worker = double.command(tmp_path, record=str(gate))
    with start("ask", "Why?", "--data", tmp_path / "data", worker=worker) as process:
        wait(gate.exists)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=30)
    os.close(handle)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.mark.parametrize(
    "words",
    [("--model", "/m", "ask", "Why?"), ("--theme", "dark", "doctor"), ("--say", "Hi", "--size", "9x9", "doctor")],
)
def test_options_of_the_window_before_a_command_are_refused(words: tuple[str, ...]) -> None:
    status, out, err = run(*words)
    assert (status, out) == (2, "")
    assert f"{words[0]}" in err
    assert "is for the window. Type the command first" in err


@pytest.mark.parametrize("words", [("--size", "0x0"), ("--size", "800"), ("--scale", "0"), ("--scale", "nan")])
def test_a_window_of_no_size_is_refused(words: tuple[str, ...]) -> None:
    status, _out, err = run(*words)
    assert status == 2
    assert "must be" in err
