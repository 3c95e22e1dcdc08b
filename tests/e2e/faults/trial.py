"""One call in which one thing fails: the real server, LiveKit, and a caller who speaks."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress

from livekit import rtc

from local.caller import Caller, ConnectError, connect
from local.livekit import LiveKitServer
from tests.e2e.conftest import Wire
from tests.e2e.faults.catalogue import Fault, When
from tests.e2e.faults.results import Row
from tests.e2e.faults.stage import Stage, open_stage
from tests.e2e.notices import codes_of, is_notice, note
from tests.replay.recording import load_recording

# Whatever has not happened by then does not happen.
LOOK_SECS = 10.0
QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


async def try_fault(fault: Fault, livekit: LiveKitServer, wire: Wire) -> Row:
    """Hold a call in which it happens."""
    async with open_stage(livekit, wire) as stage:
        before = await stage.tasks()
        heard: float | None = None
        told: float | None = None
        codes: list[str] = []
        works = False
        async with AsyncExitStack() as stack:
            began = time.monotonic()
            try:
                caller = await _call(stack, stage, fault)
                began = await _ask(stage, caller, fault)
                heard, told = await watch(caller, began)
                codes = codes_of(caller)
                if not fault.is_final:
                    await stage.heal()
                    await another_bot(caller)
                    await caller.quiet(1.0, 30)
                    ended = await caller.say(QUESTION)
                    works = await is_answered(caller, ended)
                await stage.leave(caller)
            except ConnectError as error:
                told, codes = time.monotonic() - began, [error.code]
        await stage.heal()
        if fault.refuses is not None:
            works = await _new_call_is_refused(stage, fault.refuses)
        elif fault.is_final:
            works = await _new_call_works(stage)
        return Row(heard, told, codes, works, await stage.left(before))


async def _call(stack: AsyncExitStack, stage: Stage, fault: Fault) -> Caller:
    if fault.when is When.BEFORE:
        await stage.begin(fault, None)
    caller = Caller(await connect(stage.door.url))
    await stack.enter_async_context(caller)
    await stage.meanwhile(fault)
    room: rtc.Room = caller._room
    room.on("reconnecting", lambda: note(caller, "reconnecting"))
    room.on("participant_disconnected", lambda _: note(caller, "bot-left"))
    room.on("disconnected", lambda _: note(caller, "disconnected"))
    with suppress(TimeoutError):
        await caller.ready()
        if fault.when is not When.BEFORE:
            await caller.wait_for("bot-stopped-speaking")
    return caller


async def _ask(stage: Stage, caller: Caller, fault: Fault) -> float:
    """Have the fault happen in or around a question; return the moment to count from."""
    if caller.disconnected.is_set():
        return time.monotonic()
    if fault.act is not None and fault.when is not When.BEFORE:
        # The end of the greeting is no voice after the fault.
        await caller.quiet(0.5)
        await stage.begin(fault, caller)
        return time.monotonic()
    if fault.when is When.QUIET:
        await stage.begin(fault, caller)
    saying = asyncio.create_task(caller.say(QUESTION))
    if fault.when is When.QUESTION:
        await asyncio.sleep(len(QUESTION) / 2 / 16_000 / 2)
        await stage.begin(fault, caller)
    ended = await saying
    if fault.when is When.ANSWER:
        await caller.until(lambda: caller.heard.first_speech_after(ended) is not None, LOOK_SECS)
        await stage.begin(fault, caller)
        return time.monotonic()
    return ended


async def watch(caller: Caller, began: float) -> tuple[float | None, float | None]:
    """Wait for voice or notice; return when each came."""

    def heard() -> float | None:
        return caller.heard.first_speech_after(began)

    def told() -> float | None:
        moments = (one["_at_secs"] for one in caller.messages if is_notice(one))
        return next((at for at in moments if at >= began - len(QUESTION) / 32_000), None)

    with suppress(TimeoutError):
        await caller.until(lambda: heard() is not None or told() is not None, LOOK_SECS)
        # The other one may come shortly after.
        await caller.until(lambda: heard() is not None and told() is not None, 2.0)
    first, second = heard(), told()
    return (
        None if first is None else max(0.0, first - began),
        None if second is None else max(0.0, second - began),
    )


async def another_bot(caller: Caller) -> None:
    """Wait until another bot has said that it is there, where one has left."""
    left = max((one["_at_secs"] for one in caller.of_type("bot-left")), default=None)
    if left is not None:
        with suppress(TimeoutError):
            await caller.until(lambda: caller.heard.first_speech_after(left) is not None, LOOK_SECS)


async def is_answered(caller: Caller, since: float) -> bool:
    with suppress(TimeoutError):
        await caller.until(lambda: caller.heard.first_speech_after(since) is not None, LOOK_SECS)
        return True
    return False


async def _new_call_works(stage: Stage) -> bool:
    try:
        async with asyncio.timeout(30):
            await stage.admitting()
            async with Caller(await connect(stage.door.url)) as caller:
                await caller.ready()
                works = await is_answered(caller, 0.0)
                await stage.leave(caller)
                return works
    except (TimeoutError, ConnectError):
        return False


async def _new_call_is_refused(stage: Stage, code: str) -> bool:
    try:
        await connect(stage.door.url)
    except ConnectError as error:
        return error.code == code
    return False
