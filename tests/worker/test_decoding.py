from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import pytest
from mlx_lm.generate import generate_step
from mlx_lm.models import llama
from mlx_lm.models.cache import make_prompt_cache

from app.core.errors import EngineStopped
from app.core.messages import Sampling
from app.worker.decoding import HISTORY, Decoder
from app.worker.sampling import Processor, make_sampling
from tests.worker.stage import Stage

VOCABULARY = 300
PROMPT = [5, 17, 200, 31, 8, 99, 250, 3, 77, 12]
WARM = Sampling(temperature=1.0, top_p=0.9, seed=11)


def small_model(**fields: Any) -> llama.Model:
    """Two layers of random weights: passes take a millisecond, and its words are as sure as any."""
    mx.random.seed(3)
    arguments = {
        "model_type": "llama",
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "intermediate_size": 128,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-5,
        "vocab_size": VOCABULARY,
        "tie_word_embeddings": False,
    }
    model = llama.Model(llama.ModelArgs(**{**arguments, **fields}))
    mx.eval(model.parameters())
    return model


@pytest.fixture(scope="module")
def model() -> llama.Model:
    return small_model()


class Foresight:
    """Guesses a text that it was given, wrongly at the places where it is told to be wrong."""

    def __init__(self, text: Sequence[int], size: int, wrong: Callable[[int], bool] = lambda _place: False) -> None:
        self._text, self._size, self._wrong = text, size, wrong
        self.checked: list[tuple[int, int]] = []

    def propose(self, ids: Sequence[int]) -> list[int]:
        places = range(len(ids), min(len(ids) + self._size, len(self._text)))
        return [(self._text[place] + self._wrong(place)) % VOCABULARY for place in places]

    def learn(self, guessed: int, accepted: int) -> None:
        self.checked.append((guessed, accepted))


GUESSERS: dict[str, Callable[[list[int]], Foresight | None]] = {
    "nothing guessed": lambda _text: None,
    "all right": lambda text: Foresight(text, 4),
    "all wrong": lambda text: Foresight(text, 3, lambda _place: True),
    "every third wrong": lambda text: Foresight(text, 5, lambda place: place % 3 == 0),
    "now and then": lambda text: Foresight(text, 2, lambda place: place % 7 > 2),
}
guessing = pytest.mark.parametrize("guesser", GUESSERS.values(), ids=GUESSERS)


def decode(model: Any, ids: list[int], limit: int, cache: list[Any] | None = None, **options: Any) -> list[int]:
    return list(Decoder(model, cache or make_prompt_cache(model), ids, limit, **options))


def drawn_with(sampling: Sampling) -> dict[str, Any]:
    sampler, processors = make_sampling(sampling)
    return {"sampler": sampler, "processors": processors}


# the same text -----------------------------------------------------------------------------------


@guessing
def test_the_likeliest_tokens_are_those_of_mlx_lm(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None]
) -> None:
    expected = [int(token) for token, _ in generate_step(mx.array(PROMPT), model, max_tokens=40)]
    assert len(set(expected)) > 2
    assert decode(model, PROMPT, 40, speculator=guesser(PROMPT + expected)) == expected


@guessing
@pytest.mark.parametrize(
    "sampling",
    [
        WARM,
        Sampling(temperature=1.3, top_p=1.0, top_k=40, min_p=0.02, seed=5),
        Sampling(temperature=0.0, repetition_penalty=1.4),
        Sampling(temperature=0.8, repetition_penalty=1.2, presence_penalty=0.5, frequency_penalty=0.3, seed=-(2**70)),
    ],
)
def test_a_seed_says_the_same_however_its_tokens_were_grouped(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None], sampling: Sampling
) -> None:
    alone = decode(model, PROMPT, 40, **drawn_with(sampling))
    assert len(set(alone)) > 2
    assert decode(model, PROMPT, 40, speculator=guesser(PROMPT + alone), **drawn_with(sampling)) == alone


def test_a_stretch_goes_on_with_the_same_draws_as_the_whole(model: llama.Model) -> None:
    whole = decode(model, PROMPT, 20, **drawn_with(WARM))
    assert decode(model, PROMPT + whole[:8], 12, **drawn_with(WARM)) == whole[8:]


def test_another_seed_says_something_else(model: llama.Model) -> None:
    other = Sampling(temperature=1.0, top_p=0.9, seed=12)
    assert decode(model, PROMPT, 20, **drawn_with(WARM)) != decode(model, PROMPT, 20, **drawn_with(other))


