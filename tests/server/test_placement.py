"""Placement and admission, as pure functions of what was measured."""

import pytest

from server.placement import Limits, ProcessLoad, Refusal, place

LIMITS = Limits(max_sessions=4, max_loop_lag_ms=50, max_cpu_percent=90)


def warm(sessions: int, lag_p95_ms: float = 1) -> ProcessLoad:
    return ProcessLoad(is_warm=True, sessions=sessions, lag_p95_ms=lag_p95_ms)


COLD = ProcessLoad(is_warm=False, sessions=0, lag_p95_ms=0)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ([warm(0)], 0),
        ([warm(2), warm(1)], 1),
        ([warm(1), warm(1)], 0),
        ([warm(1, 9), warm(1, 3)], 1),
        ([COLD, warm(3)], 1),
        ([warm(1, 80), warm(2, 3)], 1),
    ],
)
def test_the_least_loaded_process_takes_a_session(
    processes: list[ProcessLoad], expected: int
) -> None:
    """Fewest sessions, then least lag; a process that is cold or behind takes none."""
    assert place(processes, LIMITS, cpu_percent=40) == expected


@pytest.mark.parametrize(
    ("processes", "cpu_percent", "expected"),
    [
        ([warm(4)], 10, Refusal.FULL),
        ([warm(2), warm(2)], 10, Refusal.FULL),
        ([COLD], 10, Refusal.NO_PROCESS),
        ([COLD, COLD], None, Refusal.NO_PROCESS),
        ([warm(1)], 90.1, Refusal.BUSY),
        ([warm(1, 50.1)], 10, Refusal.BUSY),
        ([warm(1, 60), warm(2, 70), COLD], 10, Refusal.BUSY),
    ],
)
def test_a_session_too_many_is_refused(
    processes: list[ProcessLoad], cpu_percent: float | None, expected: Refusal
) -> None:
    """By number, by a loop that is behind, by a machine that is used up."""
    assert place(processes, LIMITS, cpu_percent) is expected


def test_load_refuses_nobody_where_no_session_could_suffer() -> None:
    """The first session is taken whatever else the machine does, and so is one without figures."""
    assert place([warm(0, 500)], LIMITS, cpu_percent=100) == 0
    assert place([warm(1)], LIMITS, cpu_percent=None) == 0


def test_a_limit_of_100_percent_refuses_nobody() -> None:
    """Rounding can bring a full machine to just over 100 %."""
    limits = Limits(max_sessions=4, max_loop_lag_ms=50, max_cpu_percent=100)
    assert place([warm(1)], limits, cpu_percent=100.1) == 0
