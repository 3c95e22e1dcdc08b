"""`voice-assistant call`: one question to any deployment, its answer, and where the time went."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import aiohttp
from livekit import rtc

from cli import timing
from cli.errors import CallError
from cli.recording import read_recording, write_recording
from cli.settings import CallSettings
from local.caller import Caller, ConnectError, Invitation, connect

# A cold server on a slow network; the door itself answers within 5 s.
CONNECT_TIMEOUT_SECS = 20.0
JOIN_TIMEOUT_SECS = 15.0
# A greeting of some length, and an answer of three sentences.
SPEECH_TIMEOUT_SECS = 45.0
# Between two sentences of one answer there is less.
SILENCE_SECS = 1.5


@dataclass(frozen=True)
class Question:
    """What is asked: one of the two.

    Attributes:
        recording: A WAV file, mono, 16 bit, 16 kHz.
        text: A line as typed into the widget.
    """

    recording: Path | None
    text: str | None = None


@dataclass
class Step:
    """One step of the call.

    Attributes:
        name: What it leads to.
        secs: How long it took.
    """

    name: str
    secs: float


@dataclass
class Report:
    """What a call gave.

    Attributes:
        session_id: For support and logs.
        steps: From the request to the answer, in order.
        turn_segments_secs: Where the bot's own time went before it answered aloud, by the server's
            metrics; empty where they cannot be read, or others called meanwhile.
        said: `{"role": "user" | "assistant", "text"}`, in order.
        codes: Errors and incidents that the bot told.
    """

    session_id: str
    steps: list[Step]
    turn_segments_secs: dict[str, float]
    said: list[dict[str, str]]
    codes: list[str]


def run(
    question: Question, server: str, *, origin: str | None, save: Path | None, as_json: bool
) -> int:
    """Call, print what came of it, and return the exit status.

    Args:
        question: What is asked.
        server: Base URL of the assistant's server.
        origin: The site whose page calls.
        save: Where the bot's voice goes, as WAV.
        as_json: One JSON object instead of lines to read.

    Returns:
        0 for an answer, 1 for a call that did not work (its code is printed).
    """
    try:
        pcm = None if question.recording is None else read_recording(question.recording)
        report, heard = asyncio.run(_call(pcm, question.text, server.rstrip("/"), origin))
    except CallError as error:
        failed = {"error": {"code": error.code, "message": str(error)}}
        line = json.dumps(failed) if as_json else f"{error.code}: {error}"
        sys.stderr.write(line + "\n")
        return 1
    if save is not None:
        write_recording(save, heard)
    sys.stdout.write(json.dumps(asdict(report)) + "\n" if as_json else _as_text(report))
    return 0


async def _call(
    pcm: bytes | None, text: str | None, server: str, origin: str | None
) -> tuple[Report, bytes]:
    steps: list[Step] = []
    before = await timing.segments_so_far(server)
    at = time.monotonic()
    invitation = await _invited(server, origin)
    at = _add(steps, "invited", at, time.monotonic())
    caller = Caller(invitation, microphone=pcm is not None)
    async with AsyncExitStack() as stack:
        await _joined(caller, stack)
        at = _add(steps, "in the room", at, time.monotonic())
        await _or_fail(
            caller.ready(JOIN_TIMEOUT_SECS), CallError("bot_silent", "The bot does not answer.")
        )
        at = _add(steps, "bot ready", at, time.monotonic())
        _add(steps, "greeting heard", at, await _spoken(caller, at))
        await caller.quiet(SILENCE_SECS, SPEECH_TIMEOUT_SECS)
        at = await _ask(caller, pcm, text)
        _add(steps, "answer heard", at, await _spoken(caller, at))
        await caller.quiet(SILENCE_SECS, SPEECH_TIMEOUT_SECS)
        await caller.send("disconnect-bot")
        segments = timing.of_one_turn(before, await timing.segments_so_far(server))
    said = said_in(caller.messages)
    if text is not None:
        said.insert(1, {"role": "user", "text": text})
    report = Report(invitation.session_id, steps, segments, said, codes_in(caller.messages))
    return report, caller.heard.pcm()


def _add(steps: list[Step], name: str, began_secs: float, ended_secs: float) -> float:
    steps.append(Step(name, round(max(0.0, ended_secs - began_secs), 3)))
    return ended_secs


async def _invited(server: str, origin: str | None) -> Invitation:
    credential = CallSettings().voice_credential.get_secret_value()
    body = {"credential": credential} if credential else {}
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_SECS):
            return await connect(server, body, origin=origin)
    except ConnectError as error:
        wait = f" Ask again in {error.retry_after_secs} s." if error.retry_after_secs else ""
        raise CallError(error.code, f"The server answers {error.status}.{wait}") from error
    except aiohttp.ContentTypeError as error:
        raise CallError("server_unknown", f"What answers at {server} is another server.") from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise CallError("server_unreachable", f"Nothing answers at {server}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CallError("server_unknown", f"What answers at {server} is another server.") from error


async def _joined(caller: Caller, stack: AsyncExitStack) -> None:
    try:
        async with asyncio.timeout(JOIN_TIMEOUT_SECS):
            await stack.enter_async_context(caller)
    except (rtc.ConnectError, TimeoutError) as error:
        message = "The room cannot be joined: are LiveKit's ports open from here?"
        raise CallError("join_failed", message) from error


async def _ask(caller: Caller, pcm: bytes | None, text: str | None) -> float:
    """Ask; return when the question's last sound, or its line, was sent."""
    if pcm is not None:
        return await caller.say(pcm)
    await caller.send("send-text", {"content": text or ""})
    return time.monotonic()


