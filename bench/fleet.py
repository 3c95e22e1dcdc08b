"""Many callers at once, held by one Go program (bench/caller): the Python side of its pipes.

`LeanCaller` has the methods of `local.caller.Caller` and the same marks for what it says. What it
hears it marks when the packet arrives, without a jitter buffer; `python -m bench.agreement` tells
what that makes.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.opus import PACKET_SECS, Recording, encode, silence
from local.caller import RTVI_LABEL, RTVI_VERSION, Invitation
from local.heard import Span
from local.paths import CALLER
from local.processes import start

_STOP_SECS = 5.0
_LINE_BYTES = 1 << 20
_JOIN_SECS = 20.0


@dataclass
class HeardPackets:
    """The bot's audio as packets that are loud; see `local.caller.Heard`.

    Attributes:
        loud: A span of 20 ms a packet, from its arrival on: it cannot be played earlier.
    """

    loud: list[Span] = field(default_factory=list[Span])

    def first_speech_after(self, since_secs: float) -> float | None:
        """Return when the bot was first loud at or after a moment, or None."""
        spans = (span for span in self.loud if span.end_secs >= since_secs)
        return next((max(span.start_secs, since_secs) for span in spans), None)

    def last_speech(self) -> float | None:
        """Return when the bot was last loud, or None."""
        return self.loud[-1].end_secs if self.loud else None


class Fleet:
    """The running program; its sessions are `LeanCaller`s."""

    def __init__(self, pipes: asyncio.subprocess.Process, pid: int) -> None:
        """Use a program that has just been started; `running` does."""
        self._pipes = pipes
        self.pid = pid
        self._callers: dict[str, LeanCaller] = {}
        self._names: dict[bytes, str] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls, utterances: Sequence[bytes], logs: Path) -> AsyncGenerator[Fleet]:
        """Run the program, and give it all that will ever be said (s16le mono 16 kHz).

        Raises:
            RuntimeError: set-up has not built it.
        """
        if not CALLER.is_file():
            raise RuntimeError("the caller is not built: python3 -m local.setup bench")
        with (logs / "caller.log").open("wb") as sink:
            child = await start(
                "caller", [CALLER], environment={}, stdin=PIPE, stdout=PIPE, stderr=sink
            )
        fleet = cls(child.process, child.process.pid)
        reading = asyncio.create_task(fleet.read())
        try:
            fleet.load("", silence())
            for index, pcm in enumerate(utterances):
                fleet.load(f"utterance {index}", encode(pcm))
                fleet._names[pcm] = f"utterance {index}"
            yield fleet
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            await child.stop(_STOP_SECS)

    def load(self, name: str, recording: Recording) -> None:
        """Give the program something to say; "" is the silence in between."""
        frames = [base64.b64encode(packet).decode() for packet in recording.packets]
        self.write({"do": "load", "name": name, "frames": frames, "secs": recording.secs})

    def write(self, command: dict[str, Any]) -> None:
        """Send one command."""
        if self._pipes.stdin is not None:
            self._pipes.stdin.write(json.dumps(command).encode() + b"\n")

    def add(self, caller: LeanCaller) -> None:
        """Pass a session's events on to it."""
        self._callers[caller.id] = caller

    def name_of(self, pcm: bytes) -> str:
        """Return what the program calls an utterance.

        Raises:
            KeyError: it was never given.
        """
        return self._names[pcm]

    async def read(self) -> None:
        """Pass events on until the program ends."""
        buffer = b""
        while self._pipes.stdout and (data := await self._pipes.stdout.read(_LINE_BYTES)):
            *lines, buffer = (buffer + data).split(b"\n")
            for line in lines:
                event = json.loads(line)
                if event["id"] in self._callers:
                    self._callers[event["id"]].take(event)


