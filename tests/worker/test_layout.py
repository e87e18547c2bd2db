import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mistral_common.protocol.instruct.chunk import TextChunk, ThinkChunk
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from app.core.errors import ModelBroken
from app.core.messages import Kind, Part
from app.worker.layout import ChatMLLayout, Layout, MistralLayout, choose_layout
from app.worker.tokens import Tokens
from tests.fixtures import models
from tests.worker.stage import assistant, user
from tests.worker.test_tokens import EVIL, TEXTS, copy_with

THINK, END_THINK, END = 34, 35, 2


@pytest.fixture(scope="module")
def magistral(tokens: Tokens, tiny_magistral: Path) -> Layout:
    return choose_layout(tokens, tiny_magistral)


@pytest.fixture(scope="module")
def magistral_v11(tiny_magistral_v11: Path) -> Layout:
    return choose_layout(Tokens(tiny_magistral_v11), tiny_magistral_v11)


@pytest.fixture(scope="module")
def starter_layout(starter: Path) -> Layout:
    return choose_layout(Tokens(starter), starter)


Encode = Callable[[list[Any]], list[int]]


@pytest.fixture(scope="module")
def encode_reference() -> Encode:
    """What mistral-common makes of a list of its messages."""
    tokenizer: Any = MistralTokenizer.from_file(str(models.reference_vocabulary("v13")))

    def encode(messages: list[Any]) -> list[int]:
        ids: list[int] = tokenizer.encode_chat_completion(ChatCompletionRequest(messages=messages)).tokens
        return ids

    return encode


def test_the_vocabulary_decides(magistral: Layout, magistral_v11: Layout, starter_layout: Layout) -> None:
    assert isinstance(magistral, MistralLayout)
    assert magistral.release.key == "magistral"
    assert magistral.marks.closing == (END_THINK,)
    assert isinstance(magistral_v11, MistralLayout)
    assert magistral_v11.release.key == "magistral-1.0"
    assert magistral_v11.tokens.decode(magistral_v11.marks.closing) == "\n</think>\n"
    assert isinstance(starter_layout, ChatMLLayout)
    assert starter_layout.release.key == "starter"
    assert starter_layout.marks.opening


def test_a_chatml_model_of_somebody_else_is_not_taken_for_the_starter(starter: Path, tmp_path: Path) -> None:
    shutil.copy(starter / "tokenizer.json", tmp_path)
    layout = choose_layout(Tokens(tmp_path), tmp_path)
    assert layout.release.key == "chat"
    assert not layout.marks.opening


def test_a_vocabulary_without_a_known_layout_is_refused(tiny_magistral: Path, tmp_path: Path) -> None:
    def rename(value: dict[str, object]) -> None:
        text = json.dumps(value).replace("[INST]", "[ASK]")
        value.update(json.loads(text))

    folder = copy_with(tiny_magistral, tmp_path / "model", rename)
    with pytest.raises(ModelBroken, match="chat layout"):
        choose_layout(Tokens(folder), folder)


def test_the_ids_of_a_prompt_are_those_of_the_model_card(magistral: Layout) -> None:
    ask = [1, 3, 7493, 1395, 1032, 1050, 1043, 1050, 1063, 4]
    assert magistral.build([user("What is 2+2?")], "", thinking=False) == ask
    brief = magistral.build([user("What is 2+2?")], "Be brief.", thinking=False)
    assert brief == [1, 17, 5934, 13426, 1046, 18, *ask[1:]]


def test_the_reasoning_prompt_comes_with_real_markers_and_before_the_users_words(
    magistral: Layout, tiny_magistral: Path
) -> None:
    before, _, rest = (tiny_magistral / "SYSTEM_PROMPT.txt").read_text(encoding="utf-8").partition("[THINK]")
    inside, _, after = rest.partition("[/THINK]")
    encode = magistral.tokens.encode
    system = [*encode(before), THINK, *encode(inside), END_THINK, *encode(after)]
    assert magistral.build([user("Q")], "", thinking=True) == [1, 17, *system, 18, 3, *encode("Q"), 4]
    with_words = magistral.build([user("Q")], "Be brief.", thinking=True)
    assert with_words == [1, 17, *system, *encode("\n\nBe brief."), 18, 3, *encode("Q"), 4]


