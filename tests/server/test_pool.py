"""The session processes, real ones: placed, crashed, silent, talking nonsense, stopped."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest

from bot.channel import Configure, Start
from bot.reasons import EndReason
from server import process as process_module
from server.placement import Limits, Refusal
from server.pool import Pool, PoolError
from server.process import COMMAND, PlacedSession, SessionProcess
from tests.conftest import REPOSITORY
from tests.server.stub import STUB

pytestmark = pytest.mark.anyio

LIMITS = Limits(max_sessions=8, max_loop_lag_ms=1000, max_cpu_percent=100)
DEADLINE_SECS = 20


@asynccontextmanager
async def pool_of(
    count: int, instruction: str = "", sessions_per_process: int = 0
) -> AsyncGenerator[Pool]:
    configure = Configure(log_level="INFO", instruction=instruction, settings={})
    async with (
        asyncio.timeout(DEADLINE_SECS),
        Pool(
            count,
            configure,
            LIMITS,
            {"PATH": "/usr/bin"},
            STUB,
            sessions_per_process=sessions_per_process,
        ) as pool,
    ):
        yield pool


def start(pool: Pool, room: str = "room", session_id: str = "s-1") -> PlacedSession:
    order = Start(session_id=session_id, user_identity="u", url="ws://h", token="t", room=room)
    placed = pool.start(order)
    assert not isinstance(placed, Refusal)
    return placed


async def replaced(pool: Pool, old: SessionProcess) -> SessionProcess:
    """Return the process that took the place of one that is going, once it is warm."""
    await old.gone.wait()
    while old in pool.processes:  # noqa: ASYNC110 - the pool's own task is next
        await asyncio.sleep(0)
    successor = next(one for one in pool.processes if not one.is_warm)
    await successor.warm.wait()
    return successor


def died(pid: int) -> Callable[[], None]:
    """Return a function that waits until a process is gone, whoever's child it is."""
    descriptor = os.pidfd_open(pid)

    def wait() -> None:
        select.select([descriptor], [], [], DEADLINE_SECS)
        os.close(descriptor)

    return wait


async def test_sessions_are_spread_over_the_processes() -> None:
    """Each session goes to the process with the fewest, and its end makes room there."""
    async with pool_of(2) as pool:
        placed = [start(pool, session_id=f"s-{number}") for number in range(4)]
        assert [len(one.sessions) for one in pool.processes] == [2, 2]
        for one in placed:
            await one.ready.wait()
        placed[1].end(EndReason.SHUTDOWN)
        placed[1].end(EndReason.IDLE)
        await placed[1].ended.wait()
        assert (placed[1].reason, placed[1].errors) == (EndReason.SHUTDOWN, {"llm_failed": 2})
        assert sorted(len(one.sessions) for one in pool.processes) == [1, 2]


@pytest.mark.parametrize("room", ["crash", "garbage", "flood", "stranger"])
async def test_a_broken_process_costs_its_own_sessions_only(room: str) -> None:
    """A process that dies or talks nonsense is replaced; the other one's sessions go on."""
    async with pool_of(2) as pool:
        first, second = start(pool, session_id="s-1"), start(pool, session_id="s-2")
        await first.ready.wait()
        await second.ready.wait()
        broken, healthy = pool.processes
        third = start(pool, room, session_id="s-3")
        assert "s-3" in broken.sessions
        await third.ended.wait()
        await first.ended.wait()
        assert {first.reason, third.reason} == {EndReason.CRASHED}
        assert (second.reason, healthy.is_warm) == (None, True)
        # The door goes on meanwhile, in the process that is left.
        assert pool.choose() is healthy
        successor = await replaced(pool, broken)
        assert pool.restarts == 1
        assert pool.choose() is successor


async def test_a_process_that_is_behind_takes_no_further_session() -> None:
    """While its event loop is late a session is refused; when nobody suffers one is taken."""
    async with pool_of(1, "slow") as pool:
        (slow,) = pool.processes
        slow.reported.clear()
        await slow.reported.wait()
        session = start(pool)
        assert pool.choose() is Refusal.BUSY
        session.end(EndReason.SHUTDOWN)
        await session.ended.wait()
        assert pool.choose() is slow


async def test_sessions_that_are_being_started_count() -> None:
    """Admitted sessions without a process yet fill the server like the others."""
    async with pool_of(1) as pool:
        assert pool.choose(starting=LIMITS.max_sessions - 1) is pool.processes[0]
        assert pool.choose(starting=LIMITS.max_sessions) is Refusal.FULL


async def test_without_a_process_the_door_says_so() -> None:
    """While the only process is being replaced no session is placed."""
    async with pool_of(1) as pool:
        session = start(pool, "crash")
        await session.ended.wait()
        assert pool.choose() is Refusal.NO_PROCESS
        await replaced(pool, pool.processes[0])
        assert not isinstance(pool.choose(), Refusal)


