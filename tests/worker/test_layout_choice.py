"""Which layout and which release a folder's files show, and which reasoning prompt they give."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.core.errors import ModelBroken
from app.worker.layout import ChatMLLayout, MistralLayout, TemplateLayout, choose_layout
from app.worker.reasoning_prompt import Source
from app.worker.tokens import Tokens
from tests.worker.stage import user
from tests.worker.test_tokens import copy_with

OWN = "{%- if messages[0].role != 'system' -%}[SYSTEM_PROMPT]@@[/SYSTEM_PROMPT]{%- endif -%}"
TURNS = "{%- for m in messages %}[INST]{{ m.content }}[/INST]{% endfor %}"


@pytest.fixture(scope="module")
def tokens_v11(tiny_magistral_v11: Path) -> Tokens:
    return Tokens(tiny_magistral_v11)


def folder_of(root: Path, *, prompt: str = "", template: str = "", kind: str = "") -> Path:
    """A model's small files."""
    if prompt:
        (root / "SYSTEM_PROMPT.txt").write_text(prompt, encoding="utf-8")
    if template:
        (root / "chat_template.jinja").write_text(template, encoding="utf-8")
    if kind:
        config = {"model_type": "mistral3", "text_config": {"model_type": kind}}
        (root / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return root


def choose_mistral(tokens: Tokens, folder: Path) -> MistralLayout:
    layout = choose_layout(tokens, folder)
    assert isinstance(layout, MistralLayout)
    return layout


def test_a_name_decides_nothing(tokens: Tokens, tokens_v11: Tokens, tmp_path: Path) -> None:
    folder = tmp_path / "Ministral-3-14B-Reasoning-2512"
    folder.mkdir()
    assert choose_layout(tokens, folder).release.key == "magistral"
    assert choose_layout(tokens_v11, folder).release.key == "magistral-1.0"


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({"prompt": "Think:[THINK]x[/THINK]Answer."}, "magistral"),
        ({"prompt": "Think:[THINK]x[/THINK]Answer.", "kind": "ministral3"}, "ministral-3"),
        ({"kind": "ministral3"}, "ministral-3"),
        ({"kind": "mistral"}, "magistral"),
        ({"prompt": "You are a helpful assistant.", "kind": "ministral3"}, "chat"),
        ({"template": OWN.replace("@@", "You are helpful.") + TURNS}, "chat"),
        ({"template": OWN.replace("@@", "Draft:[THINK]x[/THINK]") + TURNS}, "magistral"),
        ({"template": TURNS}, "magistral"),
        ({"prompt": "Draft:\n<think>\nx\n</think>\nAnswer."}, "magistral-1.0"),
    ],
)
def test_a_vocabulary_with_think_tokens(tokens: Tokens, tmp_path: Path, files: dict[str, str], key: str) -> None:
    layout = choose_mistral(tokens, folder_of(tmp_path, **files))
    assert layout.release.key == key
    assert layout.release.keeps_thoughts == (key == "ministral-3")


@pytest.mark.parametrize(
    ("files", "key"),
    [
        ({}, "magistral-1.0"),
        ({"prompt": "Draft:\n<think>\nx\n</think>\nAnswer."}, "magistral-1.0"),
        ({"prompt": "You are a helpful assistant."}, "chat"),
        ({"template": OWN.replace("@@", "Draft:\n<think>\nx\n</think>\n") + TURNS}, "magistral-1.0"),
        ({"template": OWN.replace("@@", "You are helpful.") + TURNS}, "chat"),
        ({"template": TURNS}, "chat"),
    ],
)
def test_a_vocabulary_without_think_tokens(tokens_v11: Tokens, tmp_path: Path, files: dict[str, str], key: str) -> None:
    assert choose_mistral(tokens_v11, folder_of(tmp_path, **files)).release.key == key


def test_a_model_that_is_not_made_to_reason_gets_no_reasoning_prompt(tokens_v11: Tokens, tmp_path: Path) -> None:
    layout = choose_mistral(tokens_v11, folder_of(tmp_path, prompt="You are a helpful assistant."))
    assert layout.reasoning_prompt_source is Source.NONE
    assert layout.build([user("Q")], "", thinking=True).ids[:2] == [1, 3]


