"""Which saved prefixes leave when there are too many bytes of them."""

from heapq import heapify, heappop, heappush

from app.worker.prefixfolder import Foreign
from app.worker.segments import Segment, Tree


def choose_victims(tree: Tree, others: list[Foreign], excess: int) -> list[Segment | Foreign]:
    """What to delete until so many bytes are free, oldest use first; it is taken out of the tree and the list.

    A line leaves from its end: a segment goes only when nothing hangs on it. Of other models' files the same
    is true because parents are never older than their children. What still waits for the disk stays.
    """
    heap: list[tuple[float, int, int, Segment | Foreign]] = []

    def offer(victim: Segment | Foreign) -> None:
        heap.append((victim.used, -victim.start, len(heap), victim))

    for leaf in tree.leaves():
        if leaf.waiting is None:
            offer(leaf)
    for other in others:
        offer(other)
    heapify(heap)
    victims: list[Segment | Foreign] = []
    while excess > 0 and heap:
        victim = heappop(heap)[-1]
        victims.append(victim)
        excess -= victim.size
        if isinstance(victim, Segment):
            tree.drop(victim)
            above = tree.segments.get(victim.parent)
            if above and above.waiting is None and tree.is_leaf(above):
                heappush(heap, (above.used, -above.start, -len(victims), above))
    foreign = {victim.path for victim in victims if isinstance(victim, Foreign)}
    others[:] = [other for other in others if other.path not in foreign]
    return victims
