"""Faults of the machine under the server: its disk, its file descriptors."""

from __future__ import annotations

import resource
import subprocess
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from local.caller import Caller, ConnectError, connect
from tests.e2e.deployment import Stage, open_stage
from tests.e2e.faults.results import Row
from tests.e2e.faults.trial import QUESTION, is_answered, watch
from tests.e2e.notices import codes_of

_DISK_BYTES: Final = 65_536


@dataclass
class Place:
    """Where the server runs.

    Attributes:
        folder: For its log.
        settings: More of them.
        break_it: Makes it happen.
        mend: Takes it back.
    """

    folder: Path
    settings: dict[str, str] = field(default_factory=dict[str, str])
    break_it: Callable[[Stage], None] = lambda _stage: None
    mend: Callable[[Stage], None] = lambda _stage: None


async def try_on_machine(name: str) -> Row:
    """Hold a call in which it happens, and one more after it."""
    with _PLACES[name]() as place:
        async with open_stage(
            place.folder, SESSION_PROCESSES="1", MAX_LOOP_LAG_MS="10000", **place.settings
        ) as stage:
            before = await stage.census()
            async with Caller(await connect(stage.url)) as caller:
                await caller.ready()
                await caller.wait_for("bot-stopped-speaking")
                place.break_it(stage)
                ended = await caller.say(QUESTION)
                heard, told = await watch(caller, ended)
                codes = codes_of(caller) + await _another(stage)
                place.mend(stage)
                await caller.quiet(1.0, 30)
                works = await is_answered(caller, await caller.say(QUESTION))
                await caller.send("disconnect-bot")
                await caller.until(caller.disconnected.is_set, 10)
            works = works and not await _another(stage)
            return Row(heard, told, codes, works, await stage.left(before))


async def _another(stage: Stage) -> list[str]:
    """Try another call, for as long as one takes to be refused or greeted; return its trouble."""
    try:
        async with Caller(await connect(stage.url)) as caller:
            await caller.ready()
            await caller.send("disconnect-bot")
            with suppress(TimeoutError):
                await caller.until(caller.disconnected.is_set, 10)
    except ConnectError as error:
        return [error.code]
    except aiohttp.ClientError:
        # What a page calls `server_unreachable`.
        return ["(unreachable)"]
    return []


@contextmanager
def _full_disk() -> Generator[Place]:
    """A disk of its own that is full from one moment on."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(  # noqa: S603 - ours
            ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", folder],  # noqa: S607
            check=True,
        )
        filler = Path(folder) / "filler"

        def fill(_stage: Stage) -> None:
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(bytes(512))

        try:
            yield Place(Path(folder), {"LOG_LEVEL": "DEBUG"}, fill, lambda _: filler.unlink())
        finally:
            subprocess.run(["umount", "-l", folder], check=True)  # noqa: S603, S607 - ours


@contextmanager
def _no_descriptors() -> Generator[Place]:
    """A limit on the descriptors of the server's process that has just been reached."""
    limits: dict[int, tuple[int, int]] = {}

    def limit(stage: Stage) -> None:
        pid = stage.server_pid
        limits[pid] = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = {int(one.name) for one in (Path("/proc") / str(pid) / "fd").iterdir()}
        lowest_free = next(number for number in range(len(used) + 1) if number not in used)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, limits[pid][1]))

    def lift(_stage: Stage) -> None:
        for pid, before in limits.items():
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

    with tempfile.TemporaryDirectory() as folder:
        yield Place(Path(folder), {}, limit, lift)


_PLACES: Final = {
    "the disk with the log is full": _full_disk,
    "no file descriptors are left": _no_descriptors,
}
