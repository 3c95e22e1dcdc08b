"""Whether one more session is taken, and by which process: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Limits:
    """From where on one more session would make the running ones slow.

    Attributes:
        max_sessions: Sessions at once, those being started included.
        max_loop_lag_ms: Of a process: how late its event loop may wake (95th percentile).
        max_cpu_percent: Of the machine: CPU in use by anybody; 100 never refuses.
    """

    max_sessions: int
    max_loop_lag_ms: float
    max_cpu_percent: float


@dataclass(frozen=True)
class ProcessLoad:
    """One session process as the door sees it.

    Attributes:
        is_warm: It has loaded everything and answers.
        sessions: Given to it and not ended.
        lag_p95_ms: As it reported last.
    """

    is_warm: bool
    sessions: int
    lag_p95_ms: float


class Refusal(StrEnum):
    """Why no session is taken now."""

    FULL = "full"
    BUSY = "busy"
    NO_PROCESS = "no_process"


def place(
    processes: Sequence[ProcessLoad], limits: Limits, cpu_percent: float | None
) -> int | Refusal:
    """Return the index of the process that takes one more session, or why none does.

    The process with the fewest sessions takes it, among equals the one whose loop is least late.
    Load refuses only where a session is going on that could suffer; the first one is always
    taken.

    Args:
        processes: All of them.
        limits: The thresholds.
        cpu_percent: CPU of the machine in use, 0-100; None where it cannot be read.
    """
    sessions = sum(one.sessions for one in processes)
    if sessions >= limits.max_sessions:
        return Refusal.FULL
    warm = [index for index, one in enumerate(processes) if one.is_warm]
    if not warm:
        return Refusal.NO_PROCESS
    if sessions and limits.max_cpu_percent < 100 and (cpu_percent or 0) > limits.max_cpu_percent:
        return Refusal.BUSY
    fit = [
        index
        for index in warm
        if not processes[index].sessions or processes[index].lag_p95_ms <= limits.max_loop_lag_ms
    ]
    if not fit:
        return Refusal.BUSY
    return min(fit, key=lambda index: (processes[index].sessions, processes[index].lag_p95_ms))
