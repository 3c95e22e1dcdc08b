"""What a session takes from its providers, in the units that they bill."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum


class Unit(StrEnum):
    """What is counted: how often each provider was asked, and for how much."""

    STT_CALLS = "stt_calls"
    """Connections to speech-to-text."""
    STT_SECS = "stt_secs"
    """Audio sent to it: silence is billed, too."""
    LLM_CALLS = "llm_calls"
    """Answers asked of a model, those thrown away included."""
    LLM_INPUT_TOKENS = "llm_input_tokens"
    """As the provider told; an answer cut off before its end tells none."""
    LLM_OUTPUT_TOKENS = "llm_output_tokens"
    """The same of the answer."""
    TTS_CALLS = "tts_calls"
    """Sentences and first clauses given to text-to-speech."""
    TTS_CHARACTERS = "tts_characters"
    """Their letters: what is spoken from memory costs nothing."""


UNITS = tuple(unit.value for unit in Unit)


class Usage:
    """What one session has taken and nobody has been told yet."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._amounts: defaultdict[str, float] = defaultdict(float)

    def add(self, unit: Unit, amount: float = 1) -> None:
        """Note that so much more was taken."""
        self._amounts[unit.value] += amount

    def take(self) -> dict[str, float]:
        """Return what was taken since the last call, by unit; empty where nothing was."""
        taken = {name: round(amount, 3) for name, amount in self._amounts.items()}
        self._amounts.clear()
        return taken
