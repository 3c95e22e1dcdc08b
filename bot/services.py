"""The providers: the only file that names Deepgram, Groq or OpenAI."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, cast

from deepgram import AsyncDeepgramClient
from deepgram.listen.v1.types import ListenV1Finalize, ListenV1Results
from loguru import logger
from openai import APIError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionChunk
from pipecat.adapters.llm.services.open_ai_adapter import (
    OpenAILLMAdapter,
    OpenAILLMInvocationParams,
)
from pipecat.frames.frames import (
    Frame,
    InterruptionFrame,
    TTSAudioRawFrame,
    TTSStoppedFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection
from pipecat.services.deepgram import stt as pipecat_deepgram_stt
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.groq.llm import GroqLLMService
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import WebsocketTTSService
from pipecat.utils.http import connection_limits

from bot.greeting import PreparedGreeting
from bot.http_clients import certificates, post, unused_client, websocket_origin
from bot.opening import EagerOpening
from bot.patience import PatientLLMMixin
from bot.prepared import NOTHING, Prepared
from bot.settings import GROQ_CLOUD, BotSettings

# Deepgram answers Finalize within 0.35 s in 99 of 100 cases (Pipecat's stt_latency table); the
# wait ends at the answer, so a longer bound costs nothing and saves the words of a slow one.
STT_FINAL_TIMEOUT_SECS = 1.0

# The final transcript is what an answer is prepared from, so it comes at the first silence; our
# VAD's Finalize is the net below it (docs/decisions/0003).
ENDPOINTING_MS = 100

# Silence after which words without a final are asked for: longer than ENDPOINTING_MS and a round
# trip, counted from the VAD's own 0.1 s.
FINALIZE_AFTER_SECS = 0.2

# Deepgram answers Clear in a round trip; audio that comes later than this is taken as new.
CLEARED_WITHIN_SECS = 1.0

# Groq's gpt-oss-120b gives its first token in 0.1 s (median) and 2.1 s (worst of 300, aiewf-eval).
LLM_FIRST_BYTE_TIMEOUT_SECS = 2.5


def _deepgram_client(**kwargs: Any) -> AsyncDeepgramClient:
    return AsyncDeepgramClient(httpx_client=unused_client(), **kwargs)


# Defect: for each session the SDK makes an HTTP client that listening never uses, and reads all
# certificates for it (45 ms in which every other session of the process stands still).
pipecat_deepgram_stt.AsyncDeepgramClient = _deepgram_client  # pyright: ignore[reportPrivateImportUsage]


def llm_http() -> DefaultAsyncHttpxClient:
    """Return an HTTP client for the language model, for one or for all sessions of a process."""
    # Without an expiry, so that a connection outlives the pause between two turns.
    limits: Any = connection_limits(
        max_keepalive_connections=100, max_connections=1000, keepalive_expiry=None
    )
    return DefaultAsyncHttpxClient(verify=certificates(), limits=limits)


@dataclass(frozen=True)
class Services:
    """The three providers of one session."""

    stt: DeepgramSTTService
    llm: FallbackLLMService
    tts: ClearingTTSService


class FinalizingSTTService(DeepgramSTTService):
    """Deepgram, asked to finalize only where its endpointing has left words open.

    Pipecat asks at each silence of the VAD, which here is too short for that: words would be cut
    from the sentence they belong to. And it marks only a reply to Finalize that holds words as
    final; where endpointing came first, the empty reply would mark the next utterance instead.
    """

    def __init__(self, **kwargs: Any) -> None:
        """Create the service; arguments as Pipecat's."""
        super().__init__(**kwargs)
        self._has_open_words = False
        self._finalizing: asyncio.Task[None] | None = None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass audio to Deepgram; ask for the final of words left open after a silence."""
        if isinstance(frame, (VADUserStartedSpeakingFrame, VADUserStoppedSpeakingFrame)):
            await self._stop_finalizing()
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._has_open_words = True
        if isinstance(frame, VADUserStoppedSpeakingFrame):
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
        if connection and self._has_open_words:
            self.request_finalize()
            await connection.send_finalize(ListenV1Finalize(type="Finalize"))

    async def _stop_finalizing(self) -> None:
        task, self._finalizing = self._finalizing, None
        if task is not None:
            await self.cancel_task(task)

    async def _on_message(self, message: object) -> None:
        if isinstance(message, ListenV1Results):
            has_words = any(heard.transcript for heard in message.channel.alternatives)
            if has_words:
                self._has_open_words = not message.is_final
            if message.is_final and has_words and message.speech_final:
                self.request_finalize()
                self.confirm_finalize()
            elif message.is_final and not has_words and message.from_finalize:
                self._finalize_requested = False
        await super()._on_message(message)


# Both mixins say what every such service has; Deepgram says it more narrowly.
class ClearingTTSService(  # pyright: ignore[reportIncompatibleVariableOverride]
    PreparedGreeting, EagerOpening, DeepgramTTSService
):
    """Deepgram, with the greeting spoken from memory, and interrupted without a new connection.

    Pipecat reconnects after each interruption, since audio under way carries no name of its
    request: a TLS handshake in the next answer's way. Here it is dropped until `Cleared` comes.
    An answer's first words are flushed at once (`bot.opening`).
    """

    def __init__(self, **kwargs: Any) -> None:
        """Create the service; arguments as Pipecat's."""
        super().__init__(**kwargs)
        self._stale_until = 0.0
        self._clears_due = 0

    async def _handle_interruption(
        self, frame: InterruptionFrame, direction: FrameDirection
    ) -> None:
        self._bot_speaking = False
        self._tts_started = False
        # Past InterruptibleTTSService, which reconnects.
        await WebsocketTTSService._handle_interruption(self, frame, direction)

    async def on_audio_context_interrupted(self, context_id: str) -> None:
        """Have Deepgram drop its text and audio; what is under way belongs to nobody."""
        self._clears_due += 1
        self.forget_flushes()
        self._stale_until = asyncio.get_running_loop().time() + CLEARED_WITHIN_SECS
        await super().on_audio_context_interrupted(context_id)

    async def _connect_websocket(self) -> None:
        self._clears_due = 0
        self.forget_flushes()
        await super()._connect_websocket()

    @property
    def _is_stale(self) -> bool:
        return self._clears_due > 0 and asyncio.get_running_loop().time() < self._stale_until

    async def _receive_messages(self) -> None:
        messages = cast("AsyncIterator[bytes | str]", self._get_websocket())
        async for message in messages:
            context_id = self.get_active_audio_context_id()
            if isinstance(message, bytes):
                if context_id and not self._is_stale:
                    audio = TTSAudioRawFrame(message, self.sample_rate, 1, context_id=context_id)
                    await self.append_to_audio_context(context_id, audio)
                continue
            match json.loads(message).get("type"):
                case "Cleared":
                    self._clears_due = max(0, self._clears_due - 1)
                case "Flushed" if self._is_stale or self.take_opening_flushed():
                    pass
                case "Flushed" if context_id:
                    await self.append_to_audio_context(
                        context_id, TTSStoppedFrame(context_id=context_id)
                    )
                    await self.remove_audio_context(context_id)
                case "Warning":
                    logger.warning("text-to-speech warns: {}", json.loads(message).get("code"))
                case _:
                    pass


