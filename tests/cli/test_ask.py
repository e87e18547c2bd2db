"""`ask`: what it prints where, what it keeps, and how it ends."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import double
from tests.chat.desks import recorded
from tests.cli.terminal import ask, rows, run, start, wait, watch

ANSWER: list[dict[str, Any]] = [{"think": "Seven eights"}, {"say": "It is 56."}]


def test_the_answer_goes_to_one_stream_and_the_thought_to_the_other(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "What is 7 times 8?", answers=[ANSWER])
    assert (status, out, err) == (0, "It is 56.\n", "Seven eights\n")
    assert rows(tmp_path) == [("done", "It is 56.")]


def test_json_is_one_object_with_everything(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "Why?", "--json", "--seed", "7", answers=[ANSWER], cached=6)
    assert (status, err) == (0, "")
    said = json.loads(out)
    assert (said["reasoning"], said["answer"], said["state"]) == ("Seven eights", "It is 56.", "done")
    assert said["counts"] == {"prompt": 10, "cached": 6, "restored": 6, "reasoning": 2, "answer": 2}
    assert set(said["seconds"]) == {"queue", "restore", "prefill", "reasoning", "answer"}
    assert (said["passes"], said["tokens_per_pass"], said["seconds"]["restore"]) == (4, 1.0, 0.25)
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
    "words",
    [
        ("--think", "-1"),
        ("--think", "much"),
        ("--seed", str(2**64)),
        ("--colour", "red"),
        ("and", "more"),
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--top-p", "1.5"),
        ("--top-k", "0.5"),
        ("--resume", "yesterday"),
    ],
)
def test_options_that_make_no_sense_are_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    status, out, err = ask(tmp_path, "Why?", *words)
    assert (status, out) == (2, "")
    assert "usage:" in err
    assert "Traceback" not in err


def test_how_tokens_are_drawn_can_be_said(tmp_path: Path) -> None:
    record = tmp_path / "record"
    words = [
        "--temperature",
        "0",
        "--top-p",
        "0.5",
        "--min-p",
        "0.1",
        "--top-k",
        "3",
        "--stop",
        "Q:",
        "--stop",
        "END",
        "--keep-thoughts",
    ]
    assert ask(tmp_path, "Why?", *words, record=str(record))[0] == 0
    assert ask(tmp_path, "Why?", record=str(record), card={"sampling": {"temperature": 0.3}})[0] == 0
    first, second = recorded(record, "generate")
    drawn = first["sampling"]
    assert (drawn["temperature"], drawn["top_p"], drawn["min_p"], drawn["top_k"]) == (0.0, 0.5, 0.1, 3)
    assert (drawn["stop"], first["keep_thoughts"]) == (["Q:", "END"], True)
    assert (second["sampling"]["temperature"], second["sampling"]["stop"]) == (0.3, [])
    assert second["keep_thoughts"] is None


def test_the_last_answer_of_the_newest_chat_goes_on(tmp_path: Path) -> None:
    dies = [[{"think": "half a thought"}, {"die": True}]]
    assert ask(tmp_path, "Why?", answers=dies)[0] == 1
    record = tmp_path / "record"
    status, out, err = ask(tmp_path, "--resume", "--temperature", "0", record=str(record), answers=[[{"say": "Yes."}]])
    assert (status, out, err) == (0, "Yes.\n", "")
    (asked,) = recorded(record, "generate")
    assert (asked["answer"][0]["text"], asked["sampling"]["temperature"]) == ("half a thought", 0.0)
    assert rows(tmp_path) == [("done", "Yes.")]


def test_the_last_answer_of_a_named_chat_goes_on(tmp_path: Path) -> None:
    limited = [[{"say": "half of"}, {"limit": True}]]
    number = json.loads(ask(tmp_path, "One?", "--json", answers=limited)[1])["session"]
    ask(tmp_path, "Two?")
    status, out, _err = ask(tmp_path, "--resume", str(number), "--json", answers=[[{"say": " it"}]])
    said = json.loads(out)
    assert (status, said["session"], said["answer"], said["state"]) == (0, number, "half of it", "done")
    assert rows(tmp_path) == [("done", "half of it"), ("done", "Fine.")]


def test_what_cannot_go_on_is_refused_in_one_line(tmp_path: Path) -> None:
    assert "There is no chat yet." in refusal(tmp_path, "--resume")
    ask(tmp_path, "Why?")
    assert "“Why?” is complete" in refusal(tmp_path, "--resume")
    assert "There is no chat 5." in refusal(tmp_path, "--resume", "5")
    assert "does not go with a question, --seed." in refusal(tmp_path, "And?", "--resume", "--seed", "5")
    assert "There is no question." in refusal(tmp_path)


def test_a_document_is_read_while_the_question_is_typed(tmp_path: Path) -> None:
    record, note = tmp_path / "record", tmp_path / "note.md"
    note.write_text("a long note")
    worker = double.command(tmp_path, record=str(record))
    wishes = ("--seed", "7", "--think", "0", "--keep-thoughts")
    words = ("ask", "-", "--file", note, *wishes, "--data", tmp_path / "data")
    with start(*words, worker=worker, stdin=subprocess.PIPE) as process:
        wait(lambda: recorded(record, "prewarm"))
        assert recorded(record, "generate") == []
        out, err = process.communicate("What is ünusual?", timeout=30)
    assert (process.returncode, out, err) == (0, "Fine.\n", "")
    (warmed,), (asked,) = recorded(record, "prewarm"), recorded(record, "generate")
    assert warmed["turns"][0]["parts"] == asked["turns"][0]["parts"][:1]
    assert asked["turns"][0]["parts"][1]["text"] == "What is ünusual?"
    assert (warmed["thinking"], warmed["fixed"], warmed["keep_thoughts"]) == (False, True, True)
    assert (asked["thinking_budget"], asked["sampling"]["seed"], asked["keep_thoughts"]) == (0, 7, True)
    assert warmed["session"] == asked["session"]


def test_ctrl_c_while_the_question_is_typed_asks_nothing(tmp_path: Path) -> None:
    record, note = tmp_path / "record", tmp_path / "note.md"
    note.write_text("a long note")
    worker = double.command(tmp_path, record=str(record))
    words = ("ask", "-", "--file", note, "--data", tmp_path / "data")
    with start(*words, worker=worker, stdin=subprocess.PIPE) as process:
        wait(lambda: recorded(record, "prewarm"))
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
    assert rows(tmp_path) == []


def test_nothing_typed_is_no_question(tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("a long note")
    assert "There is no question." in refusal(tmp_path, "-", "--file", note)


def test_tokens_per_pass_are_not_told_where_passes_were_lost(tmp_path: Path) -> None:
    ask(tmp_path, "Why?", answers=[[{"say": "half an ans"}, {"die": True}]])
    said = json.loads(ask(tmp_path, "--resume", "--json", answers=[[{"say": "wer"}]])[1])
    assert (said["passes"], said["tokens_per_pass"], said["counts"]["answer"]) == (None, None, 3)


def test_a_failed_question_says_so_where_it_shall_go_on(tmp_path: Path) -> None:
    refusal_ = {"kind": "ContextFull", "message": "It is too long.", "hint": "Ask with less."}
    ask(tmp_path, "Why?", answers=[[{"fail": refusal_}]])
    assert "failed before its first word. It is too long. Ask with less." in refusal(tmp_path, "--resume")


def test_a_loop_that_was_stopped_says_how_to_go_on(tmp_path: Path) -> None:
    status, out, err = ask(tmp_path, "Why?", answers=[[{"say": "again and again"}, {"loop": True}]])
    assert (status, out) == (130, "again and again\n")
    assert "repeated itself" in err
    assert "ask --resume" in err


def test_a_long_reading_is_announced_where_somebody_looks(tmp_path: Path) -> None:
    steps = [{"read": [500, 1000]}, {"say": "Fine."}]
    worker = double.command(tmp_path, rates=[0.1, 5.0], answers=[steps])
    shown = watch("ask", "Why?", "--data", tmp_path / "data", worker=worker)
    assert "Reading 10 tokens takes about 1 min 40 s." in shown
    assert "Reading 500 of 1,000 tokens" in shown
    assert "Fine." in shown
    _status, out, err = ask(tmp_path, "Why?", rates=[0.1, 5.0], answers=[steps])
    assert (out, err) == ("Fine.\n", "")


def refusal(folder: Path, *words: str | Path) -> str:
    """What `ask` says where it refuses to, in one line."""
    status, out, err = ask(folder, *words)
    assert (status, out, err.count("\n")) == (2, "", 1)
    return err


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
    thought, way_on = err.splitlines()
    assert thought == "hm"
    assert re.fullmatch(r"Go on with it: lemma ask --resume \d+", way_on)
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
    number = err.splitlines()[-1].removeprefix("Go on with it: lemma ask --resume ")
    assert rows(tmp_path) == [("interrupted", "half an ans")]
    status, out, _err = ask(tmp_path, "--resume", number, answers=[[{"say": "wer"}]])
    assert (status, out) == (0, "wer\n")
    assert rows(tmp_path) == [("done", "half an answer")]


def test_an_answer_whose_engine_is_not_started_again_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "settings.json").write_text('{"restart_engine": false}')
    status, out, err = ask(tmp_path, "Why?", answers=[[{"say": "half an ans"}, {"die": True}]])
    assert (status, out) == (1, "half an ans\n")
    said, way_on = err.splitlines()
    assert said.startswith("The engine stopped.")
    assert way_on.startswith("Go on with it: lemma ask --resume ")


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
    shown = watch("ask", "Why?", "--data", tmp_path / "data", worker=worker)
    assert "\033[2mhm\033[0m" in shown
    assert "title]0;mine and [2Jclear2J" in shown
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
    assert process.returncode == 130
    assert err.startswith("Go on with it: lemma ask --resume ")
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
