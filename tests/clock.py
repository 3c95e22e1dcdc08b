"""Virtual time: an asyncio loop whose clock jumps instead of waiting.

The clock stands still while anything can happen at the present instant, and jumps to the next timer
only when

- no callback is ready,
- no socket of the loop has bytes to deliver, and
- no executor job is in flight (voice activity and turn models run in threads).

So thirty seconds of conversation take as long as their computing, and every event lands on the same
instant in every run, however busy the machine. Executor results are handed over one at a time, in
the order the jobs were given, which makes the order of events at one instant repeatable as well.
"""

import asyncio
import contextlib
import datetime
import selectors
import sys
import time
import types
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")

# The loop starts here rather than at zero: zero means "never" to code that keeps its last time in
# a number.
START_SECS = 1_000.0
# 2026-01-05 09:00:00 UTC, a Monday in working hours.
START_EPOCH_SECS = 1_767_603_600.0
# Real seconds without any progress before a run is given up. Far above the slowest model call on a
# loaded machine (seconds), far below a CI limit.
STUCK_REAL_SECS = 60.0
# Virtual seconds given to cancelled tasks and closing sockets before what is left counts as leaked.
GRACE_SECS = 1.0

# Modules whose functions may have kept a real clock function from their import on.
_CAPTURING_PACKAGES = ("pipecat.", "bot.")


class StuckError(RuntimeError):
    """Nothing is ready, nothing is scheduled and no thread reports: the run would hang."""


class LeakedTasksError(AssertionError):
    """Tasks were still alive after the run had ended."""


class NetworkForbiddenError(OSError):
    """Code under test reached for an address no scripted peer stands at."""


