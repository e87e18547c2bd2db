from collections.abc import Callable

import pytest

from app.core.budget import LEAST_ROOM
from app.core.errors import ContextFull
from app.core.messages import End, Kind, Part, Sampling, ThoughtEnd
from app.core.protocol import Delta, Event, Prefilled, Started
from app.worker.live import FIXED_CHUNK, Live
from app.worker.ticket import Ticket
from tests.worker.stage import AHEAD, GREEDY, Answer, Stage, assistant, user

THINK, END_THINK, END = 34, 35, 2
LONG = "All work and no play makes Jack a dull boy. " * 40


def whole(stage: Stage, answer: Answer) -> None:
    """What must hold of every answer, however it ended."""
    facts = answer.facts
    assert stage.rows_are_of_ids()
    assert facts.prompt_tokens == len(answer.prompt)
    generated = [token for part in answer.parts if part.kind is not Kind.INJECTED for token in part.ids]
    assert facts.reasoning_tokens + facts.answer_tokens == len(generated)
    stream = answer.prompt + answer.ids
    assert stage.live.ids[: len(stream)] == stream[: len(stage.live.ids)]
    assert not answer.ids or len(stage.live.ids) >= len(stream) - 1
    assert all(done <= total for done, total in answer.progress)


def when(kind: type[Event], act: Callable[[], None], after: int = 1) -> Callable[[Event], None]:
    """Act when the so-manieth event of that kind is sent."""
    seen = 0

    def watch(event: Event) -> None:
        nonlocal seen
        if isinstance(event, kind):
            seen += 1
            if seen == after:
                act()

    return watch


def read(live: Live, ids: list[int]) -> bool:
    return live.prefill(ids, fixed=False, size=lambda: 64, step=lambda _read, _seconds: True)


def flag(ticket: Ticket, name: str) -> Callable[[], None]:
    return lambda: setattr(ticket, name, True)


# thought and answer ------------------------------------------------------------------------------


def test_a_thought_and_an_answer(stage: Stage) -> None:
    script = [THINK, *stage.text("2+2 is 4. "), END_THINK, *stage.text("The answer is **4** é 🤖."), END]
    answer = stage.say(*script)
    assert answer.thought == "2+2 is 4. "
    assert answer.answer == "The answer is **4** é 🤖."
    assert answer.ids == script[:-1]
    assert answer.finished.generation.end is End.TURN
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    assert answer.facts.reasoning_tokens == 2 + len(stage.text("2+2 is 4. "))
    assert not answer.divided_anew
    whole(stage, answer)


def test_an_answer_without_a_thought(stage: Stage) -> None:
    answer = stage.say(*stage.text("Four."), END)
    assert (answer.thought, answer.answer) == ("", "Four.")
    assert answer.facts.thought_end is None
    assert answer.facts.reasoning_tokens == 0
    whole(stage, answer)


def test_an_empty_thought(stage: Stage) -> None:
    answer = stage.say(THINK, END_THINK, *stage.text("Four."), END)
    assert (answer.thought, answer.answer) == ("", "Four.")
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    assert answer.facts.reasoning_tokens == 2
    whole(stage, answer)


def test_a_thought_that_is_only_closed(stage: Stage) -> None:
    thought = stage.text("It is four.")
    answer = stage.say(*thought, END_THINK, *stage.text("Four."), END)
    (divided,) = answer.divided_anew
    assert divided.thought == len("It is four.")
    assert answer.facts.reasoning_tokens == len(thought) + 1
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    at = answer.events.index(divided)
    after = [part for event in answer.events[at:] if isinstance(event, Delta) for part in event.parts]
    said = [part for part in after if part.kind is Kind.TEXT]
    assert [token for part in said for token in part.ids] == stage.text("Four.")
    whole(stage, answer)


def test_a_turn_that_ends_inside_the_thought(stage: Stage) -> None:
    answer = stage.say(THINK, *stage.text("Hm"), END)
    assert (answer.thought, answer.answer) == ("Hm", "")
    assert answer.finished.generation.end is End.TURN
    assert answer.facts.thought_end is ThoughtEnd.UNFINISHED
    whole(stage, answer)


def test_the_limit_inside_the_thought(stage: Stage) -> None:
    script = [THINK, *stage.text("one two three four five six seven eight")]
    answer = stage.say(*script, max_tokens=4)
    assert answer.finished.generation.end is End.LIMIT
    assert answer.facts.thought_end is ThoughtEnd.LIMIT
    assert answer.ids == script[:4]
    whole(stage, answer)


def test_the_limit_inside_the_answer(stage: Stage) -> None:
    answer = stage.say(*stage.text("one two three four five six seven eight"), max_tokens=3)
    assert (answer.facts.end, answer.facts.answer_tokens) == (End.LIMIT, 3)
    assert answer.facts.thought_end is None
    whole(stage, answer)


