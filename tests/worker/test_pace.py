from pathlib import Path

import pytest

from app.worker.pace import CHUNK_SECONDS, FIRST_CHUNK, LEAST_CHUNK, RATES, Pace


def test_a_chunk_takes_about_as_long_as_a_stop_may_wait(tmp_path: Path) -> None:
    pace = Pace(tmp_path, "a")
    assert pace.chunk() == FIRST_CHUNK
    pace.note_prefill(64, 0.1)
    assert pace.chunk() == int(640 * CHUNK_SECONDS)
    pace.note_prefill(64, 1e9)
    assert pace.chunk() >= LEAST_CHUNK


def test_rates_are_remembered_per_model(tmp_path: Path) -> None:
    one, other = Pace(tmp_path, "a"), Pace(tmp_path, "b")
    one.note_prefill(100, 1.0)
    one.note_decode(50, 2.0)
    one.save()
    other.note_prefill(100, 4.0)
    other.save()
    assert Pace(tmp_path, "a").rates == one.rates
    assert Pace(tmp_path, "a").rates.prefill == 100
    assert Pace(tmp_path, "a").rates.decode == 25
    assert Pace(tmp_path, "b").rates.prefill == 25
    assert Pace(tmp_path, "c").rates.prefill == 0


def test_few_tokens_say_nothing(tmp_path: Path) -> None:
    pace = Pace(tmp_path, "a")
    pace.note_prefill(3, 0.5)
    pace.note_decode(3, 0.5)
    assert (pace.rates.prefill, pace.rates.decode) == (0, 0)


def test_the_newest_measurement_counts_but_does_not_decide(tmp_path: Path) -> None:
    pace = Pace(tmp_path, "a")
    pace.note_prefill(100, 1.0)
    pace.note_prefill(100, 10.0)
    assert 10 < pace.rates.prefill < 100


@pytest.mark.parametrize("content", ["", "[]", "{", '{"a": 3}', '{"a": {"prefill": "x", "decode": -1}}'])
def test_a_damaged_file_of_rates_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / RATES).write_text(content, encoding="utf-8")
    pace = Pace(tmp_path, "a")
    assert (pace.rates.prefill, pace.rates.decode) == (0, 0)
    pace.note_prefill(100, 1.0)
    pace.save()
    assert Pace(tmp_path, "a").rates.prefill == 100


def test_a_folder_that_cannot_be_written_costs_only_the_memory_of_it(tmp_path: Path) -> None:
    pace = Pace(tmp_path / "nowhere", "a")
    pace.note_prefill(100, 1.0)
    pace.save()
    assert pace.rates.prefill == 100
