"""Prompts are those of mistral-common and transformers, token for token, whatever the texts spell."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from mistral_common.protocol.instruct.chunk import TextChunk, ThinkChunk
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from app.core.messages import Kind, Part
from app.worker.layout import Layout, choose_layout
from app.worker.tokens import Tokens
from tests.bench import prompts
from tests.fixtures import layouts, models, starter_reference
from tests.fixtures.prompt_cases import Case, Said, build_ours, build_theirs, make_cases, read_cases
from tests.worker.stage import assistant, user
from tests.worker.test_tokens import EVIL, TEXTS

CASES = make_cases(240, seed=20)


@pytest.fixture(scope="module")
def reference() -> Any:
    """mistral-common's own way from messages to ids, its checks and its rewriting included."""
    return MistralTokenizer.from_file(str(models.reference_vocabulary("v13")))


@pytest.fixture(scope="module")
def magistral(tokens: Tokens, tiny_magistral: Path) -> Layout:
    return choose_layout(tokens, tiny_magistral)


@pytest.mark.parametrize("start", range(0, len(CASES), 10))
def test_made_up_chats_are_laid_out_alike(start: int) -> None:
    for case in CASES[start : start + 10]:
        assert build_ours(case) == build_theirs(case), case


def test_the_made_up_chats_are_as_unkind_as_they_are_meant_to_be() -> None:
    texts = [text for case in CASES for said in case.messages for _kind, text in said.parts]
    for name in layouts.NAMES:
        chats = [case for case in CASES if case.layout == name]
        assert {case.keep_thoughts for case in chats} == {True, False, None}, name
        assert any(kind == "thought" for case in chats for said in case.messages for kind, _text in said.parts), name
    for wanted in ("[INST]", "</s>", "[/THINK]", "\r\n", "\x00", " " * 40):
        assert any(wanted in text for text in texts), wanted
    assert "" in texts
    assert any(ord(sign) > 0xFFFF for text in texts for sign in text)
    assert any(len(case.system) > 1 for case in CASES)


CHATS = (
    [[text] for text in [*TEXTS, *EVIL]]
    + [[first, "4", second] for first, second in zip(EVIL, TEXTS, strict=False)]
    + [["2+2?", EVIL[0], "and 3?", TEXTS[1], EVIL[1]], [EVIL[3], " leading", "\n", "x", "trailing "]]
)


@pytest.mark.parametrize("chat", CHATS)
def test_an_ordinary_chat_with_reasoning_prompt_and_instructions(
    magistral: Layout, reference: Any, chat: list[str]
) -> None:
    turns = [
        assistant(Part(Kind.REASONING, f"why {text}"), Part(Kind.TEXT, text)) if at % 2 else user(text)
        for at, text in enumerate(chat)
    ]
    system: list[Any] = [
        TextChunk(text="Think first, like this:"),
        ThinkChunk(thinking="Your thoughts."),
        TextChunk(text="Then answer."),
        TextChunk(text=EVIL[0]),
    ]
    messages: list[Any] = [SystemMessage(content=system)]
    for at, text in enumerate(chat):
        said: Any = [ThinkChunk(thinking=f"why {text}"), TextChunk(text=text)]
        messages.append(AssistantMessage(content=said) if at % 2 else UserMessage(content=text))
    expected = reference.encode_chat_completion(ChatCompletionRequest(messages=messages)).tokens
    assert magistral.build(turns, EVIL[0], thinking=True, keep_thoughts=True).ids == expected


@pytest.mark.parametrize(("name", "kept"), [("v13", False), ("v11", False), ("ministral-3", True), ("v7", False)])
def test_a_thought_stays_or_leaves_as_the_releases_makers_advise(name: layouts.Name, kept: bool) -> None:
    messages = [
        Said("user", [("text", "What is 2+2?")]),
        Said("assistant", [("thought", "Two and two."), ("text", "4")]),
        Said("user", [("text", "And 3+3?")]),
    ]
    case = Case(name, messages, keep_thoughts=None)
    ours = build_ours(case)
    assert ours == build_theirs(case)
    assert ours == build_theirs(msgspec.structs.replace(case, keep_thoughts=kept))
    assert ours != build_theirs(msgspec.structs.replace(case, keep_thoughts=not kept))


PLAIN = [
    [("user", "What is the capital of France?")],
    [("user", "Hello, 日本!"), ("assistant", "Hi\n\nthere."), ("user", "2+2? 🤖"), ("assistant", "4"), ("user", "x")],
    [("user", "naïve café\n"), ("assistant", "\\(x^2\\) "), ("user", "e\u0301 [INST] <think>")],
]


@pytest.mark.parametrize("system", ["Be brief.", ""])
@pytest.mark.parametrize("chat", PLAIN)
def test_the_starter_is_asked_as_its_own_template_says(chat: list[tuple[str, str]], system: str) -> None:
    said: list[tuple[str, list[str]]] = [(role, [text]) for role, text in chat]
    rendered = starter_reference._render([("system", [system or starter_reference.SYSTEM]), *said])
    messages = [Said("user" if role == "user" else "assistant", [("text", text)]) for role, text in chat]
    case = Case("starter", messages, [("text", system)] if system else [])
    assert build_ours(case) == rendered
    twice = [(role, [text, ""]) for role, text in chat]
    assert starter_reference.encode_chat([system] if system else [], twice) == rendered


def test_a_file_of_cases_is_compared_and_a_wrong_id_is_seen(tmp_path: Path) -> None:
    right = Case(
        "v13", [Said("user", [("text", "What is 2+2?")])], ids=[1, 3, 7493, 1395, 1032, 1050, 1043, 1050, 1063, 4]
    )
    wrong = msgspec.structs.replace(right, ids=[1, 3, 7493, 4])
    refused = Case("v11", [Said("user", [("thought", "x")])])
    half = b'{"layout": "v13", "messages": [{"role": "user", "parts": [["text", "a\\ud800"]]}]}'
    file = tmp_path / "cases.json"
    file.write_bytes(b"[" + b",".join([*map(msgspec.json.encode, (right, wrong, refused)), half]) + b"]")
    assert len(read_cases(file)) == 4
    outcomes = [prompts._compare(case) for case in read_cases(file)]
    assert outcomes[0] == {"ids": 10}
    assert outcomes[1]["theirs"] == [7493, 4]
    assert outcomes[1]["at"] == 3
    assert outcomes[2]["refused"].startswith("ValidationError")
    assert set(outcomes[3]) == {"ids"}
    file.write_bytes(msgspec.json.encode(right))
    assert read_cases(file) == [right]
