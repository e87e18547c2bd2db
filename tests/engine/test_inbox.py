"""The inbox: one ring for many items, from any thread."""

import threading

from app.engine.inbox import Inbox


def test_it_rings_once_until_it_is_emptied() -> None:
    inbox, rings = Inbox(), []
    inbox.ring = lambda: rings.append(1)
    for number in range(10):
        inbox.put(number)
    assert rings == [1]
    assert inbox.drain() == list(range(10))
    assert inbox.drain() == []
    inbox.put(10)
    assert rings == [1, 1]


def test_it_can_be_waited_for() -> None:
    inbox = Inbox()
    assert not inbox.wait(0.01)
    threading.Thread(target=inbox.put, args=("news",)).start()
    assert inbox.wait(10)
    assert inbox.drain() == ["news"]


def test_nothing_is_lost_between_threads() -> None:
    inbox = Inbox()
    taken: list[tuple[int, int]] = []

    def fill(at: int) -> None:
        for number in range(500):
            inbox.put((at, number))

    threads = [threading.Thread(target=fill, args=(at,)) for at in range(4)]
    for thread in threads:
        thread.start()
    while len(taken) < 2000:
        assert inbox.wait(10)
        taken += inbox.drain()
    for thread in threads:
        thread.join()
    for at in range(4):
        assert [number for who, number in taken if who == at] == list(range(500))
