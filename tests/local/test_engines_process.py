"""Engine processes: order, withdrawal, death and restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from local.engines.process import (
    EngineBusyError,
    EngineDiedError,
    EngineError,
    EngineLoadError,
    EngineProcess,
)
from local.models import ModelFileError
from tests.local.wire_server import run


@asynccontextmanager
async def engine(max_waiting: int = 8) -> AsyncIterator[EngineProcess]:
    process = EngineProcess(
        "test", lambda: ("-m", "tests.local.dying_engine"), max_waiting=max_waiting
    )
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


async def echo(process: EngineProcess, text: str, priority: int = 0) -> str:
    [reply] = [r async for r in process.request({"text": text}, b"body", priority=priority)]
    assert reply.body == b"body"
    return reply.header["echo"]


def test_death_fails_the_request_in_flight_and_the_next_one_is_served() -> None:
    """The request that killed the engine fails; one that waits is answered by the new process."""

    async def story() -> None:
        async with engine() as process:
            first_pid = process.pid
            with pytest.raises(EngineDiedError):
                async for _ in process.request({"die": True}):
                    pass
            assert await echo(process, "after") == "after"
            assert process.pid != first_pid

    run(story())


def test_failure_of_one_request_leaves_the_engine_alive() -> None:
    """An exception in the engine fails that request only."""

    async def story() -> None:
        async with engine() as process:
            pid = process.pid
            with pytest.raises(EngineError, match="ValueError"):
                async for _ in process.request({"fail": True}):
                    pass
            assert await echo(process, "next") == "next"
            assert process.pid == pid

    run(story())


def test_low_numbers_go_first_and_withdrawn_requests_are_never_worked_on() -> None:
    """Finals (0) overtake interims (1), and a cancelled wait costs the engine nothing."""

    async def story() -> list[str]:
        done: list[str] = []

        async def ask(text: str, priority: int) -> None:
            done.append(await echo(process, text, priority))

        async with engine() as process:
            busy = process.request({"loop": True})
            await anext(busy)
            waiting = {
                text: asyncio.create_task(ask(text, priority))
                for text, priority in [("interim", 1), ("stale", 1), ("final", 0)]
            }
            await asyncio.sleep(0)
            waiting["stale"].cancel()
            await busy.aclose()
            await asyncio.gather(waiting["interim"], waiting["final"])
        return done

    assert run(story()) == ["final", "interim"]


def test_full_queue_refuses() -> None:
    """More requests than may wait are refused at once."""

    async def story() -> None:
        async with engine(max_waiting=1) as process:
            busy = process.request({"loop": True})
            async with aclosing(busy):
                await anext(busy)
                with pytest.raises(EngineBusyError):
                    await echo(process, "too much")

    run(story())


def test_engine_that_cannot_load_says_why() -> None:
    """A model file that is refused names itself in the error."""

    def refuse() -> tuple[str, ...]:
        raise ModelFileError("model file x is not the pinned one")

    async def story() -> None:
        with pytest.raises(EngineLoadError, match="model file x"):
            await EngineProcess("test", refuse).start()

    run(story())
