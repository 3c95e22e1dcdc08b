"""The HTTP forms of `/v1/listen` (a WAV file in) and `/v1/speak` (audio out)."""

import hashlib
import json
import uuid
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from local.engines.api import SAMPLE_RATE_HZ, Engines, Transcript, Voice, Word
from local.wire import listen_options, speak_options
from local.wire.audio import read_wav, resample, wav
from local.wire.ear import Ear
from local.wire.errors import DeepgramError, bad_request
from local.wire.faults import FaultBoard
from local.wire.results import alternative
from local.wire.segments import Moment, Segmenter
from local.wire.sentences import SentenceBuffer
from local.wire.speak import MODEL_UUID
from local.wire.speech import SpeechCutError, speech_chunks

_ENDPOINTING_MS = 500
_MAX_TEXT_CHARS = 2000


async def listen(request: web.Request, engines: Engines) -> web.Response:
    """Answer `POST /v1/listen` with the transcript of a 16-bit PCM WAV body.

    Raises:
        DeepgramError: With status 400 for wrong parameters or a body that is no such WAV.
        EngineError: If recognition failed.
    """
    options = listen_options.parse_recorded(request.query)
    content = await request.read()
    try:
        audio, rate_hz = read_wav(content)
    except ValueError:
        raise bad_request("failed to process audio: corrupt or unsupported data") from None
    request_id = str(uuid.uuid4())
    try:
        transcript = await _transcribe(
            resample(audio, rate_hz, SAMPLE_RATE_HZ), request_id, options.language, engines
        )
    finally:
        engines.transcriber.forget(request_id)
    body: dict[str, Any] = {
        "metadata": {
            "transaction_key": "deprecated",
            "request_id": request_id,
            "sha256": hashlib.sha256(content).hexdigest(),
            "created": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "duration": round(len(audio) / 2 / rate_hz, 3),
            "channels": 1,
            "models": [options.model],
            "model_info": {},
        },
        "results": {
            "channels": [{"alternatives": [alternative(transcript, 0.0, options.punctuate)]}]
        },
    }
    return web.json_response(body, headers={"dg-request-id": request_id})


async def _transcribe(audio: bytes, stream: str, language: str, engines: Engines) -> Transcript:
    detector = engines.new_detector()
    segments = Segmenter(
        endpointing_ms=_ENDPOINTING_MS,
        utterance_end_ms=None,
        window_samples=detector.window_samples,
    )
    ear = Ear(detector, segments, SAMPLE_RATE_HZ)
    parts: list[Transcript] = []

    async def decode() -> None:
        start, clip = ear.utterance()
        segments.end()
        part = await engines.transcriber.transcribe(
            clip, stream=stream, final=True, language=language
        )
        offset = start / SAMPLE_RATE_HZ
        words = tuple(
            Word(word.text, word.start_secs + offset, word.end_secs + offset) for word in part.words
        )
        parts.append(Transcript(part.text, part.confidence, words))

    step = SAMPLE_RATE_HZ * 2
    for offset in range(0, len(audio), step):
        for events in ear.push(audio[offset : offset + step]):
            if any(event.moment in {Moment.ENDED, Moment.CUT} for event in events):
                await decode()
    if segments.start is not None:
        await decode()
    said = [part for part in parts if part.text]
    return Transcript(
        " ".join(part.text for part in said),
        min((part.confidence for part in said), default=0.0),
        tuple(word for part in said for word in part.words),
    )


async def speak(request: web.Request, voice: Voice, faults: FaultBoard) -> web.StreamResponse:
    """Answer `POST /v1/speak` with the audio of `{"text": ...}`.

    Raises:
        DeepgramError: For wrong parameters (400) or too much text (413).
        EngineError: If synthesis failed before the first byte.
    """
    options = speak_options.parse(request.query, default_container="wav")
    text = _text(await request.read())
    buffer = SentenceBuffer()
    sentences = buffer.push(text) + buffer.flush()

    async def chunks() -> AsyncGenerator[bytes]:
        for sentence in sentences:
            parts = speech_chunks(voice, sentence, options.sample_rate_hz, faults)
            async with aclosing(parts):
                async for part in parts:
                    yield part

    headers = {
        "dg-request-id": str(uuid.uuid4()),
        "dg-model-name": options.model,
        "dg-model-uuid": MODEL_UUID,
        "dg-char-count": str(len(text)),
    }
    try:
        if options.container == "wav":
            whole = b"".join([chunk async for chunk in chunks()])
            return web.Response(
                body=wav(whole, options.sample_rate_hz), content_type="audio/wav", headers=headers
            )
        return await _streamed(request, chunks(), options.sample_rate_hz, headers)
    except SpeechCutError:
        if request.transport:
            request.transport.abort()
        return web.Response()


async def _streamed(
    request: web.Request, chunks: AsyncGenerator[bytes], rate_hz: int, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={**headers, "Content-Type": f"audio/l16;rate={rate_hz};channels=1"}
    )
    async with aclosing(chunks):
        first = await anext(chunks, b"")
        await response.prepare(request)
        await response.write(first)
        async for chunk in chunks:
            await response.write(chunk)
    await response.write_eof()
    return response


def _text(content: bytes) -> str:
    try:
        text = json.loads(content)["text"]
    except (ValueError, TypeError, KeyError):
        raise bad_request(
            "Please specify exactly one of `text` or `url` in the JSON body."
        ) from None
    if not isinstance(text, str) or not text.strip():
        raise bad_request("Input text is empty.")
    if len(text) > _MAX_TEXT_CHARS:
        message = f"Input text exceeds maximum character limit of {_MAX_TEXT_CHARS}."
        raise DeepgramError(413, "PAYLOAD_TOO_LARGE", message)
    return text
