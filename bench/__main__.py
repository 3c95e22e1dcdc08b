"""`python -m bench`: how long a caller waits, here and at a peer, measured in the same run.

Everything runs on this machine and on loopback: one LiveKit server, one delay server in place of
Deepgram and Groq, the deployments, and the callers. Deployments take turns (A B A B), so that what
the machine does meanwhile meets both.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import json
import math
import os
import platform
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from bench import usage
from bench.conversation import Conversation, Script, converse, scripts
from bench.deployments import DEPLOYMENTS, Deployment, OpenLiveKit, World, delay_server
from bench.plot import strips
from bench.report import METRICS, Block, Results, table
from bench.speech import sentences
from local.engines.delays import Delays, parse_delays
from local.paths import LIVEKIT_VERSION, ROOT, find_livekit

OUT: Final = ROOT / "bench" / "out"
DELAYS: Final = "stt_final_ms=100,llm_ttft_ms=100,llm_tokens_per_sec=100,tts_ttfb_ms=80"
# Longer sessions would hide the first turns, shorter ones measure little else than greetings.
_TURNS_PER_SESSION: Final = 5
_LEAST_ROUNDS: Final = 2
_QUICK_TURNS: Final = 5
_TURNS_PER_INTERRUPTION: Final = 3
# Greetings are rare otherwise: these sessions are greeted and leave.
_GREETINGS_PER_ROUND: Final = 4
# People do not all arrive at the same moment.
_STAGGER_SECS: Final = 0.7
_LOOK_EVERY_SECS: Final = 2.0


@dataclass(frozen=True)
class Plan:
    """How the wanted number of turns is spread.

    Attributes:
        rounds: Times that each deployment has its go.
        sessions: Callers at once.
        questions: Per session.
        interruptions: Per session.
        greetings: Sessions per round that only wait for the greeting, one after the other.
    """

    rounds: int
    sessions: int
    questions: int
    interruptions: int
    greetings: int

    @classmethod
    def of(cls, turns: int, sessions: int) -> Plan:
        """Return the plan with at least `turns` questions to each deployment."""
        rounds = max(_LEAST_ROUNDS, math.ceil(turns / (_TURNS_PER_SESSION * sessions)))
        questions = math.ceil(turns / (rounds * sessions))
        interruptions = math.ceil(questions / _TURNS_PER_INTERRUPTION)
        return cls(rounds, sessions, questions, interruptions, _GREETINGS_PER_ROUND)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--turns", type=int, default=30, help="questions to each deployment")
    parser.add_argument("--quick", action="store_true", help="5 turns: to see that it works")
    parser.add_argument("--sessions", type=int, default=1, help="callers talking at once")
    parser.add_argument("--only", choices=sorted(DEPLOYMENTS), action="append", help="repeatable")
    parser.add_argument("--delays", default=DELAYS, help="fixed delays of the providers")
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the JSON here as well")
    arguments = parser.parse_args(argv)
    if arguments.turns < 1 or arguments.sessions < 1:
        parser.error("--turns and --sessions must be at least 1")
    return arguments


async def measure(names: Sequence[str], plan: Plan, delays: str) -> dict[str, Results]:
    """Run every deployment through the plan.

    Raises:
        RuntimeError: there is no LiveKit server, or a part did not start.
    """
    binary = find_livekit(os.environ)  # noqa: TID251 - PATH, for the search
    if binary is None:
        raise RuntimeError("there is no LiveKit server on this machine: `make test` builds one")
    OUT.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as parts:
        livekit = await parts.enter_async_context(
            OpenLiveKit.start(binary, log=OUT / "livekit.log")
        )
        providers, _ = await parts.enter_async_context(delay_server(delays, OUT))
        world = World(livekit, providers, OUT)
        running = [await parts.enter_async_context(DEPLOYMENTS[name](world)) for name in names]
        supply = scripts(sentences(), plan.questions, plan.interruptions)
        results = {one.name: Results() for one in running}
        for one in running:
            await _warm_up(one, next(supply))
            used = await asyncio.to_thread(usage.of_tree, one.pid)
            results[one.name].idle_pss_bytes = used and used.pss_bytes
        for number in range(plan.rounds):
            # Everybody says the same things in a round.
            said = [next(supply) for _ in range(plan.sessions)]
            for one in running:
                print(f"round {number + 1} of {plan.rounds}: {one.name}", file=sys.stderr)
                results[one.name].blocks.append(await _block(one, plan, said, seed=number))
        return results


async def _warm_up(deployment: Deployment, script: Script) -> None:
    """Hold one short session that is not counted: first sessions load models and code.

    Raises:
        RuntimeError: it failed, so there is nothing to measure.
    """
    found = await converse(deployment.invite, Script(script.questions[:1]), seed=0)
    if found.failure or found.greeting_ms is None:
        raise RuntimeError(f"{deployment.name} does not work: {found.failure or 'no greeting'}")


async def _block(deployment: Deployment, plan: Plan, said: Sequence[Script], seed: int) -> Block:
    """Give one deployment its go: talking sessions, then greetings."""
    before, machine_before = usage.of_tree(deployment.pid), usage.machine_busy_secs()
    peak = 0

    async def look() -> None:
        nonlocal peak
        while True:
            used = await asyncio.to_thread(usage.of_tree, deployment.pid)
            peak = max(peak, used.pss_bytes if used else 0)
            await asyncio.sleep(_LOOK_EVERY_SECS)

    async def caller(index: int, script: Script) -> Conversation:
        await asyncio.sleep(index * _STAGGER_SECS)
        return await converse(deployment.invite, script, seed=seed * len(said) + index)

    looking = asyncio.create_task(look())
    try:
        found = await asyncio.gather(*(caller(index, one) for index, one in enumerate(said)))
        for _ in range(plan.greetings):
            found.append(await converse(deployment.invite, Script(), seed))
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)
    after, machine_after = usage.of_tree(deployment.pid), usage.machine_busy_secs()
    block = Block(found, peak_pss_bytes=peak or None, load=os.getloadavg()[0])
    if before and after:
        block.cpu_secs = after.cpu_secs - before.cpu_secs
    if machine_before and machine_after:
        busy, total = (
            late - early for early, late in zip(machine_before, machine_after, strict=True)
        )
        block.machine_busy = busy / total if total else None
    return block


def _command(arguments: argparse.Namespace, turns: int) -> str:
    """Return the command that measures the same again."""
    parts = [f"python -m bench --turns {turns} --sessions {arguments.sessions}"]
    parts += [f"--only {name}" for name in arguments.only or ()]
    if arguments.delays != DELAYS:
        parts.append(f"--delays {arguments.delays}")
    return " ".join(parts)


def _facts(
    arguments: argparse.Namespace, turns: int, plan: Plan, floor_ms: float
) -> dict[str, Any]:
    """Return what a reader needs to judge the figures."""
    packages = ("pipecat-ai", "livekit", "onnxruntime")
    return {
        "made_at": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "command": _command(arguments, turns),
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


def _write(results: dict[str, Results], facts: dict[str, Any], extra: Path | None) -> Path:
    """Write JSON and SVG; return the path that both share, up to the suffix."""
    stem = OUT / f"voice-{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
    found = {name: one.to_json() for name, one in results.items()}
    text = json.dumps({**facts, "deployments": found}, indent=1) + "\n"
    for path in filter(None, (stem.with_suffix(".json"), extra)):
        path.write_text(text, encoding="utf-8")
    samples = {
        metric: {name: one.samples(metric) for name, one in results.items()} for metric in METRICS
    }
    caption = f"{facts['command']}; {facts['cpus']} CPUs; dots: samples, bar: median, tick: p95"
    stem.with_suffix(".svg").write_text(strips(samples, caption), encoding="utf-8")
    return stem


async def _run(arguments: argparse.Namespace) -> int:
    delays: Delays = parse_delays(arguments.delays)
    floor_ms = delays.stt_final_ms + delays.llm_ttft_ms + delays.tts_ttfb_ms
    turns = _QUICK_TURNS if arguments.quick else arguments.turns
    plan = Plan.of(turns, arguments.sessions)
    if (task := asyncio.current_task()) is not None:
        # Unwinds as Ctrl-C does, so that every child is stopped.
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    results = await measure(arguments.only or list(DEPLOYMENTS), plan, arguments.delays)
    stem = _write(results, _facts(arguments, turns, plan, floor_ms), arguments.json)
    print(table(results, floor_ms))
    for name, one in results.items():
        for failure in one.failures:
            print(f"{name}: a session failed: {failure}")
    print(f"{stem.relative_to(ROOT)}.json and .svg")
    return 1 if any(one.failures for one in results.values()) else 0


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