async def _spoken(caller: Caller, since_secs: float) -> float:
    """Return when the bot was first heard after a moment."""
    await _or_fail(
        caller.until(
            lambda: caller.heard.first_speech_after(since_secs) is not None, SPEECH_TIMEOUT_SECS
        ),
        CallError("no_answer", f"Nothing was heard for {SPEECH_TIMEOUT_SECS:.0f} s."),
    )
    return caller.heard.first_speech_after(since_secs) or since_secs


async def _or_fail(waiting: Coroutine[Any, Any, None], failure: CallError) -> None:
    try:
        await waiting
    except TimeoutError as error:
        raise failure from error


def _data_of(message: dict[str, Any]) -> dict[str, Any]:
    data = message.get("data")
    return cast("dict[str, Any]", data) if isinstance(data, dict) else {}


def said_in(messages: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Return what both said, by the bot's RTVI messages."""
    said: list[dict[str, str]] = []
    for message in messages:
        data = _data_of(message)
        if message["type"] == "user-transcription" and data.get("final"):
            said.append({"role": "user", "text": str(data["text"])})
        elif message["type"] == "bot-transcription":
            said.append({"role": "assistant", "text": str(data["text"])})
    return said


def codes_in(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Return the errors and incidents that the bot told, each once."""
    codes: dict[str, None] = {}
    for message in messages:
        data = _data_of(message)
        if message["type"] == "error":
            codes[str(data.get("error"))] = None
        elif message["type"] == "server-message" and data.get("type") == "incident":
            codes[str(data.get("code"))] = None
    return list(codes)


def _as_text(report: Report) -> str:
    names = {"user": "you", "assistant": "bot"}
    lines = [f"session {report.session_id}", ""]
    lines += [f"{names[line['role']]}: {line['text']}" for line in report.said]
    lines += ["", *timing.bars([(step.name, step.secs) for step in report.steps])]
    if report.turn_segments_secs:
        lines += ["", "of the answer, inside the bot:"]
        lines += timing.bars(list(report.turn_segments_secs.items()))
    if report.codes:
        lines += ["", f"told by the bot: {', '.join(report.codes)}"]
    return "\n".join(lines) + "\n"
