"""The README says what the app has."""

import json
import re
from pathlib import Path

from PySide6.QtWidgets import QApplication

from app.core.settings import SETTINGS
from app.ui.commands import COMMANDS, Command

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def describe_row(command: Command) -> str:
    """A command as a row of the table of keys; the names of the keys are those of Linux."""
    keys = ", ".join(keys.replace("Meta", "Ctrl") for keys in command.keys)
    return f"| {command.title()} | {keys} |"


def test_every_command_with_a_key_is_in_the_table_of_keys(qapp: QApplication) -> None:
    rows = [describe_row(command) for command in COMMANDS if command.keys]
    missing = [row for row in rows if row not in README]
    assert not missing, "\n" + "\n".join(rows)


def test_the_table_names_no_key_that_is_gone(qapp: QApplication) -> None:
    rows = {describe_row(command) for command in COMMANDS if command.keys}
    table = README.partition("## Keys")[2].partition("## ")[0]
    said = {line for line in table.splitlines() if line.startswith("| ") and line != "| what | keys |"}
    assert said == rows


def test_the_table_of_settings_is_the_table_of_settings() -> None:
    rows = [f"| `{row.key}` | `{json.dumps(row.default)}` | {row.title()}. {row.help()} |" for row in SETTINGS]
    table = README.partition("## Settings")[2].partition("## ")[0]
    assert [line for line in table.splitlines() if line.startswith("| `")] == rows


def test_what_the_pages_point_at_is_there() -> None:
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} points at {target}"