def test_a_quantised_model_with_magistrals_vocabulary(stage: Stage) -> None:
    ids = stage.text("All work and no play makes Jack a dull boy.")
    alone = decode(stage.model, ids, 6)
    assert alone == [int(token) for token, _ in generate_step(mx.array(ids), stage.model, max_tokens=6)]
    assert decode(stage.model, ids, 6, speculator=Foresight(ids + alone, 3, lambda place: place % 3 == 0)) == alone


# passes ------------------------------------------------------------------------------------------


def test_right_guesses_save_passes(model: llama.Model) -> None:
    alone = decode(model, PROMPT, 41)
    foresight = Foresight(PROMPT + alone, 4)
    decoder = Decoder(model, make_prompt_cache(model), PROMPT, 41, speculator=foresight)
    assert list(decoder) == alone
    assert decoder.passes == 1 + 40 // 5  # the first token cannot be guessed together with others
    assert foresight.checked == [(0, 0), *[(4, 4)] * 8]


def test_without_guesses_each_token_is_a_pass(model: llama.Model) -> None:
    decoder = Decoder(model, make_prompt_cache(model), PROMPT, 9)
    list(decoder)
    assert decoder.passes == 9


def test_a_step_ahead_that_is_thrown_away_is_no_pass(model: llama.Model) -> None:
    decoder = Decoder(model, make_prompt_cache(model), PROMPT, 100)
    assert [next(decoder) for _ in range(3)] == decode(model, PROMPT, 3)
    decoder.close()
    assert decoder.passes == 3


def test_what_the_speculator_learns_is_what_came_true(model: llama.Model) -> None:
    alone = decode(model, PROMPT, 30)
    foresight = Foresight(PROMPT + alone, 3, lambda place: place == len(PROMPT) + 3)
    list(Decoder(model, make_prompt_cache(model), PROMPT, 8, speculator=foresight))
    assert foresight.checked == [(0, 0), (3, 2), (3, 3)]


@pytest.mark.parametrize("limit", range(8))
def test_no_token_beyond_the_limit(model: llama.Model, limit: int) -> None:
    text = PROMPT + decode(model, PROMPT, 20)
    assert decode(model, PROMPT, limit, speculator=Foresight(text, 5)) == text[len(PROMPT) :][:limit]


def test_a_guess_that_the_vocabulary_lacks_is_left_out(model: llama.Model) -> None:
    class Stranger(Foresight):
        def propose(self, ids: Sequence[int]) -> list[int]:
            return [*super().propose(ids)[:2], VOCABULARY, -1]

    alone = decode(model, PROMPT, 12)
    stranger = Stranger(PROMPT + alone, 3)
    assert decode(model, PROMPT, 12, speculator=stranger) == alone
    assert max(guessed for guessed, _ in stranger.checked) == 2


def test_a_sliding_window_is_never_made_to_take_guesses_back() -> None:
    sliding = small_model(layer_types=["sliding_attention", "full_attention"], sliding_window=16)
    alone = decode(sliding, PROMPT, 30)
    foresight = Foresight(PROMPT + alone, 4, lambda place: place % 2 == 0)
    assert decode(sliding, PROMPT, 30, speculator=foresight) == alone
    assert foresight.checked == []


# the cache ---------------------------------------------------------------------------------------


@guessing
@pytest.mark.parametrize("closed_after", range(14))
def test_wherever_it_is_closed_the_rows_are_those_of_the_tokens_handed_out(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None], closed_after: int
) -> None:
    text = PROMPT + decode(model, PROMPT, 40)
    cache = make_prompt_cache(model)
    decoder = Decoder(model, cache, PROMPT, 30, speculator=guesser(text))
    given = PROMPT + [next(decoder) for _ in range(closed_after)]
    decoder.close()
    assert given == text[: len(given)]
    rows = cache[0].offset
    assert {layer.offset for layer in cache} == {rows}
    if closed_after:
        assert len(given) - 1 <= rows <= len(given)
    fresh = make_prompt_cache(model)
    if rows:
        model(mx.array(given[:rows])[None], cache=fresh)
        for layer, other in zip(cache, fresh, strict=True):
            for held, wanted in zip(layer.keys_and_values(), other.keys_and_values(), strict=True):
                assert mx.allclose(held, wanted, rtol=1e-3, atol=1e-4)
    for layer in cache:
        layer.trim(max(0, layer.offset - len(given) + 1))
    follow = [*given, 42, 43]
    assert decode(model, follow, 6, cache) == decode(model, follow, 6)


@guessing
def test_a_full_run_leaves_the_last_token_to_be_read(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None]
) -> None:
    text = PROMPT + decode(model, PROMPT, 40)
    cache = make_prompt_cache(model)
    assert decode(model, PROMPT, 21, cache, speculator=guesser(text)) == text[len(PROMPT) :][:21]
    assert cache[0].offset == len(PROMPT) + 20


