"""Messages as pictures and PDF: the same text, black on white, whatever the window shows."""

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from app.core.messages import Kind, Message, Part
from app.ui.window import Window
from tests.ui import samples
from tests.ui.stage import StageDesk

LONG = "\n\n".join(f"Paragraph {number} with $x_{{{number}}}$ and **bold** words. " * 5 for number in range(40))


def put(desk: StageDesk, text: str) -> list[Message]:
    session = desk.sessions[0]
    question = samples.ask(session.id, "What is $x$?")
    whole = samples.answer(question, "")
    fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
    parts = (Part(Kind.REASONING, "A thought."), Part(Kind.TEXT, text))
    messages = [question, Message(**fields | {"parts": parts})]
    desk.put(session, messages)
    return messages


def save(window: Window, path: Path, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot) -> bytes:
    """Save the chat in a file as a person does."""
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.run_command("chat.save")
    qtbot.waitUntil(path.exists, timeout=20_000)
    return path.read_bytes()


def test_a_long_chat_becomes_a_pdf_of_several_pages(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    put(desk, LONG)
    content = save(window, tmp_path / "chat.pdf", monkeypatch, qtbot)
    assert content.startswith(b"%PDF")
    pages = len(re.findall(rb"/Type\s*/Page\b", content))
    assert 3 <= pages <= 12
    put(desk, "Short.")
    shorter = save(window, tmp_path / "short.pdf", monkeypatch, qtbot)
    assert len(re.findall(rb"/Type\s*/Page\b", shorter)) == 1


def test_a_picture_is_white_in_a_dark_window_and_holds_the_formula(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    window.choose_theme("dark")
    put(desk, "So $\\frac{a}{b}$ it is.")
    path = tmp_path / "chat.png"
    save(window, path, monkeypatch, qtbot)
    image = QImage(str(path))
    assert image.width() == 2 * (720 + 64)
    assert image.pixelColor(0, 0).name() == "#ffffff"
    dark = [image.pixelColor(x, y).lightness() for x in range(64, 400, 2) for y in range(0, image.height(), 2)]
    assert min(dark) < 60


def test_the_thought_is_on_the_paper_only_where_it_is_open(window: Window, desk: StageDesk) -> None:
    messages = put(desk, "So.")
    folded = window.transcript.paper(messages, thoughts=False)
    opened = window.transcript.paper(messages, thoughts=True)
    assert [row.spoken() for row in folded.rows] == ["What is \\(x\\)?".replace("\\(", "$").replace("\\)", "$"), "So."]
    assert "A thought." in [row.spoken() for row in opened.rows]
    assert opened.height > folded.height


def test_a_folder_that_is_gone_is_said_and_nothing_is_lost(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    put(desk, "So.")
    path = tmp_path / "gone" / "chat.pdf"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.run_command("chat.save")
    qtbot.waitUntil(window.banner.isVisible, timeout=20_000)
    assert window.banner.card.accessibleName().startswith("chat.pdf could not be saved.")
    assert "Choose another folder." in window.banner.card.accessibleName()
    assert window.transcript.last


def test_a_message_can_be_saved_as_a_picture_from_its_menu(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    put(desk, "So.")
    path = tmp_path / "message.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(path), ""))
    window.transcript.save_picture(window.transcript.turns[-1])
    qtbot.waitUntil(path.exists, timeout=20_000)
    assert not QImage(str(path)).isNull()
