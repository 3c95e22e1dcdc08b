"""LiveKit, with the measured defects of Pipecat 1.14's transport mended.

Each override names its defect. Private names of Pipecat are used where it gives no other way;
`pipecat-ai` is pinned, and the end-to-end tests run through every override here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, cast

from livekit import rtc
from loguru import logger
from pipecat.processors.frame_processor import FrameProcessorSetup
from pipecat.transports.livekit.transport import (
    LiveKitCallbacks,
    LiveKitParams,
    LiveKitTransport,
    LiveKitTransportClient,
)
from tenacity import stop_after_attempt, wait_chain, wait_fixed

from bot.inbox import Inbox, InboxError

# The rate of VAD, smart-turn and speech-to-text: the FFI resamples once, natively.
INPUT_RATE_HZ = 16_000
# Cost follows the frame rate (1.5 ms of Python a frame); 40 ms is half the frames of 20 ms.
INPUT_FRAME_MS = 40

# Audio handed to LiveKit cannot be taken back except by clear_queue; Pipecat's default is 1000 ms.
OUTPUT_QUEUE_MS = 200

# Enough for the VAD to hear the end (0.2 s) and for smart-turn's own silence limit (1.5 s).
MUTE_SILENCE_MS = 2000

# Closing a stream is a call into native code and back.
CLOSE_TIMEOUT_SECS = 2.0

# LiveKit tells of everybody within three seconds, and of who has left by then never.
ANNOUNCED_WITHIN_SECS = 4.0

# LiveKit's client answers at once, unless it waits for a node that says nothing.
LEAVE_TIMEOUT_SECS = 0.2

# Nobody needs to hear more often that the same thing is refused.
TELL_AGAIN_SECS = 5.0

# Else LiveKit has lost the bot, and it LiveKit: its room may live on elsewhere.
DISMISSALS = (
    rtc.DisconnectReason.CLIENT_INITIATED,
    rtc.DisconnectReason.DUPLICATE_IDENTITY,
    rtc.DisconnectReason.PARTICIPANT_REMOVED,
    rtc.DisconnectReason.ROOM_DELETED,
    rtc.DisconnectReason.ROOM_CLOSED,
)

# `client-ready` and a first typed line; more is not said before a join is complete.
MAX_EARLY_PACKETS = 4


def is_join_failure(error: object) -> bool:
    """Whether somebody was not let into a room, or could not reach it."""
    return isinstance(error, rtc.ConnectError)


def _nobody_asks() -> None:
    """Nobody wants to know."""


# Rooms that are still being left: a task that nobody holds may be collected.
_leaving: set[asyncio.Task[None]] = set()

_Listening = tuple[rtc.AudioStream, asyncio.Task[None]]


class SessionTransportClient(LiveKitTransportClient):
    """The room connection of one session with one user."""

    def __init__(self, user_identity: str | None, *args: Any, **kwargs: Any) -> None:
        """Create the client; with `user_identity` None the first participant is the user."""
        super().__init__(*args, **kwargs)
        self._user_identity = user_identity
        self._inbox = Inbox()
        self._told: dict[str, float] = {}
        self.on_refused: Callable[[str], Awaitable[None]] | None = None
        self.on_adrift: Callable[[], None] = _nobody_asks
        self.is_room_lost = False
        self._is_adrift = False
        self._is_announced = False
        self._watching: asyncio.Task[None] | None = None
        self._audible = asyncio.Event()
        self._early_packets: list[bytes] = []
        self._closing: set[asyncio.Task[None]] = set()

    @property
    def audible(self) -> asyncio.Event:
        """Set once somebody in the room receives the bot's audio track."""
        return self._audible

    # Defect: a failed join waits 4-10 s before it is tried again.
    connect = cast("Any", LiveKitTransportClient.connect).retry_with(
        stop=stop_after_attempt(4),
        wait=wait_chain(wait_fixed(0.25), wait_fixed(0.5), wait_fixed(1)),
        reraise=True,
    )

    async def setup(self, setup: FrameProcessorSetup) -> None:
        """Set the room up; also learn when the bot's track is first subscribed."""
        first_time = self._room is None
        await super().setup(setup)
        if first_time:
            self.room.on("local_track_subscribed", self._on_local_track_subscribed)
            self.room.on("reconnecting", self._on_reconnecting)
            self.room.on("reconnected", self._on_reconnected)
            self.room.on("disconnected", self._on_thrown_out)

    def take_back(self) -> None:
        """Drop the audio that waits in the room's source."""
        if self._audio_source is not None:
            self._audio_source.clear_queue()

    async def disconnect(self) -> None:
        """Leave the room; one that is lost is left behind.

        Defect: while LiveKit's client tries to come back, it leaves only when a knock has been
        answered, and at a lost node's room that takes three seconds.
        """
        if self._is_adrift and self._connected:
            self._connected = False
            leaving = asyncio.create_task(self.room.disconnect())
            _leaving.add(leaving)
            leaving.add_done_callback(_leaving.discard)
            await asyncio.wait({leaving}, timeout=LEAVE_TIMEOUT_SECS)
        await super().disconnect()

    async def release(self) -> None:
        """Close the audio source and streams, also after the server ended the room.

        Defect: after a disconnect by the server, `disconnect()` returns early and they stay (12
        tasks and 80 MB after 15 deleted rooms).
        """
        if self._watching is not None:
            self._watching.cancel()
        await self._close_output_sources()
        await self._close_all_streams()
        if self._closing:
            await asyncio.wait(self._closing, timeout=CLOSE_TIMEOUT_SECS)

    async def _close_audio_stream(self, participant_id: str) -> None:
        """Close a user's audio stream, whatever happens to the caller meanwhile.

        Defect: when the room is deleted the handler that closes the stream is cancelled half-way,
        and the stream and its reader stay for ever.
        """
        entry = cast("_Listening | None", self._audio_streams.pop(participant_id, None))
        if entry is None:
            return
        stream, reader = entry
        reader.cancel()
        closing: asyncio.Task[None] = asyncio.create_task(stream.aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
        await asyncio.wait({closing}, timeout=CLOSE_TIMEOUT_SECS)

    def _on_thrown_out(self, reason: rtc.DisconnectReason.ValueType) -> None:
        self.is_room_lost = reason not in DISMISSALS
        logger.info("left the room: {}", rtc.DisconnectReason.Name(reason).lower())

    def _on_reconnecting(self) -> None:
        self._is_adrift = True
        self.on_adrift()

    def _on_reconnected(self) -> None:
        self._is_adrift = False

    def _on_local_track_subscribed(self, _track: object) -> None:
        self._audible.set()

    async def _participant_connected(self, participant_id: str) -> None:
        if self._user_identity is None:
            self._user_identity = participant_id
        await super()._participant_connected(participant_id)
        if participant_id == self._user_identity:
            self._is_announced = True
            early, self._early_packets = self._early_packets, []
            for payload in early:
                await self._accept_data(payload)

    async def _async_on_track_subscribed(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        """Listen to the user's microphone only, at 16 kHz.

        Defect: Pipecat takes 48 kHz in 10 ms frames, offers no parameter for it, and resamples
        in Python; and a second participant's audio would enter the same STT.
        """
        if self._user_identity is None:
            self._user_identity = participant.identity
        if participant.identity != self._user_identity or track.kind != rtc.TrackKind.KIND_AUDIO:
            return
        if self._task_manager is None:
            return
        await self._close_audio_stream(participant.identity)
        stream = rtc.AudioStream(
            track, sample_rate=INPUT_RATE_HZ, num_channels=1, frame_size_ms=INPUT_FRAME_MS
        )
        task = self._task_manager.create_task(  # pyright: ignore[reportUnknownVariableType]
            self._process_audio_stream(stream, participant.identity),
            f"{self}::_process_audio_stream",
        )
        self._audio_tracks[participant.identity] = track
        self._audio_streams[participant.identity] = (stream, task)
        await self._callbacks.on_audio_track_subscribed(participant.identity)

    async def _async_on_track_muted(
        self, participant: rtc.RemoteParticipant, publication: rtc.RemoteTrackPublication
    ) -> None:
        """Let a user who mutes fall silent.

        Defect: a muted track sends nothing, so an utterance cut off by muting stays open until
        Pipecat's own timeout of 5 s ends the turn.
        """
        await super()._async_on_track_muted(participant, publication)
        if participant.identity not in self._audio_streams:
            return
        silence = rtc.AudioFrame.create(INPUT_RATE_HZ, 1, INPUT_RATE_HZ * INPUT_FRAME_MS // 1000)
        for _ in range(MUTE_SILENCE_MS // INPUT_FRAME_MS):
            await self._audio_queue.put((rtc.AudioFrameEvent(silence), participant.identity))

    async def _async_on_data_received(self, data: rtc.DataPacket) -> None:
        """Pass on RTVI messages of this session's user; drop everything else.

        Defect: Pipecat accepts data from anyone in the room, of any size, at any pace, and logs
        what it drops.

        A packet can outrun the news that its sender has joined, and then names nobody: of those who
        publish nothing LiveKit tells the others every three seconds only. In a room for one human
        it is that one's, and waits only where nobody is expected. (Server SDKs send without a name
        as well, but they hold the API secret.)
        """
        sender = data.participant.identity if data.participant else None
        if self._user_identity is None:
            if sender is None:
                self._early_packets = [*self._early_packets, data.data][-MAX_EARLY_PACKETS:]
        elif sender in (None, self._user_identity):
            if sender is None and not self._is_announced and self._watching is None:
                self._watching = asyncio.create_task(self._watch_for(self._user_identity))
            await self._accept_data(data.data)
        else:
            logger.debug("dropped a data packet: not from the user")

    async def _watch_for(self, user: str) -> None:
        """Take a user who was heard, and is not announced, for one who has left again."""
        await asyncio.sleep(ANNOUNCED_WITHIN_SECS)
        if not self._is_announced:
            await self._callbacks.on_participant_disconnected(user)

    async def _accept_data(self, payload: bytes) -> None:
        try:
            self._inbox.check(payload)
        except InboxError as error:
            await self._refuse(str(error))
            return
        await self._callbacks.on_data_received(payload, self._user_identity)

    async def _refuse(self, code: str) -> None:
        """Tell of a refused packet, once in a while: a flood is not answered by another one."""
        now = asyncio.get_running_loop().time()
        if self.on_refused is not None and now - self._told.get(code, -inf) >= TELL_AGAIN_SECS:
            self._told[code] = now
            await self.on_refused(code)


class SessionTransport(LiveKitTransport):
    """A LiveKit transport for one bot and one user."""

    def __init__(self, *, url: str, token: str, room: str, user_identity: str | None) -> None:
        """Create the transport; it joins the room when the pipeline is set up.

        Args:
            url: LiveKit server, ws(s)://.
            token: The bot's token for `room`.
            room: Room name.
            user_identity: Whom to listen to; None for the first participant to join.
        """
        params = LiveKitParams(
            audio_in_enabled=True,
            audio_out_enabled=True,
            audio_out_queue_size_ms=OUTPUT_QUEUE_MS,
            # Defect: the end silence blocks for ever when the user has left (pipecat#4547).
            audio_out_end_silence_secs=0,
        )
        super().__init__(url, token, room, params)
        callbacks = LiveKitCallbacks(
            on_connected=self._on_connected,
            on_disconnected=self._on_disconnected,
            on_before_disconnect=self._on_before_disconnect,
            on_participant_connected=self._on_participant_connected,
            on_participant_disconnected=self._on_participant_disconnected,
            on_audio_track_subscribed=self._on_audio_track_subscribed,
            on_audio_track_unsubscribed=self._on_audio_track_unsubscribed,
            on_video_track_subscribed=self._on_video_track_subscribed,
            on_video_track_unsubscribed=self._on_video_track_unsubscribed,
            on_video_track_muted=self._on_video_track_muted,
            on_data_received=self._on_data_received,
            on_first_participant_joined=self._on_first_participant_joined,
            on_dtmf_event=self._on_dtmf_event,
            on_active_speaker_changed=self._on_active_speaker_changed,
        )
        self._session_client = SessionTransportClient(
            user_identity, url, token, room, params, callbacks, self.name
        )
        self._client = self._session_client
        # Event `on_data_refused`: a packet of the user's was not taken; its code.
        self._register_event_handler("on_data_refused")
        self._session_client.on_refused = self._on_data_refused

    @property
    def is_room_lost(self) -> bool:
        """Whether it was disconnected though nobody has closed the room or sent it out."""
        return self._session_client.is_room_lost

    async def _on_data_refused(self, code: str) -> None:
        await self._call_event_handler("on_data_refused", code)

    async def cleanup(self) -> None:
        """Release what the transport holds; called once for each of its two processors."""
        await super().cleanup()
        await self._session_client.release()

    def when_adrift(self, tell: Callable[[], None]) -> None:
        """Say whom to tell that the room is lost and LiveKit's client tries to come back.

        It goes on for about a minute. A server that was restarted knows the room no more: whoever
        is told makes it anew, and both sides find each other there.
        """
        self._session_client.on_adrift = tell

    def take_back(self) -> None:
        """Drop the audio that LiveKit has been given and has not sent."""
        self._session_client.take_back()

    async def wait_audible(self) -> None:
        """Return once somebody in the room receives the bot's audio."""
        await self._session_client.audible.wait()
