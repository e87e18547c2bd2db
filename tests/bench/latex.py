"""Formulas: how many of a file of LaTeX are typeset, how long that takes, and contact sheets to look at."""

import csv
import os
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any, NamedTuple

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QImage, QPainter

from app.markup.drawing import Drawing
from app.markup.formulas import clean
from app.markup.mathjax import THREAD_STACK, MathJax
from app.markup.svg import draw
from app.ui.transcript.formula import paint
from tests.bench.report import Bar, at_least, at_most, spread

KNOWN = 131
"""Well-formed formulas of the corpus that the bar was set for."""
BROKEN = frozenset({"stream_cut", "macro"})
"""Categories of what is not well formed by itself."""
COLUMNS, ROWS = 3, 12
CELL = (420, 100)
EM = 18.0


class Snippet(NamedTuple):
    """One row of a corpus."""

    name: str
    display: bool
    latex: str
    category: str


class Outcome(NamedTuple):
    """What came of a snippet."""

    snippet: Snippet
    drawing: Drawing | None
    reason: str
    seconds: float


def add_options(parser: ArgumentParser) -> None:
    """Which corpus, and where the sheets go."""
    parser.add_argument("--corpus", type=Path, help="a table with the columns id, mode, latex, category")
    parser.add_argument("--sheet", type=Path, help="write contact sheets: FILE-1.png and so on")


def measure(options: Namespace) -> tuple[dict[str, Any], list[Bar]]:
    """Typeset every formula of the corpus, in a thread with the stack that MathJax needs."""
    samples = os.environ.get("LEMMA_SAMPLES")
    corpus = options.corpus or (Path(samples) / "latex" / "corpus.tsv" if samples else None)
    if corpus is None or not corpus.is_file():
        raise SystemExit("There is no corpus: name one with --corpus, or set LEMMA_SAMPLES.")
    outcomes = _typeset(read_corpus(corpus))
    valid = [one for one in outcomes if one.snippet.category not in BROKEN]
    failed = [one for one in valid if one.drawing is None]
    figures: dict[str, Any] = {
        "well_formed": len(valid),
        "failed": {one.snippet.name: one.reason for one in failed},
        "others_drawn": sum(one.drawing is not None for one in outcomes) - len(valid) + len(failed),
        "others": len(outcomes) - len(valid),
        "milliseconds": spread([1000 * one.seconds for one in valid]),
    }
    if options.sheet:
        figures["sheets"] = _save_sheets(options.sheet, valid)
    if len(valid) == KNOWN:
        return figures, [at_most("well-formed formulas that fail", len(failed), 1)]
    return figures, [at_least("well-formed formulas typeset", 1 - len(failed) / max(1, len(valid)), 0.98)]


def read_corpus(path: Path) -> list[Snippet]:
    """The rows of a corpus; line breaks are written as backslash n."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Snippet(row["id"], row["mode"].startswith("d"), row["latex"].replace("\\\\n", "\n"), row["category"])
            for row in rows
        ]


def _typeset(snippets: list[Snippet]) -> list[Outcome]:
    import threading

    outcomes: list[Outcome] = []

    def work() -> None:
        mathjax = MathJax()
        mathjax.svg("x", display=False)
        for snippet in snippets:
            mathjax.forget_macros()
            started = time.perf_counter()
            drawing, reason = None, ""
            try:
                drawing = draw(mathjax.svg(clean(snippet.latex), display=snippet.display))
            except ValueError as error:
                reason = str(error)
            outcomes.append(Outcome(snippet, drawing, reason, time.perf_counter() - started))

    before = threading.stack_size(THREAD_STACK)
    thread = threading.Thread(target=work)
    thread.start()
    threading.stack_size(before)
    thread.join()
    return outcomes


def _save_sheets(path: Path, outcomes: list[Outcome]) -> list[str]:
    """Pictures of all formulas with their names and sources, at scale 2."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QGuiApplication.instance() or QGuiApplication([])
    names = []
    for page, first in enumerate(range(0, len(outcomes), COLUMNS * ROWS), 1):
        image = QImage(2 * COLUMNS * CELL[0], 2 * ROWS * CELL[1], QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(2)
        image.fill("white")
        painter = QPainter(image)
        for index, outcome in enumerate(outcomes[first : first + COLUMNS * ROWS]):
            row, column = divmod(index, COLUMNS)
            _paint_cell(painter, outcome, QRectF(column * CELL[0], row * CELL[1], *CELL))
        painter.end()
        name = f"{path.stem}-{page}{path.suffix or '.png'}"
        image.save(str(path.with_name(name)))
        names.append(name)
    del application
    return names


def _paint_cell(painter: QPainter, outcome: Outcome, cell: QRectF) -> None:
    painter.setPen(QColor("#E3E3E8"))
    painter.drawRect(cell)
    font = QFont("monospace")
    font.setPixelSize(9)
    painter.setFont(font)
    painter.setPen(QColor("#6E6E73"))
    source = f"{outcome.snippet.name}  {outcome.snippet.latex}"[:150].replace("\n", " ")
    painter.drawText(cell.adjusted(6, 4, -6, 0), int(Qt.TextFlag.TextWrapAnywhere), source)
    if outcome.drawing is None:
        painter.setPen(QColor("#C62828"))
        painter.drawText(cell, Qt.AlignmentFlag.AlignCenter, outcome.reason)
        return
    drawing = outcome.drawing
    room = (cell.width() - 12, cell.height() - 34)
    em = min(EM, room[0] / max(drawing.width, 0.1), room[1] / max(drawing.height, 0.1))
    x = cell.left() + (cell.width() - drawing.width * em) / 2
    paint(painter, drawing, x, cell.top() + 28 + (room[1] - drawing.height * em) / 2, em, QColor("#1D1D1F"))
