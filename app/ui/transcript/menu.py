"""The context menu of the transcript."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QMimeData, QPointF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtWidgets import QMenu

from app.core.text import _
from app.markup.block import Kind
from app.markup.drawing import Drawing
from app.markup.formulas import Formula
from app.ui.commands import title_of
from app.ui.theme import SIZES
from app.ui.transcript.answer import Answer
from app.ui.transcript.formula import paint
from app.ui.transcript.places import Spot
from app.ui.transcript.question import Question
from app.ui.transcript.textrow import TextRow

if TYPE_CHECKING:
    from app.ui.transcript.reading import Reading

PICTURE_SCALE = 4
"""Pixels for a point in a formula's picture, so that it can be printed."""
MARGIN = 4


def make_menu(view: "Reading", point: QPointF) -> QMenu:
    """What can be done at a point of the viewport."""
    menu = QMenu(view)
    row = view.text_at(point)
    spot = view.spot_at(point)
    _add(menu, _("Copy"), view.copy, enabled=view.has_selection())
    _add(menu, _("Select all"), view.select_all)
    if row is not None:
        _add_formula(menu, view, row, point)
        if link := view.link_at(point):
            menu.addSeparator()
            _add(menu, _("Open {address}").format(address=_shorten(link)), partial(view.follow_link, link))
            _add(menu, _("Copy the address"), partial(QGuiApplication.clipboard().setText, link))
        if row.block.kind is Kind.CODE:
            menu.addSeparator()
            _add(menu, title_of("copy.code"), partial(view.copy_code, row.section, row.block.group))
            _add(menu, _("Save the code as a file…"), partial(view.save_code, row.section, row.block.group))
    if spot is not None:
        _add_turn(menu, view, spot)
    return menu


def _add(menu: QMenu, words: str, deed: Callable[[], object], *, enabled: bool = True) -> None:
    action = menu.addAction(words)
    action.triggered.connect(partial(_do, deed))
    action.setEnabled(enabled)


def _do(deed: Callable[[], object], _checked: bool = False) -> None:  # noqa: FBT002  # Qt's signature
    deed()


def _shorten(address: str) -> str:
    return address if len(address) <= 60 else address[:40] + "…" + address[-18:]


def _add_formula(menu: QMenu, view: "Reading", row: TextRow, point: QPointF) -> None:
    formula = row.formula_at(view.in_row(row, point))
    if formula is None:
        return
    menu.addSeparator()
    _add(menu, _("Copy as LaTeX"), partial(QGuiApplication.clipboard().setText, formula.latex))
    _add(menu, _("Copy as MathML"), partial(view.copy_mathml, formula))
    _add(menu, _("Copy as a picture"), partial(copy_picture, view, formula))


def copy_picture(view: "Reading", formula: Formula) -> None:
    """Put a formula on the clipboard as black on white, large enough to be printed."""
    drawing = view.typeset(formula)
    if not isinstance(drawing, Drawing):
        return
    em = SIZES["text"] * PICTURE_SCALE
    image = QImage(
        int(drawing.width * em) + 2 * MARGIN * PICTURE_SCALE,
        int(drawing.height * em) + 2 * MARGIN * PICTURE_SCALE,
        QImage.Format.Format_RGB32,
    )
    image.fill("white")
    painter = QPainter(image)
    paint(painter, drawing, MARGIN * PICTURE_SCALE, MARGIN * PICTURE_SCALE, em, view.print_ink)
    painter.end()
    data = QMimeData()
    data.setImageData(image)
    QGuiApplication.clipboard().setMimeData(data)


def _add_turn(menu: QMenu, view: "Reading", spot: Spot) -> None:
    turn = view.turn_of(spot.section)
    if isinstance(turn, Question):
        menu.addSeparator()
        _add(menu, title_of("question.edit"), partial(view.ask_edit, turn.message.id))
    elif isinstance(turn, Answer) and spot.section in turn.thought:
        menu.addSeparator()
        characters = turn.before(*spot)
        _add(menu, title_of("thought.fork"), partial(view.ask_fork, turn.message.id, characters))
        _add(menu, title_of("copy.thought"), turn.copy_thought)
    elif isinstance(turn, Answer) and turn.text is not None:
        menu.addSeparator()
        _add(menu, title_of("copy.answer"), partial(QGuiApplication.clipboard().setText, turn.text.source))
        if turn.thought:
            _add(menu, title_of("copy.both"), turn.copy_both)
    if turn is not None:
        _add(menu, _("Save this message as a picture…"), partial(view.save_picture, turn))
