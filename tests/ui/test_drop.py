"""Folders that are dropped on the window."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDragMoveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.window import Window
from tests.ui.hands import NONE
from tests.ui.stage import StageDesk
from tests.ui.stageshelf import MAGISTRAL, MINISTRAL, on_disk

COPY = Qt.DropAction.CopyAction
LEFT = Qt.MouseButton.LeftButton


class Dragged:
    """Something that is dragged over a widget, by events as the system sends them."""

    def __init__(self, paths: Sequence[Path | str], over: QWidget) -> None:
        self.data = QMimeData()
        self.data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        self._over, self._at = over, QPoint(40, 40)

    def enter(self) -> bool:
        event = QDragEnterEvent(self._at, COPY, self.data, LEFT, NONE)
        QApplication.sendEvent(self._over, event)
        return event.isAccepted()

    def move(self) -> bool:
        event = QDragMoveEvent(self._at, COPY, self.data, LEFT, NONE)
        QApplication.sendEvent(self._over, event)
        return event.isAccepted()

    def drop(self) -> bool:
        event = QDropEvent(QPointF(self._at), COPY, self.data, LEFT, NONE, QEvent.Type.Drop)
        QApplication.sendEvent(self._over, event)
        return event.isAccepted()

    def leave(self) -> None:
        QApplication.sendEvent(self._over, QDragLeaveEvent())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "Magistral-Small-2509-MLX-4bit"
    made.mkdir()
    return made


def test_a_folder_is_added_and_the_library_opens_on_it(
    window: Window, desk: StageDesk, folder: Path, qtbot: QtBot
) -> None:
    dragged = Dragged([folder], window)
    assert dragged.enter()
    qtbot.waitUntil(window._outline.isVisible)
    assert dragged.move()
    assert dragged.drop()
    assert desk.told == [("add_folder", str(folder))]
    assert not window._outline.isVisible()
    assert window.in_library
    row = on_disk(MINISTRAL)
    found = [row, on_disk(MAGISTRAL, folder=str(folder), key=str(folder))]
    desk.shelf.put(*found)
    assert window.library.sheet.rows[1].hasFocus()


def test_a_drop_that_comes_before_the_disk_has_answered_is_not_lost(
    window: Window, desk: StageDesk, folder: Path, qtbot: QtBot
) -> None:
    dragged = Dragged([folder], window)
    assert dragged.enter()
    assert dragged.drop()
    qtbot.waitUntil(lambda: ("add_folder", str(folder)) in desk.told)
    assert window.in_library


def test_several_folders_are_added_and_files_among_them_are_left_alone(
    window: Window, desk: StageDesk, folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "notes.md").write_text("notes")
    other = tmp_path / "重み 2"
    other.mkdir()
    dragged = Dragged([folder, tmp_path / "notes.md", other], window)
    dragged.enter()
    qtbot.waitUntil(window._outline.isVisible)
    dragged.drop()
    assert desk.told == [("add_folder", str(folder)), ("add_folder", str(other))]


def test_files_alone_are_left_alone(window: Window, desk: StageDesk, tmp_path: Path, qtbot: QtBot) -> None:
    (tmp_path / "notes.md").write_text("notes")
    dragged = Dragged([tmp_path / "notes.md"], window)
    dragged.enter()
    qtbot.waitUntil(lambda: not dragged.move())
    assert not window._outline.isVisible()
    assert not dragged.drop()
    assert desk.told == []
    assert not window.in_library


def test_a_folder_dropped_on_the_message_goes_to_the_models(
    window: Window, desk: StageDesk, folder: Path, qtbot: QtBot
) -> None:
    dragged = Dragged([folder], window.composer.editor.viewport())
    assert dragged.enter()
    qtbot.waitUntil(window._outline.isVisible)
    assert dragged.drop()
    assert desk.told == [("add_folder", str(folder))]
    assert window.composer.text() == ""


def test_words_can_still_be_dropped_on_the_message(window: Window) -> None:
    dragged = Dragged([], window.composer.editor.viewport())
    dragged.data.setUrls([])
    dragged.data.setText("a few words")
    assert dragged.enter()
    assert dragged.move()
    dragged.drop()
    assert window.composer.text() == "a few words"


def test_what_is_dragged_away_again_leaves_nothing(window: Window, desk: StageDesk, folder: Path, qtbot: QtBot) -> None:
    dragged = Dragged([folder], window)
    dragged.enter()
    qtbot.waitUntil(window._outline.isVisible)
    dragged.leave()
    assert not window._outline.isVisible()
    assert desk.told == []
