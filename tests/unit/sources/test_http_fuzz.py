"""A few rounds of the fuzz target with each run of the tests; more with `python -m tests.fuzz.http_reader`."""

import pytest

from tests.fuzz.http_reader import fuzz


@pytest.mark.parametrize("seed", [1, 2])
async def test_both_fetchers_make_the_same_of_broken_answers_and_none_hangs(seed: int) -> None:
    done, taken = await fuzz(seed, rounds=100)
    assert done == 100
    assert taken > 10
