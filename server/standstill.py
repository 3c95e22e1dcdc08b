"""Whether a silent process stands still: frozen, or waiting for what does not come (Linux)."""

from __future__ import annotations

from pathlib import Path

# proc_pid_stat(5): sleeping, stopped, stopped by a debugger. A thread that is ready to run (R) may
# only lack a CPU, and one that waits for a disk (D) is not to blame.
_STANDING = frozenset("STt")


class Standstill:
    """Looks at the thread in which a process's event loop runs, its first one.

    A process that is merely late uses CPU, or is ready to: on a machine that is overloaded it must
    not be killed. One that is stopped, or blocked in a call, does neither.
    """

    def __init__(self, pid: int, proc: Path = Path("/proc")) -> None:
        """Prepare for one process; `proc` is where the kernel shows it."""
        self._stat = proc / str(pid) / "task" / str(pid) / "stat"
        self._used_ticks: int | None = None

    def looks_still(self) -> bool:
        """Return whether it stands now and has used no CPU since the last look.

        False at the first look, and where the kernel shows nothing.
        """
        try:
            # The name, in brackets, may hold spaces and brackets itself.
            fields = self._stat.read_text().rpartition(")")[2].split()
        except OSError:
            return False
        state, used_ticks = fields[0], int(fields[11]) + int(fields[12])
        before, self._used_ticks = self._used_ticks, used_ticks
        return state in _STANDING and used_ticks == before
