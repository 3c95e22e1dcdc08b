"""Stock Pipecat in the replay's room: the quickstart's pipeline with every default kept.

Default voice activity (start and stop 0.2 s), default turn strategies (smart-turn at 0.5, 3 s), the
stock Deepgram and Groq services. Only the greeting is given as text, so that both systems begin at
the same instant.
"""

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import TTSSpeakFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.groq.llm import GroqLLMService
from pipecat.transports.base_transport import BaseTransport
from pipecat.workers.runner import WorkerRunner

from bot.session import EndReason, SessionInfo
from bot.settings import BotSettings
from bot.usage import Usage
from bot.waterfall import Waterfall


class _StockLLMService(GroqLLMService):
    """Stock, but its connections are closed at the end: the clock refuses to leave any behind."""

    async def cleanup(self) -> None:
        """Close the HTTP client."""
        await super().cleanup()
        await self._client.close()


class StockSession:
    """Stands where `bot.session.Session` stands in a replay."""

    def __init__(
        self,
        _info: SessionInfo,
        transport: BaseTransport,
        settings: BotSettings,
        instruction: str,
        *_rest: object,
        **_more: object,
    ) -> None:
        """Build the quickstart's pipeline on a transport; what only production takes is ignored."""
        base = settings.deepgram_base_url
        stt = DeepgramSTTService(api_key="replay", base_url=base)
        llm = _StockLLMService(
            api_key="replay",
            base_url=settings.llm_url,
            settings=_StockLLMService.Settings(system_instruction=instruction),
        )
        tts = DeepgramTTSService(api_key="replay", base_url=base.replace("http", "ws", 1))
        context = LLMContext()
        user, assistant = LLMContextAggregatorPair(
            context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
        )
        self._worker = PipelineWorker(
            Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant]),
            params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
        )
        self._greeting = settings.assistant_greeting
        self.graph = SimpleNamespace(context=context, waterfall=Waterfall())
        self.failures = SimpleNamespace(counts=Counter[str]())  # stock counts none of its own
        self.usage = Usage()
        self.reason: EndReason | None = None
        transport.add_event_handler("on_client_connected", self._greet)

    async def _greet(self, _transport: Any, _client: Any) -> None:
        await self._worker.queue_frame(TTSSpeakFrame(self._greeting))

    async def run(self) -> EndReason:
        """Run until ended."""
        runner = WorkerRunner(handle_sigint=False)
        await runner.add_workers(self._worker)
        await runner.run()
        self.reason = self.reason or EndReason.SHUTDOWN
        return self.reason

    def end(self, reason: EndReason, _farewell: str | None = None) -> None:
        """Cancel the pipeline."""
        self.reason = reason
        self._ending = asyncio.create_task(self._worker.cancel(reason=str(reason)))
