"""`python -m tests.e2e.cluster`: what becomes of twelve conversations when parts are lost.

Two LiveKit nodes on one Redis, two doors, three workers; writes the table of docs/cluster.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import expect

from local.caller import connect
from local.setup.browser import find
from tests.e2e.cluster.field import Field, Server, open_field
from tests.e2e.cluster.talker import Talker
from tests.e2e.page import complaints, visitor
from tests.e2e.test_ops import PASSWORD, keep_pictures

TALKERS: Final = 12


@dataclass(frozen=True)
class Loss:
    """What became of one caller, in seconds from the event; None: nothing.

    Attributes:
        noticed_secs: When they first saw that something was wrong.
        back_secs: When they were answered again.
    """

    noticed_secs: float | None
    back_secs: float | None

    @classmethod
    def of(cls, talker: Talker, began_secs: float, back_secs: float | None) -> Loss:
        """Return what became of a caller."""
        noticed = talker.noticed_secs
        return cls(None if noticed is None else noticed - began_secs, back_secs)


@dataclass(frozen=True)
class Row:
    """What became of everybody in one event.

    Attributes:
        event: What was done.
        losses: Of those who a bot was lost to.
        cut: Conversations that did not come back, or do not remember.
    """

    event: str
    losses: Sequence[Loss]
    cut: int
    talking: int

    def line(self) -> str:
        """Return it as a line of the table."""
        noticed = [one.noticed_secs for one in self.losses if one.noticed_secs is not None]
        back = [one.back_secs for one in self.losses if one.back_secs is not None]
        pauses = [
            max(0.0, one.back_secs - (one.noticed_secs or 0.0))
            for one in self.losses
            if one.back_secs is not None
        ]
        return (
            f"| {self.event} | {len(self.losses)} of {self.talking} | {_spread(noticed)} "
            f"| {_spread(back)} | {_spread(pauses)} | {self.cut} |\n"
        )


def _spread(secs: Sequence[float]) -> str:
    if not secs:
        return "-"
    return f"{statistics.median(secs):.1f} s (longest {max(secs):.1f} s)"


async def _happens(
    event: str,
    talkers: Sequence[Talker],
    affected: Sequence[Talker],
    act: Callable[[], Awaitable[None]],
) -> Row:
    """Do something, and see what becomes of everybody."""
    for talker in talkers:
        talker.noticed_secs = None
    began = time.monotonic()
    waiting = [asyncio.create_task(talker.back(began)) for talker in affected]
    await act()
    outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    remembered = await asyncio.gather(
        *(talker.is_remembered() for talker in talkers), return_exceptions=True
    )
    losses = [
        Loss.of(talker, began, secs if isinstance(secs, float) else None)
        for talker, secs in zip(affected, outcomes, strict=True)
    ]
    row = Row(event, losses, sum(one is not True for one in remembered), len(talkers))
    sys.stdout.write(row.line())
    sys.stdout.flush()
    return row


async def _node_is_lost(field: Field, talkers: Sequence[Talker]) -> Row:
    """Kill a LiveKit node, and ask everybody again and again until they are answered."""
    for talker in talkers:
        talker.noticed_secs = None
    began = time.monotonic()
    field.nodes[0].child.process.kill()
    secs = await asyncio.gather(*(talker.answered_again(began) for talker in talkers))
    losses = [
        Loss.of(talker, began, back)
        for talker, back in zip(talkers, secs, strict=True)
        if talker.noticed_secs is not None
    ]
    row = Row("LiveKit node: SIGKILL", losses, sum(one is None for one in secs), len(talkers))
    sys.stdout.write(row.line())
    return row


async def _calls(field: Field) -> None:
    """Have `voice-assistant call` ask a question.

    Raises:
        SystemExit: it was not answered.
    """
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cli", "call", "--text", "What is a lot?"),
        *("--server", field.url, "--origin", field.url),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await child.communicate()
    sys.stdout.write(f"call:\n{printed.decode()}")
    if child.returncode:
        raise SystemExit("`voice-assistant call` was not answered")


async def _is_seen(field: Field, out: Path) -> None:
    """Log in at a door's /ops with a browser, find every server, and keep pictures.

    Raises:
        AssertionError: a server is missing, or the sessions are not all there.
    """
    program = find(os.environ)  # noqa: TID251 - where this machine keeps its browser
    if program is None:
        raise SystemExit("no Chromium")
    async with visitor(program, microphone=None) as page:
        await page.goto(f"{field.doors[0].url}/ops")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Log in").click()
        servers = page.locator("#servers tbody tr")
        await expect(servers).to_have_count(len(field.servers))
        cells = [await row.locator("td").all_inner_texts() for row in await servers.all()]
        sys.stdout.write(f"/ops: {cells}\n")
        assert sum(int(row[1]) for row in cells) == TALKERS
        await keep_pictures(page, out)
        assert await complaints(page) == []


async def _of(field: Field, server: Server, talkers: Sequence[Talker]) -> list[Talker]:
    """Return the callers whose session runs on a server."""
    here = await field.sessions_of(server)
    return [one for one in talkers if one.caller.invitation.session_id in here]


async def _run(field: Field, folder: Path, only: str | None, out: list[Row]) -> None:
    async with AsyncExitStack() as stack:
        talkers = [
            await stack.enter_async_context(Talker(field.url, f"Lot number {100 + index}"))
            for index in range(TALKERS)
        ]
        placed = [await worker.sessions() for worker in field.workers]
        sys.stdout.write(f"placed: {placed}\n")
        if not all(await asyncio.gather(*(talker.is_remembered() for talker in talkers))):
            raise SystemExit("a conversation does not remember before anything was lost")

        await _calls(field)
        await _is_seen(field, folder)
        if only in (None, "servers"):
            await _servers_are_lost(field, talkers, out)
        if only in (None, "node"):
            out.append(await _node_is_lost(field, talkers))


async def _servers_are_lost(field: Field, talkers: Sequence[Talker], out: list[Row]) -> None:
    """Stop, kill and cut off one server after the other."""
    first, second, third = field.workers

    def of(server: Server) -> Awaitable[list[Talker]]:
        return _of(field, server, talkers)

    out.append(await _happens("worker: SIGTERM", talkers, await of(first), first.stop))
    await first.start()
    await field.settled()

    out.append(await _happens("worker: SIGKILL", talkers, await of(second), second.kill))
    await second.start()
    await field.settled()

    async def kill_process() -> None:
        os.kill(third.session_process(), signal.SIGKILL)

    out.append(
        await _happens(
            "session process: SIGKILL, the only one of its worker",
            talkers,
            await of(third),
            kill_process,
        )
    )

    async def unplug() -> None:
        first.place.unplug()

    out.append(await _happens("worker: cable pulled", talkers, await of(first), unplug))

    async def plug() -> None:
        first.place.plug()
        await field.settled()

    out.append(await _happens("worker: cable put back", talkers, [], plug))

    async def kill_door() -> None:
        await field.doors[0].kill()
        await connect(field.url, origin=field.url)  # by the other one

    out.append(await _happens("door: SIGKILL", talkers, [], kill_door))
    await field.doors[0].start()
    await field.settled()

    async def roll() -> None:
        for server in field.servers:
            await server.stop()
            await server.start()
            await field.settled()

    out.append(await _happens("rolling restart of all servers", talkers, [], roll))


async def main() -> int:
    """Run everything; return 1 when a conversation was cut."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="folder for logs and pictures")
    parser.add_argument("--only", choices=("servers", "node"), help="what is lost")
    arguments = parser.parse_args()
    rows: list[Row] = []
    if (task := asyncio.current_task()) is not None:
        # Unwinds as Ctrl-C does, so that every child and the switch are gone.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory() as folder:
        out = arguments.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        async with open_field(out, nodes=2, doors=2, workers=3, OPS_PASSWORD=PASSWORD) as field:
            await _run(field, out, arguments.only, rows)
    return int(any(row.cut for row in rows))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
