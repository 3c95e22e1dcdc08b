"""The graph: one utterance runs through it from top to bottom."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.transports.base_transport import BaseTransport

from bot.services import Services


@dataclass(frozen=True)
class Graph:
    """A pipeline and the context its two aggregators share."""

    pipeline: Pipeline
    context: LLMContext


def build_pipeline(
    transport: BaseTransport, services: Services, turn_params: LLMUserAggregatorParams
) -> Graph:
    """Return the linear graph of one session.

    Args:
        transport: Where the user's audio comes from and the bot's goes to.
        services: The three providers of this session.
        turn_params: Voice activity and turn strategies (`bot.turns`).
    """
    context = LLMContext()
    aggregators = LLMContextAggregatorPair(context, user_params=turn_params)
    pipeline = Pipeline(
        [
            transport.input(),  # microphone: s16le mono 16 kHz
            services.stt,  # audio -> interim and final transcripts
            aggregators.user(),  # VAD, turn decision, interruption; transcript -> context
            services.llm,  # context -> text
            services.tts,  # text -> audio: s16le mono 24 kHz
            transport.output(),  # speaker, paced in real time
            aggregators.assistant(),  # what was spoken -> context
        ]
    )
    return Graph(pipeline, context)
