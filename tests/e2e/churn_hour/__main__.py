"""`python -m tests.e2e.churn_hour`: an hour at capacity, and what is left of it.

More people call than the server takes (`MAX_SESSIONS`, and its limits of load), again and again:
they talk, type, interrupt, hang up, vanish, reload or say nothing. Meanwhile a provider fails every
twenty seconds, and a session process is killed every few minutes. A call is lost when a question
was neither answered nor its caller told why not. Every half minute is counted what the processes
hold; before and after, with nobody calling, once more.

Writes to bench/out/churn: `calls.jsonl`, `census.jsonl`, `server.log`, `summary.json`, `churn.svg`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any, Final

from bench.history import Line, history
from local.paths import ROOT
from local.processes import start
from tests.e2e.churn_hour.calls import ANSWER_SECS
from tests.e2e.deployment import Census, Stage, open_stage
from tests.e2e.faults.catalogue import FAULTS, When

OUT: Final = ROOT / "bench" / "out" / "churn"
_CENSUS_EVERY_SECS: Final = 30.0
_FAULT_EVERY_SECS: Final = 20.0
# The faults of providers that a call survives; one at a time fails, for so long.
_FAULTS: Final = tuple(one for one in FAULTS if one.wire and one.when is not When.BEFORE)
_FAULT_SECS: Final = 4.0
_WARM_UP_SECS: Final = 60.0
# Whoever vanished is waited for 25 s; LiveKit's native threads go 10-15 s after a session.
_SETTLE_SECS: Final = 60.0
# People who find every line busy, at any time.
_WAITING: Final = 2
_MB: Final = 1_000_000


async def run(minutes: float, sessions: int, kill_every_secs: float, seed: int, out: Path) -> int:
    """Churn, write everything down, and return how many calls were lost."""
    callers = sessions + _WAITING
    calls = out / "calls.jsonl"
    async with open_stage(out, MAX_SESSIONS=str(sessions)) as stage:
        await _call(stage, calls, _WARM_UP_SECS, callers, seed)
        before = await _settled(stage)
        calls.rename(out / "warm-up.jsonl")
        counts: list[Census] = []
        dice = random.Random(seed)  # noqa: S311 - no secret
        trouble = asyncio.create_task(_trouble(stage, kill_every_secs, dice))
        counting = asyncio.create_task(_count(stage, counts, out / "census.jsonl"))
        try:
            await _call(stage, calls, minutes * 60, callers, seed + 1)
        finally:
            for task in (trouble, counting):
                task.cancel()
            results = await asyncio.gather(trouble, counting, return_exceptions=True)
        for result in results:
            if not isinstance(result, asyncio.CancelledError):
                raise SystemExit(f"the run itself failed: {result!r}")
        await stage.heal()
        after = await _settled(stage)
        summary = {
            "minutes": minutes,
            "callers": callers,
            **_calls(calls),
            "provider_faults": stage.faults,
            "processes_killed": stage.kills,
            **_counted(counts, before, after),
        }
    (out / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    (out / "churn.svg").write_text(_plot(counts, summary))
    sys.stdout.write(json.dumps(summary, indent=2) + "\n")
    return int(summary["outcomes"].get("lost", 0))


async def _call(stage: Stage, calls: Path, secs: float, callers: int, seed: int) -> None:
    """Let the callers call, in a process of their own, and append what they say."""
    command: list[str | Path] = [
        sys.executable,
        *("-m", "tests.e2e.churn_hour.calls", stage.url),
        *("--secs", str(secs), "--callers", str(callers), "--seed", str(seed)),
    ]
    with calls.open("ab") as lines, calls.with_name("callers.log").open("ab") as log:
        child = await start(
            "the callers",
            command,
            environment=dict(os.environ),  # noqa: TID251 - what the child gets
            stdout=lines,
            stderr=log,
        )
        try:
            async with asyncio.timeout(secs + 180):
                if status := await child.process.wait():
                    raise SystemExit(f"the callers ended with status {status}")
        finally:
            await child.stop(5)


async def _settled(stage: Stage) -> Census:
    await stage.empty(_SETTLE_SECS)
    await asyncio.sleep(_SETTLE_SECS / 2)
    return await stage.census()


async def _trouble(stage: Stage, kill_every_secs: float, dice: random.Random) -> None:
    """Have providers fail and processes die, until cancelled."""
    next_kill = time.monotonic() + kill_every_secs
    while True:
        await asyncio.sleep(_FAULT_EVERY_SECS)
        await stage.fail(dice.choice(_FAULTS).wire, _FAULT_SECS)
        if time.monotonic() >= next_kill:
            next_kill += kill_every_secs
            stage.kill()


async def _count(stage: Stage, into: list[Census], file: Path) -> None:
    with file.open("w") as lines:
        while True:
            await asyncio.sleep(_CENSUS_EVERY_SECS)
            census = await stage.census_or_none()
            if census is None:
                continue
            into.append(census)
            lines.write(json.dumps(asdict(census)) + "\n")
            lines.flush()


def _calls(calls: Path) -> dict[str, Any]:
    """Return what became of the calls."""
    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    admitted = [one for one in lines if one["outcome"] != "refused"]
    return {
        "calls": len(admitted),
        "outcomes": Counter(one["outcome"] for one in admitted),
        "kinds": Counter(one["kind"] for one in admitted),
        "refused": Counter(one["codes"][0] for one in lines if one["outcome"] == "refused"),
        "lost": [one for one in admitted if one["outcome"] == "lost"],
        "answer_within_secs": ANSWER_SECS,
    }


def _counted(counts: Sequence[Census], before: Census, after: Census) -> dict[str, Any]:
    """Return what was held."""
    return {
        "sessions_at_once": max((one.sessions for one in counts), default=0),
        "before": asdict(before),
        "after": asdict(after),
        "sessions_bytes_by_quarter": _quarters([one.sessions_bytes for one in counts]),
        "server_bytes_by_quarter": _quarters([one.server_bytes for one in counts]),
    }


def _quarters(values: Sequence[int]) -> list[int]:
    """Return the median of each quarter of the run; what goes on growing shows in the last ones."""
    size = len(values) // 4
    if not size:
        return []
    return [round(median(values[size * at : size * (at + 1)])) for at in range(4)]


def _plot(counts: Sequence[Census], summary: dict[str, Any]) -> str:
    minutes = [one.at_secs / 60 for one in counts]

    def line(title: str, values: Sequence[float]) -> Line:
        return Line(title, list(zip(minutes, values, strict=True)))

    return history(
        [
            line("sessions", [one.sessions for one in counts]),
            line("rooms", [one.rooms for one in counts]),
            line("session processes, MB", [one.sessions_bytes / _MB for one in counts]),
            line("server, MB", [one.server_bytes / _MB for one in counts]),
            line("asyncio tasks", [one.tasks for one in counts]),
            line("threads", [one.threads for one in counts]),
            line("descriptors", [one.descriptors for one in counts]),
        ],
        f"{summary['calls']} calls in {summary['minutes']:g} minutes, "
        f"{summary['processes_killed']} processes killed, {summary['provider_faults']} faults of "
        f"providers, {summary['outcomes'].get('lost', 0)} calls lost",
        "minutes",
    )


def main() -> None:
    """Run, and exit 1 when a call was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--sessions", type=int, default=8, help="at once; two more people call")
    parser.add_argument("--kill-every-secs", type=float, default=540)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "calls.jsonl").unlink(missing_ok=True)
    lost = asyncio.run(run(args.minutes, args.sessions, args.kill_every_secs, args.seed, args.out))
    sys.exit(1 if lost else 0)


if __name__ == "__main__":
    main()