class LeanCaller:
    """One person in one room. Use as an async context manager.

    Attributes:
        heard: When the bot was loud.
        spoken: From the first to the last sample of each `say`.
        messages: RTVI messages of the bot, each with `_at_secs`, its arrival.
        lag_secs: The latest that a packet was sent so far.
        sizes: "loud" and "quiet" to the bytes of each packet heard; quiet ones if `tell_all`.
    """

    def __init__(self, fleet: Fleet, invitation: Invitation, *, tell_all: bool = False) -> None:
        """Prepare; the room is joined on entering the context."""
        self.id = uuid.uuid4().hex
        self.heard = HeardPackets()
        self.spoken: list[Span] = []
        self.messages: list[dict[str, Any]] = []
        self.lag_secs = 0.0
        self.sizes: dict[str, list[int]] = {"loud": [], "quiet": []}
        self._tell_all = tell_all
        self._fleet = fleet
        self._invitation = invitation
        self._seen: set[str] = set()
        self._failure = ""
        self._news = asyncio.Event()

    async def __aenter__(self) -> Self:
        """Join, publish a microphone that is silent, and listen."""
        self._fleet.add(self)
        self._do("join", url=self._invitation.url, token=self._invitation.token, all=self._tell_all)
        await self.until(lambda: "joined" in self._seen, _JOIN_SECS)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Leave the room."""
        self._do("leave")

    async def ready(self, timeout_secs: float = 10) -> None:
        """Say `client-ready` once the bot is here, and wait for `bot-ready`."""
        await self.present(timeout_secs)
        about = {"library": "voice-assistant-caller"}
        await self.send("client-ready", {"version": RTVI_VERSION, "about": about})
        await self.until(
            lambda: any(message["type"] == "bot-ready" for message in self.messages), timeout_secs
        )

    async def present(self, timeout_secs: float = 10) -> None:
        """Wait until somebody else is in the room."""
        await self.until(lambda: "bot" in self._seen, timeout_secs)

    async def send(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Send one RTVI message."""
        message = {"label": RTVI_LABEL, "type": kind, "id": uuid.uuid4().hex, "data": data or {}}
        self._do("send", data=json.dumps(message))

    async def say(self, pcm: bytes) -> float:
        """Speak one of the fleet's utterances; returns the moment the last sample was sent."""
        count = len(self.spoken)
        self._do("say", name=self._fleet.name_of(pcm))
        await self.until(lambda: len(self.spoken) > count, len(pcm) / 2 / 16_000 + _JOIN_SECS)
        return self.spoken[-1].end_secs

    async def until(self, condition: Callable[[], bool], timeout_secs: float) -> None:
        """Wait until a condition holds; it is looked at whenever something arrives.

        Raises:
            TimeoutError: it did not hold in time.
            ConnectionError: the session failed.
        """
        async with asyncio.timeout(timeout_secs):
            while not condition():
                if self._failure:
                    raise ConnectionError(self._failure)
                self._news.clear()
                await self._news.wait()

    async def quiet(self, for_secs: float, timeout_secs: float = 30) -> None:
        """Wait until the bot has not been heard for a while."""
        start_secs = time.monotonic()
        async with asyncio.timeout(timeout_secs):
            while True:
                last_secs = max(start_secs, self.heard.last_speech() or 0.0)
                left_secs = last_secs + for_secs - time.monotonic()
                if left_secs <= 0:
                    return
                await asyncio.sleep(left_secs)

    def take(self, event: dict[str, Any]) -> None:
        """Note what the program tells of this session."""
        kind, at_secs = event["event"], event["at"]
        self._seen.add(kind)
        if kind in self.sizes:
            self.sizes[kind].append(event["bytes"])
        if kind == "loud":
            self.heard.loud.append(Span(at_secs, at_secs + PACKET_SECS))
        elif kind == "said":
            self.spoken.append(Span(event["start"], at_secs))
            self.lag_secs = event.get("late_secs", 0.0)
        elif kind == "message":
            self.messages.append({**json.loads(event["data"]), "_at_secs": at_secs})
        elif kind in {"failed", "disconnected"}:
            self._failure = event.get("data") or kind
        self._news.set()

    def _do(self, what: str, **more: str | bool) -> None:
        self._fleet.write({"do": what, "id": self.id, **more})
