"""`python -m bench`: how a conversation feels here and at two peers, measured in the same run.

Everything runs on this machine and on loopback: one LiveKit server, one delay server in place of
Deepgram and Groq, the deployments, and the callers. Deployments take turns (A B C A B C), so that
what the machine does meanwhile meets all.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import os
import platform
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench import usage
from bench.deployments import DEPLOYMENTS, before
from bench.goals import MANY, MOST
from bench.plan import Plan
from bench.plot import strips
from bench.report import METRICS, Results
from bench.run import measure
from bench.tables import tables
from bench.waterfall import waterfall
from local.engines.delays import Delays, parse_delays
from local.paths import LIVEKIT_VERSION, ROOT

OUT: Final = ROOT / "bench" / "out"
DELAYS: Final = "stt_final_ms=100,llm_ttft_ms=100,llm_tokens_per_sec=100,tts_ttfb_ms=80"


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--turns", type=int, default=30, help="questions of one caller; 0: skip it")
    parser.add_argument("--interruptions", type=int, default=20, help="of that caller")
    parser.add_argument(
        "--sessions",
        type=int,
        action="append",
        help=f"callers at once, repeatable; 0: none. Default: {MANY}, and {MOST} for ours alone",
    )
    parser.add_argument("--quick", action="store_true", help="a few turns: to see that it works")
    parser.add_argument("--only", choices=sorted(DEPLOYMENTS), action="append", help="repeatable")
    parser.add_argument(
        "--before", type=Path, metavar="CHECKOUT", help="ours of another checkout, beside it"
    )
    parser.add_argument("--delays", default=DELAYS, help="fixed delays of the providers")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the JSON here as well")
    arguments = parser.parse_args(argv)
    if min(arguments.turns, arguments.interruptions, *(arguments.sessions or [0])) < 0:
        parser.error("--turns, --interruptions and --sessions must not be negative")
    return arguments


def _plan(arguments: argparse.Namespace) -> Plan:
    if arguments.quick:
        return Plan.quick()
    given = arguments.sessions
    sessions = (MANY,) if given is None else tuple(count for count in given if count > 1)
    own = (MOST,) if given is None else ()
    return Plan.of(arguments.turns, arguments.interruptions, sessions, own)


def _command(arguments: argparse.Namespace) -> str:
    """Return the command that measures the same again."""
    parts = ["python -m bench"]
    if arguments.quick:
        parts.append("--quick")
    else:
        parts.append(f"--turns {arguments.turns} --interruptions {arguments.interruptions}")
        parts += [f"--sessions {count}" for count in arguments.sessions or ()]
    parts += [f"--only {name}" for name in arguments.only or ()]
    parts += ["--before CHECKOUT"] if arguments.before else []
    if arguments.delays != DELAYS:
        parts.append(f"--delays {arguments.delays}")
    return " ".join(parts)


def _facts(arguments: argparse.Namespace, plan: Plan, floor_ms: float) -> dict[str, Any]:
    """Return what a reader needs to judge the figures."""
    packages = ("pipecat-ai", "livekit", "onnxruntime")
    return {
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": _command(arguments),
        "cpus": os.cpu_count(),
        "processor": usage.processor(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in packages},
        "livekit_server": LIVEKIT_VERSION,
        "delays": arguments.delays,
        "floor_ms": floor_ms,
        "plan": asdict(plan),
    }


def _write(
    results: dict[str, Results], facts: dict[str, Any], text: str, extra: Path | None
) -> Path:
    """Write JSON, Markdown and plots; return the path that they share, up to the suffix."""
    stem = OUT / f"voice-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
    found = {name: one.to_json() for name, one in results.items()}
    content = json.dumps({**facts, "deployments": found}, indent=1) + "\n"
    for path in filter(None, (stem.with_suffix(".json"), extra)):
        path.write_text(content, encoding="utf-8")
    stem.with_suffix(".md").write_text(text, encoding="utf-8")
    samples = {
        metric: {name: one.samples(metric) for name, one in results.items()} for metric in METRICS
    }
    caption = f"{facts['command']}; {facts['cpus']} CPUs"
    dots = strips(samples, f"{caption}; dots: samples, bar: median, tick: p95")
    stem.with_suffix(".svg").write_text(dots, encoding="utf-8")
    bars = waterfall({name: one.waterfall for name, one in results.items()}, caption)
    stem.with_suffix(".waterfall.svg").write_text(bars, encoding="utf-8")
    return stem


async def _run(arguments: argparse.Namespace) -> int:
    delays: Delays = parse_delays(arguments.delays)
    floor_ms = delays.stt_final_ms + delays.llm_ttft_ms + delays.tts_ttfb_ms
    plan = _plan(arguments)
    if (task := asyncio.current_task()) is not None:
        # Unwinds as Ctrl-C does, so that every child is stopped.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    # In the order of the table, whatever the order of the arguments.
    chosen = arguments.only or DEPLOYMENTS
    launches = [launch for name, launch in DEPLOYMENTS.items() if name in chosen]
    if arguments.before:
        launches.append(before(arguments.before.resolve()))
    OUT.mkdir(parents=True, exist_ok=True)
    results: dict[str, Results] = {}
    stopped = ""
    try:
        await measure(launches, plan, arguments.delays, OUT, results)
    except asyncio.CancelledError:
        if not any(one.blocks for one in results.values()):
            raise
        stopped = " (stopped before its end)"
    facts = {**_facts(arguments, plan, floor_ms), "complete": not stopped}
    text = f"`{facts['command']}`{stopped}, {facts['cpus']} CPUs, {facts['made_at']}:\n\n"
    text += tables(results, floor_ms)
    stem = _write(results, facts, text, arguments.json)
    print(text)
    for name, one in results.items():
        for failure in one.failures:
            print(f"{name}: a session failed: {failure}")
    print(f"{stem.relative_to(ROOT)}.json, .md, .svg and .waterfall.svg")
    return 1 if stopped or any(one.failures for one in results.values()) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; return the exit status: 1 when a session failed."""
    arguments = _arguments(argv)
    try:
        return asyncio.run(_run(arguments))
    except (RuntimeError, TimeoutError, ValueError) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    except asyncio.CancelledError:
        sys.stderr.write("bench: stopped\n")
        return 143


if __name__ == "__main__":
    sys.exit(main())
