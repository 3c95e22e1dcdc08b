"""What processes cost, read from /proc (Linux; elsewhere every figure is None)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TICKS_PER_SEC: Final = os.sysconf("SC_CLK_TCK")
# Fields of /proc/PID/stat counted after the command's closing bracket (proc_pid_stat(5)).
_PARENT = 1
# Of the process itself, and of its children that have ended and were waited for.
_CPU_TICKS = slice(11, 15)


@dataclass(frozen=True)
class Usage:
    """A process and all its descendants.

    Attributes:
        cpu_secs: CPU time since each started, and that of descendants that have ended.
        pss_bytes: Memory, with shared pages divided among those who share them.
    """

    cpu_secs: float
    pss_bytes: int


def of_tree(pid: int) -> Usage | None:
    """Return what a process and its descendants use, or None where it cannot be read."""
    stats = _all_stats()
    if pid not in stats:
        return None
    tree, found = {pid}, True
    while found:
        children = {child for child, stat in stats.items() if int(stat[_PARENT]) in tree}
        found = not children <= tree
        tree |= children
    ticks = sum(sum(map(int, stats[one][_CPU_TICKS])) for one in tree)
    return Usage(ticks / _TICKS_PER_SEC, sum(_pss_bytes(one) for one in tree))


def machine_busy_secs() -> tuple[float, float] | None:
    """Return the machine's CPU seconds so far: (used by anybody, used and idle)."""
    try:
        first = (_PROC / "stat").read_text().splitlines()[0].split()[1:9]
    except OSError:
        return None
    ticks = [int(field) for field in first]
    idle = ticks[3] + ticks[4]
    return (sum(ticks) - idle) / _TICKS_PER_SEC, sum(ticks) / _TICKS_PER_SEC


def processor() -> str:
    """Return the processor's model name, or "unknown"."""
    try:
        lines = (_PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        return "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")


def _all_stats() -> dict[int, list[str]]:
    stats: dict[int, list[str]] = {}
    for directory in _PROC.glob("[0-9]*"):
        try:
            text = (directory / "stat").read_text()
        except OSError:
            continue
        stats[int(directory.name)] = text.rpartition(")")[2].split()
    return stats


def _pss_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
