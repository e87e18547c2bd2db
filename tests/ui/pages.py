"""Looks at the transcript as its users do: what a text shows, where a word stands, what its menu offers."""

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu

from app.core.messages import Message
from app.ui.transcript.answer import Answer
from app.ui.transcript.places import Spot
from app.ui.transcript.question import Question
from app.ui.transcript.section import Section
from app.ui.transcript.view import Transcript
from app.ui.window import Window
from tests.ui.hands import click


def shown(window: Window, message: Message) -> Answer:
    """The answer of a message, with all that has arrived of it."""
    window.transcript.flush()
    turn = window.transcript._by_id[message.id]
    assert isinstance(turn, Answer)
    return turn


def asked(window: Window, message: Message) -> Question:
    """The question of a message."""
    turn = window.transcript._by_id[message.id]
    assert isinstance(turn, Question)
    return turn


def words(section: Section | None) -> str:
    """What a text says, block by block."""
    return "\n".join(row.spoken() for row in section.rows) if section is not None else ""


def height_of(window: Window, turn: Answer | Question) -> int:
    """How high a turn is in the column."""
    return sum(row.gap + row.height for row in turn.rows)


def spot_of(sections: Sequence[Section], word: str) -> Spot:
    """The place before a word."""
    for section in sections:
        if (at := section.source.find(word)) >= 0:
            return Spot(section, at)
    raise AssertionError(f"{word} is not there")


def point_of(transcript: Transcript, spot: Spot) -> QPoint:
    """The place on the screen, scrolled to."""
    QApplication.processEvents()
    transcript.show_spot(spot)
    QApplication.processEvents()
    box = transcript.rect_of(spot)
    assert box is not None
    return box.center().toPoint()


def put_caret(window: Window, sections: Sequence[Section], word: str) -> None:
    """Scroll to a word and click before it."""
    transcript = window.transcript
    click(transcript.viewport(), point_of(transcript, spot_of(sections, word)))


def choose(window: Window, at: QPoint, title: str) -> None:
    """Open the context menu at a place of the transcript and take the row with these words."""
    viewport = window.transcript.viewport()
    event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, at, viewport.mapToGlobal(at))
    QApplication.sendEvent(viewport, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    action = next((action for action in menu.actions() if action.text() == title), None)
    assert action, [action.text() for action in menu.actions()]
    action.trigger()
    menu.close()


def centre(transcript: Transcript, spot: Spot) -> QPointF:
    """The place on the screen, exactly."""
    return QPointF(point_of(transcript, spot))
