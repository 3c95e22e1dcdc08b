import pytest

from bench.agreement import groups, offsets_ms
from local.caller import Span


def test_pieces_of_one_sound_are_joined() -> None:
    """Spans close to each other are one sound; a pause begins another."""
    heard = [Span(1.0, 1.02), Span(1.02, 1.04), Span(1.2, 1.3), Span(2.0, 2.1)]
    assert groups(heard, 0.3) == [Span(1.0, 1.3), Span(2.0, 2.1)]


def test_offsets_are_later_than_made() -> None:
    """Each sound's beginning and end are compared with when it was made."""
    begins, ends = offsets_ms([Span(1.0, 2.0)], [Span(1.05, 2.03)])
    assert begins == [pytest.approx(50)]
    assert ends == [pytest.approx(30)]


def test_a_sound_that_was_not_heard_is_an_error() -> None:
    """Sounds are never paired with those of a neighbour."""
    with pytest.raises(ValueError, match="2 sounds were made and 1 heard"):
        offsets_ms([Span(1.0, 2.0), Span(3.0, 4.0)], [Span(1.05, 2.03)])