def test_the_reasoning_prompt_of_a_file_goes_before_that_of_the_template(tokens: Tokens, tmp_path: Path) -> None:
    template = OWN.replace("@@", "Template:[THINK]t[/THINK]") + TURNS
    folder = folder_of(tmp_path, prompt="File:[THINK]f[/THINK]\n", template=template)
    layout = choose_mistral(tokens, folder)
    assert layout.reasoning_prompt_source is Source.FILE
    built = layout.build([user("Q")], "", thinking=True).ids
    assert tokens.decode(built) == "<s>[SYSTEM_PROMPT]File:[THINK]f[/THINK]\n[/SYSTEM_PROMPT][INST]Q[/INST]"
    assert (built.count(34), built.count(35)) == (1, 1)


@pytest.mark.parametrize("place", ["chat_template.jinja", "tokenizer_config.json", "chat_template.json", "named"])
def test_the_reasoning_prompt_is_what_the_template_puts_before_a_bare_question(
    tokens: Tokens, tmp_path: Path, place: str
) -> None:
    template = "{{ bos_token }}" + OWN.replace("@@", "Say:[THINK]t[/THINK]Then.") + TURNS
    config: dict[str, object] = {"bos_token": {"content": "<s>"}}
    if place == "chat_template.jinja":
        folder_of(tmp_path, template=template)
    elif place == "named":
        config["chat_template"] = [{"name": "tool_use", "template": "x"}, {"name": "default", "template": template}]
    else:
        config["chat_template"] = template
    file = place if place.endswith(".json") else "tokenizer_config.json"
    (tmp_path / file).write_text(json.dumps(config), encoding="utf-8")
    layout = choose_mistral(tokens, tmp_path)
    assert layout.reasoning_prompt_source is Source.TEMPLATE
    built = layout.build([user("Q")], "", thinking=True).ids
    assert tokens.decode(built) == "<s>[SYSTEM_PROMPT]Say:[THINK]t[/THINK]Then.[/SYSTEM_PROMPT][INST]Q[/INST]"
    assert (built.count(34), built.count(35)) == (1, 1)


def publish(data: Path, release: str, prompt: str) -> Path:
    """What a download keeps of the makers' own repository."""
    folder = data / "official" / release
    folder.mkdir(parents=True)
    (folder / "SYSTEM_PROMPT.txt").write_text(prompt, encoding="utf-8")
    return data


def test_the_makers_prompt_comes_after_the_models_own_and_before_the_apps(tokens: Tokens, tmp_path: Path) -> None:
    data = publish(tmp_path / "data", "magistral", "Made:[THINK]m[/THINK]End.")
    layout = choose_layout(tokens, tmp_path, data)
    assert layout.reasoning_prompt_source is Source.OFFICIAL
    built = layout.build([user("Q")], "Be brief.", thinking=True).ids
    beginning = "<s>[SYSTEM_PROMPT]Made:[THINK]m[/THINK]End.\n\nBe brief.[/SYSTEM_PROMPT]"
    assert tokens.decode(built) == f"{beginning}[INST]Q[/INST]"
    assert (built.count(34), built.count(35)) == (1, 1)
    folder_of(tmp_path, template=OWN.replace("@@", "Say:[THINK]t[/THINK]") + TURNS)
    assert choose_layout(tokens, tmp_path, data).reasoning_prompt_source is Source.TEMPLATE
    folder_of(tmp_path, prompt="File:[THINK]f[/THINK]")
    assert choose_layout(tokens, tmp_path, data).reasoning_prompt_source is Source.FILE


def test_each_release_has_the_prompt_of_its_own_makers(tokens: Tokens, tokens_v11: Tokens, tmp_path: Path) -> None:
    data = publish(tmp_path / "data", "magistral", "Made:[THINK]m[/THINK]End.")
    publish(data, "magistral-1.0", "Made:\n<think>\nm\n</think>\nEnd.")
    first = choose_layout(tokens_v11, tmp_path, data)
    assert first.reasoning_prompt_source is Source.OFFICIAL
    assert "Made:\n<think>" in tokens_v11.decode(first.build([user("Q")], "", thinking=True).ids)
    ministral = choose_layout(tokens, folder_of(tmp_path, kind="ministral3"), data)
    assert (ministral.release.key, ministral.reasoning_prompt_source) == ("ministral-3", Source.OURS)


@pytest.mark.parametrize("prompt", ["", "  ", "<html>404</html>", "Made:<think>m</think>", "Made:[THINK]m"])
def test_a_makers_prompt_without_the_markers_is_none(tokens: Tokens, tmp_path: Path, prompt: str) -> None:
    layout = choose_layout(tokens, tmp_path, publish(tmp_path / "data", "magistral", prompt))
    assert layout.reasoning_prompt_source is Source.OURS


