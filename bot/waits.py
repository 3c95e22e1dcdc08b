"""How long to wait before trying again."""

from __future__ import annotations

from collections.abc import Iterator

# Four tries within two seconds, then at a pace that a provider in trouble can bear.
QUICK_WAITS_SECS = (0.0, 0.25, 0.5, 1.0)
SLOW_WAITS_SECS = (2.0, 4.0)
STEADY_WAIT_SECS = 5.0


def waits_secs() -> Iterator[float]:
    """Yield the waits before the first, second, ... try; without end."""
    yield from QUICK_WAITS_SECS
    yield from SLOW_WAITS_SECS
    while True:
        yield STEADY_WAIT_SECS
