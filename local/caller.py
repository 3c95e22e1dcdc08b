"""A caller: talks to a deployment as a browser would, from Python.

Used by end-to-end tests and benchmarks. It knows the wire only: HTTP `/connect`, LiveKit, RTVI.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast

import aiohttp
import numpy as np
from livekit import rtc
from livekit.rtc.participant import PublishDataError

from local.heard import RATE_HZ, Heard, Span

# WebRTC takes audio in pieces of 10 ms.
FRAME_MS = 10
_FRAME_SAMPLES = RATE_HZ * FRAME_MS // 1000
_FRAME_BYTES = _FRAME_SAMPLES * 2
_FRAME_SECS = FRAME_MS / 1000
# A microphone this late has lost its audio: catching up would send a burst nobody speaks in.
_MAX_LAG_SECS = 0.5
RTVI_LABEL = "rtvi-ai"
RTVI_VERSION = "2.2.0"
# As the widget does (`VERIFY_MS` in widget/src/call.ts).
READY_AGAIN_SECS = 0.5


class ConnectError(Exception):
    """`/connect` refused.

    Attributes:
        status: HTTP status.
        code: The server's error code.
        retry_after_secs: From Retry-After, or None.
    """

    def __init__(self, status: int, code: str, retry_after_secs: int | None) -> None:
        """Describe one refusal."""
        super().__init__(f"{status} {code}")
        self.status, self.code, self.retry_after_secs = status, code, retry_after_secs


@dataclass(frozen=True)
class Invitation:
    """The answer of `/connect`."""

    url: str
    token: str
    room: str
    session_id: str
    recorded: bool = False


async def connect(
    server: str, body: dict[str, Any] | None = None, *, origin: str | None = None
) -> Invitation:
    """Ask a server for a session.

    Args:
        server: Base URL, http(s)://host:port.
        body: JSON body of the request.
        origin: The site whose page asks; None for a caller that is no page.

    Raises:
        ConnectError: with the server's code.
    """
    headers = {} if origin is None else {"Origin": origin}
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server}/connect", json=body or {}, headers=headers) as response,
    ):
        answer = await response.json()
        if response.status != 200:
            retry_after = response.headers.get("Retry-After")
            raise ConnectError(
                response.status, answer["error"]["code"], int(retry_after) if retry_after else None
            )
        return Invitation(
            url=answer["url"],
            token=answer["token"],
            room=answer["room"],
            session_id=answer["sessionId"],
            recorded=answer["recorded"],
        )


@dataclass
class _Utterance:
    """Something to say, cut in frames; the microphone sets the rest."""

    frames: deque[bytes]
    said: asyncio.Event = field(default_factory=asyncio.Event)
    began_secs: float | None = None
    ended_secs: float = 0.0


class Caller:
    """One person in one room. Use as an async context manager.

    Attributes:
        heard: What the bot said.
        spoken: From the first to the last sample of each `say`.
        messages: RTVI messages of the bot, each with `_at_secs`, its arrival.
        lag_secs: The latest that a piece of microphone audio was sent so far.
    """

    def __init__(
        self, invitation: Invitation, *, microphone: bool = True, speaker: bool = True
    ) -> None:
        """Prepare; the room is joined on entering the context.

        Args:
            invitation: From `connect`.
            microphone: Whether this person has one; else they only type.
            speaker: Whether they listen; else they only read.
        """
        self.invitation = invitation
        self._has_microphone = microphone
        self._has_speaker = speaker
        self.heard = Heard()
        self.spoken: list[Span] = []
        self.messages: list[dict[str, Any]] = []
        self.lag_secs = 0.0
        self.disconnected = asyncio.Event()
        self._news = asyncio.Event()
        self._room = rtc.Room()
        # No queue: a frame leaves when it is handed over, so the moment of each sample is known.
        self._source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=0)
        self._speech: deque[_Utterance] = deque()
        self._is_leaving = False
        self._has_met = False
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: list[rtc.AudioStream] = []

    async def __aenter__(self) -> Self:
        """Join, publish a microphone that is silent, and listen, as far as there is one."""
        self._room.on("data_received", self._on_data)
        if self._has_speaker:
            self._room.on("track_subscribed", self._on_track)
        self._room.on("participant_connected", self._on_joined)
        self._room.on("participant_disconnected", self._on_change)
        self._room.on("disconnected", self._on_disconnected)
        await self._room.connect(self.invitation.url, self.invitation.token)
        self._track = track = rtc.LocalAudioTrack.create_audio_track("microphone", self._source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        if self._has_microphone:
            await self._room.local_participant.publish_track(track, options)
            self._tasks.append(asyncio.create_task(self._pump()))
        return self

    async def __aexit__(self, *_exc: object) -> None:
        """Leave the room."""
        # A track that arrives from now on would be listened to by nobody's task.
        self._is_leaving = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for stream in self._streams:
            await stream.aclose()
        await self._room.disconnect()
        await self._source.aclose()

    @property
    def bot_present(self) -> bool:
        """Whether somebody else is in the room."""
        return bool(self._room.remote_participants)

    def mute(self) -> None:
        """Mute the microphone, as the widget's button does."""
        self._track.mute()

    async def ready(self, timeout_secs: float = 10) -> None:
        """Say `client-ready` once the bot is here, and wait for `bot-ready`."""
        await self.present(timeout_secs)
        await self.say_ready()
        await self.wait_for("bot-ready", timeout_secs=timeout_secs)

    async def say_ready(self) -> None:
        """Say `client-ready`, to the bot that is here and to any that comes in its place."""
        self._has_met = True
        about = {"library": "voice-assistant-caller"}
        await self.send("client-ready", {"version": RTVI_VERSION, "about": about})

    async def _meet_again(self) -> None:
        """Say it until the bot that is there now has answered: its ear may not be open yet."""
        met = len(self.of_type("bot-ready"))
        while len(self.of_type("bot-ready")) == met and self.bot_present:
            with contextlib.suppress(PublishDataError):
                await self.say_ready()
            await asyncio.sleep(READY_AGAIN_SECS)

    async def present(self, timeout_secs: float = 10) -> None:
        """Wait until somebody else is in the room."""
        await self.until(lambda: self.bot_present, timeout_secs)

    async def send(self, kind: str, data: dict[str, Any] | None = None) -> None:
        """Send one RTVI message."""
        message = {"label": RTVI_LABEL, "type": kind, "id": uuid.uuid4().hex, "data": data or {}}
        await self.send_raw(json.dumps(message).encode())

    async def send_raw(self, payload: bytes) -> None:
        """Send bytes as they are."""
        await self._room.local_participant.publish_data(payload, reliable=True)

    async def say(self, pcm: bytes) -> float:
        """Speak s16le mono 16 kHz in real time; returns the moment the last sample was sent."""
        frames = (pcm[at : at + _FRAME_BYTES] for at in range(0, len(pcm), _FRAME_BYTES))
        utterance = _Utterance(deque(frames))
        if utterance.frames:
            self._speech.append(utterance)
            await utterance.said.wait()
        return utterance.ended_secs or time.monotonic()

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        """Return the messages of one type received so far, oldest first."""
        return [message for message in self.messages if message["type"] == kind]

    async def wait_for(
        self, kind: str, count: int = 1, *, timeout_secs: float = 15
    ) -> dict[str, Any]:
        """Return the count-th message of a type, waiting for it.

        Raises:
            TimeoutError: it did not come.
        """
        await self.until(lambda: len(self.of_type(kind)) >= count, timeout_secs)
        return self.of_type(kind)[count - 1]

    async def until(self, condition: Callable[[], bool], timeout_secs: float) -> None:
        """Wait until a condition holds; it is looked at whenever something arrives.

        Raises:
            TimeoutError: it did not hold in time.
        """
        async with asyncio.timeout(timeout_secs):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def quiet(self, for_secs: float, timeout_secs: float = 30) -> None:
        """Wait until the bot has not been heard for a while."""
        start = time.monotonic()

        def silent() -> bool:
            last = self.heard.last_speech()
            return time.monotonic() - max(start, last or 0.0) >= for_secs

        await self.until(silent, timeout_secs)

    async def _pump(self) -> None:
        """Feed the microphone in real time: speech when there is some, else silence."""
        silence = bytes(_FRAME_BYTES)
        due = time.monotonic()
        while True:
            due += _FRAME_SECS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            self.lag_secs = max(self.lag_secs, now - due)
            if now - due > _MAX_LAG_SECS:
                due = now
            data = self._next_frame(now)
            frame = rtc.AudioFrame(data or silence, RATE_HZ, 1, _FRAME_SAMPLES)
            await self._source.capture_frame(frame)

    def _next_frame(self, now_secs: float) -> bytes | None:
        """Take the next 10 ms of speech, whose last sample is spoken now."""
        if not self._speech:
            return None
        utterance = self._speech[0]
        data = utterance.frames.popleft()
        spoken_secs = len(data) / 2 / RATE_HZ
        if utterance.began_secs is None:
            utterance.began_secs = now_secs - _FRAME_SECS
        if not utterance.frames:
            utterance.ended_secs = now_secs - _FRAME_SECS + spoken_secs
            self.spoken.append(Span(utterance.began_secs, utterance.ended_secs))
            self._speech.popleft()
            utterance.said.set()
        return data.ljust(_FRAME_BYTES, b"\0")

    def _on_joined(self, _participant: rtc.RemoteParticipant) -> None:
        if self._has_met and not self._is_leaving:
            self._tasks.append(asyncio.create_task(self._meet_again()))
        self._news.set()

    def _on_change(self, _participant: rtc.RemoteParticipant) -> None:
        self._news.set()

    def _on_disconnected(self, _reason: object) -> None:
        self.disconnected.set()
        self._news.set()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        message = json.loads(packet.data)
        message["_at_secs"] = time.monotonic()
        self.messages.append(cast("dict[str, Any]", message))
        self._news.set()

    def _on_track(self, track: rtc.Track, *_: object) -> None:
        if track.kind == rtc.TrackKind.KIND_AUDIO and not self._is_leaving:
            stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1, frame_size_ms=20)
            self._streams.append(stream)
            self._tasks.append(asyncio.create_task(self._listen(stream)))

    async def _listen(self, stream: rtc.AudioStream) -> None:
        async for event in stream:
            samples = np.frombuffer(event.frame.data, dtype=np.int16).copy()
            self.heard.add(time.monotonic(), samples)
            self._news.set()
