"""A room with one caller in it: recordings go in, and what is heard is kept.

Stands where the LiveKit transport stands, on Pipecat's own base classes: the microphone sends 40 ms
of 16 kHz audio every 40 ms, silence between utterances, and the speaker plays in real time from a
queue of the production size, so an interruption cuts what was not yet played.
"""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from typing import Any

from pipecat.frames.frames import (
    CancelFrame,
    EndFrame,
    InputTransportMessageFrame,
    InterruptionFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    OutputTransportMessageUrgentFrame,
    StartFrame,
    UserAudioRawFrame,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.transports.base_input import BaseInputTransport
from pipecat.transports.base_output import BaseOutputTransport
from pipecat.transports.base_transport import BaseTransport, TransportParams

from bot.transport import INPUT_FRAME_MS, OUTPUT_QUEUE_MS
from tests.replay.recording import SAMPLE_RATE_HZ
from tests.replay.speech import blocks_of, text_of
from tests.replay.timeline import Timeline

USER = "user-replay"
FRAME_SECS = INPUT_FRAME_MS / 1000
FRAME_BYTES = int(SAMPLE_RATE_HZ * FRAME_SECS) * 2
SILENCE = bytes(FRAME_BYTES)
BLOCK_SECS = 0.01


class Speaker:
    """The caller's loudspeaker: a queue that plays in real time.

    Args:
        timeline: Where the start and end of playing are noted.
        start_secs: The loop's time at the timeline's zero.
    """

    def __init__(self, timeline: Timeline, start_secs: float) -> None:
        self._timeline = timeline
        self._start_secs = start_secs
        self._blocks: list[tuple[float, int]] = []
        self._end_secs = 0.0

    async def play(self, pcm: bytes, rate_hz: int) -> None:
        """Queue audio; return when the queue has room again."""
        loop = asyncio.get_running_loop()
        at = max(loop.time(), self._end_secs)
        for index, code in enumerate(blocks_of(pcm, rate_hz)):
            self._blocks.append((at + index * BLOCK_SECS, code))
        self._end_secs = at + len(pcm) / 2 / rate_hz
        ahead = self._end_secs - loop.time() - OUTPUT_QUEUE_MS / 1000
        if ahead > 0:
            await asyncio.sleep(ahead)

    def clear(self) -> None:
        """Drop what has not been played."""
        now = asyncio.get_running_loop().time()
        while self._blocks and self._blocks[-1][0] >= now:
            self._blocks.pop()
        self._end_secs = min(self._end_secs, now)

    def note_played(self) -> None:
        """Write each stretch of uninterrupted playing to the timeline: when, and its words."""
        stretch: list[tuple[float, int]] = []
        now = asyncio.get_running_loop().time()
        for block in [b for b in self._blocks if b[0] < now and b[1]]:
            if stretch and block[0] - stretch[-1][0] > 1.5 * BLOCK_SECS:
                self._note(stretch)
                stretch = []
            stretch.append(block)
        if stretch:
            self._note(stretch)

    def _note(self, stretch: list[tuple[float, int]]) -> None:
        text = text_of([code for _, code in stretch])
        self._timeline.add(stretch[0][0] - self._start_secs, "ear", "hears the bot begin")
        end = stretch[-1][0] + BLOCK_SECS - self._start_secs
        self._timeline.add(end, "ear", f'has heard "{text}"')


class ReplayInput(BaseInputTransport):
    """The caller's microphone: one frame every 40 ms from the moment the pipeline runs."""

    def __init__(self, transport: "ReplayTransport", params: TransportParams) -> None:
        super().__init__(params)
        self._transport = transport
        self._microphone: asyncio.Task[None] | None = None

    async def start(self, frame: StartFrame) -> None:
        """Begin to send."""
        await super().start(frame)
        await self.set_transport_ready(frame)
        self._microphone = self.create_task(self._send())

    async def stop(self, frame: EndFrame) -> None:
        """Stop sending."""
        await self._stop_sending()
        await super().stop(frame)

    async def cancel(self, frame: CancelFrame) -> None:
        """Stop sending."""
        await self._stop_sending()
        await super().cancel(frame)

    async def cleanup(self) -> None:
        """Stop sending."""
        await self._stop_sending()
        await super().cleanup()

    async def message(self, message: dict[str, Any]) -> None:
        """Deliver an RTVI message of the client."""
        await self.broadcast_frame(InputTransportMessageFrame, message=message)

    async def _stop_sending(self) -> None:
        if self._microphone:
            await self.cancel_task(self._microphone)
            self._microphone = None

    async def _send(self) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for count in range(1_000_000):
            await asyncio.sleep(start + (count + 1) * FRAME_SECS - loop.time())
            if not self._transport.microphone_on:
                continue
            audio = self._transport.next_frame()
            await self.push_audio_frame(
                UserAudioRawFrame(
                    user_id=USER, audio=audio, sample_rate=SAMPLE_RATE_HZ, num_channels=1
                )
            )


class ReplayOutput(BaseOutputTransport):
    """The caller's loudspeaker and data channel."""

    def __init__(self, transport: "ReplayTransport", params: TransportParams) -> None:
        super().__init__(params)
        self._transport = transport

    async def start(self, frame: StartFrame) -> None:
        """Be ready at once."""
        await super().start(frame)
        await self.set_transport_ready(frame)

    async def process_frame(self, frame: Any, direction: FrameDirection) -> None:
        """Clear the queue on an interruption, as the LiveKit transport does."""
        await super().process_frame(frame, direction)
        if isinstance(frame, InterruptionFrame):
            self._transport.speaker.clear()

    async def write_audio_frame(self, frame: OutputAudioRawFrame) -> bool:
        """Play, unless the caller is gone."""
        if not self._transport.caller_present:
            return False
        await self._transport.speaker.play(frame.audio, frame.sample_rate)
        return True

    async def send_message(
        self, frame: OutputTransportMessageFrame | OutputTransportMessageUrgentFrame
    ) -> None:
        """Deliver an RTVI message to the client, through JSON as on the wire."""
        if self._transport.caller_present:
            self._transport.on_message(json.loads(json.dumps(frame.message)))


class ReplayTransport(BaseTransport):
    """The room of a replay; the caller's script drives it.

    Args:
        timeline: Receives what is heard.
    """

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        params = TransportParams(
            audio_in_enabled=True, audio_out_enabled=True, audio_out_end_silence_secs=0
        )
        self.speaker = Speaker(timeline, asyncio.get_running_loop().time())
        self.caller_present = False
        self.microphone_on = True
        self.on_message: Callable[[dict[str, Any]], None] = lambda _: None
        self._frames: deque[bytes] = deque()
        self._sent_frames = 0
        self._input = ReplayInput(self, params)
        self._output = ReplayOutput(self, params)
        self._register_event_handler("on_client_connected")
        self._register_event_handler("on_client_disconnected")

    def input(self) -> ReplayInput:
        """The microphone."""
        return self._input

    def output(self) -> ReplayOutput:
        """The loudspeaker."""
        return self._output

    def get_client_id(self, client: Any) -> str:
        """The identity that stands for the client."""
        return str(client)

    @property
    def stream_secs(self) -> float:
        """Audio sent so far, in seconds."""
        return self._sent_frames * FRAME_SECS

    @property
    def queued_secs(self) -> float:
        """Speech that waits to be sent, in seconds."""
        return len(self._frames) * FRAME_SECS

    def take_back(self) -> None:
        """Drop what the loudspeaker has not played."""
        self.speaker.clear()

    def speak(self, pcm: bytes) -> None:
        """Send samples next, from the next frame on."""
        for start in range(0, len(pcm), FRAME_BYTES):
            self._frames.append(pcm[start : start + FRAME_BYTES].ljust(FRAME_BYTES, b"\0"))

    def next_frame(self) -> bytes:
        """The next 40 ms of the microphone."""
        self._sent_frames += 1
        return self._frames.popleft() if self._frames else SILENCE

    async def join(self) -> None:
        """The caller enters the room."""
        self.caller_present = True
        await self._call_event_handler("on_client_connected", USER)

    async def leave(self) -> None:
        """The caller leaves: no more microphone, nothing more is heard."""
        self.caller_present = False
        self.microphone_on = False
        self.speaker.clear()
        await self._call_event_handler("on_client_disconnected", USER)

    async def send(self, message: dict[str, Any]) -> None:
        """The client sends an RTVI message."""
        await self._input.message(message)
