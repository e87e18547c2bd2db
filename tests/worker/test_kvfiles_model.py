"""Saved prefixes of a real model: does it go on as if nothing had happened?"""

from pathlib import Path
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.models.cache import KVCache, make_prompt_cache
from mlx_lm.utils import load_model

from app.worker.segmentfile import Layers
from tests.worker.shelf import HANGS, open_files

PROMPT = [1, *range(2000, 2600)]
TOKENS = 8


@pytest.fixture(scope="module")
def model(tiny_magistral: Path) -> Any:
    return load_model(tiny_magistral)[0]


def likeliest(logits: mx.array) -> int:
    token = logits.argmax().item()
    assert isinstance(token, int)
    return token


class Chat:
    """A cache and the ids whose rows it holds, greedily continued."""

    def __init__(self, model: Any) -> None:
        self._model, self._cache, self.ids = model, make_prompt_cache(model), list[int]()

    def feed(self, ids: list[int]) -> mx.array:
        """What the model expects after these ids."""
        if ids[:-1]:
            self._model(mx.array(ids[:-1])[None], cache=self._cache)
            mx.eval([layer.state for layer in self._cache])  # not what it expects after each of them
        logits: mx.array = self._model(mx.array(ids[-1:])[None], cache=self._cache)[0, -1]
        mx.eval(logits, [layer.state for layer in self._cache])
        self.ids += ids
        return logits

    def go_on(self, first: int, count: int) -> list[int]:
        tokens = [first]
        while len(tokens) < count:
            tokens.append(likeliest(self.feed(tokens[-1:])))
        return tokens

    def rows(self, start: int, stop: int) -> Layers:
        layers = [layer.keys_and_values() for layer in self._cache]
        return [(keys[:, :, start:stop], values[:, :, start:stop]) for keys, values in layers]

    def restore(self, ids: list[int], layers: Layers | None) -> None:
        assert layers is not None
        assert all(isinstance(layer, KVCache) and layer.empty() for layer in self._cache)
        for layer, (keys, values) in zip(self._cache, layers, strict=True):
            layer.update_and_fetch(keys, values)
        self.ids = list(ids)

    def save(self, root: Path, *, exact: bool) -> None:
        files = open_files(root, exact=exact)
        while files.write(self.ids, self.rows, session=1, shared=(200,)):
            pass
        assert files.flush(HANGS)
        files.close()


def reopened(root: Path, chat: Chat, model: Any, *, exact: bool) -> Chat:
    """The same chat after a restart, from the disk alone."""
    files = open_files(root, exact=exact)
    found = files.find([*chat.ids, 5], 1)
    assert found.rows == len(chat.ids)
    again = Chat(model)
    again.restore(chat.ids, files.read(found, 0))
    files.close()
    return again


def test_from_exact_files_a_model_goes_on_exactly_as_if_never_stopped(model: Any, tmp_path: Path) -> None:
    chat = Chat(model)
    chat.go_on(likeliest(chat.feed(PROMPT)), TOKENS)
    chat.save(tmp_path, exact=True)
    again = reopened(tmp_path, chat, model, exact=True)
    assert mx.array_equal(chat.feed([77]), again.feed([77])).item()
    assert chat.go_on(88, TOKENS) == again.go_on(88, TOKENS)


def test_from_eight_bits_a_model_expects_almost_the_same(model: Any, tmp_path: Path) -> None:
    chat = Chat(model)
    chat.feed(PROMPT)
    chat.save(tmp_path, exact=False)
    again = reopened(tmp_path, chat, model, exact=False)
    unbroken, restored = (one.feed([77]).astype(mx.float32) for one in (chat, again))
    assert not mx.array_equal(unbroken, restored).item()
    assert (mx.abs(unbroken - restored).max() < 0.05 * mx.abs(unbroken).max()).item()


def test_a_branch_from_the_disk_equals_one_in_memory(model: Any, tmp_path: Path) -> None:
    chat = Chat(model)
    chat.feed(PROMPT)
    chat.save(tmp_path, exact=True)
    question = [*PROMPT[:333], *range(7000, 7050)]
    files = open_files(tmp_path, exact=True)
    found = files.find(question, 1)
    assert found.rows == 333
    branch = Chat(model)
    branch.restore(question[:333], files.read(found, 0))
    files.close()
    beside = Chat(model)
    beside.restore(question[:333], chat.rows(0, 333))
    assert mx.array_equal(branch.feed(question[333:]), beside.feed(question[333:])).item()
