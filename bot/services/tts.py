"""Text to speech: Deepgram."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, cast
from urllib.parse import urlencode

from pipecat.frames.frames import Frame, TTSSpeakFrame
from pipecat.utils.errors import extract_http_status_code

from bot.breaker import CircuitBreaker
from bot.failures import Incident, Report, unheard
from bot.http_clients import post, websocket_origin
from bot.phrases import NO_VOICE
from bot.services.clearing_tts import ClearingTTSService
from bot.settings import BotSettings
from bot.unspoken import Unspoken
from bot.usage import Unit, Usage
from bot.waits import QUICK_WAITS_SECS, waits_secs

# As for speech to text (bot/services/stt.py).
CONNECT_TIMEOUT_SECS = 1.5
REFUSED_FOR_GOOD = frozenset({400, 401, 402, 403, 404})

# Deepgram begins to speak 0.1-0.3 s after a sentence and sends faster than it is heard; an engine
# of one's own on a busy machine takes longer. Twice as long for an answer's second try.
AUDIO_WITHIN_SECS = 2.0
# An answer that could not be spoken over two connections is shown.
MOST_TRIES = 2
# One that breaks off again and again would be begun again and again.
MOST_BREAKS = 2


class LastingTTSService(ClearingTTSService):
    """Deepgram, connected anew when it breaks off or falls silent, and told again what is left.

    Pipecat waits 4 s before it tries again, has lost the answer by then, and gives the service up
    after three answers without audio. Here an answer goes on over a new connection, perhaps in the
    second voice; one that cannot be spoken is shown, and the next one is tried again.
    """

    def __init__(
        self,
        *,
        breaker: CircuitBreaker,
        second_voice: str | None = None,
        report: Report = unheard,
        usage: Usage | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the service.

        Args:
            breaker: Of this provider's text to speech.
            second_voice: Spoken with where the first one fails; None for the same again.
            report: Is told what has happened to the connection.
            usage: Where it is counted what is given to be spoken.
            kwargs: As Pipecat's.
        """
        super().__init__(**kwargs)
        self._breaker = breaker
        self._report = report
        self._usage = usage or Usage()
        first = cast("str", self._settings.voice)
        self._voices = (first, second_voice or first)
        self._lock = asyncio.Lock()
        self._mending: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._wanted = asyncio.Event()
        self._is_away = False
        self._has_apologised = False
        self._unspoken = Unspoken()
        self._context_id: str | None = None
        self._is_flushed = False
        self._is_shown = False
        self._tries = 0
        self._breaks = 0
        self._progress_at = 0.0

    # What Pipecat calls

    async def _connect_websocket(self) -> None:
        """Open the session's first connection."""
        try:
            await self._open(self._voices[0])
        except Exception as error:  # noqa: BLE001 - any failure is one to try again after
            if extract_http_status_code(error) in REFUSED_FOR_GOOD:
                await self.push_error("refused", exception=error, force_treat_as_permanent=True)
                return
            self._report(Incident.TTS_UNREACHABLE)
            self._mend(over_again=False)

    async def _disconnect(self) -> None:
        self._finish()
        task, self._mending = self._mending, None
        if task is not None:
            await self.cancel_task(task)
        await super()._disconnect()

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """Have a sentence spoken; where nobody can speak it, it is shown."""
        if self.is_prepared(text):
            async for frame in super().run_tts(text, context_id):
                yield frame
            return
        async with self._lock:
            if context_id != self._context_id:
                self._finish()
                self._context_id = context_id
                self._wanted.set()
                if self._is_away or self._breaker.is_open:
                    await self._tell_shown()
            self._unspoken.add(text)
            if not self._is_shown:
                await self._say({"type": "Speak", "text": text})
                if self.opens_answer(text):
                    await self._say({"type": "Flush"})
        yield None

    async def flush_audio(self, context_id: str | None = None) -> None:
        """End an answer: what was given is spoken now."""
        if context_id is None or context_id != self._context_id:
            await super().flush_audio(context_id)
            return
        async with self._lock:
            self._is_flushed = True
            if not self._is_shown:
                await self._say({"type": "Flush"})
                if self._websocket is not None:
                    self._watch()
        if self._is_shown:
            await self._show()

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Forget what was still to be said."""
        self._finish()
        await super().on_audio_context_interrupted(context_id)

    async def _record_context_audio_outcome(self, context_id: str, received_audio: bool) -> None:
        """Count nothing: an answer without audio is dealt with while it is due."""

    # The answer that is being spoken

    def _on_audio(self, audio: bytes) -> None:
        self._progress_at = _now()
        self._unspoken.hear(audio, self.sample_rate)

    async def _on_flushed(self, context_id: str) -> None:
        if self._unspoken.has_text and not self._unspoken.has_audio:
            await self._falter(Incident.TTS_SILENT)
            return
        self._unspoken.complete()
        self._breaker.succeeded()
        self._has_apologised = False
        self._finish()
        await super()._on_flushed(context_id)

    def _finish(self) -> None:
        """Have no answer to speak."""
        self._context_id = None
        self._unspoken.begin()
        self._is_flushed = self._is_shown = False
        self._tries = self._breaks = 0
        watching, self._watching = self._watching, None
        if watching is not None and watching is not asyncio.current_task():
            watching.cancel()

    async def _show(self) -> None:
        """End an answer that cannot be spoken: its words go to the captions and the context."""
        context_id = self._context_id
        self._finish()
        if context_id is not None:
            await self.end_audio_context(context_id)

    async def _give_answer_up(self) -> None:
        if self._context_id is None or self._is_shown:
            return
        await self._tell_shown()
        if self._is_flushed:
            await self._show()

    async def _tell_shown(self) -> None:
        """Tell the visitor that this answer is to be read: aloud once in an outage."""
        self._is_shown = True
        await self.push_error("an answer cannot be spoken")
        if not self._has_apologised and self.is_prepared(NO_VOICE):
            self._has_apologised = True
            await self.queue_frame(TTSSpeakFrame(NO_VOICE, append_to_context=False))

    def _watch(self) -> None:
        self._progress_at = _now()
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch_answer(), name=f"{self}::watch")

    async def _watch_answer(self) -> None:
        """Notice that nothing comes any more of an answer that is not complete."""
        # Audio that arrives meanwhile moves the end.
        while (wait_secs := self._progress_at + self._patience_secs - _now()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait_secs)
        await self._falter(Incident.TTS_STALLED)

    @property
    def _patience_secs(self) -> float:
        return AUDIO_WITHIN_SECS * (1 + self._tries)

    async def _falter(self, incident: Incident) -> None:
        """Try an answer over another connection, or show it; the visitor has noticed by now."""
        self._report(incident)
        self._breaker.failed()
        self._tries += 1
        self._watching = None
        if self._tries < MOST_TRIES:
            await self.push_error("an answer is not spoken")
        else:
            await self._give_answer_up()
        self._mend(over_again=True)

    # The connection

    async def _say(self, message: dict[str, str]) -> None:
        if self._websocket is None:
            return
        try:
            await self._send(self._websocket, message)
        except Exception:  # noqa: BLE001 - whatever it is, the connection is of no use any more
            self._report(Incident.TTS_LOST)
            self._mend(over_again=False)

    async def _send(self, websocket: Any, message: dict[str, str]) -> None:
        await websocket.send(json.dumps(message))
        if text := message.get("text"):
            self._usage.add(Unit.TTS_CALLS)
            self._usage.add(Unit.TTS_CHARACTERS, len(text))

    def _mend(self, *, over_again: bool) -> None:
        """Connect anew; `over_again`: with the second voice first."""
        websocket, self._websocket = cast("Any", self._websocket), None
        if websocket is not None:
            websocket.transport.abort()
        if self._mending is None or self._mending.done():
            self._mending = self.create_task(self._connect_anew(over_again=over_again))

    async def _connect_anew(self, *, over_again: bool) -> None:
        """Try until there is a connection; what is left of the answer is told over it."""
        for index, wait_secs in enumerate(waits_secs()):
            if index == len(QUICK_WAITS_SECS) or self._breaker.is_open:
                self._is_away = True
                await self._give_answer_up()
            await self._wait(wait_secs)
            if not self._breaker.allows():
                continue
            voice = self._voices[over_again if index == 0 else index % 4 >= 2]
            try:
                async with self._lock:
                    await self._open(voice)
                    await self._say_rest()
            except Exception:  # noqa: BLE001 - any failure is one to try again after
                self._breaker.failed()
                self._report(Incident.TTS_UNREACHABLE)
                continue
            self._is_away = False
            self._report(Incident.TTS_RECONNECTED)
            if voice != self._voices[0]:
                self._report(Incident.TTS_SECOND_VOICE)
            return

    async def _wait(self, secs: float) -> None:
        """Wait before the next try; an answer is not kept waiting for long."""
        self._wanted.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(secs):
                await self._wanted.wait()

    async def _say_rest(self) -> None:
        if self._context_id is None or self._is_shown:
            return
        websocket = cast("Any", self._websocket)
        if rest := self._unspoken.rest():
            await self._send(websocket, {"type": "Speak", "text": rest})
        if self._is_flushed:
            await self._send(websocket, {"type": "Flush"})
            self._watch()

    async def _open(self, voice: str) -> None:
        """Open a connection that speaks with a voice.

        Raises:
            Exception: refused, not reached, or not in time.
        """
        query = urlencode(
            {"model": voice, "encoding": "linear16", "sample_rate": str(self.sample_rate)}
        )
        async with asyncio.timeout(CONNECT_TIMEOUT_SECS):
            websocket = await self._websocket_connect(
                f"{self._base_url}/v1/speak?{query}",
                additional_headers={"Authorization": f"Token {self._api_key}"},
            )
        self._clears_due = 0
        self.forget_flushes()
        self._websocket = websocket
        self._receive_task = self.create_task(self._listen(websocket))

    async def _listen(self, websocket: object) -> None:
        """Take what comes over a connection until it breaks."""
        with suppress(Exception):
            await self._receive_messages()
        if websocket is self._websocket and not self._disconnecting:
            self._report(Incident.TTS_LOST)
            self._breaks += self._context_id is not None
            if self._breaks > MOST_BREAKS:
                await self._give_answer_up()
            self._mend(over_again=False)


def _now() -> float:
    return asyncio.get_running_loop().time()


async def synthesise(settings: BotSettings, text: str, rate_hz: int) -> bytes:
    """Return a text spoken in the configured voice, as s16le mono.

    Raises:
        OSError: the provider refused, or cannot be reached.
        TimeoutError: it did not answer in time.
    """
    origin = websocket_origin(settings.deepgram_base_url).replace("ws", "http", 1)
    query = {
        "model": settings.assistant_voice,
        "encoding": "linear16",
        "sample_rate": str(rate_hz),
        "container": "none",
    }
    headers = {"Authorization": f"Token {settings.deepgram_key}"}
    return await post(f"{origin}/v1/speak", query, {"text": text}, headers)
