"""`python -m tests.e2e.faults`: what a caller hears and is told when something fails.

Each fault meets a call of its own: the real server and session process, a real LiveKit server, the
wire server with fixed delays and its fault switches, and a caller who speaks a recorded question.
Results are kept from run to run, so that a part can be tried anew (`--only model`), or two parts at
once; the table in docs/reliability.md is written from all of them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace

from livekit import rtc

from bot.logs import configure_logging
from local.caller import Caller, ConnectError, connect
from local.livekit import LiveKitServer
from local.paths import ROOT, find_livekit
from local.probe import until_ok
from local.processes import free_port, start
from tests.e2e.conftest import DELAYS, Wire
from tests.e2e.fault_list import FAULTS, Fault, When
from tests.e2e.fault_stage import Stage, open_stage
from tests.replay.recording import load_recording

RESULTS = ROOT / ".cache" / "faults.json"
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- make faults: begin -->", "<!-- make faults: end -->"
GOAL_SECS = 3.0
# Whatever has not happened by then does not happen.
_LOOK_SECS = 10.0
_QUESTION = load_recording("which-folder-should-i-save-the-message-to").pcm


@dataclass(frozen=True)
class Row:
    """What a fault did.

    Attributes:
        heard_secs: From the end of the question, or the fault, to the bot's voice; None: never.
        told_secs: To an error, an end of the call or a refusal that the page shows; None: never.
        codes: Errors and incidents, in order, each once.
        next_works: Whether the next turn, or the next call, was answered.
        left: What was still there at the end: tasks and rooms.
    """

    heard_secs: float | None
    told_secs: float | None
    codes: list[str]
    next_works: bool
    left: str


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
                heard, told = await _watch(caller, began)
                codes = _codes(caller)
                if not fault.is_final:
                    await stage.heal()
                    await caller.quiet(1.0, 30)
                    ended = await caller.say(_QUESTION)
                    works = await _is_answered(caller, ended)
                await stage.leave(caller)
            except ConnectError as error:
                told, codes = time.monotonic() - began, [error.code]
        await stage.heal()
        if fault.is_final:
            works = await _new_call_works(stage)
        return Row(heard, told, codes, works, await stage.left(before))


async def _call(stack: AsyncExitStack, stage: Stage, fault: Fault) -> Caller:
    if fault.when is When.BEFORE:
        await stage.begin(fault, None)
    caller = Caller(await connect(stage.door.url))
    await stack.enter_async_context(caller)
    await stage.meanwhile(fault)
    room: rtc.Room = caller._room
    room.on("reconnecting", lambda: caller.messages.append(_now("reconnecting")))
    room.on("disconnected", lambda _: caller.messages.append(_now("disconnected")))
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
        await stage.begin(fault, caller)
        return time.monotonic()
    if fault.when is When.QUIET:
        await stage.begin(fault, caller)
    saying = asyncio.create_task(caller.say(_QUESTION))
    if fault.when is When.QUESTION:
        await asyncio.sleep(len(_QUESTION) / 2 / 16_000 / 2)
        await stage.begin(fault, caller)
    ended = await saying
    if fault.when is When.ANSWER:
        await caller.until(lambda: caller.heard.first_speech_after(ended) is not None, _LOOK_SECS)
        await stage.begin(fault, caller)
        return time.monotonic()
    return ended


async def _watch(caller: Caller, began: float) -> tuple[float | None, float | None]:
    """Wait for voice or notice; return when each came."""

    def heard() -> float | None:
        return caller.heard.first_speech_after(began)

    def told() -> float | None:
        moments = (one["_at_secs"] for one in caller.messages if _is_notice(one))
        return next((at for at in moments if at >= began - len(_QUESTION) / 32_000), None)

    with suppress(TimeoutError):
        await caller.until(lambda: heard() is not None or told() is not None, _LOOK_SECS)
        # The other one may come shortly after.
        await caller.until(lambda: heard() is not None and told() is not None, 2.0)
    first, second = heard(), told()
    return (
        None if first is None else max(0.0, first - began),
        None if second is None else max(0.0, second - began),
    )


def _now(kind: str) -> dict[str, object]:
    return {"type": kind, "_at_secs": time.monotonic()}


def _is_notice(message: dict[str, object]) -> bool:
    data = message.get("data")
    is_end = isinstance(data, dict) and data.get("type") == "session-ended"
    return message["type"] in ("error", "reconnecting", "disconnected") or is_end


def _codes(caller: Caller) -> list[str]:
    codes: dict[str, None] = {}
    for message in caller.messages:
        data = message.get("data") or {}
        if message["type"] == "error":
            codes[data["error"]] = None
        elif message["type"] == "server-message":
            codes[data.get("code") or data.get("reason") or ""] = None
        elif message["type"] in ("reconnecting", "disconnected"):
            codes[f"({message['type']})"] = None
    return [code for code in codes if code]


async def _is_answered(caller: Caller, since: float) -> bool:
    with suppress(TimeoutError):
        await caller.until(lambda: caller.heard.first_speech_after(since) is not None, _LOOK_SECS)
        return True
    return False


async def _new_call_works(stage: Stage) -> bool:
    try:
        async with asyncio.timeout(30):
            await stage.admitting()
            async with Caller(await connect(stage.door.url)) as caller:
                await caller.ready()
                works = await _is_answered(caller, 0.0)
                await stage.leave(caller)
                return works
    except (TimeoutError, ConnectError):
        return False


def table(rows: dict[str, Row]) -> str:
    """Return the results as Markdown."""
    lines = [
        "| | fault | when | heard | told | codes | next turn or call | left |",
        "|---|---|---|---|---|---|---|---|",
    ]
    missed = 0
    for fault in FAULTS:
        row = rows.get(f"{fault.group}: {fault.name}")
        if row is None:
            continue
        if fault.act is not None and fault.is_final:
            # What is left of the greeting in the caller's own buffers says nothing.
            row = replace(row, heard_secs=None)
        first = min((one for one in (row.heard_secs, row.told_secs) if one is not None), default=99)
        missed += first > GOAL_SECS or not row.next_works or row.left != "nothing"
        codes = ", ".join(code if code.startswith("(") else f"`{code}`" for code in row.codes)
        works = "works" if row.next_works else "**fails**"
        lines.append(
            f"| {fault.group} | {fault.name} | {fault.when.value} | {_secs(row.heard_secs)}"
            f" | {_secs(row.told_secs)} | {codes} | {works} | {row.left} |"
        )
    done = sum(f"{fault.group}: {fault.name}" in rows for fault in FAULTS)
    head = (
        f"{done} faults; {missed} of them without a voice or a notice within {GOAL_SECS:g} s,"
        " without a next turn, or with something left."
    )
    return "\n".join([head, "", *lines])


def _secs(secs: float | None) -> str:
    return "-" if secs is None else f"{secs:.1f} s"


def write(rows: dict[str, Row]) -> None:
    """Put the table between its markers in the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    DOCUMENT.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}", encoding="utf-8")


