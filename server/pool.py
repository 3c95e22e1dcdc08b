"""The session processes: kept alive, kept warm, given sessions by load, renewed by age."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

from loguru import logger

from bot.channel import Configure, Start
from server.events import first_of
from server.machine import MachineMeter
from server.placement import Limits, ProcessLoad, Refusal, place
from server.process import COMMAND, OnReport, PlacedSession, SessionProcess, ignore_report

# A process that dies before it is warm would die again at once.
_RESTART_WAITS_SECS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)


class PoolError(Exception):
    """A session process did not become warm when the server started."""


class Pool:
    """A fixed number of session processes. Use as an async context manager.

    Attributes:
        restarts: Processes that were started in place of one that had ended.
        renewals: Processes that took the place of one that had run enough sessions.
    """

    def __init__(
        self,
        count: int,
        configure: Configure,
        limits: Limits,
        environment: Mapping[str, str],
        command: Sequence[str] = COMMAND,
        *,
        on_report: OnReport = ignore_report,
        sessions_per_process: int = 0,
    ) -> None:
        """Describe the pool; entering it starts the processes.

        Args:
            count: How many processes.
            configure: What each is told first.
            limits: When no session is taken.
            environment: All variables of the processes.
            command: The program; tests put a small one there.
            on_report: Told of each answered turn, and of what was taken from the providers.
            sessions_per_process: After so many a process is renewed; 0: never.
        """
        self._on_report = on_report
        self._sessions_per_process = sessions_per_process
        self._configure = configure
        self._limits = limits
        self._environment = environment
        self._command = command
        self._machine = MachineMeter()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []
        self._running: dict[SessionProcess, asyncio.Task[None]] = {}
        self.restarts = 0
        self.renewals = 0
        self.processes: list[SessionProcess] = [self._new() for _ in range(count)]

    def _new(self) -> SessionProcess:
        return SessionProcess(self._command, self._environment, self._configure, self._on_report)

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
        tasks = [*self._tasks, *self._running.values()]
        for process in self._running:
            process.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

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
        elsewhere = starting + sum(len(one.sessions) for one in self._renewed)
        if elsewhere:
            loads.append(ProcessLoad(is_warm=False, sessions=elsewhere, lag_p95_ms=0))
        chosen = place(loads, self._limits, self.cpu_percent)
        return chosen if isinstance(chosen, Refusal) else self.processes[chosen]

    def start(self, order: Start) -> PlacedSession | Refusal:
        """Place a session on the process that suits best now."""
        chosen = self.choose()
        if isinstance(chosen, Refusal):
            return chosen
        placed = chosen.start(order)
        if self._sessions_per_process and chosen.begun >= self._sessions_per_process:
            chosen.worn.set()
        return placed

    async def _keep(self, slot: int) -> None:
        """Run a process in this slot, and another one when it has ended or is worn."""
        failures = 0
        while not self._stopping:
            process = self.processes[slot]
            if process not in self._running:
                self._run(process)
            if await first_of(process.worn, process.gone) is process.worn:
                failures = 0 if await self._renew(slot) else failures + 1
            elif not self._stopping:
                failures = 0 if process.warm.is_set() else failures + 1
                self.processes[slot] = self._new()
                self.restarts += 1
            await asyncio.sleep(_RESTART_WAITS_SECS[min(failures, len(_RESTART_WAITS_SECS) - 1)])

    def _run(self, process: SessionProcess) -> None:
        """Start a process, whatever becomes of it."""

        async def run() -> None:
            try:
                await process.run()
            except OSError as error:
                logger.error("session process not started: {}", error.strerror)
            finally:
                # Also where it could not even be tried.
                process.gone.set()
                self._running.pop(process, None)

        self._running[process] = asyncio.create_task(run(), name="session process")

    async def _renew(self, slot: int) -> bool:
        """Give the slot to a warm successor; return whether there was one.

        The worn process keeps its sessions until they have ended. While its successor loads, it
        still takes those that come.
        """
        worn, successor = self.processes[slot], self._new()
        self._run(successor)
        if await first_of(successor.warm, successor.gone) is successor.gone:
            return False
        self.processes[slot] = successor
        self.renewals += 1
        logger.info("session process {} is renewed after {} sessions", worn.pid, worn.begun)
        leaving = asyncio.create_task(_leave(worn), name="worn session process")
        self._tasks.append(leaving)
        leaving.add_done_callback(self._tasks.remove)
        return True

    @property
    def _renewed(self) -> list[SessionProcess]:
        """Processes that only wait for their last sessions to end, and successors that load."""
        return [one for one in self._running if one not in self.processes]


async def _leave(worn: SessionProcess) -> None:
    await worn.emptied()
    worn.stop()


async def _become_warm(process: SessionProcess) -> None:
    if await first_of(process.warm, process.gone) is process.gone:
        raise PoolError("a session process ended before it was warm")
