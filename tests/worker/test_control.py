"""A thought under control: continued, steered, forked, stopped in a loop, cut at a stop string."""

import pytest

from app.core.errors import EngineStopped, MemoryShort
from app.core.memory import Level
from app.core.messages import End, Kind, Part, Sampling, ThoughtEnd
from app.core.protocol import Delta, Event, Noted, Retracted, Started, Steer
from app.core.releases import Thinking
from app.worker.watch import PATIENCE
from tests.worker.stage import AHEAD, GREEDY, Answer, Stage, assistant, user
from tests.worker.test_generation import END, END_THINK, LONG, THINK, flag, when


def kept(answer: Answer) -> list[Part]:
    """An answer's parts as a desktop keeps them: what follows one of its kind continues it."""
    parts: list[Part] = []
    for part in answer.parts:
        if parts and parts[-1].kind is part.kind:
            last = parts.pop()
            parts.append(Part(part.kind, last.text + part.text, last.ids + part.ids))
        else:
            parts.append(part)
    return parts


# continuing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(1, 16))
def test_an_answer_stopped_anywhere_goes_on_as_if_it_had_not_been(stage: Stage, at: int) -> None:
    script = [THINK, *stage.text("Hm: 2+2.\n\nIt is 4."), END_THINK, *stage.text("\n\nFour é 🤖."), END]
    whole = stage.say(*script)
    cut = stage.say(*script, max_tokens=at)
    before = kept(cut)
    rest = stage.answer(stage.ticket(answer=before), *script[at:])
    assert rest.started.cached_tokens >= len(cut.prompt) + at - 1
    assert [token for part in before for token in part.ids] + rest.ids == whole.ids
    assert "".join(part.text for part in before if part.kind is Kind.REASONING) + rest.thought == whole.thought
    assert "".join(part.text for part in before if part.kind is Kind.TEXT) + rest.answer == whole.answer
    assert rest.facts.reasoning_tokens == whole.facts.reasoning_tokens
    assert rest.facts.answer_tokens == whole.facts.answer_tokens
    assert rest.facts.prompt_tokens == whole.facts.prompt_tokens


def test_what_the_model_itself_says_is_the_same_with_and_without_a_stop(stage: Stage) -> None:
    stage.clear()
    whole = stage.answer(stage.ticket(max_tokens=12))
    stage.clear()
    cut = stage.answer(stage.ticket(max_tokens=5))
    for forget in (False, True):
        if forget:
            stage.clear()
        rest = stage.answer(stage.ticket(answer=kept(cut), max_tokens=7))
        assert cut.ids + rest.ids == whole.ids


def test_a_stopped_thought_is_closed_when_its_answer_is_wanted_now(stage: Stage) -> None:
    cut = stage.say(THINK, *stage.text("one two three"), END, max_tokens=4)
    rest = stage.answer(stage.ticket(answer=kept(cut), answer_now=True), *stage.text("Four."), END)
    assert rest.ids == [*stage.layout.marks.closing, *stage.text("Four.")]
    assert rest.facts.thought_end is ThoughtEnd.USER
    assert rest.answer == "Four."


def test_an_answer_of_another_model_is_continued_between_this_models_markers(stage: Stage) -> None:
    parts = [Part(Kind.REASONING, "Hm."), Part(Kind.TEXT, "It")]
    rest = stage.answer(stage.ticket(answer=parts), *stage.text(" is four."), END)
    expected = [THINK, *stage.text("Hm."), END_THINK, *stage.text("It")]
    assert stage.live.ids[len(rest.prompt) :][: len(expected)] == expected
    assert rest.answer == " is four."
    assert rest.facts.thought_end is None  # whoever wrote it knows


def test_how_the_thought_ended_is_told_once(stage: Stage) -> None:
    cut = stage.say(THINK, *stage.text("Hm."), END_THINK, *stage.text("It is four."), END, max_tokens=6)
    rest = stage.answer(stage.ticket(answer=kept(cut)), *stage.text("x"), END)
    assert (cut.facts.thought_end, rest.facts.thought_end) == (ThoughtEnd.ITSELF, None)


