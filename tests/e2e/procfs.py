"""What a process holds, read from /proc (Linux)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Held:
    """What a process holds at one moment.

    Attributes:
        threads: All of them, native ones included.
        descriptors: Open ones.
        memory_bytes: Resident (RSS).
    """

    threads: int
    descriptors: int
    memory_bytes: int


def held(pid: int) -> Held:
    """Return what a process holds.

    Raises:
        FileNotFoundError: it is gone.
        ProcessLookupError: it has ended, and nobody has waited for it yet.
    """
    process = Path("/proc") / str(pid)
    lines = (process / "status").read_text().splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    if "VmRSS" not in status:
        raise ProcessLookupError(pid)
    return Held(
        threads=int(status["Threads"]),
        descriptors=len(list((process / "fd").iterdir())),
        memory_bytes=int(status["VmRSS"].split()[0]) * 1024,
    )