def test_a_model_that_is_not_made_to_reason_gets_no_makers_prompt_either(tokens: Tokens, tmp_path: Path) -> None:
    folder = folder_of(tmp_path, prompt="You are a helpful assistant.")
    data = publish(tmp_path / "data", "chat", "Made:[THINK]m[/THINK]End.")
    assert choose_layout(tokens, folder, data).reasoning_prompt_source is Source.NONE


@pytest.mark.parametrize("template", ["", TURNS, "{% for", "{{ raise_exception('no') }}", "{{ 1 + 'x' }}"])
def test_without_one_in_the_files_the_app_has_words_of_its_own(tokens: Tokens, tmp_path: Path, template: str) -> None:
    layout = choose_mistral(tokens, folder_of(tmp_path, template=template))
    assert layout.reasoning_prompt_source is Source.OURS
    built = layout.build([user("Q")], "", thinking=True).ids
    assert (built.count(34), built.count(35)) == (1, 1)


def test_the_apps_own_words_have_the_first_releases_tags(tokens_v11: Tokens, tmp_path: Path) -> None:
    layout = choose_mistral(tokens_v11, tmp_path)
    assert layout.reasoning_prompt_source is Source.OURS
    assert "\n<think>\n" in tokens_v11.decode(layout.build([user("Q")], "", thinking=True).ids)


def test_a_marker_that_the_models_own_prompt_needs_must_be_in_the_vocabulary(
    tokens_v11: Tokens, tmp_path: Path
) -> None:
    with pytest.raises(ModelBroken, match=r"no token \[THINK\]"):
        choose_layout(tokens_v11, folder_of(tmp_path, prompt="Think:[THINK]x[/THINK]Answer."))


MISTRAL = ["<s>", "</s>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[THINK]", "[/THINK]"]


def call(starter: Path, to: Path, names: list[str]) -> Tokens:
    """A small vocabulary whose first control tokens have these names."""

    def rename(value: dict[str, Any]) -> None:
        for token, name in zip(value["added_tokens"], names, strict=False):
            value["model"]["vocab"][name] = value["model"]["vocab"].pop(token["content"])
            token["content"] = name

    return Tokens(copy_with(starter, to, rename))


@pytest.mark.parametrize("name", MISTRAL)
def test_a_vocabulary_that_lacks_one_marker_is_refused_by_its_name(starter: Path, tmp_path: Path, name: str) -> None:
    tokens = call(starter, tmp_path / "model", [each for each in MISTRAL if each != name])
    with pytest.raises(ModelBroken) as caught:
        choose_layout(tokens, tmp_path / "model")
    assert f"no token {name}," in caught.value.message
    assert caught.value.command == "model.choose"


def test_markers_are_found_by_name_wherever_they_stand(starter: Path, tmp_path: Path) -> None:
    layout = choose_mistral(call(starter, tmp_path / "model", MISTRAL[::-1]), tmp_path / "model")
    assert (layout.marks.open_id, layout.marks.close_id) == (1, 0)
    assert layout.marks.closing[-1] == 0
    assert layout.build([user("Q")], "", thinking=False).ids == [7, 5, *layout.tokens.encode("Q"), 4]


def test_a_chatml_model_without_a_template_is_not_taken_for_the_starter(starter: Path, tmp_path: Path) -> None:
    layout = choose_layout(Tokens(starter), tmp_path)
    assert isinstance(layout, ChatMLLayout)
    assert layout.release.key == "chat"
    assert not layout.marks.opening


def test_a_model_with_a_template_is_laid_out_by_it_but_the_starter_is_not(starter: Path, tmp_path: Path) -> None:
    template = "{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
    assert isinstance(choose_layout(Tokens(starter), folder_of(tmp_path, template=template)), TemplateLayout)
    shutil.copy(starter / "config.json", tmp_path)
    assert choose_layout(Tokens(starter), tmp_path).release.key == "starter"


def test_a_vocabulary_without_a_known_layout_is_refused(starter: Path, tmp_path: Path) -> None:
    tokens = call(starter, tmp_path / "model", ["a", "<|ask|>", "<|answered|>"])
    with pytest.raises(ModelBroken, match="chat layout is not known"):
        choose_layout(tokens, tmp_path / "model")
