"""The transcript when a chat is opened, and when its width or theme changes; find; memory."""

from argparse import ArgumentParser, Namespace
from statistics import median
from typing import Any

from tests.bench.painted import ask
from tests.bench.report import Bar, at_most, spread


def add_options(parser: ArgumentParser) -> None:
    """No options of its own."""
    del parser


def measure(options: Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Open, resize, change the theme, find; the medians are held against the bars."""
    found = ask("open", 1, full=options.full)
    memory = ask("memory", 1)
    bars = [
        at_most("a message of 40k tokens, ms", median(found["message_40k"]), 250),
        at_most("1,000 messages, ms", median(found["messages_1000"]), 100),
        at_most("another width, ms", median(found["resize"]), 60),
        at_most("another theme, ms", median(found["theme"]), 40),
        at_most("find in 500 kB, ms", median(found["find"]), 5),
        at_most("memory above the empty window, MB", memory["after_mb"] - memory["empty_mb"], 60),
    ]
    figures = {name: spread(values) if isinstance(values, list) else values for name, values in found.items()}
    return figures | memory, bars
