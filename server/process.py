"""One session process: started, told what to do over a socket, watched, ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from loguru import logger

from bot.channel import (
    MAX_LINE_BYTES,
    Adrift,
    ChannelError,
    Configure,
    End,
    Ended,
    Load,
    Memory,
    Ready,
    Report,
    Start,
    Turn,
    Used,
    Warm,
    read_report,
)
from bot.lines import Line
from bot.reasons import EndReason
from server.standstill import Standstill

# Where `-m bot.worker` is found, whatever directory the server was started from.
_HOME = Path(str(files("bot"))).parent
COMMAND = (sys.executable, "-m", "bot.worker")

# A process says twice a second that its loop turns. Ticks are counted, not time: after the whole
# machine stood still its words are read before the next tick comes.
TICK_SECS = 0.5
# Four reports are missing and it stands still: it hangs. One that computes may be late only.
STILL_TICKS = 4
SILENT_TICKS = 20
# Importing and loading takes 3 s on two cores, and 12 were seen on a machine that was fully busy.
WARM_TIMEOUT_TICKS = 120
# Nothing is left to do when the socket closes; a process that hangs is killed.
EXIT_TIMEOUT_SECS = 2.0

OnReport = Callable[[Turn | Used], None]


def ignore_report(_report: Turn | Used) -> None:
    """Nobody wants to know."""


class PlacedSession:
    """A session in a process.

    Attributes:
        session_id: Its id.
        ready: Set when the bot is in the room and its providers have accepted it.
        adrift: Set when the bot has lost its room; whoever makes the room anew clears it.
        ended: Set when nothing of it is left running.
        reason: Why it ended or was told to end; None while it goes on.
        errors: How often each error code came up, once it has ended.
        lines: What was said so far.
        grown: Set when somebody has said something; whoever keeps it clears it.
    """

    def __init__(self, process: SessionProcess, session_id: str) -> None:
        """Describe a session that has just been placed."""
        self._process = process
        self.session_id = session_id
        self.ready = asyncio.Event()
        self.adrift = asyncio.Event()
        self.ended = asyncio.Event()
        self.reason: EndReason | None = None
        self.errors: Mapping[str, int] = {}
        self.lines: Sequence[Line] = ()
        self.grown = asyncio.Event()

    def end(self, reason: EndReason) -> None:
        """Start ending it; the first reason stands."""
        if self.reason is None:
            self.reason = reason
            self._process.tell_end(self.session_id, reason)


class SessionProcess:
    """A child that runs sessions.

    Attributes:
        warm: Set once it can take sessions.
        gone: Set when it has ended, or could not be started.
        sessions: Those placed here that have not ended.
        begun: How many have been placed here in all.
        worn: Set when somebody else is to take the sessions that come.
        load: What it said last.
        reported: Set at each report; whoever waits for the next one clears it.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        configure: Configure,
        on_report: OnReport = ignore_report,
    ) -> None:
        """Describe the process; `run` starts it.

        Args:
            command: Program and arguments; the socket's descriptor and our process id follow.
            environment: All its variables.
            configure: What it is told first.
            on_report: Told of each answered turn, and of what was taken from the providers.
        """
        self._on_report = on_report
        self._command = command
        self._environment = environment
        self._configure = configure
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._ticks = 0
        self._stopping = False
        self.warm = asyncio.Event()
        self.gone = asyncio.Event()
        self.reported = asyncio.Event()
        self.sessions: dict[str, PlacedSession] = {}
        self.begun = 0
        self.worn = asyncio.Event()
        self.load = Load(lag_p95_ms=0, cpu_cores=0, tasks=0)

    @property
    def is_warm(self) -> bool:
        """Whether it can take a session now."""
        return self.warm.is_set() and self._writer is not None and not self._stopping

    @property
    def pid(self) -> int | None:
        """Its process id, once started."""
        return self._process and self._process.pid

    async def run(self) -> None:
        """Start it and return when it is gone, whatever the cause; its sessions have ended then.

        Raises:
            OSError: it cannot be started.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = process = await self._spawn(theirs.fileno())
            reader, self._writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        except BaseException:
            ours.close()
            if self._process is not None:
                await _kill(self._process)
            self.gone.set()
            raise
        self._writer.write(self._configure.line())
        watching = asyncio.create_task(self._watch(process))
        try:
            await self._listen(reader)
        finally:
            self._writer.close()
            self._writer = None
            watching.cancel()
            for session in list(self.sessions.values()):
                self._ended(session, EndReason.CRASHED, {})
            await self._reap(process)
            self.gone.set()

    async def _spawn(self, descriptor: int) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            str(descriptor),
            str(os.getpid()),
            env=dict(self._environment),
            cwd=_HOME,
            stdin=asyncio.subprocess.DEVNULL,
            pass_fds=(descriptor,),
        )

    def start(self, order: Start) -> PlacedSession:
        """Place a session here; it has already ended when the process is gone."""
        session = PlacedSession(self, order.session_id)
        self.sessions[order.session_id] = session
        self.begun += 1
        if self._writer is None:
            self._ended(session, EndReason.CRASHED, {})
        else:
            self._writer.write(order.line())
        return session

    def tell_end(self, session_id: str, reason: EndReason) -> None:
        """Ask for a session's end; nothing when the process is gone."""
        if self._writer is not None:
            self._writer.write(End(session_id=session_id, reason=reason).line())

    async def emptied(self) -> None:
        """Return when the sessions that are here now have ended."""
        for session in list(self.sessions.values()):
            await session.ended.wait()

    def stop(self) -> None:
        """Close the socket: the process exits, or is killed when it does not."""
        self._stopping = True
        if self._writer is not None:
            self._writer.close()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while line := await reader.readline():
                self._hear(read_report(line))
        except (ChannelError, ValueError) as error:
            # A line beyond the limit is a ValueError of the reader's.
            rule = str(error) if isinstance(error, ChannelError) else "line too long"
            logger.error("session process {} said what is no report: {}", self.pid, rule)
        except ConnectionError:
            pass

    def _hear(self, report: Report) -> None:
        self._ticks = 0
        match report:
            case Warm():
                self.warm.set()
            case Load():
                self.load = report
            case Turn() | Used():
                self._on_report(report)
            case Ready(session_id=session_id) if session_id in self.sessions:
                self.sessions[session_id].ready.set()
            case Adrift(session_id=session_id) if session_id in self.sessions:
                self.sessions[session_id].adrift.set()
            case Memory(session_id=session_id) if session_id in self.sessions:
                self.sessions[session_id].lines = report.lines
                self.sessions[session_id].grown.set()
            case Ended(session_id=session_id) if session_id in self.sessions:
                self._ended(self.sessions[session_id], report.reason, report.errors)
            case _:
                raise ChannelError("a session that is not there")
        self.reported.set()

    def _ended(self, session: PlacedSession, reason: EndReason, errors: Mapping[str, int]) -> None:
        self.sessions.pop(session.session_id, None)
        session.reason = reason
        session.errors = errors
        session.ended.set()

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        """Kill a process that hangs, or has not spoken for too long."""
        standstill = Standstill(process.pid)
        while True:
            await asyncio.sleep(TICK_SECS)
            self._ticks += 1
            still = standstill.looks_still()
            is_warm = self.warm.is_set()
            limit = SILENT_TICKS if is_warm else WARM_TIMEOUT_TICKS
            if self._ticks >= limit or (is_warm and still and self._ticks >= STILL_TICKS):
                logger.error("session process {} does not answer: killed", process.pid)
                with contextlib.suppress(ProcessLookupError):
                    process.kill()

    async def _reap(self, process: asyncio.subprocess.Process) -> None:
        try:
            status = await self._exit_status(process)
        except asyncio.CancelledError:
            # A child that nobody has waited for stays behind.
            await _kill(process)
            raise
        if not self._stopping:
            logger.error("session process {} ended (status {})", process.pid, status)

    async def _exit_status(self, process: asyncio.subprocess.Process) -> int:
        if not self.warm.is_set():
            # Still importing: it would not look at the socket for seconds.
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        try:
            async with asyncio.timeout(EXIT_TIMEOUT_SECS):
                return await process.wait()
        except TimeoutError:
            return await _kill(process)


async def _kill(process: asyncio.subprocess.Process) -> int:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    return await process.wait()
