import pytest

from bench.agreement import offsets_ms
from local.heard import Span

MADE = [Span(1.0, 2.0), Span(3.0, 4.0)]


def test_offsets_are_later_than_made() -> None:
    """Each sound's first and last heard piece are compared with when it was made."""
    heard = [Span(0.5, 0.52), Span(1.05, 1.5), Span(1.9, 2.03), Span(3.02, 4.1)]
    begins, ends = offsets_ms(MADE, heard)
    assert begins == [pytest.approx(50), pytest.approx(20)]
    assert ends == [pytest.approx(30), pytest.approx(100)]


def test_a_sound_that_was_not_heard_is_an_error() -> None:
    """Sounds are never paired with those of a neighbour."""
    with pytest.raises(ValueError, match="not heard"):
        offsets_ms(MADE, [Span(1.05, 2.03)])
