"""The list of chats."""

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.chat.changes import SessionsChanged
from app.core.messages import Session
from app.ui.sidebar import Group, group_of
from app.ui.window import Window
from tests.ui import samples, stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, SHIFT, click, press
from tests.ui.stage import StageDesk

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("before", "group"),
    [
        (timedelta(seconds=-5), "Today"),
        (timedelta(hours=12), "Today"),
        (timedelta(hours=12, seconds=1), "Yesterday"),
        (timedelta(hours=36), "Yesterday"),
        (timedelta(hours=36, seconds=1), "This week"),
        (timedelta(days=6), "This week"),
        (timedelta(days=7), "Earlier"),
        (timedelta(days=400), "Earlier"),
    ],
)
def test_groups_are_days_of_the_calendar(before: timedelta, group: str) -> None:
    assert group_of((NOON - before).timestamp(), NOON) == group


def test_headings_stand_above_their_chats(window: Window) -> None:
    rows = window.sidebar.list.chats.rows
    assert [row.title for row in rows if isinstance(row, Group)] == ["Today", "Yesterday", "This week", "Earlier"]
    assert isinstance(rows[0], Group)


def test_five_hundred_chats(open_window: Open) -> None:
    window = open_window(StageDesk(samples.make_sessions(500)))
    assert sum(isinstance(row, Session) for row in window.sidebar.list.chats.rows) == 500


def test_a_click_opens_a_chat(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    chats = window.sidebar.list
    place = chats.visualRect(chats.chats.index(2)).center()
    click(chats.viewport(), place)
    assert desk.told == [("open_session", desk.sessions[1].id)]
    assert window.header.accessibleName() == desk.sessions[1].title


def test_a_heading_cannot_be_chosen(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    chats = window.sidebar.list
    click(chats.viewport(), chats.visualRect(chats.chats.index(0)).center())
    assert desk.told == []


def test_arrows_skip_headings(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    desk.open_session(desk.sessions[2].id)
    window.sidebar.list.setFocus()
    press(Qt.Key.Key_Down)
    assert desk.told[-1] == ("open_session", desk.sessions[3].id)


def test_keys_go_round_the_chats(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    keys = CONTROL | SHIFT
    press(Qt.Key.Key_BracketRight, keys)
    assert desk.told[-1] == ("open_session", desk.sessions[0].id)
    press(Qt.Key.Key_BracketLeft, keys)
    assert desk.told[-1] == ("open_session", desk.sessions[-1].id)


def test_thinking_chats_are_marked(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    assert window.sidebar.list.chats.running == {desk.sessions[0].id, desk.sessions[3].id}


def test_the_sidebar_is_hidden_and_remembered(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    press(Qt.Key.Key_B, CONTROL)
    assert not window.sidebar.isVisible()
    assert desk.preferences["sidebar"] is False
    assert window.transcript.parentWidget().x() == 0  # type: ignore[union-attr]


def test_in_a_narrow_window_it_lies_over_the_chat(open_window: Open, desk: StageDesk, qtbot: QtBot) -> None:
    window = open_window(desk, (700, 600))
    assert not window.sidebar.isVisible()
    window.toggle_sidebar()
    assert window.sidebar.isVisible()
    assert desk.preferences["sidebar"] is True
    window.open_chat(desk.sessions[0].id)
    assert not window.sidebar.isVisible()


def test_the_list_stays_where_it_is_when_a_chat_moves_to_its_head(open_window: Open) -> None:
    desk = StageDesk(samples.make_sessions(500))
    window = open_window(desk)
    desk.open_session(desk.sessions[2].id)
    bar = window.sidebar.list.verticalScrollBar()
    bar.setValue(900)
    desk.sessions.insert(0, desk.sessions.pop(400))
    desk.say(SessionsChanged())
    assert bar.value() == 900
