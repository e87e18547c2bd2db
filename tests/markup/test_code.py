"""Code is coloured a little at a time, and languages have names and endings."""

import subprocess
import sys
from pathlib import Path

import pytest

from app.markup.block import Hue
from app.markup.code import LONGEST, LONGEST_LINE, Colouring, label_of, suffix_of, warm

ROOT = Path(__file__).parents[2]
SCRIPT = '''from math import log2

@cache
def area(r: float) -> float:
    """A doc
    of lines."""
    return 3.14 * r ** 2  # round
'''
PROGRAMS = {
    "python": SCRIPT * 6,
    "c++": "/* a\n comment */\nint main(int a,\n int b) {\n  return 0x10; // end\n}\n" * 6,
    "javascript": "const f = (a) => `text ${a + 1}\nmore`;\nlet r = /a+/g;\n" * 6,
    "php": "<?php\n$a = 'text';\nfunction f() { return 1; }\n?>\n<b>x</b>\n" * 6,
    "pycon": ">>> 1 + 1\n2\n>>> print('x')\nx\n" * 6,
}


def colours(text: str, language: str) -> list[dict[str, Hue]]:
    colouring = Colouring(text, language)
    assert colouring.advance(60)
    return [
        {line[span.start : span.start + span.length]: span.hue for span in colouring.spans(number)}
        for number, line in enumerate(text.split("\n"))
    ]


def test_python_has_its_colours() -> None:
    lines = colours(SCRIPT, "python")
    assert lines[0] == {"from": Hue.KEYWORD, "import": Hue.KEYWORD}
    assert lines[2] == {"@cache": Hue.NAME}
    assert lines[3] == {"def": Hue.KEYWORD, "area": Hue.NAME, "float": Hue.NAME}
    assert lines[4] == {'"""A doc': Hue.STRING}
    assert lines[5] == {'    of lines."""': Hue.STRING}
    assert lines[6] == {"return": Hue.KEYWORD, "3.14": Hue.NUMBER, "2": Hue.NUMBER, "# round": Hue.COMMENT}


def test_a_diff_shows_what_came_and_went() -> None:
    assert colours("-old\n+new\n same", "diff") == [{"-old": Hue.REMOVED}, {"+new": Hue.ADDED}, {}]


@pytest.mark.parametrize("language", ["", "py", "text", "no-such-language"])
def test_only_whole_names_are_looked_up(language: str) -> None:
    known = {"py"}
    assert bool(colours("import x", language)[0]) == (language in known)


def test_colours_come_a_little_at_a_time() -> None:
    colouring = Colouring("x = 1\n" * 2000, "python")
    assert not colouring.advance(0)
    assert colouring.spans(0)
    assert not colouring.spans(1999)
    while not colouring.advance(0):
        pass
    assert colouring.spans(1999)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_growing_text_ends_with_the_colours_of_the_whole(language: str) -> None:
    whole = PROGRAMS[language]
    growing = Colouring("", language)
    for end in range(0, len(whole) + 1, 7):
        growing.extend(whole[:end])
        assert growing.advance(60)
    growing.extend(whole)
    assert growing.advance(60)
    fresh = Colouring(whole, language)
    assert fresh.advance(60)
    lines = whole.count("\n") + 1
    assert [growing.spans(line) for line in range(lines)] == [fresh.spans(line) for line in range(lines)]


def test_colours_stay_while_a_longer_text_is_lexed() -> None:
    colouring = Colouring('"""\nopen', "python")
    assert colouring.advance(60)
    before = colouring.spans(1)
    assert before
    colouring.extend('"""\nopen text')
    assert colouring.spans(1) == before


def test_a_text_that_lost_its_end_is_coloured_anew() -> None:
    colouring = Colouring("x = 'a'\ny = 'b'\n", "python")
    assert colouring.advance(60)
    colouring.extend("x = 1")
    assert colouring.advance(60)
    assert [span.hue for span in colouring.spans(0)] == [Hue.NUMBER]
    assert colouring.spans(1) == ()


@pytest.mark.parametrize("text", ["x = 1\n" * (LONGEST // 6 + 1), "x" * LONGEST_LINE + " = 1"])
def test_endless_code_stays_plain(text: str) -> None:
    colouring = Colouring(text, "python")
    assert colouring.advance(0)
    assert colouring.spans(0) == ()


def test_windows_line_ends_do_not_shift_colours() -> None:
    assert colours("x = 1\r\ny = 22\r\n", "python")[1] == {"22": Hue.NUMBER}


@pytest.mark.parametrize(
    ("language", "label", "suffix"),
    [
        ("python", "Python", ".py"),
        ("Python3", "Python", ".py"),
        ("c++", "C++", ".cpp"),
        ("js", "JavaScript", ".js"),
        ("c#", "C#", ".cs"),
        ("sh", "Bash", ".sh"),
        ("r", "R", ".R"),
        ("latex", "LaTeX", ".tex"),
        ("plaintext", "Text", ".txt"),
        ("Dockerfile", "Docker", ".docker"),
        ("{.python}", "Python", ".py"),
        ("console", "Console", ".txt"),
        ("Brainstorm", "Brainstorm", ".txt"),
        ("", "", ".txt"),
    ],
)
def test_languages_have_names_and_endings(language: str, label: str, suffix: str) -> None:
    assert (label_of(language), suffix_of(language)) == (label, suffix)


def test_common_lexers_are_loaded_one_at_a_time() -> None:
    assert "python" in list(warm())


def test_pygments_is_loaded_when_code_comes_and_its_plugins_never() -> None:
    code = (
        "import sys; from app.markup.code import Colouring, label_of; early = 'pygments' in sys.modules;"
        "Colouring('x', 'pytho').advance(1); label_of('pytho');"
        "print(early, 'pygments' in sys.modules, 'importlib.metadata' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == ["False", "True", "False"]