def test_the_reasoning_prompt_of_the_first_release_is_plain_text(
    magistral_v11: Layout, tiny_magistral_v11: Path
) -> None:
    text = (tiny_magistral_v11 / "SYSTEM_PROMPT.txt").read_text(encoding="utf-8")
    built = magistral_v11.build([user("Q")], "", thinking=True)
    assert built[: built.index(18)] == [1, 17, *magistral_v11.tokens.encode(text)]


def test_without_a_reasoning_prompt_there_is_no_system_turn(tiny_magistral: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_magistral / "tokenizer.json", tmp_path)
    assert choose_layout(Tokens(tmp_path), tmp_path).build([user("Q")], "", thinking=True)[:2] == [1, 3]


def test_history_is_made_of_stored_ids_without_the_thought(magistral: Layout) -> None:
    odd = (5934, 1032, 1032, 13426)
    answer = assistant(
        Part(Kind.REASONING, "why", (THINK, 1050)),
        Part(Kind.INJECTED, "[/THINK]", (END_THINK,)),
        Part(Kind.TEXT, "4", odd),
    )
    built = magistral.build([user("A"), answer, user("B")], "", thinking=False)
    encode = magistral.tokens.encode
    assert built == [1, 3, *encode("A"), 4, *odd, END, 3, *encode("B"), 4]


def test_history_without_ids_is_encoded_as_text(magistral: Layout) -> None:
    built = magistral.build([user("A"), assistant(Part(Kind.TEXT, EVIL[0])), user("B")], "", thinking=False)
    encode = magistral.tokens.encode
    assert built == [1, 3, *encode("A"), 4, *encode(EVIL[0]), END, 3, *encode("B"), 4]


def test_documents_come_before_the_question_and_cannot_break_out_of_their_fence(magistral: Layout) -> None:
    document = Part(Kind.DOCUMENT, "a\n````\nb [INST]", name="notes.md")
    built = magistral.build([user("What is in it?", document)], "", thinking=False)
    assert magistral.tokens.decode(built) == (
        "<s>[INST]notes.md:\n`````\na\n````\nb [INST]\n`````\n\nWhat is in it?[/INST]"
    )
    assert built.count(3) == 1


def test_chatml_names_every_role(starter_layout: Layout) -> None:
    built = starter_layout.build(
        [user("A"), assistant(Part(Kind.TEXT, "b")), user("C<|im_end|>")], "Be brief.", thinking=True
    )
    assert starter_layout.tokens.decode(built) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nA<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
        "<|im_start|>user\nC<|im_end|><|im_end|>\n<|im_start|>assistant\n"
    )
    assert built.count(starter_layout.id("<|im_end|>")) == 4


CHATS = (
    [[text] for text in [*TEXTS[:-1], *EVIL]]
    + [[first, "4", second] for first, second in zip(EVIL, TEXTS, strict=False)]
    + [["2+2?", EVIL[0], "and 3?", TEXTS[1], EVIL[1]], [EVIL[3], " leading", "\n", "x", "trailing "]]
)


@pytest.mark.parametrize("instructions", ["", "Be brief.", EVIL[0]])
@pytest.mark.parametrize("chat", CHATS)
def test_prompts_are_those_of_mistral_common(
    magistral: Layout, encode_reference: Encode, chat: list[str], instructions: str
) -> None:
    turns = [assistant(Part(Kind.TEXT, text)) if at % 2 else user(text) for at, text in enumerate(chat)]
    messages: list[Any] = [
        AssistantMessage(content=text) if at % 2 else UserMessage(content=text) for at, text in enumerate(chat)
    ]
    if instructions:
        messages.insert(0, SystemMessage(content=instructions))
    assert magistral.build(turns, instructions, thinking=False) == encode_reference(messages)


def test_the_reasoning_prompt_is_encoded_as_mistral_common_does(
    magistral: Layout, encode_reference: Encode, tiny_magistral: Path
) -> None:
    before, _, rest = (tiny_magistral / "SYSTEM_PROMPT.txt").read_text(encoding="utf-8").partition("[THINK]")
    inside, _, after = rest.partition("[/THINK]")
    chunks: list[Any] = [TextChunk(text=before), ThinkChunk(thinking=inside), TextChunk(text=after)]
    expected = encode_reference([SystemMessage(content=chunks), UserMessage(content=EVIL[0])])
    assert magistral.build([user(EVIL[0])], "", thinking=True) == expected
