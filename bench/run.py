"""The run itself: who calls whom, in which order, and what is read meanwhile."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench import timeline, usage
from bench.conversation import Conversation, Join, Script, converse, scripts
from bench.deployments import Deployment, Launch, OpenLiveKit, World, delay_server
from bench.fleet import Fleet, LeanCaller
from bench.plan import CHAIN, Plan
from bench.report import Block, Results
from bench.speech import Utterance, sentences
from local.caller import Caller, Invitation
from local.paths import find_livekit

OWN: Final = "ours"
# People do not all arrive at the same moment.
STAGGER_SECS: Final = 0.7
_LOOK_EVERY_SECS: Final = 4.0
# A first session that has to load everything on a busy machine may come to nothing.
_WARM_UP_ATTEMPTS: Final = 3


class Gate:
    """Opens when everybody is there, or has given up."""

    def __init__(self, count: int) -> None:
        """Wait for `count` to come or to leave."""
        self._missing = count
        self.opened = asyncio.Event()
        self.opened_secs = 0.0

    def arrive(self) -> None:
        """Count one; the last opens the gate."""
        self._missing -= 1
        if self._missing <= 0 and not self.opened.is_set():
            self.opened_secs = time.monotonic()
            self.opened.set()


@dataclass
class _Bench:
    """What all blocks share."""

    plan: Plan
    utterances: Sequence[Utterance]
    timeline: Path
    fleet: Fleet

    def lean(self, invitation: Invitation) -> LeanCaller:
        """Return a caller that costs little."""
        return LeanCaller(self.fleet, invitation)


async def measure(
    launches: Sequence[Launch], plan: Plan, delays: str, out: Path, results: dict[str, Results]
) -> None:
    """Run every deployment through the plan.

    Args:
        launches: The deployments.
        plan: What each is asked to do.
        delays: Of the providers.
        out: Directory for logs and the timeline.
        results: Filled block by block, so that a run that is stopped leaves what it has.

    Raises:
        RuntimeError: there is no LiveKit server, or a part did not start.
    """
    async with _started(launches, plan, delays, out) as (bench, running):
        for one in running:
            results[one.name] = Results()
        for one in running:
            await _warm_up(one)
            used = await asyncio.to_thread(usage.of_tree, one.pid)
            results[one.name].idle_pss_bytes = used and used.pss_bytes
        await _one_caller(bench, running, results)
        await _many_callers(bench, running, results)


@asynccontextmanager
async def _started(
    launches: Sequence[Launch], plan: Plan, delays: str, out: Path
) -> AsyncGenerator[tuple[_Bench, list[Deployment]]]:
    binary = find_livekit(os.environ)  # noqa: TID251 - PATH, for the search
    if binary is None:
        raise RuntimeError("there is no LiveKit server on this machine: `make test` builds one")
    utterances, events = sentences(), out / "timeline.jsonl"
    async with AsyncExitStack() as parts:
        livekit = await parts.enter_async_context(
            OpenLiveKit.start(binary, log=out / "livekit.log")
        )
        providers = await parts.enter_async_context(delay_server(delays, out, events))
        world = World(livekit, providers, out)
        spoken = [one.pcm for one in utterances]
        fleet = await parts.enter_async_context(Fleet.running(spoken, out))
        running = [await parts.enter_async_context(launch(world)) for launch in launches]
        yield _Bench(plan, utterances, events, fleet), running


async def _warm_up(deployment: Deployment) -> None:
    """Hold one short session that is not counted: first sessions load models and code.

    Raises:
        RuntimeError: it failed, so there is nothing to measure.
    """
    question = Script(sentences()[:1])
    for attempt in range(1, _WARM_UP_ATTEMPTS + 1):
        found = await converse(deployment, Caller, question, seed=0)
        if not found.failure and found.greeting_ms is not None:
            return
        if attempt == _WARM_UP_ATTEMPTS:
            raise RuntimeError(f"{deployment.name} does not work: {found.failure or 'no greeting'}")


async def _one_caller(
    bench: _Bench, running: Sequence[Deployment], results: dict[str, Results]
) -> None:
    """Measure a single caller, the deployments taking turns."""
    plan = bench.plan
    supply = scripts(bench.utterances, plan.questions, plan.interruptions, CHAIN)
    for number in range(plan.rounds):
        # Everybody says the same things in a round.
        said = [next(supply), *[Script()] * plan.greetings]
        for one in running:
            _progress(f"one caller, round {number + 1} of {plan.rounds}: {one.name}")
            block = await block_of(one, Caller, said, seed=number, together=False)
            _add_segments(bench, block)
            results[one.name].rounds.append(block)


async def _many_callers(
    bench: _Bench, running: Sequence[Deployment], results: dict[str, Results]
) -> None:
    """Measure many callers, and before them one of the same kind."""
    plan = bench.plan
    if not plan.sessions and not plan.own_sessions:
        return
    for count in (1, *sorted({*plan.sessions, *plan.own_sessions})):
        turns = plan.turns_of_one if count == 1 else plan.turns_of_many
        supply = scripts(bench.utterances, turns, 0)
        # Not all at once in the same sentence, as they would be without the extra steps.
        said = [next(supply) for _ in range(count)]
        for one in running:
            if count == 1 or count in plan.sessions or one.name == OWN:
                _progress(f"{count} at once: {one.name}")
                block = await block_of(one, bench.lean, said, seed=count, together=True)
                if count == 1:
                    _add_segments(bench, block)
                results[one.name].many[count] = block


def _add_segments(bench: _Bench, block: Block) -> None:
    """Find out, for a block of sessions one after the other, where each turn's time went."""
    events = timeline.read(bench.timeline)
    for conversation in block.conversations:
        block.segments += filter(
            None, (timeline.segments(events, turn) for turn in conversation.turns)
        )


