"""Real Qt without a display, and a window on a stage."""

import os
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.window import Window
from tests.ui.stage import StageDesk

Open = Callable[..., Window]


@pytest.fixture
def theme(qapp: QApplication) -> Theme:
    theme = Theme(qapp, "light")
    theme.reduced_motion = True
    return theme


@pytest.fixture
def desk() -> StageDesk:
    return StageDesk()


@pytest.fixture
def open_window(qtbot: QtBot, theme: Theme) -> Open:
    """Shows a window on a desk and waits until it has the keyboard."""

    def open_it(desk: StageDesk, size: tuple[int, int] = (1120, 800), **options: object) -> Window:
        window = Window(desk, theme, **options)  # type: ignore[arg-type]
        qtbot.addWidget(window)
        window.resize(*size)
        with qtbot.waitActive(window):
            window.show()
            window.activateWindow()
        return window

    return open_it


@pytest.fixture
def window(open_window: Open, desk: StageDesk) -> Window:
    return open_window(desk)
