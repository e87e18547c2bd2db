"""What a person does with a thought: correct it, think again from any point of it; and what is taken back."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.chat.changes import MessageChanged, Phase, Progress, ProgressChanged, TextAppended, TextRetracted
from app.core.messages import Kind, Message, Part, State
from app.markup.block import Kind as Block
from app.ui.transcript.slip import Slip
from app.ui.window import Window
from tests.ui import samples, stage
from tests.ui.hands import CONTROL, SHIFT, click, press
from tests.ui.pages import asked, choose, point_of, put_caret, shown, spot_of, words
from tests.ui.stage import StageDesk

PIECES = (
    Part(Kind.REASONING, "\n\nFirst 🧮 try.\n\nIt fails 👩‍🔬.\n"),
    Part(Kind.STEER, "Use fractions."),
    Part(Kind.REASONING, "\nThen 7/24 it is."),
)


def put(desk: StageDesk, parts: tuple[Part, ...], state: State = State.DONE) -> Message:
    """Put an answer of these parts on the desk."""
    session = desk.sessions[0]
    question = samples.ask(session.id, "Why?")
    whole = samples.answer(question, "", state=state)
    reply = Message(**{name: getattr(whole, name) for name in whole.__struct_fields__} | {"parts": parts})
    desk.put(session, [question, reply], Progress(reply.id, Phase.THINKING) if state is State.RUNNING else None)
    return reply


# the user's words -------------------------------------------------------------------------------


def test_a_correction_stands_apart_in_the_running_thought(window: Window, desk: StageDesk) -> None:
    stage.steered(desk)
    answer = shown(window, desk.conversation.messages[-1])
    assert [section.ink for section in answer.thought] == ["secondary", "ink", "secondary"]
    slips = [section for section in answer.thought if isinstance(section, Slip)]
    assert [slip.source for slip in slips] == [samples.STEERED[0][1]]
    assert set(slips[0].rows) <= set(window.transcript.stack.rows)
    assert answer.reasoned == len(answer.thought[0].source) + len(answer.thought[2].source)


def test_a_corrected_thought_is_the_same_when_it_is_read_again(window: Window, desk: StageDesk) -> None:
    answer = shown(window, put(desk, PIECES))
    answer.copy_thought()
    copied = QGuiApplication.clipboard().text()
    assert copied == "First 🧮 try.\n\nIt fails 👩‍🔬.\n\nYou: Use fractions.\n\nThen 7/24 it is."
    window.run_command("copy.thought")
    assert QGuiApplication.clipboard().text().split() == copied.split()


def test_the_end_of_a_corrected_thought_leaves_its_texts_alone(window: Window, desk: StageDesk) -> None:
    stage.steered(desk)
    reply = desk.conversation.messages[-1]
    before = list(shown(window, reply).thought)
    parts = (*reply.parts, *(Part(kind, text) for kind, text in samples.STEERED))
    done = samples.answer(desk.conversation.messages[-2], "", message_id=reply.id)
    fields = {name: getattr(done, name) for name in done.__struct_fields__} | {"parts": parts}
    desk.say(MessageChanged(Message(**fields)))
    assert shown(window, reply).thought == before


# thinking again ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "kept"),
    [
        ("First", ""),  # blank lines before a stretch are not shown: they are thought again
        ("try.", "\n\nFirst 🧮 "),
        ("It fails", "\n\nFirst 🧮 try.\n\n"),
        ("👩", "\n\nFirst 🧮 try.\n\nIt fails "),
        ("Then", PIECES[0].text),
        ("7/24", PIECES[0].text + "\nThen "),
    ],
)
def test_thinking_again_keeps_the_thought_up_to_the_caret(
    word: str, kept: str, window: Window, desk: StageDesk
) -> None:
    reply = put(desk, PIECES)
    put_caret(window, shown(window, reply).thought, word)
    press(Qt.Key.Key_R, CONTROL | SHIFT)
    assert reply.reasoning.startswith(kept)
    assert desk.told == [("fork", reply.id, len(kept))]


def test_the_place_in_a_long_thought_is_exact(window: Window, desk: StageDesk) -> None:
    long = "\n".join(f"Line {number} 🧮 of a thought." for number in range(3_000))
    reply = put(desk, (Part(Kind.REASONING, long), Part(Kind.TEXT, "So.")))
    window.toggle_thought()  # it was folded
    put_caret(window, shown(window, reply).thought, "Line 2222 ")
    window.run_command("thought.fork")
    assert desk.told == [("fork", reply.id, long.index("Line 2222 "))]


def test_without_a_caret_the_key_puts_one_into_the_folded_thought(window: Window, desk: StageDesk) -> None:
    reply = put(desk, (*PIECES, Part(Kind.TEXT, "So.")))
    press(Qt.Key.Key_R, CONTROL | SHIFT)
    assert desk.told == []
    assert shown(window, reply).opened
    for _ in range(3):
        press(Qt.Key.Key_Left)
    press(Qt.Key.Key_R, CONTROL | SHIFT)
    assert desk.told == [("fork", reply.id, len(reply.reasoning) - 3)]
    assert window.composer.editor.hasFocus()


def test_the_menu_of_a_thought_thinks_again_from_the_click(window: Window, desk: StageDesk, qtbot: QtBot) -> None:
    reply = put(desk, PIECES)
    at = point_of(window.transcript, spot_of(shown(window, reply).thought, "7/24"))
    choose(window, at, "Think again from here")
    assert desk.told == [("fork", reply.id, reply.reasoning.index("7/24"))]


def test_a_running_thought_is_not_thought_again(window: Window, desk: StageDesk) -> None:
    stage.thinking(desk)
    put_caret(window, shown(window, desk.conversation.messages[-1]).thought, "general")
    window.run_command("thought.fork")
    window.fork(desk.conversation.messages[-1].id, 3)
    assert desk.told == []


def test_a_question_can_be_edited_from_its_menu(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    first = desk.conversation.messages[0]
    text = asked(window, first).text
    choose(window, point_of(window.transcript, spot_of([text], text.source[4:12])), "Edit the question")
    assert window.edited == first.id
    assert window.composer.text() == first.text


# taking back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("count", [1, 5, 18, 26])
def test_what_is_taken_back_of_a_thought_is_gone(count: int, folded: bool, window: Window, desk: StageDesk) -> None:
    reply = put(desk, (), State.RUNNING)
    text = "One 🧮.\n\nTwo.\n\nTwo.\n\nTwo.\n\n"
    desk.say(TextAppended(reply.session, reply.id, Kind.REASONING, text))
    if folded:
        window.toggle_thought()
    desk.say(TextRetracted(reply.session, reply.id, Kind.REASONING, count))
    desk.say(TextAppended(reply.session, reply.id, Kind.REASONING, "So."))
    answer = shown(window, reply)
    assert answer.reasoned == len(text) - count + 3
    if folded:
        window.toggle_thought()
    assert answer.thought[0].source == text[:-count] + "So."


def test_places_are_right_after_text_was_taken_back(window: Window, desk: StageDesk) -> None:
    reply = put(desk, (), State.RUNNING)
    say: Callable[[str], None] = lambda text: desk.say(  # noqa: E731
        TextAppended(reply.session, reply.id, Kind.REASONING, text)
    )
    say("\n\nOne.\n\n🧮 Two.\n\n")
    desk.say(TextRetracted(reply.session, reply.id, Kind.REASONING, 10))
    say("Three.")
    kept = "\n\nOne.\n" + "Three."
    done = samples.answer(desk.conversation.messages[0], "", kept, message_id=reply.id)
    desk.say(MessageChanged(done))
    put_caret(window, shown(window, reply).thought, "Three")
    window.run_command("thought.fork")
    assert desk.told == [("fork", reply.id, kept.index("Three"))]


def test_what_is_taken_back_of_an_answer_is_gone_also_from_its_code(window: Window, desk: StageDesk) -> None:
    reply = put(desk, (), State.RUNNING)
    text = "See:\n\n```python\nprint(1)\nprint(1)\nprint(1)\n"
    desk.say(TextAppended(reply.session, reply.id, Kind.TEXT, text))
    desk.say(TextRetracted(reply.session, reply.id, Kind.TEXT, len("print(1)\n") * 2))
    answer = shown(window, reply)
    assert answer.text
    assert [block.kind for block in answer.text.blocks] == [Block.PROSE, Block.CODE]
    assert answer.text.blocks[1].text == "print(1)"
    desk.say(TextRetracted(reply.session, reply.id, Kind.TEXT, len("```python\nprint(1)\n")))
    shown(window, reply)
    assert [block.kind for block in answer.text.blocks] == [Block.PROSE]
    assert answer.taken == len("See:\n\n")


# going on ---------------------------------------------------------------------------------------


def test_an_answer_that_goes_on_grows_where_it_stood(window: Window, desk: StageDesk) -> None:
    stage.paused(desk)
    stopped = desk.conversation.messages[-1]
    fields = {name: getattr(stopped, name) for name in stopped.__struct_fields__}
    desk.say(MessageChanged(Message(**fields | {"state": State.RUNNING, "generation": None})))
    answer = shown(window, stopped)
    assert (answer.card, answer.foot) == (None, None)
    assert window.running
    reading = Progress(stopped.id, Phase.READING, read=1, to_read=9, reasoning_tokens=80, reasoning_seconds=4.0)
    desk.say(ProgressChanged(stopped.session, reading))
    assert answer.waiting
    assert answer.waiting.accessibleName() == "Reading 1 of 9 tokens"
    assert answer.words == "Thought for 4 s · 80 tokens"
    desk.say(TextAppended(stopped.session, stopped.id, Kind.REASONING, "More."))
    desk.say(ProgressChanged(stopped.session, Progress(stopped.id, Phase.THINKING, reasoning_tokens=82)))
    assert answer.waiting is None
    assert answer.running
    assert answer.thought[0].source == samples.THOUGHT + "More."


def test_code_that_was_cut_in_its_fence_goes_on_as_code(window: Window, desk: StageDesk) -> None:
    session = desk.sessions[0]
    question = samples.ask(session.id, "Why?")
    stopped = samples.answer(question, "See:\n\n``", "", State.STOPPED)
    desk.put(session, [question, stopped])
    assert words(shown(window, stopped).text) == "See:\n``"
    running = samples.answer(question, "See:\n\n``", "", State.RUNNING, message_id=stopped.id)
    desk.say(MessageChanged(running))
    desk.say(TextAppended(session.id, stopped.id, Kind.TEXT, "`python\nprint(1)\n"))
    text = shown(window, stopped).text
    assert text
    assert [block.kind for block in text.blocks] == [Block.PROSE, Block.CODE]


@pytest.mark.parametrize(
    ("scene", "buttons"),
    [
        (stage.paused, [("Continue", "resume"), ("Answer now", "answer_now")]),
        (stage.looped, [("Answer now", "answer_now"), ("Try again from before the loop", "resume")]),
        (stage.interrupted, [("Continue", "resume")]),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_an_answer_that_ended_early_can_go_on(
    scene: Callable[[StageDesk], None], buttons: list[tuple[str, str]], window: Window, desk: StageDesk
) -> None:
    scene(desk)
    last = desk.conversation.messages[-1]
    part = shown(window, last).card or shown(window, last).foot
    assert part
    assert [one.text() for one in part.buttons] == [words for words, _deed in buttons]
    assert all(one.toolTip().startswith(one.text() + "  Ctrl+") for one in part.buttons)
    for button in part.buttons:
        click(button)
    assert desk.told == [(deed,) for _words, deed in buttons]


def test_only_the_last_answer_offers_to_go_on(window: Window, desk: StageDesk) -> None:
    stage.looped(desk)
    question, looped = desk.conversation.messages
    after = samples.ask(question.session, "And now?", looped.id)
    desk.put(desk.sessions[0], [question, looped, after, samples.answer(after, "So.")])
    desk.allow()
    card = shown(window, looped).card
    assert card
    assert card.buttons == []


def test_what_cannot_go_on_is_tried_again(window: Window, desk: StageDesk) -> None:
    stage.interrupted(desk)
    desk.allow(resume=False, answer_now=False)
    card = shown(window, desk.conversation.messages[-1]).card
    assert card
    assert [one.text() for one in card.buttons] == ["Try again"]


def test_a_switch_under_a_turn_shows_its_other_versions(window: Window, desk: StageDesk) -> None:
    stage.versions(desk)
    question, reply = desk.conversation.messages[-2:]
    foot = shown(window, reply).foot
    assert foot
    assert foot.versions
    assert foot.versions.accessibleName() == "Version 2 of 3"
    ids = desk.conversation.siblings(reply.id)
    click(foot.versions._forth)
    click(foot.versions._back)
    under = asked(window, question).versions
    assert under
    assert not under._back.isEnabled()
    click(under._forth)
    last = desk.conversation.siblings(question.id)[1]
    assert desk.told == [("show_branch", ids[2]), ("show_branch", ids[0]), ("show_branch", last)]


def test_one_version_needs_no_switch(window: Window, desk: StageDesk) -> None:
    stage.folded(desk)
    turns = [window.transcript._by_id[one.id] for one in desk.conversation.messages]
    assert [getattr(turn, "versions", None) for turn in turns[::2]] == [None, None]
    assert [getattr(turn, "foot", None) for turn in turns[1::2]] == [None, None]
