"""How the two talk in turns: the VAD's numbers, and the strategies that start and end a turn."""

from __future__ import annotations

from dataclasses import dataclass

from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from bot.models import EndScorer, SharedVADAnalyzer
from bot.playout import Playout
from bot.turn_end import EarlyAnswerTurnStopStrategy
from bot.turn_start import YieldingTurnStartStrategy
from bot.waterfall import Waterfall

# Three windows of Silero (32 ms each) either way: a voice pauses the bot, and silence lets an
# answer be prepared. Both can be taken back, so neither needs to be sure.
VAD_START_SECS = 0.1
VAD_STOP_SECS = 0.1


@dataclass(frozen=True)
class Turns:
    """The turn-taking of one session.

    Attributes:
        params: For the user aggregator.
        end: The strategy that ends a turn.
    """

    params: LLMUserAggregatorParams
    end: EarlyAnswerTurnStopStrategy

    def bind(self, aggregators: LLMContextAggregatorPair) -> None:
        """Connect the strategies with the aggregators of their pipeline."""
        self.end.bind(aggregators.user().broadcast_interruption)

        async def on_stopped(_aggregator: object, _message: object) -> None:
            self.end.note_answer_kept()

        aggregators.assistant().add_event_handler("on_assistant_turn_stopped", on_stopped)


def build_turns(playout: Playout, waterfall: Waterfall) -> Turns:
    """Return the turn-taking of one session.

    Args:
        playout: The bot's mouth.
        waterfall: Where the steps of a turn are noted.
    """
    vad = SharedVADAnalyzer(params=VADParams(start_secs=VAD_START_SECS, stop_secs=VAD_STOP_SECS))
    end = EarlyAnswerTurnStopStrategy(playout, vad, EndScorer(), waterfall)
    params = LLMUserAggregatorParams(
        vad_analyzer=vad,
        user_turn_strategies=UserTurnStrategies(
            start=[YieldingTurnStartStrategy(playout)], stop=[end]
        ),
        # Who was not understood is told so from memory (`stt_unheard`), at once and for nothing.
        empty_user_turn=None,
    )
    return Turns(params, end)
