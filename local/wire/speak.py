"""The `/v1/speak` WebSocket: text in, audio out.

Synthesis starts with the first complete sentence. One task speaks, in order; Clear cancels that
task before it answers, so nothing older than `Cleared` follows it.
"""

import asyncio
import json
import logging
import uuid
from collections import deque
from contextlib import aclosing, suppress
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from local.engines.api import Voice
from local.engines.process import EngineError
from local.wire.faults import FaultBoard
from local.wire.sentences import SentenceBuffer
from local.wire.speak_options import SpeakOptions
from local.wire.speech import SpeechCutError, speech_chunks
from local.wire.timeline import TTS_AUDIO, TTS_TEXT, Timeline

log = logging.getLogger(__name__)

MODEL_UUID = str(uuid.uuid5(uuid.NAMESPACE_URL, "local-engine/piper-joe"))

# Deepgram's limits: characters that may wait, and Flush messages per minute and socket.
_MAX_WAITING_CHARS = 20_000
_MAX_FLUSHES = 20
_FLUSH_WINDOW_SECS = 60.0

_ENGINE_REASON = "The speech engine failed. See https://dpgr.am/net0000"
_FLUSH = None


class SpeakSession:
    """One connection, from the handshake to the close."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        request: web.Request,
        *,
        options: SpeakOptions,
        voice: Voice,
        faults: FaultBoard,
        timeline: Timeline,
        request_id: str,
    ) -> None:
        self._socket = socket
        self._request = request
        self._options = options
        self._voice = voice
        self._faults = faults
        self._timeline = timeline
        self._request_id = request_id
        self._text = SentenceBuffer()
        self._waiting: asyncio.Queue[str | None] = asyncio.Queue()
        self._waiting_chars = 0
        self._flushed = 0
        self._cleared = 0
        self._flush_times: deque[float] = deque(maxlen=_MAX_FLUSHES)
        self._speaker: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        await self._send(
            {
                "type": "Metadata",
                "request_id": self._request_id,
                "model_name": self._options.model,
                "model_version": "local",
                "model_uuid": MODEL_UUID,
            }
        )
        self._speaker = asyncio.create_task(self._speak())
        closer = asyncio.create_task(self._close_on_fault())
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT and not await self._obey(message.data):
                    break
        finally:
            # Cancelled first and awaited together: aiohttp cancels this handler, too, when the
            # client is gone, and that must not leave either of them half-way.
            left = {task for task in (closer, self._speaker) if task}
            for task in left:
                task.cancel()
            await asyncio.wait(left)

    async def _obey(self, text: str) -> bool:
        try:
            message: dict[str, Any] = json.loads(text)
            kind = message["type"]
        except (ValueError, TypeError, KeyError):
            kind, message = None, {}
        match kind:
            case "Speak":
                await self._add(message.get("text"))
            case "Flush":
                await self._flush()
            case "Clear":
                await self._clear()
            case "Close":
                await self._close(WSCloseCode.OK, "")
                return False
            case _:
                await self._warn("DATA-0000", "The message is not understood.")
        return True

    async def _add(self, text: object) -> None:
        if not isinstance(text, str):
            await self._warn("DATA-0000", "Speak needs a text.")
        elif self._waiting_chars + self._text.pending_chars + len(text) > _MAX_WAITING_CHARS:
            await self._warn("TEXT_LENGTH_EXCEEDED", "Too much text waits; this text is dropped.")
        else:
            for sentence in self._text.push(text):
                self._say(sentence)

    def _say(self, sentence: str) -> None:
        self._timeline.mark(TTS_TEXT, self._request_id)
        self._waiting_chars += len(sentence)
        self._waiting.put_nowait(sentence)

    async def _flush(self) -> None:
        now = asyncio.get_running_loop().time()
        times = self._flush_times
        if len(times) == _MAX_FLUSHES and now - times[0] < _FLUSH_WINDOW_SECS:
            await self._warn(
                "FLUSH_LIMIT_EXCEEDED", f"At most {_MAX_FLUSHES} Flush messages in 60 seconds."
            )
            return
        times.append(now)
        for sentence in self._text.flush():
            self._say(sentence)
        self._waiting.put_nowait(_FLUSH)

    async def _clear(self) -> None:
        await self._stop_speaking()
        self._text.clear()
        self._waiting = asyncio.Queue()
        self._waiting_chars = 0
        await self._send({"type": "Cleared", "sequence_id": self._cleared})
        self._cleared += 1
        self._speaker = asyncio.create_task(self._speak())

    async def _stop_speaking(self) -> None:
        speaker, self._speaker = self._speaker, None
        if speaker:
            speaker.cancel()
            await asyncio.wait({speaker})

    async def _speak(self) -> None:
        try:
            while True:
                sentence = await self._waiting.get()
                if sentence is None:
                    await self._send({"type": "Flushed", "sequence_id": self._flushed})
                    self._flushed += 1
                    continue
                rate_hz = self._options.sample_rate_hz
                chunks = speech_chunks(self._voice, sentence, rate_hz, self._faults)
                is_first = True
                async with aclosing(chunks):
                    async for chunk in chunks:
                        await self._socket.send_bytes(chunk)
                        if is_first:
                            self._timeline.mark(TTS_AUDIO, self._request_id)
                            is_first = False
                self._waiting_chars -= len(sentence)
        except SpeechCutError:
            if self._request.transport:
                self._request.transport.abort()
        except EngineError:
            log.warning("a sentence was lost: the speech engine failed")
            await self._close(WSCloseCode.INTERNAL_ERROR, _ENGINE_REASON)
        except ConnectionError:
            log.debug("the client left while it was spoken to")

    async def _close_on_fault(self) -> None:
        fault = await self._faults.wait("tts", "close")
        await asyncio.sleep(fault.secs("after_ms"))
        await self._close(int(fault.number("code")), "See https://dpgr.am/data0000")

    async def _warn(self, code: str, description: str) -> None:
        await self._send({"type": "Warning", "code": code, "description": description})

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._socket.closed:
            with suppress(ConnectionError):
                await self._socket.send_str(json.dumps(message))

    async def _close(self, code: int, reason: str) -> None:
        with suppress(ConnectionError):
            await self._socket.close(code=code, message=reason.encode())