def test_an_unfinished_character_before_the_closing_marker_stays_in_the_thought(stage: Stage) -> None:
    robot = stage.text("🤖")
    answer = stage.say(THINK, *stage.text("a"), robot[0], END_THINK, *stage.text("b"), END)
    assert (answer.thought, answer.answer) == ("a\ufffd", "b")
    whole(stage, answer)


def test_text_tags_are_taken_for_markers_by_the_first_release(stage_v11: Stage) -> None:
    script = [*stage_v11.text("<think>\nHm, 2+2.\n</think>\nFour."), END]
    answer = stage_v11.say(*script)
    assert (answer.thought, answer.answer) == ("Hm, 2+2.", "Four.")
    assert answer.ids == script[:-1]
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    assert answer.facts.answer_tokens == len(stage_v11.text("Four."))
    whole(stage_v11, answer)


def test_a_text_tag_that_only_closes(stage_v11: Stage) -> None:
    script = [*stage_v11.text("Hm, 2+2.\n</think>\nFour."), END]
    answer = stage_v11.say(*script)
    assert [event.thought for event in answer.divided_anew] == [len("Hm, 2+2.")]
    assert answer.facts.answer_tokens == len(stage_v11.text("Four."))
    assert answer.ids == script[:-1]
    whole(stage_v11, answer)


def test_a_closing_tag_in_a_fence_that_never_ends_did_end_the_thought(stage_v11: Stage) -> None:
    answer = stage_v11.say(*stage_v11.text("<think>\n```\ncode\n</think>\nFour."), END)
    assert len(answer.divided_anew) == 1
    assert answer.facts.thought_end is ThoughtEnd.ITSELF
    whole(stage_v11, answer)


# cutting a thought -------------------------------------------------------------------------------


def test_the_budget_closes_the_thought_and_the_answer_follows(stage: Stage) -> None:
    thought = stage.text("one two three four five six")
    answer = stage.say(THINK, *thought[:3], *AHEAD, *stage.text("Four."), END, thinking_budget=4)
    assert answer.facts.reasoning_tokens == 4
    assert answer.facts.thought_end is ThoughtEnd.BUDGET
    closing = stage.layout.marks.closing
    assert closing[-1] == END_THINK
    assert END_THINK not in closing[:-1]
    assert answer.ids == [THINK, *thought[:3], *closing, *stage.text("Four.")]
    assert [part.ids for part in answer.parts if part.kind is Kind.INJECTED] == [closing]
    assert answer.answer == "Four."
    whole(stage, answer)


def test_the_blank_behind_the_apps_own_words_is_no_part_of_the_answer(stage: Stage) -> None:
    answer = stage.say(THINK, *AHEAD, *stage.text(" Four. Yes."), END, thinking_budget=1)
    assert answer.answer == "Four. Yes."
    assert answer.ids[-3:] == stage.text(" Four. Yes.")[-3:]
    whole(stage, answer)


def test_a_budget_of_nothing_leaves_the_reasoning_prompt_out_and_closes_at_once(stage: Stage) -> None:
    answer = stage.say(THINK, *AHEAD, *stage.text("Four."), END, thinking_budget=0)
    assert 17 not in answer.prompt
    assert answer.ids == [THINK, *stage.layout.marks.closing, *stage.text("Four.")]
    assert (answer.thought, answer.answer) == ("", "Four.")
    whole(stage, answer)


def test_the_budget_closes_a_thought_in_tags(stage_v11: Stage) -> None:
    opening, thought = stage_v11.text("<think>\n"), stage_v11.text("one two three four five six")
    script = [*opening, *thought[:2], *AHEAD, *stage_v11.text("Four."), END]
    answer = stage_v11.say(*script, thinking_budget=len(opening) + 2)
    assert (answer.thought, answer.answer) == ("one two", "Four.")
    assert answer.facts.thought_end is ThoughtEnd.BUDGET
    assert answer.facts.reasoning_tokens == len(opening) + 2
    assert answer.text(Kind.INJECTED).endswith("\n</think>\n")
    whole(stage_v11, answer)


def test_answer_now_closes_the_thought(stage: Stage) -> None:
    ticket = stage.ticket()
    script = [THINK, *[1050] * 50, *stage.text("Four."), END]
    answer = stage.answer(ticket, *script, during=when(Delta, flag(ticket, "answer_now")))
    assert answer.facts.thought_end is ThoughtEnd.USER
    assert answer.finished.generation.end is End.TURN
    assert END_THINK in answer.ids
    whole(stage, answer)


