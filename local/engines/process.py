"""One engine program, kept alive, and the bounded queue in front of it.

The engine works on one request at a time. Requests wait by priority and then by age; a request
that is withdrawn while it waits never reaches the engine, one that is being worked on is told to
stop. When the program dies, the request in flight fails with EngineDiedError, the ones that wait
stay, and the program is started again.
"""

import asyncio
import heapq
import itertools
import logging
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from local.engines.frames import BadFrameError, Frame, encode, read_async
from local.models import ModelFileError

log = logging.getLogger(__name__)

# One thread each: with two, spin-waiting made synthesis 3.6 times slower on a busy 2-core machine.
_ONE_THREAD = ("OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1")
_MALLOC = ("MALLOC_ARENA_MAX=2",)

_READY_TIMEOUT_SECS = 60.0
_RESTART_DELAYS_SECS = (0.1, 0.5, 2.0, 5.0)
_STREAM_LIMIT_BYTES = 1 << 22


class EngineError(RuntimeError):
    """The engine cannot answer this request."""


class EngineDiedError(EngineError):
    """The engine's process ended while it worked on the request."""


class EngineBusyError(EngineError):
    """Too many requests wait already."""


class EngineLoadError(EngineError):
    """The engine cannot start; its message says why (a missing or altered model file)."""


@dataclass(order=True)
class _Job:
    priority: int
    number: int
    header: dict[str, Any] = field(compare=False)
    body: bytes = field(compare=False)
    replies: "asyncio.Queue[Frame | EngineError | None]" = field(compare=False)
    withdrawn: bool = field(default=False, compare=False)
    """True when nobody waits for the replies any more."""


class EngineProcess:
    """Runs `python <arguments>` as an engine and queues requests for it.

    Args:
        name: What the engine is called in errors and logs.
        arguments: Gives the interpreter's arguments; called in a thread before each start, so it
            may verify files. It raises ModelFileError to refuse the start.
        max_waiting: Requests that may wait before further ones are refused.
    """

    def __init__(
        self, name: str, arguments: Callable[[], Sequence[str]], *, max_waiting: int = 64
    ) -> None:
        self.name = name
        self._arguments = arguments
        self._max_waiting = max_waiting
        self._numbers = itertools.count(1)
        self._waiting: list[_Job] = []
        self._wake = asyncio.Event()
        self._process: asyncio.subprocess.Process | None = None
        self._current: _Job | None = None
        self._supervisor: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the running program."""
        return self._process.pid if self._process else None

    @property
    def waiting(self) -> int:
        """Requests that wait or are worked on."""
        return sum(not job.withdrawn for job in self._waiting) + (self._current is not None)

    async def start(self) -> None:
        """Start the program and wait until its model is loaded.

        Raises:
            EngineLoadError: If it cannot load.
        """
        await self._spawn()
        self._supervisor = asyncio.create_task(self._supervise(), name=f"engine-{self.name}")

    async def stop(self) -> None:
        """End the program and fail what waits."""
        if self._supervisor:
            self._supervisor.cancel()
            await asyncio.gather(self._supervisor, return_exceptions=True)
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        for job in self._waiting:
            job.replies.put_nowait(EngineDiedError(f"{self.name} engine stopped"))
        self._waiting.clear()

    async def request(
        self, header: dict[str, Any], body: bytes = b"", *, priority: int = 0
    ) -> AsyncGenerator[Frame]:
        """Yield the engine's replies; closing the generator withdraws the request.

        Args:
            header: JSON fields for the engine.
            body: Binary payload.
            priority: Lower goes first.

        Raises:
            EngineBusyError: If the queue is full.
            EngineDiedError: If the program died while it worked on this request.
            EngineError: If the engine failed on this request.
        """
        if self.waiting >= self._max_waiting:
            raise EngineBusyError(f"{self.name} engine has {self.waiting} requests waiting")
        job = _Job(priority, next(self._numbers), header, body, asyncio.Queue())
        heapq.heappush(self._waiting, job)
        self._wake.set()
        try:
            while reply := await job.replies.get():
                if isinstance(reply, EngineError):
                    raise reply
                yield reply
        finally:
            job.withdrawn = True
            if job is self._current:
                self._write(Frame({"cancel": job.number}))

    async def _supervise(self) -> None:
        failures = 0
        while True:
            try:
                await self._work()
            except (asyncio.IncompleteReadError, BadFrameError, OSError, ValueError):
                if self._current:
                    self._current.replies.put_nowait(EngineDiedError(f"{self.name} engine died"))
                    self._current = None
            delay = _RESTART_DELAYS_SECS[min(failures, len(_RESTART_DELAYS_SECS) - 1)]
            log.warning("%s engine died; restarting in %.1f s", self.name, delay)
            await asyncio.sleep(delay)
            try:
                await self._spawn()
                failures = 0
            except EngineLoadError:
                failures += 1
                log.exception("%s engine did not restart", self.name)

    async def _work(self) -> None:
        process = self._process
        if process is None or process.stdout is None:
            return
        while True:
            # Watch for the end of the program also while it is idle.
            got = asyncio.create_task(self._next_job())
            ended = asyncio.create_task(process.wait())
            await asyncio.wait({got, ended}, return_when=asyncio.FIRST_COMPLETED)
            ended.cancel()
            if not got.done():
                got.cancel()
                return
            job = got.result()
            self._current = job
            header = {**job.header, "id": job.number}
            self._write(Frame(header, job.body))
            await self._forward(process.stdout, job)
            self._current = None

    async def _forward(self, stdout: asyncio.StreamReader, job: _Job) -> None:
        while True:
            frame = await read_async(stdout)
            if frame.header.get("id") != job.number:
                continue
            kind = frame.header.get("type")
            if kind == "end":
                job.replies.put_nowait(None)
                return
            if kind == "error":
                message = f"{self.name} engine failed: {frame.header.get('message')}"
                job.replies.put_nowait(EngineError(message))
                return
            if not job.withdrawn:
                job.replies.put_nowait(frame)

    async def _next_job(self) -> _Job:
        while True:
            while self._waiting:
                job = heapq.heappop(self._waiting)
                if not job.withdrawn:
                    return job
            self._wake.clear()
            await self._wake.wait()

    def _write(self, frame: Frame) -> None:
        if self._process and self._process.stdin and not self._process.stdin.is_closing():
            self._process.stdin.write(encode(frame))

    async def _spawn(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        try:
            arguments = await asyncio.to_thread(self._arguments)
        except ModelFileError as error:
            raise EngineLoadError(str(error)) from error
        self._process = await asyncio.create_subprocess_exec(
            "env",
            *_ONE_THREAD,
            *_MALLOC,
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_STREAM_LIMIT_BYTES,
            # Ctrl-C in a terminal is for the server, which then ends its engines in order.
            start_new_session=True,
        )
        stdout = self._process.stdout
        if stdout is None:
            raise EngineLoadError(f"{self.name} engine has no output")
        try:
            frame = await asyncio.wait_for(read_async(stdout), _READY_TIMEOUT_SECS)
        except (asyncio.IncompleteReadError, TimeoutError, BadFrameError, ValueError) as error:
            raise EngineLoadError(f"{self.name} engine did not start") from error
        if frame.header.get("type") != "ready":
            raise EngineLoadError(f"{self.name} engine: {frame.header.get('message')}")
