"""What readers do beside reading: find, jump to the steps of a thought, use code and formulas, ask by menu."""

from functools import partial

from PySide6.QtCore import QEvent, QPointF, QRect, QSize, Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QColor,
    QContextMenuEvent,
    QDesktopServices,
    QGuiApplication,
    QHelpEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import QMenu, QToolTip, QWidget

from app.core.text import _
from app.markup.drawing import Drawing
from app.markup.formulas import Formula, Refused
from app.markup.outline import Outline, StepKind
from app.ui.theme import Theme
from app.ui.transcript import access
from app.ui.transcript.answer import Answer
from app.ui.transcript.codeuse import CodeUse
from app.ui.transcript.findbar import FindBar
from app.ui.transcript.marks import Range, Ranges
from app.ui.transcript.menu import make_menu
from app.ui.transcript.places import Spot
from app.ui.transcript.search import Search
from app.ui.transcript.section import Section
from app.ui.transcript.setting import Setting
from app.ui.transcript.slip import Slip
from app.ui.transcript.textrow import TextRow
from app.ui.transcript.turn import Turn

MOST_MARKED = 2000
"""Hits that are marked in the text; all are counted."""


class Reading(CodeUse):
    """Adds what stands over the column for a while, and what a menu offers."""

    mathml_done = Signal()
    """A formula's MathML is there; sent from another thread."""

    def __init__(self, theme: Theme, setting: Setting, parent: QWidget | None) -> None:
        super().__init__(theme, setting, parent)
        self.marks = Ranges()
        self.search = Search()
        self.find_bar = FindBar(theme, self)
        self.find_bar.wanted.connect(self._find)
        self.find_bar.stepped.connect(self.find_next)
        self.find_bar.closed.connect(self.close_find)
        self._mathml = ""
        self.mathml_done.connect(self._take_mathml)
        access.install(self)

    # told by whoever inherits -----------------------------------------------------------------------

    def typeset(self, formula: Formula) -> Drawing | Refused | None:
        """The shapes of a formula, as far as they are known."""
        raise NotImplementedError

    def build_all(self) -> None:
        """Let all texts be there."""
        raise NotImplementedError

    def ask_fork(self, message_id: int, characters: int) -> None:
        """Think again from a place on."""
        raise NotImplementedError

    def ask_edit(self, message_id: int) -> None:
        """Put a question into other words."""
        raise NotImplementedError

    # finding ----------------------------------------------------------------------------------------

    def all_sections(self) -> list[Section]:
        """All texts in order, those that are folded away too."""
        return [section for turn in self.turns for section in turn.sections]

    def open_find(self) -> None:
        """Show the line to find something, with what is selected in it."""
        self.build_all()
        self.find_bar.place(self.width())
        self.find_bar.show()
        self.find_bar.raise_()
        self.find_bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find_bar.field.selectAll()
        if self.find_bar.field.text():
            self._find(self.find_bar.field.text())

    @Slot()
    def close_find(self) -> None:
        """Put the search away; the caret is at what was found."""
        if self.find_bar.isHidden():
            return
        had_focus = self.find_bar.isAncestorOf(self.window().focusWidget() or self)
        shown = self.search.shown
        self.find_bar.hide()
        self.search.look("", [])
        self._show_hits()
        if shown is not None and had_focus:
            self.setFocus()
            self.select(Spot(shown.section, shown.start), Spot(shown.section, shown.end))

    def find_text(self, wanted: str) -> int:
        """Look for something and show the first place from here on; how many places there are."""
        self.build_all()
        self._find(wanted)
        return len(self.search.hits)

    @Slot(str)
    def _find(self, wanted: str) -> None:
        sections = self.all_sections()
        self.search.look(wanted, sections)
        if self.search.at < 0:
            row = next((one for index in self.seen() if (one := self.text_row(index)) is not None), None)
            self.search.begin_at(sections, row.section if row else None, row.block.start if row else 0)
        self._show_hits()
        self._go_to_hit()

    @Slot(int)
    def find_next(self, step: int = 1) -> None:
        """Go to the next hit (1) or the one before (-1)."""
        if not self.find_bar.isVisible():
            self.open_find()
            return
        self.search.step(step)
        self._show_hits()
        self._go_to_hit()

    def _show_hits(self) -> None:
        shown, hits = self.search.shown, self.search.hits
        first = max(0, self.search.at - MOST_MARKED // 2)
        ranges = [
            Range(*hit, fill="found_here" if hit is shown else "found") for hit in hits[first : first + MOST_MARKED]
        ]
        self.marks.put("find", ranges)
        self.find_bar.show_count(self.search.at + 1, len(hits))
        self.viewport().update()

    def _go_to_hit(self) -> None:
        if (hit := self.search.shown) is not None:
            self.go_to(Spot(hit.section, hit.start))

    def go_to(self, spot: Spot) -> None:
        """Bring a place into sight, unfolding the thought it is in."""
        turn = self.turn_of(spot.section)
        if isinstance(turn, Answer) and spot.section in turn.thought and not turn.opened:
            turn.show_thought(opened=True)
            self.marks.show(spot.section)
        self.follow = False
        self.show_spot(spot, centre=True)

    def grown(self, answer: Answer) -> None:
        """An answer has other text now: marks and hits follow it."""
        for section in answer.sections:
            if self.marks.holds(section):
                self.marks.show(section)
        if self.search.wanted:
            self.search.look(self.search.wanted, self.all_sections())
            self._show_hits()

    # steps of a thought -----------------------------------------------------------------------------

    def steps_of(self, answer: Answer) -> list[tuple[Spot, str, StepKind]]:
        """The outline of a thought."""
        found = []
        for section in answer.thought:
            if isinstance(section, Slip):
                found.append((Spot(section, 0), _("You: {text}").format(text=section.source[:50]), StepKind.HEADING))
                continue
            outline = Outline()
            outline.feed(section.blocks, 0)
            found.extend((Spot(section, step.start), step.title, step.kind) for step in outline.steps)
        return found

    def show_steps(self, turn: Turn) -> None:
        """Show the outline of a thought as a menu at its head; choosing a step goes there."""
        if not isinstance(turn, Answer):
            return
        menu = QMenu(self)
        menu.setAccessibleName(_("Steps of the thought"))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for spot, title, kind in self.steps_of(turn):
            action = menu.addAction(_STEP_MARKS.get(kind, "") + title.replace("&", "&&"))
            action.triggered.connect(partial(self._go_to_step, spot))
        if menu.isEmpty():
            menu.addAction(_("No steps yet")).setEnabled(False)
        head = turn.head
        at = head.mapToGlobal(head.rect().bottomLeft()) if head is not None else self.mapToGlobal(self.rect().topLeft())
        menu.popup(at)

    def _go_to_step(self, spot: Spot, _checked: bool = False) -> None:  # noqa: FBT002  # Qt's signature
        self.go_to(spot)
        self.setFocus()
        self.select(spot, spot)

    # formulas and links -----------------------------------------------------------------------------

    def ask_mathml(self, formula: Formula) -> None:
        """Have a formula written as MathML; `_take_mathml` gets it."""
        raise NotImplementedError

    def copy_mathml(self, formula: Formula) -> None:
        """Put a formula on the clipboard as MathML as soon as it is written."""
        self.ask_mathml(formula)

    def note_mathml(self, text: str) -> None:
        """Called in another thread: the MathML is this."""
        self._mathml = text
        self.mathml_done.emit()

    @Slot()
    def _take_mathml(self) -> None:
        if self._mathml:
            QGuiApplication.clipboard().setText(self._mathml)

    @property
    def print_ink(self) -> QColor:
        """The ink of what leaves the app."""
        return QColor("black")

    def follow_link(self, address: str) -> None:
        """Open an address in the browser."""
        QDesktopServices.openUrl(QUrl(address))

    def clicked(self, point: QPointF) -> None:
        """Do what a mark says, or follow a link."""
        spot = self.spot_at(point)
        mark = self.marks.at(*spot) if spot is not None and self.text_at(point) is not None else None
        if mark is not None and mark.action is not None:
            mark.action()
            return
        super().clicked(point)

    def viewportEvent(self, event: QEvent) -> bool:
        """Show what there is to say under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            point = QPointF(event.pos())
            row = self.text_at(point)
            spot = self.spot_at(point) if row is not None else None
            mark = self.marks.at(*spot) if spot is not None else None
            tip = (mark.tip if mark is not None else "") or (row.tip_at(self.in_row(row, point)) if row else "")
            if tip:
                QToolTip.showText(event.globalPos(), tip, self.viewport())
            else:
                QToolTip.hideText()
            return True
        return super().viewportEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done there; from the keyboard, at the caret."""
        point = QPointF(event.pos())
        if event.reason() is QContextMenuEvent.Reason.Keyboard and self.caret is not None:
            box = self.rect_of(self.caret)
            point = box.center() if box is not None else point
        menu = make_menu(self, point)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(point.toPoint()))

    def save_picture(self, turn: Turn) -> None:
        """Save a message as a picture."""
        raise NotImplementedError

    # access -----------------------------------------------------------------------------------------

    def announce(self, words: str) -> None:
        """Say something to those who listen."""
        access.announce(self, words)

    def screen_rect(self, row: TextRow) -> QRect:
        """Where a row is on the screen."""
        index = self.index_of(row)
        if index is None:
            return QRect()
        corner = self.viewport().mapToGlobal(QRect(self.left, self.row_top(index), 1, 1).topLeft())
        return QRect(corner, QSize(self.setting.width, row.height))

    def spoken(self, row: TextRow) -> str:
        """What a row says, and who says it where that is new."""
        words = row.spoken()
        if row is not row.section.rows[0]:
            return words
        turn = self.turn_of(row.section)
        return f"{turn.spoken_as(row.section)}: {words}" if turn is not None else words

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the line to find at its corner."""
        super().resizeEvent(event)
        if self.find_bar.isVisible():
            self.find_bar.place(self.width())
        self.code_bar.hide()


_STEP_MARKS = {
    StepKind.DOUBT: "↺  ",
    StepKind.CHECK: "✓  ",
    StepKind.CONCLUSION: "→  ",
    StepKind.CASE: "•  ",
}
