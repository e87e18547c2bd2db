"""The transcript: appends, folds, follows, and opens long chats from their end."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.chat.changes import (
    EngineChanged,
    EngineState,
    EngineView,
    LedgerChanged,
    Mended,
    MessageAdded,
    MessageChanged,
    Phase,
    Progress,
    ProgressChanged,
    TextAppended,
)
from app.core.errors import Failure
from app.core.messages import End, Generation, Kind, Message, State, ThoughtEnd
from app.markup.block import Kind as Block
from app.ui.transcript.answer import Answer
from app.ui.transcript.places import Spot
from app.ui.window import Window
from app.ui.words import say_ended_thought, say_queue
from tests.ui import samples, stage
from tests.ui.conftest import Open
from tests.ui.hands import CONTROL, click, press
from tests.ui.pages import height_of, shown, words
from tests.ui.stage import StageDesk


def begin(desk: StageDesk, before: list[Message] | None = None) -> Message:
    """Put a question and its empty running answer on the desk."""
    session = desk.sessions[0]
    messages = before or []
    question = samples.ask(session.id, "Why?", messages[-1].id if messages else None)
    reply = samples.answer(question, "", state=State.RUNNING)
    desk.put(session, [*messages, question, reply], Progress(reply.id))
    return reply


def write(desk: StageDesk, reply: Message, kind: Kind, text: str) -> None:
    desk.say(TextAppended(reply.session, reply.id, kind, text))
    phase = Phase.THINKING if kind is Kind.REASONING else Phase.ANSWERING
    desk.say(ProgressChanged(reply.session, Progress(reply.id, phase, reasoning_tokens=312, reasoning_seconds=17.2)))


def thought_text(answer: Answer) -> str:
    return "\n".join(words(section) for section in answer.thought)


def test_a_thought_streams_into_its_pane(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, "\nFirst")
    write(desk, reply, Kind.REASONING, " second.\n")
    answer = shown(window, reply)
    assert answer.running
    assert answer.words.startswith("Thinking…")
    assert thought_text(answer) == "First second."


def test_a_long_thought_is_only_appended_to(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    """120,000 characters: rows that are complete stay the same, and few are laid out at a time."""
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    first = shown(window, reply).thought[0].rows[0]
    for _ in range(400):
        write(desk, reply, Kind.REASONING, samples.THOUGHT)
        window.transcript.flush()
    section = shown(window, reply).thought[0]
    assert section.rows[0] is first
    assert len(section.source) > 110_000
    assert len(window.transcript.setting.laid()) <= 160


def test_a_selection_and_the_place_stay_while_text_arrives(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT * 20)
    section = shown(window, reply).thought[0]
    bar = window.transcript.verticalScrollBar()
    assert bar.value() == bar.maximum() > 0
    bar.setValue(40)
    at = section.source.index("user")
    window.transcript.select(Spot(section, at), Spot(section, at + 4))
    write(desk, reply, Kind.REASONING, samples.THOUGHT * 20)
    shown(window, reply)
    assert bar.value() == 40
    window.transcript.copy()
    assert QGuiApplication.clipboard().text() == "user"


def test_the_end_is_followed_until_the_reader_scrolls_up(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    reply = begin(desk, samples.make_dialogue(desk.sessions[0].id) * 1)
    write(desk, reply, Kind.REASONING, samples.THOUGHT * 10)
    shown(window, reply)
    transcript, bar = window.transcript, window.transcript.verticalScrollBar()
    assert bar.value() == bar.maximum()
    assert not transcript._jump.isVisible()
    bar.setValue(0)
    assert transcript._jump.isVisible()
    click(transcript._jump)
    assert bar.value() == bar.maximum()
    assert not transcript._jump.isVisible()


def test_a_thought_folds_when_its_answer_begins(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    write(desk, reply, Kind.TEXT, "So")
    answer = shown(window, reply)
    assert not answer.opened
    assert not answer.running


def test_a_thought_that_the_reader_opened_stays_open(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    head = shown(window, reply).head
    assert head
    for _ in range(2):
        click(head.header)
    write(desk, reply, Kind.TEXT, "So")
    assert shown(window, reply).opened


def test_thoughts_stay_open_where_the_setting_says_so(open_window: Open, desk: StageDesk) -> None:
    desk.preferences["fold_thoughts"] = False
    window = open_window(desk)
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    write(desk, reply, Kind.TEXT, "So")
    assert shown(window, reply).opened


def test_control_t_unfolds_and_folds(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.folded(desk)
    last = shown(window, desk.conversation.messages[-1])
    height = height_of(window, last)
    press(Qt.Key.Key_T, CONTROL)
    qtbot.waitUntil(lambda: height_of(window, last) > height)
    assert last.thought[0].source == samples.THOUGHT
    press(Qt.Key.Key_T, CONTROL)
    qtbot.waitUntil(lambda: height_of(window, last) == height)


def test_folding_takes_a_moment_where_motion_is_wanted(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    window.theme.reduced_motion = False
    stage.folded(desk)
    transcript = window.transcript
    transcript.verticalScrollBar().setValue(0)
    transcript.follow = False
    for _fold in range(2):
        window.toggle_thought()
        assert transcript._slid != 0
        qtbot.waitUntil(lambda: transcript._slid == 0)
    window.theme.reduced_motion = True
    window.toggle_thought()
    assert transcript._slid == 0


def test_an_answer_that_ends_keeps_its_rows(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    write(desk, reply, Kind.TEXT, samples.ANSWER)
    answer = shown(window, reply)
    assert answer.text
    before = list(answer.text.rows)
    question = desk.conversation.messages[0]
    done = samples.answer(question, samples.ANSWER, samples.THOUGHT, message_id=reply.id)
    desk.say(MessageChanged(done))
    assert answer.text.rows == before
    assert answer.words == "Thought for 41 s · 1,284 tokens"
    assert not window.running


def test_text_that_turns_out_to_be_the_thought_moves_there(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.TEXT, "Let me think")
    question = desk.conversation.messages[0]
    desk.say(MessageChanged(samples.answer(question, "", "Let me think", State.RUNNING, message_id=reply.id)))
    answer = shown(window, reply)
    assert answer.text is None
    assert thought_text(answer) == "Let me think"


@pytest.mark.parametrize(
    ("state", "end", "words"),
    [
        (State.DONE, ThoughtEnd.ITSELF, ""),
        (State.DONE, ThoughtEnd.USER, " · cut short by you"),
        (State.DONE, ThoughtEnd.BUDGET, " · budget reached"),
        (State.DONE, ThoughtEnd.UNFINISHED, " · not finished"),
        (State.STOPPED, ThoughtEnd.UNFINISHED, " · stopped by you"),
        (State.STOPPED, ThoughtEnd.USER, " · stopped by you"),
        (State.STOPPED, ThoughtEnd.LOOP, " · loop stopped"),
        (State.DONE, ThoughtEnd.LIMIT, " · context full"),
        (State.INTERRUPTED, None, " · interrupted"),
        (State.FAILED, ThoughtEnd.UNFINISHED, " · interrupted"),
    ],
)
def test_a_header_says_how_the_thought_ended(state: State, end: ThoughtEnd | None, words: str) -> None:
    facts = Generation(model="m", fingerprint="f", reasoning_tokens=1_284, reasoning_seconds=41.2, thought_end=end)
    assert say_ended_thought(facts, state) == "Thought for 41 s · 1,284 tokens" + words


def test_code_stands_in_a_card_with_its_language(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.folded(desk)
    answer = shown(window, desk.conversation.messages[-1])
    assert answer.text
    assert [block.kind for block in answer.text.blocks] == [Block.PROSE, Block.CODE, Block.PROSE]
    assert answer.text.blocks[1].language == "python"
    window.transcript.copy_code(answer.text, answer.text.blocks[1].group)
    assert QGuiApplication.clipboard().text() == samples.ANSWER.split("```")[1].removeprefix("python\n").removesuffix(
        "\n"
    )


def test_markup_is_shown_as_it_is(window: Window, desk: StageDesk) -> None:
    stage.scripts(desk)
    assert "<b>not bold</b>" in words(shown(window, desk.conversation.messages[-1]).text)


def test_the_card_of_a_failure_runs_its_command(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    stage.failed(desk)
    card = shown(window, desk.conversation.messages[-1]).card
    assert card
    assert card.accessibleName() == "The engine stopped. Everything written until then is kept."
    click(card.buttons[0])
    assert desk.told == [("retry",)]


def test_only_the_last_answer_can_be_tried_again(window: Window, desk: StageDesk) -> None:
    stage.failed(desk)
    failed = desk.conversation.messages[-1]
    card = shown(window, failed).card
    assert card
    assert [one.text() for one in card.buttons] == ["Try again"]
    desk.say(MessageAdded(samples.ask(failed.session, "And now?", failed.id)))
    card = shown(window, failed).card
    assert card
    assert card.buttons == []


def test_another_answer_takes_the_place_of_the_one_before(window: Window, desk: StageDesk) -> None:
    stage.failed(desk)
    failed, question = desk.conversation.messages[-1], desk.conversation.messages[-2]
    again = samples.answer(question, "", state=State.RUNNING)
    desk.say(MessageAdded(again))
    assert failed.id not in window.transcript._by_id
    assert window.transcript.last == again


def test_a_long_chat_opens_at_its_end_and_fills_up(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    session = desk.sessions[0]
    desk.put(session, samples.make_long(session.id, 200))
    transcript = window.transcript
    bar = transcript.verticalScrollBar()
    assert len(transcript._by_id) < 40
    assert bar.value() == bar.maximum()
    offset = transcript.row_top(len(transcript.stack.rows) - 1)
    qtbot.waitUntil(lambda: len(transcript.turns) == 400)
    assert transcript.row_top(len(transcript.stack.rows) - 1) == offset
    assert len(transcript.setting.laid()) < 160


def test_the_place_is_kept_while_older_messages_are_built(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    session = desk.sessions[0]
    desk.put(session, samples.make_long(session.id, 200))
    bar = window.transcript.verticalScrollBar()
    bar.setValue(bar.maximum() - 300)
    row, top = window.transcript.hold()
    qtbot.waitUntil(lambda: len(window.transcript.turns) == 400)
    assert row
    assert window.transcript.row_top(window.transcript.stack.rows.index(row)) == top


def test_an_answer_of_another_chat_is_not_shown(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    other = desk.sessions[1].id
    desk.listener(TextAppended(other, reply.id, Kind.TEXT, "elsewhere"))
    assert shown(window, reply).text is None


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (Progress(0, Phase.READING, read=312, to_read=1_204), "Reading 312 of 1,204 tokens"),
        (Progress(0, Phase.READING), "Reading the question"),
        (
            Progress(0, Phase.READING, read=1_024, to_read=8_000, seconds_left=70.0),
            "Reading 1,024 of 8,000 tokens · about 1 min 10 s left",
        ),
        (Progress(0, Phase.READING, read=7_900, to_read=8_000, seconds_left=0.4), "Reading 7,900 of 8,000 tokens"),
    ],
)
def test_waiting_says_for_what(progress: Progress, words: str, window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    progress.message = reply.id
    desk.say(ProgressChanged(reply.session, progress))
    waiting = shown(window, reply).waiting
    assert waiting
    assert waiting.accessibleName() == words


def test_a_paint_log_tells_what_was_on_screen(open_window: Open, desk: StageDesk, qtbot: QtBot, tmp_path: Path) -> None:
    log = tmp_path / "paint.log"
    open_window(desk, paint_log=log)
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, "Hm, let me see.")
    qtbot.waitUntil(lambda: '"reasoning": 15' in log.read_text())
    write(desk, reply, Kind.TEXT, "It is 7.")
    qtbot.waitUntil(lambda: json.loads(log.read_text().splitlines()[-1])["answer"] > 0)
    line = json.loads(log.read_text().splitlines()[-1])
    assert {"message": reply.id, "reasoning": 15, "answer": 8}.items() <= line.items()
    assert abs(line["t"] - time.time()) < 60


def test_an_interrupted_answer_offers_another_try(window: Window, desk: StageDesk) -> None:
    question = samples.ask(desk.sessions[0].id, "Why?")
    reply = samples.answer(question, "Beca", "", State.INTERRUPTED, None)
    desk.put(desk.sessions[0], [question, reply])
    card = shown(window, reply).card
    assert card
    assert card.buttons[0].text() == "Try again"


@pytest.mark.parametrize(
    "scene",
    [stage.failed, stage.looped, stage.paused, stage.attached, stage.versions],
    ids=lambda scene: scene.__name__,
)
def test_nothing_on_screen_is_without_a_name(
    scene: Callable[[StageDesk], None], window: Window, desk: StageDesk
) -> None:
    scene(desk)
    desk.say(LedgerChanged())
    nameless = [
        type(one).__name__
        for one in window.findChildren(QWidget)
        if one.isVisible() and one.focusPolicy() & Qt.FocusPolicy.TabFocus and not one.accessibleName()
    ]
    assert nameless == []


def test_a_notice_can_be_dismissed(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    window.banner.show_failure(Failure("StoreFailed", "The disk is full.", "Make room."))
    assert window.banner.isVisible()
    assert window.banner.card._dismiss
    click(window.banner.card._dismiss)
    assert not window.banner.isVisible()


def test_notices_wait_for_each_other(window: Window, qtbot: QtBot) -> None:
    banner = window.banner
    assert banner.card._dismiss
    for sentence in ("First.", "Second.", "First."):
        banner.show_failure(Failure("StoreFailed", sentence))
    assert banner.card.accessibleName() == "First."
    click(banner.card._dismiss)
    assert banner.card.accessibleName() == "Second."
    click(banner.card._dismiss)
    assert not banner.isVisible()


def test_saving_again_takes_only_the_notice_about_it_away(window: Window, desk: StageDesk) -> None:
    banner = window.banner
    banner.show_failure(Failure("StoreFailed", "The disk is full."), unsaved=True)
    banner.show_failure(Failure("StoreFailed", "The disk is gone."), unsaved=True)
    banner.show_failure(Failure("EngineHeld", "Something else."))
    assert banner.card.accessibleName() == "The disk is gone."
    desk.say(Mended())
    assert banner.card.accessibleName() == "Something else."
    assert banner.isVisible()


def test_an_answer_cut_by_the_context_says_so(window: Window, desk: StageDesk) -> None:
    stage.cut(desk)
    foot = shown(window, desk.conversation.messages[-1]).foot
    assert foot
    assert foot.accessibleName() == "Cut off: the context is full."
    for end in (End.TURN, None):
        question = samples.ask(desk.sessions[0].id, "Why?")
        reply = samples.answer(question, "So.", cut=end)
        desk.put(desk.sessions[0], [question, reply])
        assert shown(window, reply).foot is None


@pytest.mark.parametrize("thought", ["", "\n", " \n\n"])
def test_an_empty_thought_has_no_pane_running_or_read_again(thought: str, window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, thought)
    answer = shown(window, reply)
    assert answer.thought == []
    assert answer.waiting
    assert not window.has_thought
    write(desk, reply, Kind.TEXT, "Seven.")
    text = shown(window, reply).text
    done = samples.answer(desk.conversation.messages[0], "Seven.", thought, message_id=reply.id)
    desk.say(MessageChanged(done))
    assert (answer.thought, answer.text) == ([], text)
    desk.put(desk.sessions[0], [desk.conversation.messages[0], done])
    assert shown(window, done).thought == []


def test_a_thought_that_begins_with_space_is_whole(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    for text in ("\n", " ", "So"):
        write(desk, reply, Kind.REASONING, text)
    assert shown(window, reply).reasoned == len("\n So")


def test_numbers_alone_lay_nothing_out(window: Window, desk: StageDesk) -> None:
    reply = begin(desk)
    write(desk, reply, Kind.REASONING, samples.THOUGHT)
    rows = list(shown(window, reply).rows)
    for count in (400, 500):
        progress = Progress(reply.id, Phase.THINKING, reasoning_tokens=count, reasoning_seconds=18.0)
        desk.say(ProgressChanged(reply.session, progress))
    assert shown(window, reply).rows == rows
    assert all(row.known for row in rows[-2:])


def test_loading_leaves_the_list_of_chats_alone(
    window: Window, desk: StageDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled: list[int] = []
    monkeypatch.setattr(window.sidebar.list, "show_chats", lambda *_: filled.append(1))
    for done in range(5):
        desk.say(EngineChanged(EngineView(EngineState.LOADING, "weights", done, 5)))
    assert filled == []


@pytest.mark.parametrize(
    ("engine", "running", "words"),
    [
        (EngineState.STARTING, 1, "Waiting until the model is loaded"),
        (EngineState.READY, 1, "Reading the question"),
        (EngineState.READY, 2, "Waiting for the answer before this one"),
        (EngineState.RESTING, 1, "Waiting until the model is loaded"),
        (EngineState.WAITING, 2, "Waiting until the engine is free"),
        (EngineState.STOPPED, 1, "Waiting until the engine runs again"),
        (EngineState.FAILED, 2, "Waiting for a model that can be loaded"),
    ],
)
def test_the_queue_says_what_it_waits_for(engine: EngineState, running: int, words: str) -> None:
    assert say_queue(engine, running) == words


def test_an_answer_that_another_process_writes_says_so(window: Window, desk: StageDesk) -> None:
    question = samples.ask(desk.sessions[0].id, "Why?")
    reply = samples.answer(question, "", state=State.RUNNING)
    desk.engine = EngineView(EngineState.WAITING)
    desk.put(desk.sessions[0], [question, reply])
    waiting = shown(window, reply).waiting
    assert waiting
    assert waiting.accessibleName() == "Another process writes this answer"
