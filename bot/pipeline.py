"""The graph: one utterance runs through it from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.transports.base_transport import BaseTransport

from bot.context import ConversationContext
from bot.lines import Line
from bot.playout import Playout
from bot.services import Services
from bot.turns import build_turns
from bot.waterfall import Waterfall


@dataclass(frozen=True)
class Graph:
    """A pipeline, the context its two aggregators share, its mouth, and where turns are timed."""

    pipeline: Pipeline
    context: ConversationContext
    playout: Playout
    waterfall: Waterfall


def build_pipeline(
    transport: BaseTransport,
    services: Services,
    take_back: Callable[[], None],
    tap: FrameProcessor | None = None,
    remembered: Sequence[Line] = (),
) -> Graph:
    """Return the linear graph of one session.

    Args:
        transport: Where the user's audio comes from and the bot's goes to.
        services: The three providers of this session.
        take_back: Drops the audio that the room has been given and has not played.
        tap: Hears both voices, where they are recorded.
        remembered: What was said before, where the conversation goes on from another process.
    """
    waterfall = Waterfall()
    playout = Playout(take_back, waterfall)
    turns = build_turns(playout, waterfall)
    context = ConversationContext(is_false_end=playout.was_cut_short, remembered=remembered)
    aggregators = LLMContextAggregatorPair(context, user_params=turns.params)
    turns.bind(aggregators)
    services.llm.act_after(playout.wait_released, lambda: playout.is_held)
    services.tts.note_in(waterfall)
    services.llm.passes_audio = tap is not None
    pipeline = Pipeline(
        [
            transport.input(),  # microphone: s16le mono 16 kHz
            services.stt,  # audio -> interim and final transcripts
            aggregators.user(),  # VAD, turn decision, interruption; transcript -> context
            services.llm,  # context -> text
            services.tts,  # text -> audio: s16le mono 24 kHz
            playout,  # holds, paces, pauses; audio -> audio and the words heard
            *([tap] if tap else []),  # both voices -> a file
            transport.output(),  # speaker
            aggregators.assistant(),  # what was heard -> context
        ]
    )
    return Graph(pipeline, context, playout, waterfall)