@pytest.mark.parametrize("held", [0, 1, 5, len(PROMPT) - 1])
def test_what_the_cache_lacks_is_read_first(model: llama.Model, held: int) -> None:
    cache = make_prompt_cache(model)
    if held:
        model(mx.array(PROMPT[:held])[None], cache=cache)
    assert decode(model, PROMPT, 10, cache) == decode(model, PROMPT, 10)


def test_closed_before_it_began_it_has_done_nothing(model: llama.Model) -> None:
    cache = make_prompt_cache(model)
    Decoder(model, cache, PROMPT, 10).close()
    assert cache[0].offset == 0


def test_an_error_from_outside_leaves_no_row_too_many(model: llama.Model) -> None:
    class Failing(Foresight):
        def learn(self, guessed: int, accepted: int) -> None:
            if guessed:
                raise RuntimeError("out of breath")

    text = PROMPT + decode(model, PROMPT, 20)
    cache = make_prompt_cache(model)
    decoder = Decoder(model, cache, PROMPT, 20, speculator=Failing(text, 4))
    given: list[int] = []
    with pytest.raises(RuntimeError):
        given.extend(decoder)
    assert {layer.offset for layer in cache} <= set(range(len(PROMPT) + len(given) + 1))


# processors --------------------------------------------------------------------------------------


@guessing
def test_a_processor_is_shown_the_history_with_what_was_cached(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None]
) -> None:
    text = PROMPT + decode(model, PROMPT, 40)
    shown: list[list[int]] = []

    def watch(tokens: mx.array, logits: mx.array) -> mx.array:
        assert logits.shape == (1, VOCABULARY)
        seen: Any = tokens.tolist()
        shown.append(seen)
        return logits

    cache = make_prompt_cache(model)
    model(mx.array(PROMPT[:6])[None], cache=cache)
    assert decode(model, PROMPT, 12, cache, processors=[watch], speculator=guesser(text)) == text[len(PROMPT) :][:12]
    for place in range(len(PROMPT), len(PROMPT) + 12):
        assert text[:place] in shown


def test_a_long_history_is_shown_by_its_end(model: llama.Model) -> None:
    ids = [(7 * place) % VOCABULARY for place in range(HISTORY + 100)]
    lengths = []

    def watch(tokens: mx.array, logits: mx.array) -> mx.array:
        lengths.append(tokens.size)
        return logits

    decode(model, ids, 3, processors=[watch])
    assert set(lengths) == {HISTORY + 1}


def test_a_penalty_knows_what_the_prompt_says(model: llama.Model) -> None:
    """What is likeliest after a prompt that says it already is not said with a penalty."""
    prompts = ([word, *PROMPT] for word in range(VOCABULARY))
    ids = next(ids for ids in prompts if decode(model, ids, 1)[0] in ids)
    _sampler, processors = make_sampling(Sampling(temperature=0.0, presence_penalty=1e6))
    cache = make_prompt_cache(model)
    model(mx.array(ids[:-1])[None], cache=cache)
    assert decode(model, ids, 1, cache, processors=processors)[0] not in ids


# what is no number -------------------------------------------------------------------------------


def no_number_at(place: int) -> Processor:
    """Logits for the token at one place are no numbers."""

    def spoil(tokens: mx.array, logits: mx.array) -> mx.array:
        return logits * mx.nan if tokens.size == place else logits

    return spoil


@guessing
@pytest.mark.parametrize("sound", [0, 1, 2, 5, 6])
def test_no_token_is_drawn_from_what_is_no_number(
    model: llama.Model, guesser: Callable[[list[int]], Foresight | None], sound: int
) -> None:
    text = PROMPT + decode(model, PROMPT, 40)
    cache = make_prompt_cache(model)
    spoil = no_number_at(len(PROMPT) + sound)
    decoder = Decoder(model, cache, PROMPT, 20, processors=[spoil], speculator=guesser(text))
    given: list[int] = []
    with pytest.raises(EngineStopped) as caught:
        given.extend(decoder)
    assert given == text[len(PROMPT) :][:sound]
    assert "kept" in caught.value.hint
    assert cache[0].offset <= len(PROMPT) + sound


def test_damaged_weights_give_no_token() -> None:
    broken = small_model()
    broken.model.layers[1].mlp.down_proj.weight *= mx.nan
    decoder = Decoder(broken, make_prompt_cache(broken), PROMPT, 10)
    with pytest.raises(EngineStopped):
        next(decoder)
