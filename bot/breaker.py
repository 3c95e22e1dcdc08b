"""A circuit breaker: what has just failed for others is not waited for again.

One stands before each provider's service and each model, shared by the sessions of a process.
Closed, it lets everybody through. After some failures running it is open and lets nobody through
for a while; then one caller is let through to try (half-open), whose luck decides.
"""

from __future__ import annotations

import asyncio

# Failures running that open it: of a model, which another one can take the place of, and of
# speech, which is tried four times in two seconds before anybody is told.
MODEL_FAILURES = 3
SPEECH_FAILURES = 6
# How long it stays open; doubled by each try that fails.
FIRST_REST_SECS = 2.0
MOST_REST_SECS = 30.0
# A provider may say itself when to come back (Retry-After); nobody waits for longer than this.
MOST_ASKED_REST_SECS = 60.0
# A try whose end nobody reports (its session was interrupted) counts for so long.
TRY_SECS = 5.0


class CircuitBreaker:
    """The state of one provider's service or model, as the sessions of a process know it."""

    def __init__(self, failures_to_open: int) -> None:
        """Create it closed.

        Args:
            failures_to_open: Failures running after which nobody is let through.
        """
        self._failures_to_open = failures_to_open
        self._failures = 0
        self._rest_secs = FIRST_REST_SECS
        self._opens_again_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether nobody is let through now."""
        return self._opens_again_at is not None and _now() < self._opens_again_at

    def allows(self) -> bool:
        """Whether the caller may try now; a caller who tries tells how it went."""
        if self._opens_again_at is None:
            return True
        if _now() < self._opens_again_at:
            return False
        self._opens_again_at = _now() + TRY_SECS
        return True

    def succeeded(self) -> None:
        """Close it."""
        self._failures = 0
        self._rest_secs = FIRST_REST_SECS
        self._opens_again_at = None

    def failed(self, asked_rest_secs: float | None = None) -> None:
        """Count a failure; open it after too many, or when the provider asks to be left alone."""
        self._failures += 1
        if asked_rest_secs is not None:
            self._opens_again_at = _now() + min(asked_rest_secs, MOST_ASKED_REST_SECS)
        elif self._failures >= self._failures_to_open:
            self._opens_again_at = _now() + self._rest_secs
            self._rest_secs = min(2 * self._rest_secs, MOST_REST_SECS)


class Breakers:
    """The breakers of a process, by what stands behind them."""

    def __init__(self) -> None:
        """Begin with none."""
        self._breakers: dict[str, CircuitBreaker] = {}

    def of(self, name: str, failures_to_open: int) -> CircuitBreaker:
        """Return the breaker of a service or model, closed when it is new."""
        return self._breakers.setdefault(name, CircuitBreaker(failures_to_open))


def _now() -> float:
    return asyncio.get_running_loop().time()
