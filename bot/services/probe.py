"""Whether the providers would take a session: asked over the same connections, with no audio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import urlencode

import aiohttp

from bot.finding import Finding
from bot.http_clients import websocket_origin
from bot.settings import GROQ_CLOUD, BotSettings

# A provider that needs longer to answer a handshake is no use in a conversation.
ANSWER_TIMEOUT_SECS = 5.0

_REFUSED = (401, 403)
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError)


async def probe_providers(settings: BotSettings) -> list[Finding]:
    """Return what is wrong with the model, speech to text and text to speech."""
    found = await asyncio.gather(
        _model(settings),
        _listening(settings),
        *(_speaking(settings, *v) for v in _voices(settings)),
    )
    return list(dict.fromkeys(finding for findings in found for finding in findings))


def _voices(settings: BotSettings) -> list[tuple[str, str]]:
    voices = [(settings.assistant_voice, "ASSISTANT_VOICE")]
    if settings.assistant_fallback_voice not in ("", settings.assistant_voice):
        voices.append((settings.assistant_fallback_voice, "ASSISTANT_FALLBACK_VOICE"))
    return voices


async def _model(settings: BotSettings) -> list[Finding]:
    """Ask which models are served (`GET /models`)."""
    where = "LLM_BASE_URL" if settings.llm_base_url else "GROQ_BASE_URL"
    key = "LLM_API_KEY" if settings.llm_base_url else "GROQ_API_KEY"
    headers = {"Authorization": f"Bearer {settings.llm_key}"}
    try:
        async with (
            _http() as http,
            http.get(f"{settings.llm_url.rstrip('/')}/models", headers=headers) as answer,
        ):
            if answer.status in _REFUSED:
                return [Finding("model_key_refused", f"{key} is refused: put a valid key there.")]
            if answer.status != 200:
                remedy = f"{where}/models answers {answer.status}: correct {where}, or try later."
                return [Finding("model_not_usable", remedy)]
            listed = cast("dict[str, list[dict[str, Any]]]", await answer.json(content_type=None))
            served = {str(model["id"]) for model in listed["data"]}
    except (ValueError, TypeError, KeyError):
        remedy = f"{where} is no OpenAI-compatible API: its path usually ends in /v1."
        return [Finding("model_answer_invalid", remedy)]
    except _FAILURES:
        remedy = f"Nothing answers at {where}: correct it, or let this machine reach it."
        return [Finding("model_unreachable", remedy)]
    wanted = {settings.llm_model: "LLM_MODEL"}
    if settings.llm_base_url in (None, GROQ_CLOUD) and settings.llm_fallback_model:
        wanted.setdefault(settings.llm_fallback_model, "LLM_FALLBACK_MODEL")
    return [
        Finding(
            "model_not_served" if name == "LLM_MODEL" else "fallback_model_not_served",
            f"{name}={model} is not served at {where}: take one of its /models.",
            is_fatal=name == "LLM_MODEL",
        )
        for model, name in wanted.items()
        if model not in served
    ]


async def _listening(settings: BotSettings) -> list[Finding]:
    query = {
        "model": settings.deepgram_stt_model,
        "encoding": "linear16",
        "sample_rate": "16000",
        "channels": "1",
    }
    status = await _handshake(settings, "listen", query)
    return _speech_finding("stt", status, "DEEPGRAM_STT_MODEL", settings.deepgram_stt_model)


async def _speaking(settings: BotSettings, voice: str, name: str) -> list[Finding]:
    query = {"model": voice, "encoding": "linear16", "sample_rate": "24000"}
    status = await _handshake(settings, "speak", query)
    return _speech_finding("tts", status, name, voice)


def _speech_finding(service: str, status: int | None, name: str, value: str) -> list[Finding]:
    """Turn a handshake's status (101 is the good one, None is no answer) into what to do."""
    if status == 101:
        return []
    if status is None:
        remedy = "Nothing answers at DEEPGRAM_BASE_URL: correct it, or let this machine reach it."
        return [Finding(f"{service}_unreachable", remedy)]
    if status in _REFUSED:
        remedy = "DEEPGRAM_API_KEY is refused: put a valid key there."
        return [Finding(f"{service}_key_refused", remedy)]
    if status == 402:
        return [Finding(f"{service}_no_credit", "The Deepgram account is empty: add credit.")]
    if status == 400:
        return [Finding(f"{service}_model_refused", f"{name}={value} is refused: correct it.")]
    remedy = f"DEEPGRAM_BASE_URL answers {status}: correct it, or try later."
    return [Finding(f"{service}_not_usable", remedy)]


async def _handshake(settings: BotSettings, path: str, query: dict[str, str]) -> int | None:
    """Return the status of a WebSocket handshake; None when nothing answers in time."""
    url = f"{websocket_origin(settings.deepgram_base_url)}/v1/{path}?{urlencode(query)}"
    headers = {"Authorization": f"Token {settings.deepgram_key}"}
    try:
        async with (
            asyncio.timeout(ANSWER_TIMEOUT_SECS),
            _http() as http,
            http.ws_connect(url, headers=headers) as socket,
        ):
            await socket.close()
    except aiohttp.WSServerHandshakeError as error:
        return error.status
    except (*_FAILURES, ValueError):
        return None
    return 101


@asynccontextmanager
async def _http() -> AsyncGenerator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=ANSWER_TIMEOUT_SECS)
    async with aiohttp.ClientSession(timeout=timeout) as http:
        yield http
