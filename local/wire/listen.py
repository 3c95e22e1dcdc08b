"""The `/v1/listen` WebSocket: audio in, `Results` out.

One task reads, one sends finals in order, one makes interim guesses. When the speaker pauses, the
utterance is decoded ahead of the verdict, so that the final is ready when endpointing or Finalize
asks for it.
"""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

from aiohttp import WSCloseCode, WSMessage, WSMsgType, web

from local.engines.api import SAMPLE_RATE_HZ, Engines, Transcript
from local.engines.process import EngineError
from local.wire import results
from local.wire.ear import Ear
from local.wire.faults import FaultBoard
from local.wire.finals import Decode, Final
from local.wire.listen_options import SHORTEST_ENDPOINTING_MS, ListenOptions
from local.wire.segments import Event, Moment, Segmenter
from local.wire.timeline import STT_FINAL, Timeline

log = logging.getLogger(__name__)

IDLE_SECS = 10.0
_IDLE_REASON = (
    "Deepgram did not receive audio data or a text message within the timeout window. "
    "See https://dpgr.am/net0001"
)
_ENGINE_REASON = "The recognition engine failed. See https://dpgr.am/net0000"
_SCHEMA_REASON = "The message is not understood. See https://dpgr.am/data0000"

_INTERIM_SECS = 0.5
_LONGEST_INTERIM_SECS = 2.0
# Finals that wait for the engine before the socket is no longer read (TCP then holds the client).
_MAX_PENDING_FINALS = 8
# Windows judged between two looks at the event loop, about 10 ms of work.
_WINDOWS_PER_SLICE = 50