async def test_a_process_that_does_not_speak_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose loop stands still is killed, and another one started."""
    monkeypatch.setattr(process_module, "TICK_SECS", 0.02)
    async with pool_of(1, "silent") as pool:
        silent = pool.processes[0]
        session = start(pool)
        await session.ended.wait()
        assert session.reason is EndReason.CRASHED
        await silent.gone.wait()
        while not pool.restarts:  # noqa: ASYNC110 - the pool's own task is next
            await asyncio.sleep(0)


async def test_a_process_that_is_frozen_is_replaced_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that has stopped in its tracks is killed long before one that may be late only."""
    monkeypatch.setattr(process_module, "TICK_SECS", 0.1)
    monkeypatch.setattr(process_module, "SILENT_TICKS", 10_000)
    async with pool_of(1) as pool:
        frozen = pool.processes[0]
        session = start(pool)
        assert frozen.pid
        os.kill(frozen.pid, signal.SIGSTOP)
        await session.ended.wait()
        assert session.reason is EndReason.CRASHED
        await frozen.gone.wait()


async def test_a_process_that_has_run_enough_sessions_is_renewed() -> None:
    """A warm successor takes the calls that come; the worn one goes when its own have ended."""
    async with pool_of(1, sessions_per_process=2) as pool:
        (worn,) = pool.processes
        first, second = start(pool, session_id="s-1"), start(pool, session_id="s-2")
        while pool.processes == [worn]:  # noqa: ASYNC110 - the pool's own task is next
            await asyncio.sleep(0)
        (successor,) = pool.processes
        assert successor.is_warm
        assert (pool.renewals, pool.restarts) == (1, 0)
        third = start(pool, session_id="s-3")
        assert list(successor.sessions) == ["s-3"]
        # What goes on in the worn process counts for the server's limit.
        assert pool.choose(starting=LIMITS.max_sessions - 3) is Refusal.FULL
        first.end(EndReason.SHUTDOWN)
        await first.ended.wait()
        assert (second.reason, worn.gone.is_set()) == (None, False)
        second.end(EndReason.IDLE)
        await worn.gone.wait()
        assert (second.reason, third.reason) == (EndReason.IDLE, None)


async def test_a_worn_process_works_on_until_there_is_a_successor() -> None:
    """While no successor gets warm, sessions go where they went; nobody is refused."""
    async with pool_of(1, sessions_per_process=1) as pool:
        (worn,) = pool.processes
        pool._configure = Configure(log_level="INFO", instruction="die before warm", settings={})
        start(pool, session_id="s-1")
        while len(pool._running) < 2:  # noqa: ASYNC110 - the pool's own task is next
            await asyncio.sleep(0)
        (successor,) = set(pool._running) - {worn}
        await successor.gone.wait()
        assert pool.choose() is worn
        assert (pool.renewals, pool.restarts) == (0, 0)


async def test_a_process_that_cannot_start_stops_the_server() -> None:
    """A mistake in the set-up shows at start, not at the first visitor."""
    with pytest.raises(PoolError):
        async with pool_of(2, "die before warm"):
            pytest.fail("not reached")


async def test_leaving_the_pool_leaves_no_process() -> None:
    """At a stop every process goes, also one that is told nothing else."""
    async with pool_of(2) as pool:
        waits = [died(one.pid) for one in pool.processes if one.pid]
    assert len(waits) == 2
    for wait in waits:
        wait()


async def test_a_process_is_waited_for_whoever_is_in_a_hurry() -> None:
    """A stop that is itself cut short kills a process that stays, and leaves nothing behind."""
    configure = Configure(log_level="INFO", instruction="stay", settings={})
    process = SessionProcess(STUB, {"PATH": "/usr/bin"}, configure)
    running = asyncio.create_task(process.run())
    await process.warm.wait()
    assert process.pid
    gone = died(process.pid)
    process.stop()
    while process._writer is not None:  # noqa: ASYNC110 - the process's own task is next
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    assert process._process
    assert process._process.returncode == -signal.SIGKILL
    gone()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child so")
async def test_a_process_dies_with_a_server_that_is_killed() -> None:
    """SIGKILL of the server takes its processes along, even while they are importing."""
    code = (
        "import asyncio, os, sys\n"
        "from bot.channel import Configure\n"
        "from server.process import SessionProcess\n"
        "async def main():\n"
        "    one = SessionProcess(sys.argv[1:], os.environ, "
        "Configure(log_level='INFO', instruction='', settings={}))\n"
        "    running = asyncio.create_task(one.run())\n"
        "    while one.pid is None: await asyncio.sleep(0)\n"
        "    print(one.pid, flush=True)\n"
        "    await running\n"
        "asyncio.run(main())\n"
    )
    starter = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *COMMAND), cwd=REPOSITORY, stdout=asyncio.subprocess.PIPE
    )
    assert starter.stdout
    wait = died(int(await starter.stdout.readline()))
    starter.send_signal(signal.SIGKILL)
    await asyncio.to_thread(wait)
    await starter.communicate()  # also sees its pipe closed
