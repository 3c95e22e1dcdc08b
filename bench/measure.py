"""From moments to latencies: pure functions, in monotonic seconds in and milliseconds out."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from local.heard import Span

# Speech that goes on so close to the end of what interrupted it has not stopped.
_STILL_TALKING_SECS = 0.1
_RESAMPLES = 2000
_CONFIDENCE = 0.95


def is_loud(heard: Sequence[Span], start_secs: float, end_secs: float) -> bool:
    """Return whether anything was heard in a stretch of time."""
    return any(span.end_secs > start_secs and span.start_secs < end_secs for span in heard)


def response_ms(heard: Sequence[Span], asked_secs: float) -> float | None:
    """Return the time from the end of a question to the first sound of its answer.

    Args:
        heard: Loud stretches of the bot, oldest first.
        asked_secs: When the last voiced sample of the question was sent.

    Returns:
        Milliseconds, or None when nothing was heard after it.
    """
    answers = (span for span in heard if span.end_secs >= asked_secs)
    first = next(answers, None)
    return None if first is None else (max(first.start_secs, asked_secs) - asked_secs) * 1000


def stop_ms(heard: Sequence[Span], speech: Span) -> float | None:
    """Return the time from the start of an interruption to the last sound of what it interrupted.

    Args:
        heard: Loud stretches of the bot, oldest first.
        speech: From the first to the last voiced sample of the interruption.

    Returns:
        Milliseconds, or None when the bot still talked at the end of the interruption.

    Raises:
        ValueError: the bot was silent when the interruption began.
    """
    if not is_loud(heard, speech.start_secs - _STILL_TALKING_SECS, speech.start_secs):
        raise ValueError("nothing was being said that could be interrupted")
    if is_loud(heard, speech.end_secs - _STILL_TALKING_SECS, speech.end_secs):
        return None
    ends = [span.end_secs for span in heard if span.end_secs < speech.end_secs]
    return max(0.0, max(ends) - speech.start_secs) * 1000


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile: always one of the values.

    With fewer than 20 values the 95th is the largest one.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no values")
    rank = math.ceil(percent / 100 * len(values))
    return sorted(values)[max(rank, 1) - 1]


@dataclass(frozen=True)
class Summary:
    """What one deployment did on one metric, in milliseconds.

    Attributes:
        n: Samples with a value.
        p50: Median.
        p95: 95th percentile, nearest rank.
        low: Lower bound of the median's 95 % bootstrap interval.
        high: Its upper bound.
        missing: Attempts without a value: never answered, or never stopped.
    """

    n: int
    p50: float
    p95: float
    low: float
    high: float
    missing: int


def summarize(samples: Sequence[float | None]) -> Summary | None:
    """Return the summary of some attempts, or None when none has a value."""
    values = [sample for sample in samples if sample is not None]
    if not values:
        return None
    # Seeded: the same samples always give the same interval.
    source = random.Random(0)  # noqa: S311 - resampling, not secrecy
    medians = [statistics.median(source.choices(values, k=len(values))) for _ in range(_RESAMPLES)]
    tail = (1 - _CONFIDENCE) / 2 * 100
    return Summary(
        n=len(values),
        p50=statistics.median(values),
        p95=percentile(values, 95),
        low=percentile(medians, tail),
        high=percentile(medians, 100 - tail),
        missing=len(samples) - len(values),
    )
