import pytest

from bench.measure import is_loud, percentile, response_ms, stop_ms, summarize
from local.heard import Span

GREETING = Span(1.0, 3.0)
ANSWER = Span(10.5, 12.0)


def test_a_response_counts_from_the_end_of_the_question() -> None:
    """The response time is from the last voiced sample to the first loud sample after it."""
    assert response_ms([GREETING, ANSWER], 10.0) == pytest.approx(500)


def test_what_was_said_before_the_question_is_no_answer() -> None:
    """Sound from before the question's end alone gives no response time."""
    assert response_ms([GREETING], 10.0) is None


def test_a_sound_that_is_already_there_answers_at_once() -> None:
    """A bot that talks through the end of the question has a response time of 0, not below."""
    assert response_ms([Span(9.9, 10.1)], 10.0) == 0


def test_a_stop_counts_from_the_start_of_the_interruption() -> None:
    """The stop time is from the first voiced sample to the last loud sample of what it stopped."""
    heard = [Span(10.0, 11.0), Span(11.0, 11.3), Span(14.0, 15.0)]
    assert stop_ms(heard, Span(11.0, 13.0)) == pytest.approx(300)


def test_talking_on_is_no_stop() -> None:
    """A bot that is loud up to the end of the interruption has no stop time."""
    assert stop_ms([Span(10.0, 13.0)], Span(11.0, 13.0)) is None


def test_silence_cannot_be_interrupted() -> None:
    """Speech into silence is not counted as an interruption."""
    with pytest.raises(ValueError, match="nothing was being said"):
        stop_ms([Span(8.0, 9.0)], Span(11.0, 13.0))


@pytest.mark.parametrize(
    ("start_secs", "end_secs", "expected"),
    [(0.0, 1.0, False), (0.0, 1.1, True), (2.0, 2.1, True), (3.0, 4.0, False)],
)
def test_loud_means_an_overlap(start_secs: float, end_secs: float, expected: bool) -> None:
    """A stretch is loud when any sound lies inside it; touching it is not enough."""
    assert is_loud([GREETING], start_secs, end_secs) is expected


@pytest.mark.parametrize(
    ("count", "percent", "expected"), [(5, 95, 5), (19, 95, 19), (20, 95, 19), (100, 95, 95)]
)
def test_percentiles_are_values_that_occurred(count: int, percent: float, expected: int) -> None:
    """A percentile is one of the samples; below 20 of them the 95th is the largest."""
    assert percentile(list(range(1, count + 1)), percent) == expected


def test_attempts_without_a_value_are_counted_apart() -> None:
    """Unanswered questions neither vanish nor enter the median."""
    found = summarize([100.0, None, 300.0, 200.0])
    assert found is not None
    assert (found.n, found.missing, found.p50) == (3, 1, 200.0)


def test_the_interval_holds_the_median_and_never_changes() -> None:
    """The same samples always give the same interval, and the median lies inside it."""
    samples = [float(value) for value in range(100, 130)]
    found = summarize(samples)
    assert found is not None
    assert found == summarize(samples)
    assert found.low <= found.p50 <= found.high


def test_no_value_means_no_summary() -> None:
    """With attempts only there is nothing to sum up."""
    assert summarize([None]) is None