def test_answer_now_before_the_thought_began_closes_it_at_once(stage: Stage) -> None:
    ticket = stage.ticket()
    ticket.answer_now = True
    answer = stage.answer(ticket, THINK, *AHEAD, *stage.text("Four."), END)
    assert answer.ids == [THINK, *stage.layout.marks.closing, *stage.text("Four.")]
    assert answer.facts.thought_end is ThoughtEnd.USER


def test_after_a_cut_the_model_goes_on_as_from_a_fresh_prefill(stage: Stage) -> None:
    """No script here: the model itself decides, and must decide alike."""
    closing = list(stage.layout.marks.closing)
    thought = [THINK, *stage.text("one two three")]
    scripted = stage.say(*thought, *AHEAD, 1050, 1050, END, thinking_budget=len(thought))
    prompt = scripted.prompt + thought + closing

    stage.clear()
    fresh = Live(stage.model)
    assert read(fresh, prompt)
    expected = list(fresh.decode(prompt, 6))

    live = Live(stage.model)
    assert read(live, scripted.prompt + thought)
    tokens = live.decode(scripted.prompt + thought, 50)
    next(tokens)
    tokens.close()
    live.keep(prompt)
    assert len(live.ids) == len(scripted.prompt + thought)
    assert read(live, prompt)
    assert list(live.decode(prompt, 6)) == expected


# cancelling --------------------------------------------------------------------------------------


def test_cancel_between_two_tokens(stage: Stage) -> None:
    ticket = stage.ticket()
    answer = stage.answer(ticket, THINK, *[1050] * 400, END, during=when(Delta, flag(ticket, "cancelled"), after=2))
    assert answer.finished.generation.end is End.USER
    assert answer.facts.thought_end is ThoughtEnd.USER
    assert 1 <= len(answer.ids) < 400
    whole(stage, answer)


def test_cancel_in_prefill_keeps_what_was_read(stage: Stage) -> None:
    ticket = stage.ticket(user(LONG))
    answer = stage.answer(ticket, END, during=when(Prefilled, flag(ticket, "cancelled"), after=2))
    assert answer.finished.generation.end is End.USER
    assert answer.ids == []
    assert answer.facts.prefill_seconds > 0
    assert 0 < len(stage.live.ids) < len(answer.prompt) - 1
    whole(stage, answer)

    read = len(stage.live.ids)
    again = stage.answer(stage.ticket(user(LONG)), *stage.text("Four."), END)
    assert again.started.cached_tokens == read
    assert again.answer == "Four."


def test_a_request_cancelled_in_the_queue_leaves_the_cache_alone(stage: Stage) -> None:
    stage.say(*stage.text("Four."), END)
    kept = list(stage.live.ids)
    ticket = stage.ticket(user("Something else"))
    ticket.cancelled = True
    answer = stage.answer(ticket, END)
    assert answer.finished.generation.end is End.USER
    assert len(answer.events) == 1
    assert stage.live.ids == kept


def test_an_error_in_the_middle_leaves_no_half_cache(stage: Stage) -> None:
    ticket = stage.ticket()

    def fail() -> None:
        raise RuntimeError("the pipe broke")

    with pytest.raises(RuntimeError):
        stage.answer(ticket, THINK, *[1050] * 50, during=when(Delta, fail))
    assert stage.live.ids == []
    assert stage.rows_are_of_ids()
    assert stage.answer(stage.ticket(), *stage.text("Four."), END).answer == "Four."


# prefixes ----------------------------------------------------------------------------------------


def test_the_same_prompt_again_is_read_from_the_cache_and_gives_the_same(stage: Stage) -> None:
    stage.clear()
    first = stage.answer(stage.ticket(user(LONG), max_tokens=5))
    again = stage.answer(stage.ticket(user(LONG), max_tokens=5))
    assert first.started.cached_tokens == 0
    assert again.started.cached_tokens == len(again.prompt) - 1
    assert again.ids == first.ids


def test_the_next_turn_reads_only_what_is_new(stage: Stage) -> None:
    first = stage.say(*stage.text("Four."), END)
    turns = [user("What is 2+2?"), assistant(*first.parts), user("And 3+3?")]
    second = stage.answer(stage.ticket(*turns), *stage.text("Six."), END)
    assert second.started.cached_tokens >= len(first.prompt) + len(first.ids)
    whole(stage, second)


def test_the_length_of_the_next_prompt_is_known_without_building_it(stage: Stage) -> None:
    empty, further = stage.layout.overhead()
    first = stage.say(*stage.text("Four."), END)
    asked = len(stage.text("What is 2+2?"))
    assert first.facts.prompt_tokens == empty + asked
    turns = [user("What is 2+2?"), assistant(*first.parts), user("And 3+3?")]
    second = stage.answer(stage.ticket(*turns), *stage.text("Six."), END)
    counted = first.facts.prompt_tokens + first.facts.answer_tokens + further
    assert second.facts.prompt_tokens == counted + len(stage.text("And 3+3?"))


