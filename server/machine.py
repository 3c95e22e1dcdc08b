"""How busy the machine is, read from /proc (Linux; elsewhere unknown)."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path

# 10 s: the length of a turn. A turn's own bursts (a decision, a transcript made on this machine)
# are then part of the mean instead of refusing whoever comes in that moment.
SAMPLE_EVERY_SECS = 1.0
WINDOW_SAMPLES = 11


class MachineMeter:
    """Measures the whole machine while `run` runs."""

    def __init__(self, stat: Path = Path("/proc/stat")) -> None:
        """Prepare; `stat` is the kernel's file (proc_stat(5))."""
        self._stat = stat
        self._samples: deque[tuple[int, int]] = deque(maxlen=WINDOW_SAMPLES)

    async def run(self) -> None:
        """Sample for ever."""
        while True:
            self.sample()
            await asyncio.sleep(SAMPLE_EVERY_SECS)

    def sample(self) -> None:
        """Read once; what cannot be read is left out."""
        try:
            first = self._stat.read_text().partition("\n")[0].split()
        except OSError:
            return
        # user nice system idle iowait irq softirq steal; guest time is already in user.
        ticks = [int(field) for field in first[1:9]]
        self._samples.append((sum(ticks), sum(ticks) - ticks[3] - ticks[4]))

    @property
    def cpu_percent(self) -> float | None:
        """CPU in use by anybody over the last seconds, 0-100; None when unknown."""
        if len(self._samples) < 2:
            return None
        (total_before, busy_before), (total, busy) = self._samples[0], self._samples[-1]
        if total <= total_before:
            return None
        return 100 * (busy - busy_before) / (total - total_before)
