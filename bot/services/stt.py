"""Speech to text: Deepgram."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from typing import Any

from deepgram import AsyncDeepgramClient
from deepgram.core import ApiError
from deepgram.core.events import EventType
from deepgram.listen.v1.types import ListenV1Finalize, ListenV1KeepAlive, ListenV1Results
from pipecat.frames.frames import (
    Frame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.frame_processor import FrameDirection, FrameProcessorSetup
from pipecat.services.deepgram import stt as pipecat_deepgram_stt
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.stt_service import STTService

from bot.audio_memory import AudioMemory
from bot.failures import Incident, Report, unheard
from bot.hearing import Hearing
from bot.http_clients import unused_client
from bot.usage import Unit, Usage
from bot.waits import waits_secs

# Deepgram answers Finalize within 0.35 s in 99 of 100 cases (Pipecat's stt_latency table); the
# wait ends at the answer, so a longer bound costs nothing and saves the words of a slow one.
STT_FINAL_TIMEOUT_SECS = 1.0

# The final transcript is what an answer is prepared from, so it comes at the first silence; our
# VAD's Finalize is the net below it (docs/decisions/0003).
ENDPOINTING_MS = 100

# Silence after which words without a final are asked for: longer than ENDPOINTING_MS and a round
# trip, counted from the VAD's own 0.1 s.
FINALIZE_AFTER_SECS = 0.2

# A handshake takes two or three round trips; one that takes longer than this is tried anew.
CONNECT_TIMEOUT_SECS = 1.5
# 40 ms of audio; a peer that does not take them has stopped reading.
SEND_TIMEOUT_SECS = 1.0
# Of each step of the closing handshake; there are up to five.
CLOSE_TIMEOUT_SECS = 0.3
# Deepgram closes a connection that has been silent for 10 s.
KEEP_ALIVE_SECS = 5.0
# An outage is over when a connection has lasted this long ...
STABLE_SECS = 1.0
# ... and the visitor is told of one that has lasted this long.
TELL_AFTER_SECS = 2.0
# Of the first connection: the key, the account or the request is wrong, and will be.
REFUSED_FOR_GOOD = frozenset({400, 401, 402, 403, 404})


def _deepgram_client(**kwargs: Any) -> AsyncDeepgramClient:
    return AsyncDeepgramClient(httpx_client=unused_client(), **kwargs)


# Defect: for each session the SDK makes an HTTP client that listening never uses, and reads all
# certificates for it (45 ms in which every other session of the process stands still).
pipecat_deepgram_stt.AsyncDeepgramClient = _deepgram_client  # pyright: ignore[reportPrivateImportUsage]


class FinalizingSTTService(DeepgramSTTService):
    """Deepgram, asked to finalize only where its endpointing has left words open.

    Pipecat asks at each silence of the VAD, which here is too short for that: words would be cut
    from the sentence they belong to. And it marks only a reply to Finalize that holds words as
    final; where endpointing came first, the empty reply would mark the next utterance instead.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Create the service; arguments as Pipecat's."""
        super().__init__(**kwargs)
        self._hearing = Hearing()
        self._finalizing: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass audio to Deepgram; ask for the final of words left open after a silence."""
        if isinstance(frame, (VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)):
            await self._stop_finalizing()
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._hearing.voice_started()
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            self._hearing.voice_stopped()
            # Past DeepgramSTTService, which would send Finalize at once.
            await STTService.process_frame(self, frame, direction)
            self._finalizing = self.create_task(self._finalize_later())
        else:
            await super().process_frame(frame, direction)

    async def cleanup(self) -> None:
        """Close the connection."""
        await self._stop_finalizing()
        await super().cleanup()

    async def _finalize_later(self) -> None:
        await asyncio.sleep(FINALIZE_AFTER_SECS)
        self._finalizing = None
        connection: Any = self._connection  # pyright: ignore[reportUnknownMemberType]
        if connection and self._hearing.has_open_words:
            self.request_finalize()
            # A connection that has just broken is its own handler's concern.
            with suppress(Exception):
                await connection.send_finalize(ListenV1Finalize(type="Finalize"))
            self._hearing.asked()

    async def _stop_finalizing(self) -> None:
        task, self._finalizing = self._finalizing, None
        if task is not None:
            await self.cancel_task(task)

    async def _on_message(self, message: object) -> None:
        if isinstance(message, ListenV1Results):
            has_words = any(heard.transcript for heard in message.channel.alternatives)
            self._hearing.heard(
                has_words=has_words,
                is_final=bool(message.is_final),
                is_answer=bool(message.from_finalize),
            )
            if message.is_final and has_words and message.speech_final:
                self.request_finalize()
                self.confirm_finalize()
            elif message.is_final and not has_words and message.from_finalize:
                self._finalize_requested = False
        await super()._on_message(message)


class LastingSTTService(FinalizingSTTService):
    """Deepgram, connected anew when the connection breaks or nothing comes back on it.

    Pipecat waits 4 s before it tries again, forgets what is said meanwhile, notices no connection
    that is open at one end only, and gives up for good after three tries.
    """

    def __init__(
        self, *, report: Report = unheard, usage: Usage | None = None, **kwargs: Any
    ) -> None:
        """Create the service.

        Args:
            report: Is told what has happened to the connection.
            usage: Where it is counted what is sent.
            kwargs: As Pipecat's.
        """
        super().__init__(**kwargs)
        self._report = report
        self._usage = usage or Usage()
        self._memory = AudioMemory()
        self._stream_start = 0
        self._connected_at: float | None = None
        self._has_connected = False
        self._waits = waits_secs()
        self._minding: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._give_up = asyncio.Event()
        self._wanted = asyncio.Event()

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Learn the microphone's rate, and connect."""
        self._memory.begin(setup.audio_in_sample_rate * 2)
        self._watching = asyncio.create_task(self._watch(), name=f"{self}::watch")
        await super().setup(setup)

    async def cleanup(self) -> None:
        """Leave nothing running."""
        tasks = [task for task in (self._watching, self._minding) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await super().cleanup()

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Hurry when somebody begins to speak."""
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._wanted.set()
        await super().process_frame(frame, direction)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Send audio, and remember what is not understood yet."""
        self._memory.push(audio)
        if self._hearing.is_settled:
            self._memory.keep_last(self._hearing.PRE_ROLL_SECS)
        connection: Any = self._connection  # pyright: ignore[reportUnknownMemberType]
        if connection:
            await self._send(connection, audio)
        yield None

    async def _send(self, connection: Any, audio: bytes) -> bool:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_SECS):
                await connection.send_media(audio)
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use any more
            if connection is self._connection:  # pyright: ignore[reportUnknownMemberType]
                self._connection = None
                self._give_up.set()
            return False
        self._usage.add(Unit.STT_SECS, len(audio) / (2 * self.sample_rate))
        return True

    async def _connection_handler(self) -> None:
        """Keep a connection open until the session ends."""
        try:
            while True:
                await self._wait(next(self._waits))
                try:
                    await self._serve_connection()
                except Exception as error:  # noqa: BLE001 - any failure is one to try again after
                    if not self._has_connected and _is_for_good(error):
                        await self.push_error(
                            "refused", exception=error, force_treat_as_permanent=True
                        )
                        return
                    self._report(Incident.STT_UNREACHABLE)
                self._connection_settled.set()
                self._mind_outage()
        finally:
            self._connection_settled.set()

    async def _wait(self, secs: float) -> None:
        """Wait before the next try; somebody who begins to speak is not kept waiting."""
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(secs):
                await self._wanted.wait()

    async def _serve_connection(self) -> None:
        """Open a connection, tell it what it has missed, and listen until it is of no use."""
        loop = asyncio.get_running_loop()
        kwargs = self._build_connect_kwargs()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        async with AsyncExitStack() as stack:
            opening: Any = self._client.listen.v1.connect(**kwargs)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            async with asyncio.timeout(CONNECT_TIMEOUT_SECS):
                connection = await stack.enter_async_context(opening)
            # The SDK offers no bound for closing; its own is 10 s a step.
            websocket = connection._websocket
            websocket.close_timeout = CLOSE_TIMEOUT_SECS
            self._has_connected = True
            self._usage.add(Unit.STT_CALLS)
            self._connected_at = loop.time()
            self._give_up.clear()
            connection.on(EventType.MESSAGE, self._on_message)
            tasks: list[asyncio.Task[Any]] = [
                asyncio.create_task(connection.start_listening()),
                asyncio.create_task(self._give_up.wait()),
                asyncio.create_task(_keep_alive(connection)),
            ]
            try:
                if await self._catch_up(connection):
                    self._connection_settled.set()
                    await asyncio.wait(tasks[:2], return_when=asyncio.FIRST_COMPLETED)
                if self._give_up.is_set():
                    websocket.transport.abort()
                else:
                    self._report(Incident.STT_LOST)
            finally:
                if self._connection is connection:  # pyright: ignore[reportUnknownMemberType]
                    self._connection = None
                if loop.time() - self._connected_at >= STABLE_SECS:
                    self._waits = waits_secs()
                self._connected_at = None
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up(self, connection: Any) -> bool:
        """Send what is remembered, then have new audio sent as it comes."""
        self._stream_start = place = self._memory.start
        while audio := self._memory.since(place):
            place = self._memory.end
            if not await self._send(connection, audio):
                self._give_up.set()
                return False
        self._connection = connection
        if self._hearing.is_waiting and self._finalizing is None:
            self._finalizing = self.create_task(self._finalize_later())
        return True

    async def _on_message(self, message: object) -> None:
        await super()._on_message(message)
        if isinstance(message, ListenV1Results) and message.is_final and self._hearing.is_settled:
            heard_secs = float(message.start) + float(message.duration)
            self._memory.forget_before(self._memory.place_after(self._stream_start, heard_secs))

    async def _watch(self) -> None:
        """Give a connection up from which nothing comes although somebody speaks."""
        while True:
            incident = await self._hearing.trouble()
            if incident is Incident.STT_DEAF:
                await self.push_error("no words in what was said")
            elif self._connection is None:  # pyright: ignore[reportUnknownMemberType]
                # Of an outage the visitor is told by `_see_outage_through`.
                continue
            elif incident is Incident.STT_UNHEARD:
                self._report(incident)
            else:
                self._report(incident)
                self._connection = None
                self._give_up.set()

    def _mind_outage(self) -> None:
        if self._minding is None or self._minding.done():
            self._minding = asyncio.create_task(self._see_outage_through(), name=f"{self}::outage")

    async def _see_outage_through(self) -> None:
        """Tell the visitor of an outage that lasts, and everybody else of its end."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        is_told = False
        while self._connected_at is None or loop.time() - self._connected_at < STABLE_SECS:
            is_long = loop.time() - began >= TELL_AFTER_SECS
            if is_long and not is_told and self._connected_at is None:
                is_told = True
                await self.push_error("speech-to-text is away")
            await asyncio.sleep(0.1)
        self._waits = waits_secs()
        self._report(Incident.STT_RECONNECTED)


async def _keep_alive(connection: Any) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE_SECS)
        with suppress(Exception):
            await connection.send_keep_alive(ListenV1KeepAlive(type="KeepAlive"))


def _is_for_good(error: Exception) -> bool:
    return isinstance(error, ApiError) and error.status_code in REFUSED_FOR_GOOD