class ListenSession:
    """One connection, from the handshake to the close."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        *,
        options: ListenOptions,
        engines: Engines,
        faults: FaultBoard,
        timeline: Timeline,
        request_id: str,
    ) -> None:
        self._socket = socket
        self._options = options
        self._engines = engines
        self._faults = faults
        self._timeline = timeline
        self._request_id = request_id
        self._delay_secs = engines.final_after_secs
        detector = engines.new_detector()
        self._segments = Segmenter(
            endpointing_ms=options.endpointing_ms if self._delay_secs is None else None,
            utterance_end_ms=options.utterance_end_ms,
            window_samples=detector.window_samples,
        )
        self._ear = Ear(detector, self._segments, options.sample_rate_hz)
        self._heard_at = 0.0
        self._final_end = 0
        self._early: Decode | None = None
        self._finals: asyncio.Queue[Final] = asyncio.Queue(_MAX_PENDING_FINALS)
        self._newest: Final | None = None
        self._speaking = asyncio.Event()
        self._endpoint: asyncio.Task[None] | None = None
        self._is_overdue = False
        self._decodes: set[asyncio.Task[Transcript]] = set()
        self._sender: asyncio.Task[None] | None = None
        self._is_frozen = False

    async def run(self) -> None:
        """Serve the connection until either side ends it."""
        self._sender = asyncio.create_task(self._send_finals())
        workers = [self._sender, asyncio.create_task(self._close_on_fault())]
        if self._options.interim_results:
            workers.append(asyncio.create_task(self._send_interims()))
        try:
            await self._read()
        finally:
            if self._endpoint:
                workers.append(self._endpoint)
            for task in (*workers, *self._decodes):
                task.cancel()
            await asyncio.gather(*workers, *self._decodes, return_exceptions=True)
            self._engines.transcriber.forget(self._request_id)

    async def _read(self) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=IDLE_SECS)
            except TimeoutError:
                await self._close(WSCloseCode.INTERNAL_ERROR, _IDLE_REASON)
                return
            if self._faults.take("stt", "half_open"):
                self._is_frozen = True
                await asyncio.Event().wait()
            if not await self._handle(message):
                return

    async def _handle(self, message: WSMessage) -> bool:
        if message.type is WSMsgType.TEXT:
            return await self._obey(message.data)
        if message.type is not WSMsgType.BINARY:
            return False
        if not message.data:
            # An empty payload is Deepgram's older way to end a stream.
            await self._finish()
            return False
        await self._hear(message.data)
        return True

    async def _obey(self, text: str) -> bool:
        try:
            kind = json.loads(text)["type"]
        except (ValueError, TypeError, KeyError):
            kind = None
        if kind == "Finalize":
            await self._end(speech_final=False, from_finalize=True)
        elif kind == "CloseStream":
            await self._finish()
            return False
        elif kind == "Configure":
            await self._send(results.configure_failure(self._request_id))
        elif kind != "KeepAlive":
            await self._send(results.schema_error("unknown or malformed text message"))
            await self._close(WSCloseCode.POLICY_VIOLATION, _SCHEMA_REASON)
            return False
        return True

    async def _hear(self, data: bytes) -> None:
        now = asyncio.get_running_loop().time()
        for index, events in enumerate(self._ear.push(data), start=1):
            for event in events:
                await self._happen(event)
            if index % _WINDOWS_PER_SLICE == 0:
                await asyncio.sleep(0)
        if self._ear.heard_speech:
            self._heard_at = now
            self._expect_endpoint()
        elif self._is_overdue:
            await self._end(speech_final=True, from_finalize=False)

    async def _happen(self, event: Event) -> None:
        match event.moment:
            case Moment.STARTED:
                self._speaking.set()
                if self._options.vad_events:
                    await self._send(results.speech_started(event.at / SAMPLE_RATE_HZ))
            case Moment.PAUSED:
                self._speaking.clear()
                if self._delay_secs is None:
                    self._early = self._decode(final=True)
            case Moment.RESUMED:
                self._speaking.set()
                self._drop_early()
            case Moment.ENDED:
                await self._end(speech_final=True, from_finalize=False)
            case Moment.CUT:
                await self._end(speech_final=False, from_finalize=False)
            case Moment.SILENT:
                await self._send(results.utterance_end(event.at / SAMPLE_RATE_HZ))

    def _expect_endpoint(self) -> None:
        """With fixed delays, silence on the wall clock ends the utterance."""
        endpointing_ms = self._options.endpointing_ms
        if self._delay_secs is None or endpointing_ms is None:
            return
        self._is_overdue = False
        if self._endpoint is None or self._endpoint.done():
            # Deepgram's default is shorter than any fixed delay; a longer wish is granted.
            asked_secs = endpointing_ms / 1000 if endpointing_ms > SHORTEST_ENDPOINTING_MS else 0
            wait_secs = max(self._delay_secs, asked_secs)
            self._endpoint = asyncio.create_task(self._end_after(wait_secs))

    async def _end_after(self, delay_secs: float) -> None:
        loop = asyncio.get_running_loop()
        # Speech that arrives meanwhile moves the end.
        while (left := self._heard_at + delay_secs - loop.time()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(left)
        # A client that stalls in the middle of a word has not fallen silent.
        if self._ear.position > self._segments.speech_end:
            await self._end(speech_final=True, from_finalize=False)
        else:
            self._is_overdue = True

    async def _end(self, *, speech_final: bool, from_finalize: bool) -> None:
        """Queue the final of the open utterance, or an empty one when Finalize finds none."""
        if self._segments.start is None:
            if not from_finalize:
                return
            if self._newest is not None:
                # The final is under way already: that one answers Finalize.
                self._newest.from_finalize = True
                return
            decode, ready_at = None, 0.0
        else:
            decode = self._early or self._decode(final=True)
            ready_at = self._heard_at + (self._delay_secs or 0.0)
        end = self._ear.position
        final = Final(
            self._final_end, end, decode, speech_final, from_finalize, ready_at, self._heard_at
        )
        if decode:
            self._newest = final
        self._early = None
        self._final_end = end
        self._is_overdue = False
        self._speaking.clear()
        self._segments.end()
        await self._finals.put(final)

    def _decode(self, *, final: bool) -> Decode:
        start, audio = self._ear.utterance()
        task = asyncio.create_task(
            self._engines.transcriber.transcribe(
                audio, stream=self._request_id, final=final, language=self._options.language
            )
        )
        self._decodes.add(task)
        task.add_done_callback(self._decode_done)
        return Decode(start, task)

    def _decode_done(self, task: "asyncio.Task[Transcript]") -> None:
        self._decodes.discard(task)
        if not task.cancelled():
            task.exception()

    def _drop_early(self) -> None:
        if self._early:
            self._early.task.cancel()
            self._early = None

    async def _send_finals(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            final = await self._finals.get()
            try:
                transcript = await final.decode.task if final.decode else Transcript()
            except EngineError:
                log.warning("a final transcript was lost: the recognition engine failed")
                await self._close(WSCloseCode.INTERNAL_ERROR, _ENGINE_REASON)
                return
            await asyncio.sleep(max(0.0, final.ready_at - loop.time()))
            if slow := self._faults.take("stt", "slow"):
                await asyncio.sleep(slow.secs("ms"))
            if self._newest is final:
                self._newest = None
            if final.decode is None or not self._faults.take("stt", "silent"):
                await self._send_result(transcript, final)
                if transcript.text:
                    self._timeline.mark(STT_FINAL, self._request_id, heard_at=final.heard_at)
            self._finals.task_done()

    async def _send_result(self, transcript: Transcript, final: Final) -> None:
        await self._send(
            results.result(
                transcript,
                request_id=self._request_id,
                words_from_secs=(final.decode.start if final.decode else 0) / SAMPLE_RATE_HZ,
                start_secs=final.start / SAMPLE_RATE_HZ,
                duration_secs=(final.end - final.start) / SAMPLE_RATE_HZ,
                is_final=True,
                speech_final=final.speech_final,
                from_finalize=final.from_finalize,
                punctuate=self._options.punctuate,
            )
        )

    async def _send_interims(self) -> None:
        loop = asyncio.get_running_loop()
        pause_secs = _INTERIM_SECS
        while True:
            await asyncio.sleep(pause_secs)
            await self._speaking.wait()
            if self._engines.transcriber.is_busy():
                pause_secs = min(pause_secs * 2, _LONGEST_INTERIM_SECS)
                continue
            began = loop.time()
            until, covered = self._final_end, self._ear.position
            decode = self._decode(final=False)
            try:
                transcript = await decode.task
            except EngineError:
                pause_secs = _LONGEST_INTERIM_SECS
                continue
            pause_secs = max(_INTERIM_SECS, loop.time() - began)
            is_open = self._segments.start is not None and self._final_end == until
            if is_open and transcript.text and not self._faults.peek("stt", "silent"):
                await self._send(
                    results.result(
                        transcript,
                        request_id=self._request_id,
                        words_from_secs=decode.start / SAMPLE_RATE_HZ,
                        start_secs=until / SAMPLE_RATE_HZ,
                        duration_secs=(covered - until) / SAMPLE_RATE_HZ,
                        is_final=False,
                        speech_final=False,
                        from_finalize=False,
                        punctuate=self._options.punctuate,
                    )
                )

    async def _finish(self) -> None:
        await self._end(speech_final=True, from_finalize=False)
        sent = asyncio.create_task(self._finals.join())
        await asyncio.wait({sent, *filter(None, [self._sender])}, return_when="FIRST_COMPLETED")
        sent.cancel()
        await self._send(results.metadata(self._request_id, self._ear.position / SAMPLE_RATE_HZ))
        await self._close(WSCloseCode.OK, "")

    async def _close_on_fault(self) -> None:
        fault = await self._faults.wait("stt", "close")
        await asyncio.sleep(fault.secs("after_ms"))
        await self._close(int(fault.number("code")), "See https://dpgr.am/net0000")

    async def _send(self, message: dict[str, Any]) -> None:
        if self._is_frozen or self._socket.closed:
            return
        with suppress(ConnectionError):
            await self._socket.send_str(json.dumps(message))

    async def _close(self, code: int, reason: str) -> None:
        with suppress(ConnectionError):
            await self._socket.close(code=code, message=reason.encode())
