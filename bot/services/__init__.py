"""The providers: the only package that names Deepgram, Groq or OpenAI."""

from __future__ import annotations

from dataclasses import dataclass

from bot.breaker import SPEECH_FAILURES, Breakers
from bot.failures import Report, unheard
from bot.http_clients import websocket_origin
from bot.prepared import NOTHING, Prepared
from bot.services.llm import FallbackLLMService, llm_http
from bot.services.stt import ENDPOINTING_MS, STT_FINAL_TIMEOUT_SECS, LastingSTTService
from bot.services.tts import LastingTTSService, synthesise
from bot.settings import GROQ_CLOUD, BotSettings
from bot.usage import Usage

__all__ = ["Services", "build_services", "llm_http", "synthesise"]


@dataclass(frozen=True)
class Services:
    """The three providers of one session."""

    stt: LastingSTTService
    llm: FallbackLLMService
    tts: LastingTTSService


def build_services(
    settings: BotSettings,
    instruction: str,
    prepared: Prepared = NOTHING,
    report: Report = unheard,
    usage: Usage | None = None,
) -> Services:
    """Return the providers of one session; each connects when the pipeline is set up.

    Args:
        settings: Keys, base URLs, models and the voice.
        instruction: The system instruction (`bot.instruction.build_instruction`).
        prepared: What the sessions of this process share.
        report: Is told of what the providers' services deal with by themselves.
        usage: Where it is counted what is taken from them.
    """
    breakers = prepared.breakers or Breakers()
    usage = usage or Usage()
    at_groq = settings.llm_url == GROQ_CLOUD or settings.llm_base_url is None
    two_models = settings.llm_fallback_model not in ("", settings.llm_model)
    return Services(
        stt=LastingSTTService(
            report=report,
            usage=usage,
            api_key=settings.deepgram_key,
            base_url=settings.deepgram_base_url,
            ttfs_p99_latency=STT_FINAL_TIMEOUT_SECS,
            settings=LastingSTTService.Settings(
                model=settings.deepgram_stt_model,
                endpointing=ENDPOINTING_MS,
            ),
        ),
        llm=FallbackLLMService(
            api_key=settings.llm_key,
            base_url=settings.llm_url,
            http=prepared.llm_http,
            breakers=breakers,
            report=report,
            usage=usage,
            fallback_model=settings.llm_fallback_model if at_groq and two_models else None,
            settings=FallbackLLMService.Settings(
                model=settings.llm_model,
                system_instruction=instruction,
                # Left out for other servers: models that do not reason refuse the parameter.
                reasoning_effort="low" if at_groq else None,
            ),
        ),
        tts=LastingTTSService(
            phrases=prepared.phrases,
            breaker=breakers.of("text-to-speech", SPEECH_FAILURES),
            second_voice=settings.assistant_fallback_voice,
            report=report,
            usage=usage,
            api_key=settings.deepgram_key,
            base_url=websocket_origin(settings.deepgram_base_url),
            settings=LastingTTSService.Settings(voice=settings.assistant_voice),
        ),
    )