def test_the_seed_that_was_drawn_with_is_a_fact(stage: Stage) -> None:
    warm = Sampling(temperature=1.5)
    drawn = stage.answer(stage.ticket(sampling=warm, max_tokens=8))
    assert drawn.facts.sampling.seed is None
    assert drawn.facts.seed is not None
    again = stage.answer(stage.ticket(sampling=Sampling(temperature=1.5, seed=drawn.facts.seed), max_tokens=8))
    assert again.facts.seed == drawn.facts.seed


def test_another_chat_shares_the_reasoning_prompt(stage: Stage) -> None:
    first = stage.say(END)
    second = stage.answer(stage.ticket(user("Else?")), END)
    shared = second.started.cached_tokens
    assert first.prompt[:shared] == second.prompt[:shared]
    assert shared > first.prompt.index(18)
    whole(stage, second)


# seeds -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("budget", [None, 3])
def test_the_same_seed_says_the_same_whatever_came_between(stage: Stage, budget: int | None) -> None:
    def ask(seed: int) -> Answer:
        sampling = Sampling(temperature=1.0, seed=seed)
        return stage.answer(stage.ticket(user(LONG), sampling=sampling, max_tokens=6, thinking_budget=budget))

    first = ask(7)
    other = ask(8)
    assert other.ids != first.ids
    stage.answer(stage.ticket(user("Between"), sampling=Sampling(temperature=1.0), max_tokens=2))
    again = ask(7)
    assert again.ids == first.ids
    edges = len(again.prompt) // FIXED_CHUNK * FIXED_CHUNK
    assert again.started.cached_tokens == edges  # rows that depend on their ids alone
    stage.clear()
    alone = ask(7)
    assert alone.ids == first.ids
    assert alone.started.cached_tokens == 0
    assert alone.facts.fixed_chunk == FIXED_CHUNK


def test_without_a_seed_two_answers_differ(stage: Stage) -> None:
    ticket = stage.ticket(sampling=Sampling(temperature=1.0), max_tokens=5)
    assert stage.answer(ticket).ids != stage.answer(ticket).ids


# room and progress -------------------------------------------------------------------------------


def test_a_prompt_that_leaves_no_room_is_refused_before_anything_is_computed(stage: Stage) -> None:
    stage.say(END)
    kept = list(stage.live.ids)
    ticket = stage.ticket(user(LONG))
    needed = len(stage.layout.build(ticket.command.turns, "", thinking=True).ids)
    stage.context = needed + LEAST_ROOM - 1
    events: list[Event] = []
    with pytest.raises(ContextFull, match=f"{needed:,} tokens; the context holds {stage.context:,}"):
        stage.answer(ticket, END, during=events.append)
    assert events == []
    assert stage.live.ids == kept


def test_an_answer_ends_where_the_context_does(stage: Stage) -> None:
    ticket = stage.ticket()
    needed = len(stage.layout.build(ticket.command.turns, "", thinking=True).ids)
    stage.context = needed + LEAST_ROOM
    answer = stage.answer(ticket, 1050)
    assert answer.finished.generation.end is End.LIMIT
    assert len(answer.ids) == LEAST_ROOM
    whole(stage, answer)


@pytest.mark.parametrize("seed", [None, 1])
def test_prefill_progress_rises_to_the_end(stage: Stage, seed: int | None) -> None:
    sampling = Sampling(temperature=0.0, seed=seed)
    answer = stage.answer(stage.ticket(user(LONG), sampling=sampling), *stage.text("Four."), END)
    done = [done for done, _total in answer.progress]
    assert done == sorted(set(done))
    assert done[0] == 0
    assert len(done) > 3
    assert {total for _done, total in answer.progress} == {len(answer.prompt)}
    assert done[-1] == len(answer.prompt)
    assert isinstance(answer.events[0], Started)


def test_the_releases_sampling_is_used_where_none_is_asked_for(stage: Stage) -> None:
    answer = stage.say(END, sampling=None)
    assert answer.facts.sampling == stage.layout.release.sampling
    assert stage.say(END, sampling=GREEDY).facts.sampling == GREEDY


def test_times_add_up(stage: Stage) -> None:
    answer = stage.say(THINK, *[1050] * 20, END_THINK, *[1050] * 20, END)
    facts = answer.facts
    assert min(facts.queue_seconds, facts.prefill_seconds, facts.reasoning_seconds, facts.answer_seconds) > 0
    assert answer.parts[0] == Part(Kind.REASONING, answer.parts[0].text, answer.parts[0].ids)
