"""How a session process fares: how late its event loop wakes, and how much CPU it uses."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Collection

# 100 samples over 5 s: p95 is then the sixth worst, so one slow callback does not move it, and a
# process that has been slow for half a second shows.
SAMPLE_EVERY_SECS = 0.05
WINDOW_SECS = 5.0
P95 = 0.95


def percentile(values: Collection[float], share: float) -> float:
    """Return the nearest-rank percentile; 0 of nothing."""
    if not values:
        return 0.0
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


class LoadMeter:
    """Measures the event loop that `run` runs in."""

    def __init__(self) -> None:
        """Start with an empty window."""
        samples = round(WINDOW_SECS / SAMPLE_EVERY_SECS)
        self._lags_secs: deque[float] = deque(maxlen=samples)
        self._cpu: deque[tuple[float, float]] = deque(maxlen=samples)

    async def run(self) -> None:
        """Sample for ever."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + SAMPLE_EVERY_SECS
            await asyncio.sleep(SAMPLE_EVERY_SECS)
            self._lags_secs.append(max(0.0, loop.time() - due))
            self._cpu.append((time.monotonic(), time.process_time()))

    @property
    def lag_p95_ms(self) -> float:
        """How late the loop woke in the last seconds, 95th percentile."""
        return percentile(self._lags_secs, P95) * 1000

    @property
    def cpu_cores(self) -> float:
        """CPU time per time in the last seconds; 1 is one core."""
        if len(self._cpu) < 2:
            return 0.0
        (start, cpu_start), (end, cpu_end) = self._cpu[0], self._cpu[-1]
        return (cpu_end - cpu_start) / (end - start) if end > start else 0.0
