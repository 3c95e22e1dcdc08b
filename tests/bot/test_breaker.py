"""The circuit breaker, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.breaker import FIRST_REST_SECS, MOST_ASKED_REST_SECS, TRY_SECS, Breakers, CircuitBreaker
from tests import clock

FAILURES = 3


def run(story: Callable[[CircuitBreaker], Awaitable[None]]) -> None:
    async def main() -> None:
        breaker = CircuitBreaker(FAILURES)
        await story(breaker)

    clock.run(main)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_failures_running_open_it() -> None:
    """A success in between begins the count anew."""

    async def story(breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURES - 1)
        breaker.succeeded()
        fail(breaker, FAILURES)
        assert breaker.is_open
        assert not breaker.allows()

    run(story)


def test_one_caller_tries_after_the_rest() -> None:
    """Half-open: one is let through, and its success closes the breaker for everybody."""

    async def story(breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURES)
        await asyncio.sleep(FIRST_REST_SECS)
        assert breaker.allows()
        assert not breaker.allows()
        breaker.succeeded()
        assert breaker.allows()
        assert breaker.allows()

    run(story)


def test_a_try_that_fails_doubles_the_rest() -> None:
    """Who stays away is asked less and less often."""

    async def story(breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURES)
        await asyncio.sleep(FIRST_REST_SECS)
        fail(breaker, 1)
        await asyncio.sleep(FIRST_REST_SECS)
        assert not breaker.allows()
        await asyncio.sleep(FIRST_REST_SECS)
        assert breaker.allows()

    run(story)


def test_a_try_that_nobody_ends_does_not_last_for_ever() -> None:
    """The session that tried was interrupted: another one tries."""

    async def story(breaker: CircuitBreaker) -> None:
        fail(breaker, FAILURES)
        await asyncio.sleep(FIRST_REST_SECS)
        assert breaker.allows()
        await asyncio.sleep(TRY_SECS)
        assert breaker.allows()

    run(story)


def test_a_provider_that_asks_for_rest_is_left_alone() -> None:
    """Retry-After opens it at once, for that time and for a minute at most."""

    async def story(breaker: CircuitBreaker) -> None:
        breaker.failed(10)
        await asyncio.sleep(9)
        assert not breaker.allows()
        await asyncio.sleep(1)
        assert breaker.allows()
        breaker.failed(3600)
        await asyncio.sleep(MOST_ASKED_REST_SECS)
        assert breaker.allows()

    run(story)


def test_sessions_share_a_breaker_by_name() -> None:
    """What one session learns of a model the others know; other models are not concerned."""

    async def story(_: CircuitBreaker) -> None:
        breakers = Breakers()
        fail(breakers.of("first", FAILURES), FAILURES)
        assert breakers.of("first", FAILURES).is_open
        assert breakers.of("second", FAILURES).allows()

    run(story)