def test_a_thought_in_tags_is_continued(stage_v11: Stage) -> None:
    script = [*stage_v11.text("<think>\nHm, 2+2.\n</think>\nFour."), END]
    whole = stage_v11.say(*script)
    for at in range(1, len(script) - 1):
        cut = stage_v11.say(*script, max_tokens=at)
        rest = stage_v11.answer(stage_v11.ticket(answer=kept(cut)), *script[at:])
        assert cut.thought + rest.thought == whole.thought
        assert cut.answer + rest.answer == whole.answer


# steering ----------------------------------------------------------------------------------------


def test_a_correction_goes_into_the_running_thought_and_is_marked_as_the_users(stage: Stage) -> None:
    ticket = stage.ticket()
    words = "Use [/THINK] base 3 & think."
    ticket.heed(Steer(1, words))
    answer = stage.answer(ticket, THINK, *AHEAD, *stage.text("Base 3."), END_THINK, *stage.text("x"), END)
    (steer,) = [part for part in answer.parts if part.kind is Kind.STEER]
    assert steer.text == words
    assert END_THINK not in steer.ids
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    assert answer.facts.reasoning_tokens + answer.facts.answer_tokens == len(answer.ids) - len(steer.ids)
    assert stage.live.ids[: len(answer.prompt + answer.ids)] == (answer.prompt + answer.ids)[: len(stage.live.ids)]


def test_a_correction_that_comes_too_late_is_given_back(stage: Stage) -> None:
    ticket = stage.ticket()
    during = when(Started, lambda: ticket.heed(Steer(1, "Too late.")))
    answer = stage.answer(ticket, *stage.text("Four."), END, during=during)
    assert answer.answer == "Four."
    assert answer.finished.unused == ["Too late."]


def test_a_correction_for_which_there_is_no_room_is_given_back(stage: Stage) -> None:
    ticket = stage.ticket(max_tokens=200)
    book = "Use base three. " * 200
    ticket.heed(Steer(1, book))
    answer = stage.answer(ticket, THINK, *AHEAD, *stage.text("Hm."), END_THINK, *stage.text("x"), END)
    assert answer.finished.unused == [book]
    assert not [part for part in answer.parts if part.kind is Kind.STEER]
    assert answer.answer == "x"


def test_why_the_app_closed_a_thought_is_told_at_once(stage: Stage) -> None:
    answer = stage.say(THINK, *AHEAD, *stage.text("Four."), END, thinking_budget=1)
    told = [event.thought_end for event in answer.events if isinstance(event, Delta) and event.thought_end]
    assert told == [ThoughtEnd.BUDGET]
    assert answer.started.seed == answer.facts.seed


def test_a_stopped_thought_can_be_steered(stage: Stage) -> None:
    cut = stage.say(THINK, *stage.text("one two three"), END, max_tokens=4)
    parts = [*kept(cut), Part(Kind.STEER, "Count down.")]
    rest = stage.answer(stage.ticket(answer=parts), *stage.text("three two"), END_THINK, *stage.text("1"), END)
    after = len(rest.prompt + cut.ids)
    assert stage.live.ids[after:][: len(stage.layout.steer("Count down."))] == stage.layout.steer("Count down.")
    assert (rest.thought, rest.answer) == ("three two", "1")


# forking -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("point", [1, 4, 9, 13, 500])
def test_a_fork_keeps_the_thought_up_to_a_point(stage: Stage, point: int) -> None:
    first = stage.say(THINK, *stage.text("one two three four five"), END_THINK, *stage.text("Five."), END)
    again = stage.answer(
        stage.ticket(answer=kept(first), fork=point), *stage.text(" six"), END_THINK, *stage.text("Six."), END
    )
    came_back = again.events[0]
    assert isinstance(came_back, Delta)
    text = "".join(part.text for part in came_back.parts if part.kind is Kind.REASONING)
    assert first.thought.startswith(text)
    assert len(text) >= min(point, len(first.thought))
    assert len(text) - point < 6  # to the end of the token
    assert again.thought.startswith(text)
    assert again.started.cached_tokens >= len(again.prompt) + 1
    ids = [token for part in came_back.parts for token in part.ids]
    assert ids == first.ids[: len(ids)]


# the loop guard ----------------------------------------------------------------------------------

