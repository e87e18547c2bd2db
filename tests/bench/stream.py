"""The transcript while an answer streams: updates of two tokens, against QTextBrowser.setMarkdown and a bare fill."""

from argparse import ArgumentParser, Namespace
from typing import Any

from tests.bench.painted import ask
from tests.bench.report import Bar, at_most

LONGEST_FRAME = 50.0


def add_options(parser: ArgumentParser) -> None:
    """No options of its own."""
    del parser


def measure(options: Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Stream on top of 1k, 10k and 40k tokens at scale 1 and 2, then the worst cases."""
    plain = ask("stream", 1, full=options.full)
    sharp = ask("stream", 2, full=options.full)
    worst = ask("worst", 1)
    sizes = ("1000", "10000", "40000")
    bars = [at_most(f"scale 1, {size} tokens, p50 ms", plain[size]["p50"], 2.0) for size in sizes]
    bars += [at_most(f"scale 1, {size} tokens, p99 ms", plain[size]["p99"], 8.0) for size in sizes]
    bars.append(at_most("scale 1, p50 at 40k by that at 1k", plain["40000"]["p50"] / plain["1000"]["p50"], 1.2))
    fill = 1.5 * sharp["bare_fill"]["p50"]
    bars += [at_most(f"scale 2, {size} tokens, p50 ms", sharp[size]["p50"], max(8.0, fill)) for size in sizes]
    bars += [at_most(f"scale 2, {size} tokens, p99 ms", sharp[size]["p99"], max(14.0, fill)) for size in sizes]
    bars += [at_most(f"{case}, longest frame ms", _longest(found), LONGEST_FRAME) for case, found in worst.items()]
    figures = {"scale_1": plain, "scale_2": sharp, "worst": worst}
    figures["faster_than_set_markdown_at_40k"] = round(plain["set_markdown"]["40000"]["p50"] / plain["40000"]["p50"], 1)
    return figures, bars


def _longest(found: dict[str, float]) -> float:
    return max(found["most"], found["longest_turn"])
