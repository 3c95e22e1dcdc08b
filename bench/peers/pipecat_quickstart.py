"""Pipecat's quickstart bot as its documentation describes it, on LiveKit, Deepgram and Groq.

Run by Pipecat's own runner: `python bench/peers/pipecat_quickstart.py -t livekit --port N`, then
`POST /start`. Nothing is tuned: transport, voice activity, turn strategies and services keep their
defaults, and as in the quickstart the model is asked for a greeting when somebody joins. Only the
addresses of the providers are given. This program imports nothing of this project.

References: docs.pipecat.ai, "Quickstart", "User turn strategies" and "LiveKitTransport"
(November 2026, Pipecat 1.14).
"""

# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

import os
from typing import Any

from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import LLMRunFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.runner.run import main
from pipecat.runner.types import RunnerArguments
from pipecat.runner.utils import create_transport
from pipecat.services.deepgram.stt import DeepgramSTTService
from pipecat.services.deepgram.tts import DeepgramTTSService
from pipecat.services.groq.llm import GroqLLMService
from pipecat.transports.base_transport import BaseTransport
from pipecat.transports.livekit.transport import LiveKitParams
from pipecat.workers.runner import WorkerRunner

# The address of the delay server, http://host:port; a program of its own has its own settings.
PROVIDERS = os.environ["BENCH_PROVIDERS_URL"]  # noqa: TID251
_KEY = "local"
_INSTRUCTION = "You are a friendly voice assistant. Keep your answers short and conversational."


def _livekit() -> LiveKitParams:
    return LiveKitParams(audio_in_enabled=True, audio_out_enabled=True)


async def bot(runner_args: RunnerArguments) -> None:
    """Run one session; Pipecat's runner calls this.

    Args:
        runner_args: Room and token.
    """
    transport = await create_transport(runner_args, {"livekit": _livekit})
    stt = DeepgramSTTService(api_key=_KEY, base_url=PROVIDERS)
    llm = GroqLLMService(
        api_key=_KEY,
        base_url=f"{PROVIDERS}/openai/v1",
        settings=GroqLLMService.Settings(system_instruction=_INSTRUCTION),
    )
    tts = DeepgramTTSService(api_key=_KEY, base_url=PROVIDERS.replace("http", "ws", 1))
    context = LLMContext()
    user, assistant = LLMContextAggregatorPair(
        context, user_params=LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer())
    )
    worker = PipelineWorker(
        Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant]),
        params=PipelineParams(enable_metrics=True, enable_usage_metrics=True),
    )

    @transport.event_handler("on_client_connected")
    async def greet(_transport: BaseTransport, _client: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        context.add_message({"role": "developer", "content": "Greet the user in one sentence."})
        await worker.queue_frames([LLMRunFrame()])

    @transport.event_handler("on_client_disconnected")
    async def leave(_transport: BaseTransport, _client: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=runner_args.handle_sigint)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    main()