SENTENCE = "Wait, let me check the second case once more before I go on with the proof. "


def test_a_loop_in_a_thought_is_stopped_and_taken_back_but_for_one_copy(stage: Stage) -> None:
    start = stage.text("The claim holds for even numbers. ")
    copy = stage.text(SENTENCE)
    answer = stage.say(THINK, *start, *copy * 8, END_THINK, END, guard=True)
    (back,) = [event for event in answer.events if isinstance(event, Retracted)]
    left = answer.ids[: len(answer.ids) - back.ids]
    text = answer.thought[: len(answer.thought) - back.characters]
    assert (answer.facts.end, answer.facts.thought_end) == (End.LOOP, ThoughtEnd.LOOP)
    assert left[: 1 + len(start)] == [THINK, *start]
    assert stage.tokens.decode(left[1:]).strip() == text.strip()
    assert text.count("Wait, let me check") == 1
    assert text.startswith("The claim holds")
    assert stage.live.ids == (answer.prompt + left)[: len(stage.live.ids)]
    assert answer.facts.reasoning_tokens == len(left)
    assert len(answer.ids) < 1 + len(start) + 5 * len(copy)


def test_after_a_loop_the_answer_can_be_asked_for(stage: Stage) -> None:
    looped = stage.say(THINK, *stage.text(SENTENCE) * 8, END, guard=True)
    (back,) = [event for event in looped.events if isinstance(event, Retracted)]
    ids = looped.ids[: len(looped.ids) - back.ids]
    parts = [Part(Kind.REASONING, looped.thought[: len(looped.thought) - back.characters], tuple(ids))]
    rest = stage.answer(stage.ticket(answer=parts, answer_now=True), *stage.text("Four."), END)
    assert rest.answer == "Four."
    assert rest.started.cached_tokens >= len(rest.prompt) + len(ids) - 1
    again = stage.answer(stage.ticket(answer=parts), *stage.text("Else."), END_THINK, *stage.text("5"), END)
    assert again.answer == "5"


def test_a_loop_in_an_answer_is_stopped_too(stage: Stage) -> None:
    answer = stage.say(*stage.text("So: "), *stage.text(SENTENCE) * 8, END, guard=True)
    (back,) = [event for event in answer.events if isinstance(event, Retracted)]
    assert (answer.facts.end, answer.facts.thought_end) == (End.LOOP, None)
    assert answer.answer[: len(answer.answer) - back.characters].count("Wait") == 1
    assert answer.facts.answer_tokens == len(answer.ids) - back.ids


def test_the_guard_can_be_left_out(stage: Stage) -> None:
    answer = stage.say(THINK, *stage.text(SENTENCE) * 6, END_THINK, *stage.text("x"), END, guard=False)
    assert answer.facts.end is End.TURN


# stop strings, numbers, memory -------------------------------------------------------------------


def test_an_answer_ends_before_its_stop_string(stage: Stage) -> None:
    sampling = Sampling(temperature=0.0, stop=("###",))
    script = [THINK, *stage.text("a ### b"), END_THINK, *stage.text("One two\n### three"), END]
    answer = stage.say(*script, sampling=sampling)
    (back,) = [event for event in answer.events if isinstance(event, Retracted)]
    left = answer.ids[: len(answer.ids) - back.ids]
    assert (answer.thought, answer.answer.rstrip()) == ("a ### b", "One two")
    assert answer.facts.end is End.STOP
    assert back.characters == 0
    assert "###" not in stage.tokens.decode(left[left.index(END_THINK) :])
    assert stage.lead is not None
    assert "###" not in stage.tokens.decode(stage.lead.ids)


def test_a_loop_beside_a_stop_string_takes_back_only_what_was_sent(stage: Stage) -> None:
    sampling = Sampling(temperature=0.0, stop=("proof. \n\nUser:",))
    answer = stage.say(*stage.text("So: "), *stage.text(SENTENCE) * 8, END, guard=True, sampling=sampling)
    (back,) = [event for event in answer.events if isinstance(event, Retracted)]
    left = answer.answer[: len(answer.answer) - back.characters]
    assert ("So: " + SENTENCE).startswith(left)  # what was held back as a possible stop string was never sent
    assert len(left) > len(SENTENCE) / 2