async def block_of(
    deployment: Deployment, join: Join, said: Sequence[Script], seed: int, *, together: bool
) -> Block:
    """Give one deployment its go: sessions one after the other, or all together."""
    planned = sum(len(one.questions) + len(one.interruptions) for one in said)
    block = Block(planned=planned)
    gate = Gate(len(said) if together else 1)

    async def caller(index: int, script: Script) -> Conversation:
        passed = False

        async def wait() -> float:
            nonlocal passed
            passed = True
            gate.arrive()
            await gate.opened.wait()
            await asyncio.sleep(index * STAGGER_SECS)
            return gate.opened_secs

        try:
            await asyncio.sleep(index * STAGGER_SECS if together else 0)
            number = seed * len(said) + index
            return await converse(deployment, join, script, number, wait if together else None)
        finally:
            if not passed:
                gate.arrive()

    async def watch() -> None:
        if together:
            await gate.opened.wait()
        nonlocal before, machine_before
        before = await asyncio.to_thread(usage.of_tree, deployment.pid)
        machine_before = usage.machine_busy_secs()
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECS)
            used = await asyncio.to_thread(usage.of_tree, deployment.pid)
            block.peak_pss_bytes = max(block.peak_pss_bytes or 0, used.pss_bytes if used else 0)

    before: usage.Usage | None = None
    machine_before: tuple[float, float] | None = None
    watching = asyncio.create_task(watch())
    try:
        calls = [caller(index, script) for index, script in enumerate(said)]
        if together:
            block.conversations = list(await asyncio.gather(*calls))
        else:
            block.conversations = [await call for call in calls]
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    after, machine_after = usage.of_tree(deployment.pid), usage.machine_busy_secs()
    block.load = os.getloadavg()[0]
    if before and after:
        block.cpu_secs = after.cpu_secs - before.cpu_secs
    if machine_before and machine_after:
        total = machine_after[1] - machine_before[1]
        block.machine_busy = (machine_after[0] - machine_before[0]) / total if total else None
    return block


def _progress(text: str) -> None:
    print(text, file=sys.stderr)
