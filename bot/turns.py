"""When a turn starts and ends: voice activity, then smart-turn, with the numbers and why."""

from __future__ import annotations

from pipecat.audio.turn.smart_turn.base_smart_turn import SmartTurnParams
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.turns.user_start import TranscriptionUserTurnStartStrategy, VADUserTurnStartStrategy
from pipecat.turns.user_stop import TurnAnalyzerUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies

from bot.models import SharedTurnAnalyzer, SharedVADAnalyzer

# 0.2 s is what smart-turn was trained to be asked after (Pipecat's own default); with 0.1 s its
# score for the same recordings fell to 0.09-0.74.
VAD_STOP_SECS = 0.2
VAD_START_SECS = 0.2

# Smart-turn sometimes calls a finished sentence unfinished; the wait is then this silence, not
# its default 3 s. Human pauses inside a sentence are mostly under 1 s.
SMART_TURN_STOP_SECS = 1.5


def build_turn_params() -> LLMUserAggregatorParams:
    """Return the user aggregator's parameters; a new one for each session."""
    return LLMUserAggregatorParams(
        vad_analyzer=SharedVADAnalyzer(
            params=VADParams(start_secs=VAD_START_SECS, stop_secs=VAD_STOP_SECS)
        ),
        user_turn_strategies=UserTurnStrategies(
            start=[VADUserTurnStartStrategy(), TranscriptionUserTurnStartStrategy()],
            stop=[
                TurnAnalyzerUserTurnStopStrategy(
                    turn_analyzer=SharedTurnAnalyzer(
                        params=SmartTurnParams(stop_secs=SMART_TURN_STOP_SECS)
                    )
                )
            ],
        ),
    )