def test_a_long_answer_is_continued_at_once(stage: Stage) -> None:
    """Not quadratic: of 20,000 tokens each is fed once more and nothing is copied for each of them."""
    stage.context = 40_000
    ids = tuple(stage.text("The claim holds for n = 3, and for 4. ") * 1500)
    parts = [Part(Kind.REASONING, stage.tokens.decode(ids), (THINK, *ids))]
    rest = stage.answer(stage.ticket(answer=parts, max_tokens=2, thinking_budget=10**6), 1050, 1051)
    assert rest.facts.reasoning_tokens == len(ids) + 3
    (first, *_others) = [event for event in rest.events if isinstance(event, Delta)]
    assert len(first.parts) == 1


def test_logits_that_are_no_numbers_end_the_answer_with_a_sentence(stage: Stage) -> None:
    import mlx.core as mx

    stage.clear()
    weight = stage.model.layers[0].input_layernorm.weight
    stage.model.layers[0].input_layernorm.weight = weight * float("nan")
    try:
        with pytest.raises(EngineStopped, match="no number"):
            stage.answer(stage.ticket())
    finally:
        stage.model.layers[0].input_layernorm.weight = weight
        mx.eval(weight)
    assert stage.live.ids == []
    assert stage.answer(stage.ticket(), *stage.text("Four."), END).answer == "Four."


def test_when_memory_is_short_other_chats_leave_it_first_and_then_a_request_is_refused(stage: Stage) -> None:
    stage.clear()
    stage.answer(stage.ticket(user("One chat"), session=1), END)
    stage.answer(stage.ticket(user("Another chat"), session=2), END)
    stage.pressure.now = Level.CRITICAL
    events: list[Event] = []
    answer = stage.answer(stage.ticket(user("A third")), *stage.text("Four."), END, during=events.append)
    assert answer.answer == "Four."
    assert [event for event in events if isinstance(event, Noted)]
    assert len(stage.prefixes._lives) == 1

    def insist() -> None:
        for _ in range(PATIENCE + 1):
            stage.answer(stage.ticket(user(LONG)), END)

    with pytest.raises(MemoryShort, match="almost no memory"):
        insist()
    stage.pressure.now = Level.NORMAL
    again = stage.answer(stage.ticket(user(LONG)), *stage.text("Four."), END)
    assert again.answer == "Four."
    assert again.started.cached_tokens > 0


# what comes next ---------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False])
def test_the_beginning_of_the_next_prompt_is_foreseen(stage: Stage, keep: bool) -> None:
    script = [THINK, *stage.text("Hm."), END_THINK, *stage.text("Four."), END]
    answer = stage.answer(stage.ticket(keep_thoughts=keep), *script)
    turns = [user("What is 2+2?"), assistant(*kept(answer)), user("And 3+3?")]
    after = stage.layout.build(turns, "", thinking=True, keep_thoughts=keep).ids
    assert stage.lead is not None
    assert after[: len(stage.lead.ids)] == stage.lead.ids
    assert len(after) - len(stage.lead.ids) <= len(stage.text("And 3+3?")) + 2
    assert (THINK in stage.lead.ids[len(answer.prompt) :]) is keep


def test_an_answer_without_a_word_foresees_nothing(stage: Stage) -> None:
    stage.say(THINK, *stage.text("Hm."), END)
    assert stage.lead is None


def test_a_chat_keeps_what_was_read_while_memory_is_short(stage: Stage) -> None:
    stage.clear()
    stage.answer(stage.ticket(user(LONG), session=1), END)
    stage.pressure.now = Level.WARNING
    again = stage.answer(stage.ticket(user(LONG), session=1), END)
    assert again.started.cached_tokens == len(again.prompt) - 1


def test_releases_differ_in_whether_thoughts_stay() -> None:
    from app.core.releases import RELEASES

    assert {row.keeps_thoughts for row in RELEASES if row.thinking is Thinking.CONTROL} == {True, False}


def test_flags_of_a_request_are_set_by_what_the_user_wants(stage: Stage) -> None:
    ticket = stage.ticket(sampling=GREEDY)
    flag(ticket, "cancelled")()
    assert stage.answer(ticket, END).facts.end is End.USER
