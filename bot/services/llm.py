"""The language model: Groq, or any server that speaks OpenAI's protocol."""

from __future__ import annotations

import asyncio
from typing import Any

from loguru import logger
from openai import APIError, AsyncOpenAI, AsyncStream, DefaultAsyncHttpxClient
from openai.types.chat import ChatCompletionChunk
from pipecat.adapters.llm.services.open_ai_adapter import (
    OpenAILLMAdapter,
    OpenAILLMInvocationParams,
)
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.services.groq.llm import GroqLLMService
from pipecat.utils.http import connection_limits

from bot.http_clients import certificates
from bot.patience import PatientLLMMixin

# Groq's gpt-oss-120b gives its first token in 0.1 s (median) and 2.1 s (worst of 300, aiewf-eval).
LLM_FIRST_BYTE_TIMEOUT_SECS = 2.5


def llm_http() -> DefaultAsyncHttpxClient:
    """Return an HTTP client for the language model, for one or for all sessions of a process."""
    # Without an expiry, so that a connection outlives the pause between two turns.
    limits: Any = connection_limits(
        max_keepalive_connections=100, max_connections=1000, keepalive_expiry=None
    )
    return DefaultAsyncHttpxClient(verify=certificates(), limits=limits)


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