def load() -> dict[str, Row]:
    """Return what was measured before."""
    if not RESULTS.exists():
        return {}
    return {name: Row(**row) for name, row in json.loads(RESULTS.read_text()).items()}


async def run(only: str, rows: dict[str, Row], *, missing: bool) -> None:
    """Try the faults whose name or group holds a text, and keep each result."""
    binary = find_livekit(os.environ)  # noqa: TID251 - where this machine keeps LiveKit
    if binary is None:
        raise SystemExit("no LiveKit server: `make run` builds one")
    port = free_port()
    command = [sys.executable, "-m", "local.wire", "--port", str(port), "--delays", DELAYS]
    engines = await start("delay server", command, environment=dict(os.environ))  # noqa: TID251
    try:
        async with asyncio.timeout(60):
            await until_ok("127.0.0.1", port, "/healthz")
        for fault in FAULTS:
            name = f"{fault.group}: {fault.name}"
            if only not in name or (missing and name in rows):
                continue
            async with LiveKitServer.start(binary) as livekit:
                row = await try_fault(fault, livekit, Wire(f"http://127.0.0.1:{port}"))
            rows |= load() | {name: row}
            sys.stdout.write(f"{name}: {asdict(row)}\n")
            sys.stdout.flush()
            RESULTS.parent.mkdir(exist_ok=True)
            RESULTS.write_text(json.dumps({key: asdict(one) for key, one in rows.items()}))
    finally:
        await engines.stop(5)


def main() -> None:
    """Try the faults and write the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="a part of a fault's group and name")
    parser.add_argument("--missing", action="store_true", help="only those without a result")
    args = parser.parse_args()
    configure_logging("CRITICAL", ())
    rows = load() if args.only or args.missing else {}
    asyncio.run(run(args.only, rows, missing=args.missing))
    write(rows)
    sys.stdout.flush()
    # LiveKit's native threads can abort a process whose interpreter ends under them.
    os._exit(0)


if __name__ == "__main__":
    main()
