"""A stream of text and markers becomes a thought and an answer, however it is cut."""

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.messages import Kind
from app.core.reasoning import Mark, Output, Piece, Reclassify, Splitter

Stream = list[str | Mark]


@dataclass(frozen=True)
class Turn:
    """What a splitter made of a whole turn."""

    parts: tuple[tuple[Kind, str], ...]
    seen: bool
    closed: bool

    @property
    def thought(self) -> str:
        return "".join(text for kind, text in self.parts if kind is Kind.REASONING)

    @property
    def answer(self) -> str:
        return "".join(text for kind, text in self.parts if kind is Kind.TEXT)


def split(stream: Iterable[str | Mark], *, tags: bool, thinking: bool = False) -> Turn:
    """Run a splitter as the worker does, and keep the parts as the desktop does."""
    splitter = Splitter(tags=tags, thinking=thinking)
    parts: list[tuple[Kind, str]] = []

    def keep(outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case Piece(kind, text):
                    assert text, "an empty piece"
                    if parts and parts[-1][0] is kind:
                        text = parts.pop()[1] + text
                    parts.append((kind, text))
                case Reclassify(thought, answer):
                    whole = "".join(text for _, text in parts)
                    cut = len(whole) - answer
                    assert 0 <= thought <= cut <= len(whole)
                    halves = [(Kind.REASONING, whole[:thought]), (Kind.TEXT, whole[cut:])]
                    parts[:] = [half for half in halves if half[1]]

    for item in stream:
        keep(splitter.mark(item) if isinstance(item, Mark) else splitter.feed(item))
    keep(splitter.finish())
    return Turn(tuple(parts), splitter.thought_seen, splitter.thought_closed)


def letters(text: str) -> list[str]:
    """The finest cut."""
    return list(text)


def tagged(text: str, *, thinking: bool = False) -> Turn:
    """A turn of a model with text tags; whole and letter by letter must agree."""
    turn = split([text], tags=True, thinking=thinking)
    assert split(letters(text), tags=True, thinking=thinking) == turn
    return turn


def closed(thought: str, answer: str) -> Turn:
    """A turn with a finished thought."""
    halves = [(Kind.REASONING, thought), (Kind.TEXT, answer)]
    return Turn(tuple(half for half in halves if half[1]), seen=True, closed=True)


def plain(answer: str) -> Turn:
    """A turn without a thought."""
    return Turn(((Kind.TEXT, answer),), seen=False, closed=False)


def unclosed(thought: str) -> Turn:
    """A turn that ended inside its thought."""
    return Turn(((Kind.REASONING, thought),), seen=True, closed=False)


class TestControlTokens:
    def test_they_open_and_close_a_thought(self) -> None:
        assert split([Mark.OPEN, "2+2 is 4. ", Mark.CLOSE, "It is **4**."], tags=False) == closed(
            "2+2 is 4. ", "It is **4**."
        )

    def test_markers_written_as_text_are_text(self) -> None:
        text = "[THINK] and <think> and [/THINK] and </think>"
        assert split([text], tags=False) == plain(text)
        assert split([Mark.OPEN, text, Mark.CLOSE, text], tags=False) == closed(text, text)

    def test_ordinary_text_is_never_held_back(self) -> None:
        splitter = Splitter(tags=False)
        assert splitter.feed("a </thi") == [Piece(Kind.TEXT, "a </thi")]
        assert splitter.feed("`<") == [Piece(Kind.TEXT, "`<")]

    def test_a_turn_without_a_thought_is_an_answer(self) -> None:
        assert split(["Just ", "this."], tags=False) == plain("Just this.")

    def test_an_unclosed_thought_stays_a_thought(self) -> None:
        assert split([Mark.OPEN, "so far"], tags=False) == unclosed("so far")

    def test_a_closing_token_alone_makes_the_text_before_it_the_thought(self) -> None:
        splitter = Splitter(tags=False)
        assert splitter.feed("All of this\n") == [Piece(Kind.TEXT, "All of this")]
        assert splitter.mark(Mark.CLOSE) == [Reclassify(thought=11)]
        assert splitter.thought_seen
        assert splitter.thought_closed
        assert splitter.feed("\n4") == [Piece(Kind.TEXT, "4")]

    def test_a_second_closing_token_is_dropped(self) -> None:
        assert split([Mark.OPEN, "a", Mark.CLOSE, Mark.CLOSE, "b", Mark.CLOSE, "c"], tags=False) == closed("a", "bc")

    def test_a_second_opening_token_inside_a_thought_is_dropped(self) -> None:
        assert split([Mark.OPEN, "a", Mark.OPEN, "b", Mark.CLOSE, "c"], tags=False) == closed("ab", "c")

    def test_a_thought_in_the_middle_of_an_answer_is_a_thought(self) -> None:
        turn = split([Mark.OPEN, "a", Mark.CLOSE, "b\n", Mark.OPEN, "\nc", Mark.CLOSE, "d"], tags=False)
        assert turn.parts == (
            (Kind.REASONING, "a"),
            (Kind.TEXT, "b"),
            (Kind.REASONING, "\nc"),
            (Kind.TEXT, "\nd"),
        )
        assert (turn.thought, turn.answer) == ("a\nc", "b\nd")
        assert turn.closed

    def test_a_thought_that_the_app_opened_is_closed_by_the_token(self) -> None:
        assert split(["a", Mark.CLOSE, "b"], tags=False, thinking=True) == closed("a", "b")

    @pytest.mark.parametrize("between", [[], ["\n"], ["\n", "\n"]])
    def test_an_empty_thought_is_seen_and_closed(self, between: Stream) -> None:
        assert split([Mark.OPEN, *between, Mark.CLOSE, "4"], tags=False) == closed("", "4")

    def test_a_closing_token_as_the_first_word_closes_an_empty_thought(self) -> None:
        splitter = Splitter(tags=False)
        assert splitter.mark(Mark.CLOSE) == []
        assert splitter.thought_closed

    def test_white_space_before_the_thought_belongs_to_nobody(self) -> None:
        assert split([" \n", Mark.OPEN, "a", Mark.CLOSE, "b"], tags=False) == closed("a", "b")

    def test_the_app_may_close_a_thought_that_has_text_tags(self) -> None:
        assert split(["<think>\nwait", Mark.CLOSE, "4"], tags=True) == closed("wait", "4")
        assert split(["<think>wait </thi", Mark.CLOSE, "4"], tags=True) == closed("wait </thi", "4")
        assert split(["<think>\n```\ncode", Mark.CLOSE, "\n</think>\n4"], tags=True) == closed("```\ncode", "4")


class TestTags:
    def test_they_open_and_close_a_thought(self) -> None:
        assert tagged("<think>\n2+2\nis 4\n</think>\n**4**\n") == closed("2+2\nis 4", "**4**")
        assert tagged("<think>2+2 is 4</think>4") == closed("2+2 is 4", "4")

    def test_interior_newlines_are_kept(self) -> None:
        assert tagged("<think>\n\na\n\n\nb\n\n</think>\n\nc\n\n\nd\n\n") == closed("a\n\n\nb", "c\n\n\nd")

    def test_white_space_may_stand_before_the_opening_tag(self) -> None:
        assert tagged(" \n\t<think>a</think>b") == closed("a", "b")

    def test_white_space_before_an_answer_is_kept_but_for_newlines(self) -> None:
        assert tagged("\n  a") == plain("  a")
        assert tagged(" \n ") == plain(" \n ")

    def test_an_opening_tag_later_is_text(self) -> None:
        assert tagged("The <think> tag") == plain("The <think> tag")
        assert tagged("<think>a <think> b</think>c <think> d") == closed("a <think> b", "c <think> d")

    def test_an_opening_tag_that_repeats_the_apps_is_dropped(self) -> None:
        assert tagged("<think>\na\n</think>\nb", thinking=True) == closed("a", "b")
        assert tagged("a\n</think>\nb", thinking=True) == closed("a", "b")

    @pytest.mark.parametrize("text", ["<think></think>", "<think>\n</think>", "<think>\n\n</think>\n"])
    def test_an_empty_thought_is_seen_and_closed(self, text: str) -> None:
        assert tagged(text) == closed("", "")
        assert tagged(text + "4") == closed("", "4")

    def test_an_unclosed_thought_stays_a_thought(self) -> None:
        assert tagged("<think>\nso far\n") == unclosed("so far")
        assert tagged("<think>\nso far\n</thin") == unclosed("so far\n</thin")

    def test_a_closing_tag_alone_makes_the_text_before_it_the_thought(self) -> None:
        splitter = Splitter(tags=True)
        outputs = splitter.feed("All of this\n</think>\n4")
        assert outputs == [Piece(Kind.TEXT, "All of this"), Reclassify(thought=11), Piece(Kind.TEXT, "4")]
        assert tagged("All of this\n</think>\n4") == closed("All of this", "4")

    def test_a_closing_tag_as_the_first_word_closes_an_empty_thought(self) -> None:
        assert tagged(" \n</think>\n4") == closed("", "4")

    def test_tags_in_an_answer_after_a_thought_are_text(self) -> None:
        answer = "write </think> and <think>x</think>"
        assert tagged(f"<think>a</think>{answer}") == closed("a", answer)

    def test_a_closing_tag_repeated_before_the_answer_is_dropped(self) -> None:
        assert tagged("<think>a</think>\n</think>\nb</think>") == closed("a", "b</think>")

    @pytest.mark.parametrize("text", ["a < b", "<thinking>", "</thinking>", "<", "</", "<think", "< think>", "<THINK>"])
    def test_what_only_resembles_a_tag_is_text(self, text: str) -> None:
        assert tagged(text) == plain(text)
        assert tagged(f"<think>{text}</think>{text}") == closed(text, text)


class TestQuotedTags:
    @pytest.mark.parametrize(
        "code",
        [
            "`</think>`",
            "`` ` </think> ``",
            "see `<think>` and `</think>` there",
            "```\n</think>\n```",
            "```xml\n<think>\nplan\n</think>\n```",
            "```\n</think>\n`````",
            "~~~\n</think>\n~~~",
            "~~~ a `b`\n</think>\n~~~",
            "````\n```\n</think>\n```\n````",
            "- list\n    ```\n    </think>\n    ```",
            "```\n~~~\n</think>\n``\n```x\n</think>\n````",
            "``` not a fence ```, but `</think>`",
            'the word "</think>" in quotation marks',
            "the words “</think>” and '</think>'",
        ],
    )
    def test_in_code_or_quotation_marks_they_are_text(self, code: str) -> None:
        assert tagged(f"<think>\n{code}\n</think>\nDone.") == closed(code, "Done.")
        assert tagged(f"{code}\nDone.") == plain(f"{code}\nDone.")
        assert tagged(f"<think>a</think>{code}") == closed("a", code)

    def test_a_lone_backtick_hides_nothing_past_its_line(self) -> None:
        assert tagged("<think>the ` key\n</think>\nb") == closed("the ` key", "b")
        assert tagged("<think>\n``\n</think>\nb") == closed("``", "b")

    def test_a_closing_tag_behind_a_fence_that_ends_on_its_line_closes(self) -> None:
        assert tagged("<think>\n```\nx\n```</think>b") == closed("```\nx\n```", "b")
        assert tagged("<think>\n```\nx\n```\n</think>b") == closed("```\nx\n```", "b")

    def test_one_quotation_mark_quotes_nothing(self) -> None:
        assert tagged('<think>he said "no"</think>b') == closed('he said "no"', "b")
        assert tagged('<think>he said "no"</think>') == closed('he said "no"', "")

    def test_code_of_the_thought_does_not_reach_into_the_answer(self) -> None:
        assert tagged("```\n`a`\n```\n</think>\nb `</think>`") == closed("```\n`a`\n```", "b `</think>`")

    def test_an_unclosed_fence_swallows_no_answer(self) -> None:
        assert tagged("<think>\n```py\nx = 1\n\n</think>\n\nThe answer.\n") == closed("```py\nx = 1", "The answer.")
        assert tagged("<think>\n```py\nx = 1\n</think>") == closed("```py\nx = 1", "")

    def test_an_unclosed_fence_swallows_no_answer_with_code_of_its_own(self) -> None:
        answer = "Run\n```py\nx\n```\nand rest."
        assert tagged(f"<think>\n```\ny\n</think>\n{answer}") == closed("```\ny", answer)

    def test_unclosed_inline_code_swallows_no_answer(self) -> None:
        assert tagged("<think>the ` key</think>The answer.") == closed("the ` key", "The answer.")

    def test_a_pair_of_tags_in_a_fence_ends_no_thought(self) -> None:
        text = "```\n<think>\n</think>\n```\nand so"
        assert tagged(f"<think>\n{text}") == unclosed(text)
        text = "```\nx </think> y\nand so"
        assert tagged(f"<think>\n{text}") == unclosed(text)

    def test_the_answer_of_an_unclosed_fence_is_told_at_the_end(self) -> None:
        splitter = Splitter(tags=True)
        splitter.feed("<think>\n```\nx\n</think>\nyes\n")
        assert splitter.thinking
        assert splitter.finish() == [Reclassify(thought=len("```\nx"), answer=len("yes"))]
        assert not splitter.thinking
        assert splitter.thought_closed


class TestLiveness:
    def test_only_what_may_become_a_tag_is_held_back(self) -> None:
        splitter = Splitter(tags=True)
        shown = ""
        text = "<think>a `b` <b> </thin> ~~ ``` x ``` c</think>d"
        for position, letter in enumerate(text, 1):
            shown += "".join(piece.text for piece in splitter.feed(letter) if isinstance(piece, Piece))
            released = text[:position].replace("<think>", "").replace("</think>", "")
            assert len(released) - len(shown) < len("</think>")
            assert released.startswith(shown)

    def test_a_run_of_backticks_is_shown_at_once(self) -> None:
        splitter = Splitter(tags=True, thinking=True)
        assert splitter.feed("``") == [Piece(Kind.REASONING, "``")]
        assert splitter.feed("`") == [Piece(Kind.REASONING, "`")]

    def test_the_state_is_known_between_feeds(self) -> None:
        splitter = Splitter(tags=True)
        assert not splitter.thinking
        assert not splitter.thought_seen
        splitter.feed("<think>a")
        assert splitter.thinking
        assert splitter.thought_seen
        assert not splitter.thought_closed
        splitter.feed("</think>")
        assert not splitter.thinking
        assert splitter.thought_closed

    def test_a_text_token_without_text_gives_nothing(self) -> None:
        splitter = Splitter(tags=True)
        assert splitter.feed("") == []
        splitter.feed("a")
        assert splitter.feed("") == []


# any cut gives the same parts -------------------------------------------------------------------

CRUMBS = [
    *("<", "</", "<think>", "</think>", "think", ">", "<thi", "</th", "/", "\n</think>\n", "\n<think>\n"),
    *("`", "``", "```", "````", "~", "~~~", "\n", "\n\n", "\n```\n", "\n~~~\n", "```py\n", '"', "'", "“", "”"),
    *(" ", "\t", "  ", "a", "word", "x y", "é", "中", "🙂", "e\u0301", "\r", "\x85", "[THINK]", "[/THINK]", "- ", "> "),
]
texts = st.lists(st.sampled_from(CRUMBS) | st.text(max_size=3), max_size=24).map("".join)
marks = st.sampled_from(Mark)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[Stream, Stream]:
    """A stream in whole stretches between its marks, and the same stream cut somehow."""
    whole: Stream = []
    for item in draw(st.lists(texts | marks, min_size=1, max_size=5)):
        if isinstance(item, str) and whole and isinstance(whole[-1], str):
            whole[-1] += item
        else:
            whole.append(item)
    sizes = itertools.cycle(draw(st.lists(st.integers(1, 9), min_size=1, max_size=5)))
    fine: Stream = []
    for item in whole:
        if isinstance(item, Mark):
            fine.append(item)
            continue
        at = 0
        while at < len(item):
            size = next(sizes)
            fine.append(item[at : at + size])
            at += size
    return whole, fine


@settings(max_examples=400)
@given(streams=cuts(), tags=st.booleans(), thinking=st.booleans())
def test_any_cut_gives_the_same_parts(streams: tuple[Stream, Stream], *, tags: bool, thinking: bool) -> None:
    whole, fine = streams
    assert split(fine, tags=tags, thinking=thinking) == split(whole, tags=tags, thinking=thinking)


@settings(max_examples=200)
@given(text=texts, thinking=st.booleans())
def test_letter_by_letter_gives_the_same_parts(text: str, *, thinking: bool) -> None:
    assert split(letters(text), tags=True, thinking=thinking) == split([text], tags=True, thinking=thinking)


@settings(max_examples=200)
@given(streams=cuts(), thinking=st.booleans())
def test_with_control_tokens_every_character_is_kept_but_newlines_at_the_ends(
    streams: tuple[Stream, Stream], *, thinking: bool
) -> None:
    text = "".join(item for item in streams[1] if isinstance(item, str))
    turn = split(streams[1], tags=False, thinking=thinking)
    for kind_text in (turn.thought, turn.answer):
        assert kind_text == kind_text.strip("\n")
    if Mark.OPEN not in streams[0] and Mark.CLOSE not in streams[0]:
        assert turn.thought + turn.answer == text.strip("\n")


# the same rules once more, for a whole text and by lines -----------------------------------------

INLINE_CODE = re.compile(r"(?<!`)(`+)(?!`)(?:.*?(?<!`)\1(?!`)|.*)", re.DOTALL)
CLOSED_CODE = re.compile(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", re.DOTALL)
QUOTED = re.compile(r"\"</think>\"|'</think>'|“</think>”|„</think>“|«</think>»")
FENCE = re.compile(r"\s*(`{3,}(?=[^`]*$)|~{3,})")


def blot(pattern: re.Pattern[str], line: str) -> str:
    """The line with what matches made unreadable, at the same length."""
    return pattern.sub(lambda match: "#" * len(match[0]), line)


def find_closing(text: str) -> tuple[int, int]:
    """Where the thought ends for sure, and where it may have ended; -1 each where it does not."""
    at, doubt, fence, inner = 0, -1, "", 0
    for line in text.split("\n"):
        if not fence:
            readable = blot(QUOTED, line)
            inline = blot(INLINE_CODE, readable)
            opening = FENCE.match(line)
            if opening and opening[1][0] == "~":
                inline = "#" * len(line)
            if "</think>" in inline:
                return at + inline.index("</think>"), doubt
            in_open_code = readable if opening else blot(CLOSED_CODE, readable)
            doubt = max(doubt, at + in_open_code.rfind("</think>") if "</think>" in in_open_code else -1)
            if opening:
                fence, inner = opening[1], 0
        elif re.fullmatch(rf"\s*{fence[0]}{{{len(fence)},}}\s*", line):
            fence = ""
        elif found := re.match(rf"\s*{fence[0]}{{{len(fence)},}}\s*</think>", line):
            return at + found.end() - len("</think>"), doubt
        else:
            for match in re.finditer(r"<(/?)think>", blot(QUOTED, line)):
                if match[1]:
                    if line.strip() == "</think>" and not inner:
                        doubt = at + match.start()
                    inner = max(0, inner - 1)
                else:
                    inner += 1
        at += len(line) + 1
    return -1, doubt


def reference(text: str, *, thinking: bool) -> Turn:
    """The turn by the rules, with the whole text at hand."""
    first = text.lstrip()
    opened = first.startswith("<think>")
    body = first.removeprefix("<think>") if opened else text
    end, doubt = find_closing(body)
    thinking = thinking or opened
    if end < 0 and thinking:
        end = doubt
    if end < 0:
        if thinking:
            halves = ((Kind.REASONING, body.strip("\n")),)
            return Turn(tuple(half for half in halves if half[1]), seen=True, closed=False)
        body = body.strip("\n")
        return Turn(((Kind.TEXT, body),) if body else (), seen=False, closed=False)
    thought = body[:end].strip("\n") if opened or body[:end].strip() else ""
    answer = re.sub(r"\A(\n*</think>)*", "", body[end + len("</think>") :]) if end != doubt else body[end + 8 :]
    return closed(thought, answer.strip("\n"))


@settings(max_examples=600)
@given(text=texts, opened=st.booleans(), thinking=st.booleans())
def test_the_parts_are_those_of_the_rules(text: str, *, opened: bool, thinking: bool) -> None:
    if opened:
        text = f"<think>{text}"
    assert split([text], tags=True, thinking=thinking) == reference(text, thinking=thinking)
