"""Rings from other threads become frames in the Qt thread."""

import threading

from pytestqt.qtbot import QtBot

from app.ui.bridge import Bridge


class Counter:
    def __init__(self) -> None:
        self.restless = False
        self.threads: list[int] = []

    def drain(self) -> None:
        self.threads.append(threading.get_ident())


def test_many_rings_of_another_thread_are_one_frame_here(qtbot: QtBot) -> None:
    bridge, desk = Bridge(), Counter()
    bridge.serve(desk)

    def ring_often() -> None:
        for _ in range(1_000):
            bridge.ring()

    thread = threading.Thread(target=ring_often)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(desk.threads))
    assert desk.threads == [threading.get_ident()]


def test_what_rang_before_there_was_a_desk_is_not_lost(qtbot: QtBot) -> None:
    bridge, desk = Bridge(), Counter()
    bridge.ring()
    qtbot.wait(1)
    bridge.serve(desk)
    qtbot.waitUntil(lambda: bool(desk.threads))


def test_a_restless_desk_is_asked_again(qtbot: QtBot) -> None:
    bridge, desk = Bridge(), Counter()
    desk.restless = True
    bridge.serve(desk)
    bridge.ring()
    qtbot.waitUntil(lambda: len(desk.threads) > 2)
    desk.restless = False
