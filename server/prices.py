"""What providers ask for what sessions take from them, in the operator's own currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from bot.usage import Unit
from server.settings import ServerSettings

PROVIDERS = ("stt", "llm", "tts")


@dataclass(frozen=True)
class Prices:
    """Prices of the units that cost something.

    Attributes:
        per_unit: By `bot.usage.Unit`; empty where the operator has named none.
    """

    per_unit: Mapping[str, float] = field(default_factory=dict[str, float])

    @classmethod
    def of(cls, settings: ServerSettings) -> Self:
        """Return what the settings say."""
        named = {
            Unit.STT_SECS: settings.price_stt_minute / 60,
            Unit.LLM_INPUT_TOKENS: settings.price_llm_million_in / 1e6,
            Unit.LLM_OUTPUT_TOKENS: settings.price_llm_million_out / 1e6,
            Unit.TTS_CHARACTERS: settings.price_tts_1000_characters / 1000,
        }
        return cls({unit.value: price for unit, price in named.items() if price})

    def costs(self, amounts: Mapping[str, float]) -> dict[str, float]:
        """Return what these amounts cost, by provider; only what costs something."""
        costs: dict[str, float] = {}
        for unit, amount in amounts.items():
            if price := self.per_unit.get(unit):
                provider = unit.partition("_")[0]
                costs[provider] = costs.get(provider, 0.0) + price * amount
        return costs
