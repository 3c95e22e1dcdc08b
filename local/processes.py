"""Child processes that end when they are told to, when a deadline passes, or with their parent."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

from local.paths import ROOT

_TRAMPOLINE: Final = Path(__file__).with_name("die_with_parent.py")
T = TypeVar("T")


class ChildEndedError(RuntimeError):
    """A child ended although nobody had asked it to."""


@dataclass(frozen=True)
class Child:
    """A running program in a process group of its own; Ctrl-C in a terminal does not reach it."""

    name: str
    process: asyncio.subprocess.Process

    async def ended(self) -> None:
        """Wait for the end that should not come.

        Raises:
            ChildEndedError: always, with the exit status or the signal.
        """
        status = await self.process.wait()
        how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
        raise ChildEndedError(f"{self.name} ended by itself ({how})")

    async def stop(self, within_secs: float) -> None:
        """Ask it to end; after the deadline kill it, and in both cases what is left of its group.

        Args:
            within_secs: how long it may take to end by itself.
        """
        try:
            if self.process.returncode is None:
                self.process.terminate()
                async with asyncio.timeout(within_secs):
                    await self.process.wait()
        except TimeoutError:
            pass
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


async def start(
    name: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    stdin: int = asyncio.subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    on_orphaned: signal.Signals = signal.SIGTERM,
) -> Child:
    """Start a program in the checkout's directory.

    Args:
        name: what messages call it.
        command: program and arguments.
        environment: all its variables.
        stdin: a file descriptor; nothing by default.
        stdout: a file or `asyncio.subprocess.PIPE`; ours by default.
        stderr: the same.
        on_orphaned: the signal it gets when this process dies without stopping it (Linux).

    Raises:
        OSError: Python itself cannot be started. A program that is missing exits with status 1.
    """
    prefix = [sys.executable, "-I", "-S", _TRAMPOLINE, os.getpid(), int(on_orphaned)]
    process = await asyncio.create_subprocess_exec(
        *(str(part) for part in (*prefix, *command)),
        env=dict(environment),
        cwd=ROOT,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        process_group=0,
    )
    return Child(name, process)


async def while_alive(children: Sequence[Child], work: Awaitable[T]) -> T:
    """Return the result of `work`, unless a child ends first.

    Raises:
        ChildEndedError: a child ended; `work` is cancelled.
    """
    wanted = asyncio.ensure_future(work)
    endings = [asyncio.ensure_future(child.ended()) for child in children]
    try:
        done, _ = await asyncio.wait([wanted, *endings], return_when=asyncio.FIRST_COMPLETED)
        for ending in endings:
            if ending in done:
                ending.result()
        return wanted.result()
    finally:
        for task in (wanted, *endings):
            task.cancel()
        await asyncio.gather(wanted, *endings, return_exceptions=True)


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM, host: str = "127.0.0.1") -> int:
    """Return a port that nothing uses now; somebody may take it before it is used."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