class FallbackLLMService(PatientLLMMixin[OpenAILLMAdapter], GroqLLMService):
    """Groq, with a deadline of our own and a second model for the same turn.

    Pipecat's service lets the SDK retry (two more tries, obeying a Retry-After of any length:
    14 s of silence were measured after one 429), and its failover never re-runs the failed turn.
    """

    def __init__(
        self,
        *,
        fallback_model: str | None,
        http: DefaultAsyncHttpxClient | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the service.

        Args:
            fallback_model: None means there is only one model.
            http: A client that others use as well; None for one of its own.
            kwargs: As Pipecat's.
        """
        # Before Pipecat's constructor, which asks for the client.
        self._shared_http = http
        super().__init__(**kwargs)
        self._fallback_model = fallback_model
        self._model_in_use: str | None = None

    def create_client(
        self, api_key: Any = None, base_url: Any = None, **kwargs: Any
    ) -> AsyncOpenAI:
        """Return a client with the SDK's own retries off."""
        http = self._shared_http or llm_http()
        return AsyncOpenAI(api_key=api_key, base_url=base_url, max_retries=0, http_client=http)

    def build_chat_completion_params(
        self, params_from_context: OpenAILLMInvocationParams
    ) -> dict[str, Any]:
        """Return the request, for whichever model is being asked."""
        build: Any = super().build_chat_completion_params  # pyright: ignore[reportUnknownVariableType]
        params: dict[str, Any] = build(params_from_context)
        if self._model_in_use is not None:
            params["model"] = self._model_in_use
        return params

    async def get_chat_completions(self, context: LLMContext) -> AsyncStream[ChatCompletionChunk]:
        """Open the answer's stream from the first model that gives one in time.

        Raises:
            openai.APIError: the last model refused.
            TimeoutError: the last model did not answer within LLM_FIRST_BYTE_TIMEOUT_SECS.
        """
        self._model_in_use = None
        try:
            return await self._open_stream(context)
        except (APIError, TimeoutError) as error:
            if self._fallback_model is None:
                raise
            logger.warning("llm failed, asking the fallback model: {}", type(error).__name__)
            self._model_in_use = self._fallback_model
            return await self._open_stream(context)

    async def cleanup(self) -> None:
        """Close an HTTP client of its own; Pipecat leaves it to the garbage collector."""
        await super().cleanup()
        if self._shared_http is None:
            await self._client.close()

    async def _open_stream(self, context: LLMContext) -> AsyncStream[ChatCompletionChunk]:
        return await asyncio.wait_for(
            super().get_chat_completions(context), LLM_FIRST_BYTE_TIMEOUT_SECS
        )


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


def build_services(
    settings: BotSettings, instruction: str, prepared: Prepared = NOTHING
) -> Services:
    """Return the providers of one session; each connects when the pipeline is set up.

    Args:
        settings: Keys, base URLs, models and the voice.
        instruction: The system instruction (`bot.instruction.build_instruction`).
        prepared: What the sessions of this process share.
    """
    at_groq = settings.llm_url == GROQ_CLOUD or settings.llm_base_url is None
    two_models = settings.llm_fallback_model not in ("", settings.llm_model)
    return Services(
        stt=FinalizingSTTService(
            api_key=settings.deepgram_key,
            base_url=settings.deepgram_base_url,
            ttfs_p99_latency=STT_FINAL_TIMEOUT_SECS,
            settings=FinalizingSTTService.Settings(
                model=settings.deepgram_stt_model,
                endpointing=ENDPOINTING_MS,
            ),
        ),
        llm=FallbackLLMService(
            api_key=settings.llm_key,
            base_url=settings.llm_url,
            http=prepared.llm_http,
            fallback_model=settings.llm_fallback_model if at_groq and two_models else None,
            settings=FallbackLLMService.Settings(
                model=settings.llm_model,
                system_instruction=instruction,
                # Left out for other servers: models that do not reason refuse the parameter.
                reasoning_effort="low" if at_groq else None,
            ),
        ),
        tts=ClearingTTSService(
            greeting=prepared.greeting,
            api_key=settings.deepgram_key,
            base_url=websocket_origin(settings.deepgram_base_url),
            settings=ClearingTTSService.Settings(voice=settings.assistant_voice),
        ),
    )
