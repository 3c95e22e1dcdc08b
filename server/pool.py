"""The session processes: kept alive, kept warm, given sessions by load."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from loguru import logger

from bot.channel import Configure, Start
from server.machine import MachineMeter
from server.placement import Limits, ProcessLoad, Refusal, place
from server.process import COMMAND, OnTurn, PlacedSession, SessionProcess, ignore_turn

# A process that dies before it is warm would die again at once.
_RESTART_WAITS_SECS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)


class PoolError(Exception):
    """A session process did not become warm when the server started."""


class Pool:
    """A fixed number of session processes. Use as an async context manager.

    Attributes:
        restarts: Processes that were started in place of one that had ended.
    """

    def __init__(
        self,
        count: int,
        configure: Configure,
        limits: Limits,
        environment: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        *,
        on_turn: OnTurn = ignore_turn,
    ) -> None:
        """Describe the pool; entering it starts the processes.

        Args:
            count: How many processes.
            configure: What each is told first.
            limits: When no session is taken.
            environment: All variables of the processes.
            command: The program; tests put a small one there.
            on_turn: Told of each answered turn.
        """
        self._on_turn = on_turn
        self._configure = configure
        self._limits = limits
        self._environment = environment
        self._command = command
        self._machine = MachineMeter()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self.restarts = 0
        self.processes: list[SessionProcess] = [self._new() for _ in range(count)]

    def _new(self) -> SessionProcess:
        return SessionProcess(self._command, self._environment, self._configure, self._on_turn)

    async def __aenter__(self) -> Self:
        """Start the processes and wait until all are warm.

        Raises:
            PoolError: one ended before that.
        """
        keeping = [
            asyncio.create_task(self._keep(slot), name=f"session process {slot}")
            for slot in range(len(self.processes))
        ]
        self._tasks = [*keeping, asyncio.create_task(self._machine.run(), name="machine meter")]
        try:
            await asyncio.gather(*(_become_warm(one) for one in self.processes))
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """End the processes; sessions are drained before."""
        self._stopping = True
        for process in self.processes:
            process.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def cpu_percent(self) -> float | None:
        """CPU of the machine in use by anybody, 0-100; None where it cannot be read."""
        return self._machine.cpu_percent

    def choose(self, starting: int = 0) -> SessionProcess | Refusal:
        """Return the process that takes one more session, or why none does.

        Args:
            starting: Sessions that were admitted and are in no process yet.
        """
        loads = [
            ProcessLoad(one.is_warm, len(one.sessions), one.load.lag_p95_ms)
            for one in self.processes
        ]
        if starting:
            loads.append(ProcessLoad(is_warm=False, sessions=starting, lag_p95_ms=0))
        chosen = place(loads, self._limits, self.cpu_percent)
        return chosen if isinstance(chosen, Refusal) else self.processes[chosen]

    def start(self, order: Start) -> PlacedSession | Refusal:
        """Place a session on the process that suits best now."""
        chosen = self.choose()
        return chosen if isinstance(chosen, Refusal) else chosen.start(order)

    async def _keep(self, slot: int) -> None:
        """Run a process in this slot, and another one when it has ended."""
        failures = 0
        while not self._stopping:
            process = self.processes[slot]
            try:
                await process.run()
            except OSError as error:
                logger.error("session process not started: {}", error.strerror)
            if self._stopping:
                return
            failures = 0 if process.warm.is_set() else failures + 1
            self.processes[slot] = self._new()
            self.restarts += 1
            await asyncio.sleep(_RESTART_WAITS_SECS[min(failures, len(_RESTART_WAITS_SECS) - 1)])


async def _become_warm(process: SessionProcess) -> None:
    waits = [asyncio.create_task(event.wait()) for event in (process.warm, process.gone)]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
    if not process.warm.is_set():
        raise PoolError("a session process ended before it was warm")
