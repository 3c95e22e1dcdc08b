"""What the sessions of one process share, made before the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.breaker import Breakers
from bot.phrases import Phrases


@dataclass(frozen=True)
class Prepared:
    """Everything is optional: a session without it makes its own.

    Attributes:
        phrases: The greeting and the apologies, as they sound.
        llm_http: The HTTP client for the language model (`bot.services.llm_http`): connections
            stay open from one session to the next.
        breakers: What the sessions know of the providers' health.
    """

    phrases: Phrases | None = None
    llm_http: Any = None
    breakers: Breakers | None = None


NOTHING = Prepared()
