"""Runs one benchmark."""

import argparse
import importlib
import pkgutil
import sys

import msgspec

import tests.bench
from tests.bench.report import Report, describe_machine

FRAME = {
    "__main__",
    "bare",
    "engine",
    "floor",
    "material",
    "painted",
    "passes",
    "person",
    "report",
    "served",
    "sizing",
    "thinker",
    "thoughts",
}


def main() -> int:
    """List the benchmarks, or measure one and print its report; 0 if it could be measured."""
    names = sorted({module.name for module in pkgutil.iter_modules(tests.bench.__path__)} - FRAME)
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        for name in names:
            print(f"{name:12} {(importlib.import_module(f'tests.bench.{name}').__doc__ or '').splitlines()[0]}")
        return 0 if len(sys.argv) < 2 else 2
    bench = importlib.import_module(f"tests.bench.{sys.argv[1]}")
    parser = argparse.ArgumentParser(prog=f"tests.bench {sys.argv[1]}", description=bench.__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--full", action="store_true", help="more repeats, however long they take")
    bench.add_options(parser)
    options = parser.parse_args(sys.argv[2:])
    figures, bars = bench.measure(options)
    report = Report(sys.argv[1], describe_machine(), figures, bars)
    encoded = msgspec.json.encode(report)
    print(encoded.decode() if options.json else msgspec.json.format(encoded, indent=2).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
