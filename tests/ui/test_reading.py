"""Reading with mouse and keyboard: selections over messages, links, find, steps, code; and what others are told."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QGuiApplication, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from pytestqt.qtbot import QtBot

from app.core.messages import Kind, Message, Part, State
from app.markup.block import Kind as Block
from app.ui.transcript.marks import Range
from app.ui.transcript.places import Spot
from app.ui.transcript.proserow import ProseRow
from app.ui.window import Window
from tests.ui import samples
from tests.ui.hands import ALT, CONTROL, NONE, SHIFT, click, press, write
from tests.ui.pages import asked, choose, point_of, shown, spot_of
from tests.ui.stage import StageDesk

ANSWER = """The sum is \\(\\frac{n(n+1)}{2}\\), **as always**.

```python
def total(n):
    return n * (n + 1) // 2
```

See [the page](https://example.org/sums) for more.

| a | b |
|---|---|
| 1 | $x$ |
"""


def put(desk: StageDesk, *turns: tuple[str, tuple[Part, ...]]) -> list[Message]:
    """Questions and their answers on the desk."""
    session = desk.sessions[0]
    messages: list[Message] = []
    for question, parts in turns:
        messages.append(samples.ask(session.id, question, messages[-1].id if messages else None))
        whole = samples.answer(messages[-1], "")
        fields = {name: getattr(whole, name) for name in whole.__struct_fields__}
        messages.append(Message(**fields | {"parts": parts}))
    desk.put(session, messages)
    QApplication.processEvents()
    return messages


def conversation(desk: StageDesk) -> list[Message]:
    thought = Part(Kind.REASONING, "A *long* thought about sums.")
    return put(
        desk,
        ("What is the **sum**?", (thought, Part(Kind.TEXT, ANSWER))),
        ("And with $x^2$?", (Part(Kind.TEXT, "That is another story."),)),
    )


def clipboard() -> str:
    return QGuiApplication.clipboard().text()


def drag(window: Window, start: QPoint, *stops: QPoint) -> None:
    """Press at one point, move over others, and let go at the last."""
    viewport = window.transcript.viewport()
    QTest.mousePress(viewport, Qt.MouseButton.LeftButton, NONE, start)
    for stop in stops:
        move = QMouseEvent(
            QMouseEvent.Type.MouseMove,
            QPointF(stop),
            QPointF(viewport.mapToGlobal(stop)),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.LeftButton,
            NONE,
        )
        QApplication.sendEvent(viewport, move)
    QTest.mouseRelease(viewport, Qt.MouseButton.LeftButton, NONE, stops[-1])


# selecting --------------------------------------------------------------------------------------


def test_a_drag_over_three_messages_copies_clean_markdown(window: Window, desk: StageDesk) -> None:
    first, reply, second, _last = conversation(desk)
    window.resize(1000, 1200)
    QApplication.processEvents()
    view = window.transcript
    start = spot_of([asked(window, first).text], "sum")
    end = Spot(asked(window, second).text, len("And with"))
    assert shown(window, reply).thought
    drag(
        window,
        point_of(view, start),
        point_of(view, spot_of(shown(window, reply).shown(), "page")),
        point_of(view, end),
    )
    assert view.copy()
    assert clipboard() == f"**sum**?\n\n{ANSWER.strip()}\n\nAnd with"
    html = QGuiApplication.clipboard().mimeData().html()
    assert "<b>as always</b>" in html
    assert "long" not in clipboard()  # the thought is folded


def test_a_formula_is_copied_whole_or_not_at_all(window: Window, desk: StageDesk) -> None:
    _first, reply, *_rest = conversation(desk)
    section = shown(window, reply).text
    assert section
    view = window.transcript
    view.select(spot_of([section], "sum is"), Spot(section, section.source.index("\\)") + 2))
    view.copy()
    assert clipboard() == "sum is \\(\\frac{n(n+1)}{2}\\)"
    view.select(spot_of([section], "always"), Spot(section, section.source.index("always") + 6))
    view.copy()
    assert clipboard() == "**always**"


def test_code_alone_is_copied_as_code(window: Window, desk: StageDesk) -> None:
    _first, reply, *_rest = conversation(desk)
    section = shown(window, reply).text
    assert section
    view = window.transcript
    view.select(spot_of([section], "return n"), Spot(section, section.source.index("* (n")))
    view.copy()
    assert clipboard() == "return n "
    view.select(spot_of([section], "return n"), spot_of([section], "the page"))
    view.copy()
    assert clipboard() == "```python\nreturn n * (n + 1) // 2\n```\n\nSee "


def test_double_and_triple_click_take_a_word_and_a_paragraph(window: Window, desk: StageDesk) -> None:
    *_before, last = conversation(desk)
    view = window.transcript
    at = point_of(view, Spot(shown(window, last).text, 10))  # type: ignore[arg-type]
    QTest.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, NONE, at)
    view.copy()
    assert clipboard() == "another"
    click(view.viewport(), at)
    view.copy()
    assert clipboard() == "That is another story."


def test_a_drag_beyond_the_edge_scrolls_on(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    *_before, last = put(desk, ("Why?", (Part(Kind.TEXT, "A line of text.\n\n" * 80),)))
    view = window.transcript
    view.verticalScrollBar().setValue(0)
    start = point_of(view, Spot(shown(window, last).text, 3))  # type: ignore[arg-type]
    QTest.mousePress(view.viewport(), Qt.MouseButton.LeftButton, NONE, start)
    below = QPoint(start.x(), view.viewport().height() + 40)
    QTest.mouseMove(view.viewport(), below)
    event = QMouseEvent(
        QMouseEvent.Type.MouseMove,
        QPointF(below),
        QPointF(view.viewport().mapToGlobal(below)),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        NONE,
    )
    QApplication.sendEvent(view.viewport(), event)
    before = view.verticalScrollBar().value()
    qtbot.waitUntil(lambda: view.verticalScrollBar().value() > before + 200)
    QTest.mouseRelease(view.viewport(), Qt.MouseButton.LeftButton, NONE, below)
    view.copy()
    assert clipboard().count("A line of text.") > 10


def test_the_keyboard_selects_over_blocks(window: Window, desk: StageDesk) -> None:
    *_before, last = put(desk, ("Why?", (Part(Kind.TEXT, "One two.\n\nThree four.\n\nFive."),)))
    view = window.transcript
    section = shown(window, last).text
    assert section
    click(view.viewport(), point_of(view, Spot(section, 0)))
    press(Qt.Key.Key_Right, CONTROL | SHIFT)
    press(Qt.Key.Key_C, CONTROL)
    assert clipboard().strip() == "One"
    for _ in range(2):
        press(Qt.Key.Key_Down, CONTROL | SHIFT)
    press(Qt.Key.Key_C, CONTROL)
    assert clipboard() == "One two.\n\nThree four."
    press(Qt.Key.Key_End, CONTROL)
    assert view.caret == Spot(section, len(section.source))
    press(Qt.Key.Key_Home, SHIFT)
    press(Qt.Key.Key_C, CONTROL)
    assert clipboard() == "Five."
    press(Qt.Key.Key_Up, ALT)
    assert view.caret
    assert view.caret.section is asked(window, desk.conversation.messages[0]).text
    press(Qt.Key.Key_A, CONTROL)
    press(Qt.Key.Key_C, CONTROL)
    assert clipboard() == "Why?\n\nOne two.\n\nThree four.\n\nFive."


def test_the_caret_walks_through_everything_and_back(window: Window, desk: StageDesk) -> None:
    conversation(desk)
    view = window.transcript
    press(Qt.Key.Key_Tab)
    view.setFocus()
    press(Qt.Key.Key_Home, CONTROL)
    forth = [view.caret]
    for _ in range(2000):
        press(Qt.Key.Key_Right)
        if view.caret == forth[-1]:
            break
        forth.append(view.caret)
    sections = {id(spot.section) for spot in forth if spot}
    assert len(sections) == 4
    back = [view.caret]
    for _ in range(2000):
        press(Qt.Key.Key_Left)
        if view.caret == back[-1]:
            break
        back.append(view.caret)
    assert back[::-1] == forth
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
        for _ in range(60):
            press(key)
    assert view.caret
    assert view.caret.section is view.shown_sections()[0]


# links and menus --------------------------------------------------------------------------------


def test_a_click_on_a_link_opens_it(window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    _first, reply, *_rest = conversation(desk)
    opened: list[str] = []
    monkeypatch.setattr(window.transcript, "follow_link", opened.append)
    view = window.transcript
    at = point_of(view, Spot(shown(window, reply).text, ANSWER.index("the page") + 2))  # type: ignore[arg-type]
    assert view.link_at(QPointF(at)) == "https://example.org/sums"
    row = view.text_at(QPointF(at))
    assert row
    assert row.tip_at(view.in_row(row, QPointF(at))) == "https://example.org/sums"
    click(view.viewport(), at)
    assert opened == ["https://example.org/sums"]
    choose(window, at, "Copy the address")
    assert clipboard() == "https://example.org/sums"


def test_a_formula_is_copied_as_latex_mathml_and_picture(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    _first, reply, *_rest = conversation(desk)
    view = window.transcript
    section = shown(window, reply).text
    assert section
    spot = Spot(section, ANSWER.index("\\("))
    row = view.row_of(spot)
    assert isinstance(row, ProseRow)
    qtbot.waitUntil(lambda: row.page is not None and not row.page.formulas, timeout=20_000)
    QApplication.processEvents()
    at = point_of(view, spot) + QPoint(8, 0)
    choose(window, at, "Copy as LaTeX")
    assert clipboard() == "\\frac{n(n+1)}{2}"
    choose(window, at, "Copy as MathML")
    qtbot.waitUntil(lambda: "<mfrac>" in clipboard())
    choose(window, at, "Copy as a picture")
    image = QGuiApplication.clipboard().image()
    assert image.width() > 100
    assert image.pixelColor(0, 0).name() == "#ffffff"


def test_a_mark_speaks_and_acts(window: Window, desk: StageDesk) -> None:
    _first, reply, *_rest = conversation(desk)
    view = window.transcript
    section = shown(window, reply).text
    assert section
    start = section.source.index("always")
    done: list[str] = []
    mark = Range(
        section,
        start,
        start + 6,
        fill="found",
        underline=True,
        badge="good",
        tip="Quoted",
        action=lambda: done.append("done"),
    )
    view.marks.put("quotes", [mark])
    at = point_of(view, Spot(section, start + 2))
    assert view.marks.at(section, start + 2) is mark
    click(view.viewport(), at)
    assert done == ["done"]
    view.marks.put("quotes", [])
    assert all(row.marks == () for row in section.rows)


# find and steps ---------------------------------------------------------------------------------


def test_find_counts_steps_and_looks_into_folded_thoughts(window: Window, desk: StageDesk) -> None:
    _first, reply, *_rest = conversation(desk)
    press(Qt.Key.Key_F, CONTROL)
    write("sum")
    view = window.transcript
    assert view.find_bar.count_words == "1 of 4"
    assert not shown(window, reply).opened
    press(Qt.Key.Key_Return)
    assert view.find_bar.count_words == "2 of 4"
    assert shown(window, reply).opened  # the second hit is in the thought
    press(Qt.Key.Key_Return, SHIFT)
    assert view.find_bar.count_words == "1 of 4"
    press(Qt.Key.Key_F3, SHIFT)
    assert view.find_bar.count_words == "4 of 4"
    assert any(row.marks for section in view.all_sections() for row in section.rows)
    press(Qt.Key.Key_Escape)
    assert not view.find_bar.isVisible()
    assert not any(row.marks for section in view.all_sections() for row in section.rows)
    assert view.has_selection()


def test_find_says_when_there_is_nothing(window: Window, desk: StageDesk) -> None:
    conversation(desk)
    assert window.transcript.find_text("nowhere") == 0
    assert window.transcript.find_bar.count_words in {"", "Not found"}


def test_hits_follow_an_answer_that_grows(window: Window, desk: StageDesk) -> None:
    session = desk.sessions[0]
    question = samples.ask(session.id, "Why?")
    reply = samples.answer(question, "", state=State.RUNNING)
    desk.put(session, [question, reply])
    window.transcript.append(reply.id, Kind.TEXT, "One hit here.")
    window.transcript.flush()
    assert window.transcript.find_text("hit") == 1
    window.transcript.append(reply.id, Kind.TEXT, "\n\nAnother hit.")
    window.transcript.flush()
    assert len(window.transcript.search.hits) == 2


def test_the_steps_of_a_thought_lead_into_it(window: Window, desk: StageDesk) -> None:
    filler = "Some words that say little but take their room in the thought, as they do. " * 8
    thought = f"First look at it. {filler}\n\nWait, that is wrong. {filler}\n\nLet me verify the sum. {filler}"
    _question, reply = put(desk, ("Why?", (Part(Kind.REASONING, thought), Part(Kind.TEXT, "So."))))
    answer = shown(window, reply)
    steps = window.transcript.steps_of(answer)
    assert [title.split()[0] for _spot, title, _kind in steps][1:] == ["Wait,", "Let"]
    window.transcript.go_to(steps[1][0])
    assert answer.opened
    box = window.transcript.rect_of(steps[1][0])
    assert box
    assert 0 <= box.top() < window.transcript.viewport().height()


# thoughts and code ------------------------------------------------------------------------------


def test_the_head_of_a_thought_stays_in_sight_and_folds_it_from_inside(window: Window, desk: StageDesk) -> None:
    _question, reply = put(desk, ("Why?", (Part(Kind.REASONING, "A line.\n\n" * 200), Part(Kind.TEXT, "So."))))
    answer = shown(window, reply)
    window.toggle_thought()
    view = window.transcript
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    head = answer.head
    assert head
    assert head.isVisible()
    assert head.y() == 0
    click(head.header)
    assert not answer.opened
    assert head.isVisible()
    assert 0 <= head.y() < view.viewport().height()


def test_code_can_be_copied_by_its_bar_its_key_and_saved(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, qtbot: QtBot
) -> None:
    _first, reply, *_rest = conversation(desk)
    view = window.transcript
    section = shown(window, reply).text
    assert section
    at = point_of(view, spot_of([section], "return"))
    view.hover(QPointF(at))
    assert view.code_bar.isVisible()
    click(view.code_bar._copy)
    code = "def total(n):\n    return n * (n + 1) // 2"
    assert clipboard() == code
    QGuiApplication.clipboard().clear()
    press(Qt.Key.Key_K, CONTROL | SHIFT)
    assert clipboard() == code
    target = tmp_path / "sum.py"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    view.save_code(section, section.blocks[1].group)
    qtbot.waitUntil(target.exists)
    assert target.read_text() == code + "\n"


def test_wide_code_scrolls_sideways_when_it_is_not_wrapped(window: Window, desk: StageDesk) -> None:
    line = "x = " + " + ".join(f"term_{number}" for number in range(60))
    _question, reply = put(desk, ("Why?", (Part(Kind.TEXT, f"```python\n{line}\n```\n"),)))
    view = window.transcript
    section = shown(window, reply).text
    assert section
    wrapped = section.rows[0].height
    window.run_command("view.wrap")
    QApplication.processEvents()
    assert section.rows[0].height < wrapped
    at = QPointF(point_of(view, spot_of([section], "x =")))
    wheel = QWheelEvent(
        at, view.viewport().mapToGlobal(at), QPoint(-300, 0), QPoint(-300, 0), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view.viewport(), wheel)
    assert section.scrolls[section.blocks[0].group] == 300


def test_a_code_of_ten_thousand_lines_lays_out_only_what_is_seen(window: Window, desk: StageDesk) -> None:
    code = "".join(f"line {number}\n" for number in range(10_000))
    _question, reply = put(desk, ("Why?", (Part(Kind.TEXT, f"```\n{code}```\n"),)))
    section = shown(window, reply).text
    assert section
    assert len(section.rows) > 300
    assert {row.block.kind for row in section.rows} == {Block.CODE}
    assert len(window.transcript.setting.laid()) < 20


# look and access --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [80, 200])
def test_text_of_any_size_is_laid_out_and_hit_rightly(scale: int, window: Window, desk: StageDesk) -> None:
    _first, reply, *_rest = conversation(desk)
    before = shown(window, reply).text.rows[0].height  # type: ignore[union-attr]
    view = window.transcript
    view.set_look(scale=scale / 100, wrap=True, numbers=False)
    section = shown(window, reply).text
    assert section
    spot = spot_of([section], "more")
    at = point_of(view, spot)
    assert view.spot_at(QPointF(at)) == spot
    assert (section.rows[0].height < before) == (scale < 100)


def test_the_place_stays_when_the_width_changes(window: Window, desk: StageDesk) -> None:
    long = "\n\n".join(f"Paragraph {number} with some words in it, so that it breaks. " * 6 for number in range(60))
    _question, reply = put(desk, ("Why?", (Part(Kind.TEXT, long),)))
    view = window.transcript
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    row, top = view.hold()
    window.resize(window.width() - 260, window.height())
    QApplication.processEvents()
    assert row
    assert view.row_top(view.stack.rows.index(row)) == top
    assert shown(window, reply).text


def test_screen_readers_find_every_block_with_its_formulas(window: Window, desk: StageDesk) -> None:
    conversation(desk)
    interface = QAccessible.queryAccessibleInterface(window.transcript)
    assert interface.role() is QAccessible.Role.List
    names = [interface.child(index).text(QAccessible.Text.Name) for index in range(interface.childCount())]
    assert names[0] == "Your question: What is the sum?"
    assert names[1].startswith("Answer: The sum is \\(\\frac{n(n+1)}{2}\\)")
    assert "def total(n):" in names[2]
    child = interface.child(1)
    assert child.role() is QAccessible.Role.StaticText
    assert child.rect().width() > 100
    assert child.parent().role() is QAccessible.Role.List
    assert interface.indexOfChild(child) == 1


def test_positions_are_kept_for_each_chat(window: Window, desk: StageDesk) -> None:
    put(desk, ("Why?", (Part(Kind.TEXT, "A paragraph of the first chat.\n\n" * 60),)))
    view = window.transcript
    view.verticalScrollBar().setValue(300)
    place = view.hold()
    first = list(desk.conversation.messages)
    desk.put(desk.sessions[1], [samples.ask(desk.sessions[1].id, "Elsewhere?")])
    desk.put(desk.sessions[0], first)
    row, top = view.hold()
    assert top == place[1]
    assert isinstance(row, ProseRow)
    assert isinstance(place[0], ProseRow)
    assert row.block == place[0].block


def test_letters_typed_while_reading_go_into_the_message(window: Window, desk: StageDesk) -> None:
    *_before, last = conversation(desk)
    click(window.transcript.viewport(), point_of(window.transcript, Spot(shown(window, last).shown()[0], 3)))
    assert window.transcript.hasFocus()
    write("Why")
    assert window.composer.text() == "Why"
    assert window.composer.editor.hasFocus()


def test_a_link_that_is_defined_at_the_end_is_a_link(window: Window, desk: StageDesk) -> None:
    session = desk.sessions[0]
    question = samples.ask(session.id, "Why?")
    reply = samples.answer(question, "", state=State.RUNNING)
    desk.put(session, [question, reply])
    view = window.transcript
    for text in ("See [the page][p] first.\n\n", "Then more.\n\n", "[p]: https://example.org\n\n", "End."):
        view.append(reply.id, Kind.TEXT, text)
        view.flush()
    section = shown(window, reply).text
    assert section
    at = point_of(view, Spot(section, section.source.index("the page") + 2))
    assert view.link_at(QPointF(at)) == "https://example.org"
