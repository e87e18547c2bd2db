"""Numbers tick at most four times a second, and the last one is shown."""

from PySide6.QtCore import QObject
from pytestqt.qtbot import QtBot

from app.ui.ticker import Ticker


def test_many_wishes_are_one_act_now_and_one_soon(qtbot: QtBot) -> None:
    shown: list[int] = []
    numbers = list(range(100))
    owner = QObject()
    ticker = Ticker(lambda: shown.append(numbers[-1]), owner)
    for number in range(100, 200):
        numbers.append(number)
        ticker.ask()
    assert shown == [100]
    qtbot.waitUntil(lambda: len(shown) == 2)
    assert shown == [100, 199]
