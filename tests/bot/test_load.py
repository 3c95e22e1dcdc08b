"""What a process says about itself."""

import asyncio
import time

import pytest

from bot.load import SAMPLE_EVERY_SECS, LoadMeter, percentile


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0), ([3], 3), (list(range(1, 101)), 95), ([5, 1], 5)]
)
def test_percentile_is_the_nearest_rank(values: list[float], expected: float) -> None:
    """p95 of a hundred values is the 95th smallest."""
    assert percentile(values, 0.95) == expected


def test_a_loop_that_was_held_up_shows_as_lag() -> None:
    """A callback that holds the loop makes it wake late by at least that much."""

    async def hold_up() -> LoadMeter:
        meter = LoadMeter()
        sampling = asyncio.create_task(meter.run())
        await asyncio.sleep(0)
        time.sleep(SAMPLE_EVERY_SECS + 0.1)  # noqa: ASYNC251 - this is the hold-up
        while not meter.lag_p95_ms:  # noqa: ASYNC110 - the sampling is next
            await asyncio.sleep(0)
        sampling.cancel()
        return meter

    assert asyncio.run(hold_up()).lag_p95_ms >= 100