class _VirtualSelector(selectors.DefaultSelector):
    """A selector that asks the loop to move its clock where a real one would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: VirtualLoop | None = None
        self._registered = 0
        self._order: dict[int, int] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._registered += 1
        self._order[key.fd] = self._registered
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout != 0:
            assert self.loop is not None
            if self.loop.has_jobs:
                if not self.loop.deliver_job():
                    ready = self._wait_for_thread("an executor job")
            elif timeout is None:
                ready = self._wait_for_thread("a thread: nothing is scheduled")
            else:
                self.loop.advance(timeout)
        # The kernel's order of ready sockets depends on timing; that of their opening does not.
        return sorted(ready, key=lambda item: self._order[item[0].fd])

    def _wait_for_thread(self, what: str) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(STUCK_REAL_SECS)
        if not ready:
            message = f"waited {STUCK_REAL_SECS:g} real seconds for {what}"
            raise StuckError(message)
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time, without a network of its own.

    Args:
        connect: Opens a connection for `create_connection` (see tests/network.py). Without it,
            every connection attempt raises.
    """

    def __init__(self, connect: Callable[..., Coroutine[Any, Any, Any]] | None = None) -> None:
        self._now_secs = START_SECS
        self._jobs: deque[tuple[Future[Any], asyncio.Future[Any]]] = deque()
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="virtual-loop")
        self.connect = connect
        selector = _VirtualSelector()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        """Virtual seconds; monotonic."""
        return self._now_secs

    @property
    def elapsed_secs(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_secs - START_SECS

    def advance(self, secs: float) -> None:
        """Move the clock on; only the selector may call it."""
        self._now_secs += secs

    # Executor jobs

    @property
    def has_jobs(self) -> bool:
        """Whether an executor job was given whose result has not been handed over."""
        return bool(self._jobs)

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Run in the executor's thread; the clock waits until the result is handed over."""
        result: asyncio.Future[T] = self.create_future()
        job = (executor or self._pool).submit(func, *args)
        self._jobs.append((job, result))
        wake = self._write_to_self  # pyright: ignore[reportAttributeAccessIssue]
        job.add_done_callback(lambda _: wake())
        return result

    def deliver_job(self) -> bool:
        """Hand over the result of the oldest job, or say that it is still running."""
        job, result = self._jobs[0]
        if not job.done():
            return False
        self._jobs.popleft()
        if result.cancelled():
            return True
        error = job.exception()
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(job.result())
        return True

    def close(self) -> None:
        """Close the loop and end its threads."""
        self._pool.shutdown(wait=True)
        super().close()

    # Network

    async def create_connection(
        self, protocol_factory: Any, host: Any = None, port: Any = None, **kwargs: Any
    ) -> Any:
        """Connect to a scripted peer; any other address raises."""
        if kwargs.get("sock") is not None:
            return await super().create_connection(protocol_factory, **kwargs)
        if self.connect is None:
            message = f"no network in tests: {host}:{port}"
            raise NetworkForbiddenError(message)
        return await self.connect(self, protocol_factory, host, port, **kwargs)

    async def getaddrinfo(self, host: Any, port: Any, **_: Any) -> Any:
        """Forbidden: peers are given by address, so that nothing asks a resolver."""
        message = f"no name resolution in tests: {host}:{port}"
        raise NetworkForbiddenError(message)

    async def create_datagram_endpoint(self, *_: Any, **__: Any) -> Any:
        """Forbidden."""
        message = "no datagrams in tests"
        raise NetworkForbiddenError(message)

    async def sock_connect(self, sock: Any, address: Any) -> None:
        """Forbidden."""
        message = f"no network in tests: {address}"
        raise NetworkForbiddenError(message)


def run(
    main: Callable[[], Coroutine[Any, Any, T]],
    connect: Callable[..., Coroutine[Any, Any, Any]] | None = None,
) -> T:
    """Run a coroutine function on a new virtual loop.

    Raises:
        LeakedTasksError: If tasks are alive after it returned and GRACE_SECS have passed.
        StuckError: If the run can make no progress.
    """

    async def guarded() -> T:
        result = await main()
        me = asyncio.current_task()
        deadline = loop.time() + GRACE_SECS
        while (rest := asyncio.all_tasks() - {me}) and loop.time() < deadline:
            await asyncio.wait(rest, timeout=deadline - loop.time())
        if rest:
            names = ", ".join(sorted(f"{t.get_name()} ({t.get_coro()})" for t in rest))
            message = f"{len(rest)} tasks leaked: {names}"
            raise LeakedTasksError(message)
        return result

    loop = VirtualLoop(connect)
    with asyncio.Runner(loop_factory=lambda: loop) as runner, patched_clocks(loop):
        return runner.run(guarded())


class _VirtualDatetime(datetime.datetime):
    """`datetime.datetime` whose present is the patched `time.time`."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        return datetime.datetime.fromtimestamp(time.time(), tz)


@contextlib.contextmanager
def patched_clocks(loop: VirtualLoop) -> Generator[None]:
    """Make the `time` module, and what was captured from it, tell the loop's time.

    `datetime.now` is patched where Pipecat stamps its frames (pipecat.utils.time).
    """

    def monotonic() -> float:
        return loop.time()

    def epoch() -> float:
        return START_EPOCH_SECS + loop.elapsed_secs

    def in_ns(clock: Callable[[], float]) -> Callable[[], int]:
        return lambda: round(clock() * 1e9)

    replacements: dict[Any, Any] = {
        time.time: epoch,
        time.monotonic: monotonic,
        time.perf_counter: monotonic,
        time.time_ns: in_ns(epoch),
        time.monotonic_ns: in_ns(monotonic),
        time.perf_counter_ns: in_ns(monotonic),
    }
    captured = _find_captured(replacements)
    with contextlib.ExitStack() as stack:
        for cell in captured.cells:
            stack.callback(setattr, cell, "cell_contents", cell.cell_contents)
            cell.cell_contents = replacements[cell.cell_contents]
        for module, name in captured.names:
            stack.enter_context(
                mock.patch.object(module, name, replacements[getattr(module, name)])
            )
        for function in captured.functions:
            stack.enter_context(_patched_defaults(function, replacements))
        if "pipecat.utils.time" in sys.modules:
            shim = types.SimpleNamespace(datetime=_VirtualDatetime, UTC=datetime.UTC)
            stack.enter_context(
                mock.patch.object(sys.modules["pipecat.utils.time"], "datetime", shim)
            )
        for real, virtual in replacements.items():
            stack.enter_context(mock.patch.object(time, real.__name__, virtual))
        yield


@contextlib.contextmanager
def _patched_defaults(function: Any, replacements: dict[Any, Any]) -> Generator[None]:
    before = function.__kwdefaults__
    function.__kwdefaults__ = {
        name: _replaced(value, replacements) for name, value in before.items()
    }
    try:
        yield
    finally:
        function.__kwdefaults__ = before


def _replaced(value: Any, replacements: dict[Any, Any]) -> Any:
    return replacements[value] if _is_clock(value, replacements) else value


def _is_clock(value: Any, clocks: dict[Any, Any]) -> bool:
    return isinstance(value, types.BuiltinFunctionType) and value in clocks


@dataclass(frozen=True)
class _Captured:
    """Where real clock functions were kept at import.

    Parameters:
        modules: How many modules were loaded when they were looked for.
        names: Module globals (`from time import monotonic`).
        cells: Closure cells (`field(default_factory=time.time)` of a dataclass).
        functions: Functions with a clock as a keyword default (`time_source=time.time`).
    """

    modules: int = 0
    names: list[tuple[types.ModuleType, str]] = field(default_factory=list)
    cells: list[types.CellType] = field(default_factory=list)
    functions: list[types.FunctionType] = field(default_factory=list)


_last_captured = [_Captured()]


def _find_captured(clocks: dict[Any, Any]) -> _Captured:
    """Look through the modules above; again only when others were loaded since."""
    modules = sys.modules.copy()
    if len(modules) == _last_captured[0].modules:
        return _last_captured[0]
    found = _Captured(modules=len(modules))
    for module_name, module in modules.items():
        if not module_name.startswith(_CAPTURING_PACKAGES):
            continue
        for name, value in list(vars(module).items()):
            if _is_clock(value, clocks):
                found.names.append((module, name))
            elif getattr(value, "__module__", None) == module_name:
                members = vars(value).values() if isinstance(value, type) else (value,)
                for member in list(members):
                    if isinstance(member, types.FunctionType):
                        _look_into(member, clocks, found)
    _last_captured[0] = found
    return found


def _look_into(function: types.FunctionType, clocks: dict[Any, Any], found: _Captured) -> None:
    if any(_is_clock(value, clocks) for value in (function.__kwdefaults__ or {}).values()):
        found.functions.append(function)
    for cell in function.__closure__ or ():
        with contextlib.suppress(ValueError):  # an empty cell
            if _is_clock(cell.cell_contents, clocks):
                found.cells.append(cell)
