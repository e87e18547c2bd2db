"""Prompts of every layout against those of mistral-common and transformers: control words in texts, all of Unicode."""

import argparse
from pathlib import Path
from typing import Any

from tests.bench.report import Bar, at_least, at_most
from tests.fixtures import layouts
from tests.fixtures.prompt_cases import Case, build_ours, build_theirs, make_cases, read_cases

SHOWN = 5
"""Mismatches that are printed, and ids around the place where each begins."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What may be varied."""
    parser.add_argument("--cases", type=Path, help="a JSON file with one case or a list of them")
    parser.add_argument("--count", type=int, default=1200, help="how many cases are made where no file is given")
    parser.add_argument("--seed", type=int, default=1)


def measure(options: argparse.Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Build every case twice."""
    made = options.cases is None
    cases = make_cases(5 * options.count if options.full else options.count, options.seed) if made else []
    cases = cases or read_cases(options.cases)
    outcomes = [_compare(case) for case in cases]
    told = list(zip(cases, outcomes, strict=True))
    by_layout = {name: _sum_up([outcome for case, outcome in told if case.layout == name]) for name in layouts.NAMES}
    compared = [outcome for outcome in outcomes if "refused" not in outcome]
    wrong = [{"case": at, **outcome} for at, outcome in enumerate(outcomes) if "theirs" in outcome]
    figures = {
        "cases": len(cases),
        "compared": len(compared),
        "layouts": {
            name: {"release": layouts.RELEASE[name], **figures}
            for name, figures in by_layout.items()
            if figures["cases"]
        },
        "with_thoughts": sum(any(kind == "thought" for kind, _text in _chunks(case)) for case in cases),
        "with_control_words": sum(any("[" in text or "<" in text for _kind, text in _chunks(case)) for case in cases),
        "ids": sum(outcome["ids"] for outcome in compared),
        "mismatches": len(wrong),
        "shown": wrong[:SHOWN],
        "refused_by_the_reference": [outcome["refused"] for outcome in outcomes if "refused" in outcome][:SHOWN],
    }
    bars = [
        at_most("prompts that differ from the reference's", len(wrong), 0),
        at_least("cases compared", len(compared), 300 if made else 1),
    ]
    if made:
        least = min(figures["compared"] for figures in by_layout.values())
        bars.append(at_least("cases compared of each layout", least, options.count // 40))
    return figures, bars


def _sum_up(outcomes: list[dict[str, Any]]) -> dict[str, int]:
    """One layout's cases."""
    return {
        "cases": len(outcomes),
        "compared": sum("refused" not in outcome for outcome in outcomes),
        "mismatches": sum("theirs" in outcome for outcome in outcomes),
    }


def _compare(case: Case) -> dict[str, Any]:
    """Where the two differ, should they; `refused` says why the reference has no word on a case."""
    theirs = case.ids
    if theirs is None:
        try:
            theirs = build_theirs(case)
        except Exception as error:  # noqa: BLE001 - whatever the library raises for what it does not allow
            return {"refused": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    try:
        ours = build_ours(case)
    except Exception as error:  # noqa: BLE001 - a case that the app cannot build is a mismatch, not the end
        return {"ids": len(theirs), "ours": repr(error), "theirs": theirs[:SHOWN]}
    if ours == theirs:
        return {"ids": len(theirs)}
    pairs = zip(ours, theirs, strict=False)
    at = next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(ours), len(theirs)))
    near = slice(max(0, at - 1), at + SHOWN)
    return {"ids": len(theirs), "at": at, "ours": ours[near], "theirs": theirs[near]}


def _chunks(case: Case) -> list[tuple[str, str]]:
    return [*case.system, *(chunk for said in case.messages for chunk in said.parts)]
