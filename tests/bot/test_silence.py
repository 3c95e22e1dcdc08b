"""A session that nobody is in ends itself; one sign of a person is enough."""

import asyncio
from collections.abc import Awaitable, Callable

from bot.silence import Silence
from tests import clock


def ended_after(story: Callable[[Silence], Awaitable[None]]) -> float | None:
    """Run a story on virtual time; return after how many seconds the session was ended."""

    async def main() -> float | None:
        loop = asyncio.get_running_loop()
        zero, ends = loop.time(), list[float]()
        silence = Silence(15, 60, lambda: ends.append(loop.time() - zero))
        await story(silence)
        await asyncio.sleep(100)
        silence.stop()
        assert len(ends) <= 1
        return ends[0] if ends else None

    return clock.run(main)


def test_nobody_comes_to_speak() -> None:
    """Neither microphone nor word: over after 15 s, counted from the first entry."""

    async def story(silence: Silence) -> None:
        silence.begin()
        await asyncio.sleep(10)
        silence.begin()

    assert ended_after(story) == 15


def test_somebody_is_there() -> None:
    """A sign before the time is over, or before the client is known to be in, settles it."""

    async def late(silence: Silence) -> None:
        silence.begin()
        await asyncio.sleep(14)
        silence.stop()
        silence.begin()

    async def early(silence: Silence) -> None:
        silence.stop()
        silence.begin()
        silence.expect_text()

    assert ended_after(late) is None
    assert ended_after(early) is None


def test_who_types_has_longer_once() -> None:
    """A visitor without a microphone has a minute, however often the client says so."""

    async def story(silence: Silence) -> None:
        silence.begin()
        for _ in range(5):
            silence.expect_text()
            await asyncio.sleep(10)

    assert ended_after(story) == 60
