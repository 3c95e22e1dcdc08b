"""What was counted over time, drawn."""

from xml.etree import ElementTree

from bench.history import Line, history


def test_each_quantity_has_its_own_scale_over_the_same_time() -> None:
    """Two quantities a thousand times apart both use the whole height of their panels."""
    small, large = (
        Line(name, [(0, 0), (30, top), (60, 0)]) for name, top in (("a", 3), ("b", 3e3))
    )
    drawing = ElementTree.fromstring(history([small, large], "<caption>", "minutes"))  # noqa: S314
    lines = [one.get("points", "") for one in drawing.iter() if one.tag.endswith("polyline")]
    first, second = (
        [tuple(map(float, point.split(","))) for point in one.split()] for one in lines
    )
    assert [x for x, _ in first] == [x for x, _ in second]
    assert max(y for _, y in first) - min(y for _, y in first) == 56
    assert max(y for _, y in second) - min(y for _, y in second) == 56


def test_nothing_counted_draws_nothing_and_fails_nowhere() -> None:
    """A run that ended before its first count still has a plot."""
    assert "nothing" in history([Line("a", [])], "caption", "minutes")
