"""`python -m tests.e2e.held`: sessions held at once, and what each costs.

The real application runs in this process and its session processes, on a real LiveKit server and
the delay server. One caller after the other joins, is greeted, and asks spoken questions until the
end; after each step (`--steps`) come memory of the application's processes, their event loops'
lag, the machine's CPU, and how long answers took to begin. Callers run in one process of their own;
they cost CPU too (0.1-0.2 of a core each).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from statistics import median

from bot.load import percentile
from bot.logs import configure_logging
from local.caller import Caller, connect
from local.livekit import LiveKitServer
from local.paths import find_livekit
from local.probe import until_ok
from local.processes import free_port, start
from tests.e2e.churn import application
from tests.e2e.conftest import DELAYS, Door
from tests.replay.recording import load_recording

QUESTION = "which-folder-should-i-save-the-message-to"
# Ten turns' worth of the meters' windows.
LOOK_SECS = 20.0
_READY_SECS = 60.0


async def talk(url: str) -> None:
    """Hold one conversation for each line on standard input; write each answer's delay, in ms."""
    loop = asyncio.get_running_loop()
    pcm = load_recording(QUESTION).pcm

    async def converse() -> None:
        asked = time.monotonic()
        async with Caller(await connect(url)) as caller:
            await caller.ready()
            await caller.until(lambda: bool(caller.heard.loud), 15)
            greeted_ms = (caller.heard.loud[0].start_secs - asked) * 1000
            _write(greeting_ms=greeted_ms)
            while True:
                await caller.quiet(1.0)
                turns = len(caller.of_type("bot-started-speaking"))
                ended = await caller.say(pcm)
                with contextlib.suppress(TimeoutError):
                    message = await caller.wait_for(
                        "bot-started-speaking", turns + 1, timeout_secs=10
                    )
                    # A bot that is behind may still be answering the question before.
                    if message["_at_secs"] > ended:
                        _write(answer_ms=(message["_at_secs"] - ended) * 1000)

    while await loop.run_in_executor(None, sys.stdin.readline):
        asyncio.ensure_future(converse())  # noqa: RUF006 - until the process is ended


def _write(**what: float) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def measure(steps: list[int], processes: int) -> list[dict[str, object]]:
    """Return one row for each number of sessions."""
    binary = find_livekit(os.environ)  # noqa: TID251 - where this machine keeps LiveKit
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    port = free_port()
    wire = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", DELAYS]
    async with LiveKitServer.start(binary) as livekit:
        engines = await start("delay server", wire, environment=dict(os.environ))  # noqa: TID251
        try:
            async with asyncio.timeout(_READY_SECS):
                await until_ok("127.0.0.1", port, "/healthz")
            wire_url = f"http://127.0.0.1:{port}"
            async with application(livekit, wire_url, processes=processes) as door:
                return await _steps(door, steps)
        finally:
            await engines.stop(5)


async def _steps(door: Door, steps: list[int]) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "tests.e2e.held", "--talk", door.url]
    callers = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert callers.stdin
    assert callers.stdout
    heard: list[dict[str, float]] = []

    async def listen() -> None:
        assert callers.stdout
        async for line in callers.stdout:
            heard.append(json.loads(line))

    listening = asyncio.create_task(listen())
    rows: list[dict[str, object]] = [_row(door, 0, [])]
    try:
        for sessions in steps:
            while door.sessions.count < sessions:
                known = len(heard)
                callers.stdin.write(b"\n")
                while not any("greeting_ms" in one for one in heard[known:]):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(0.1)
            heard.clear()
            await asyncio.sleep(LOOK_SECS)
            rows.append(_row(door, sessions, heard))
    finally:
        callers.kill()
        listening.cancel()
    return rows


def _row(door: Door, sessions: int, heard: list[dict[str, float]]) -> dict[str, object]:
    answers = [one["answer_ms"] for one in heard if "answer_ms" in one]
    pids = [os.getpid(), *(one.pid for one in door.pool.processes)]
    return {
        "sessions": sessions,
        "memory_pss_mb": [round(_pss_bytes(pid) / 1e6, 1) for pid in pids],
        "loop_lag_p95_ms": [round(one.load.lag_p95_ms, 1) for one in door.pool.processes],
        "cpu_cores": [round(one.load.cpu_cores, 2) for one in door.pool.processes],
        "machine_cpu_percent": round(door.pool.cpu_percent or 0),
        "answers": len(answers),
        "answer_ms_p50": round(median(answers)) if answers else None,
        "answer_ms_p95": round(percentile(answers, 0.95)) if answers else None,
    }


def _pss_bytes(pid: int | None) -> int:
    lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Print the rows as JSON lines; the first memory is the door's, the others the processes'."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--talk", metavar="URL", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.talk:
        asyncio.run(talk(args.talk))
        return
    configure_logging("WARNING", ())
    for row in asyncio.run(measure(args.steps, args.processes)):
        sys.stdout.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
