"""What the sessions of one process share, made before the first of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.greeting import Greeting


@dataclass(frozen=True)
class Prepared:
    """Everything is optional: a session without it makes its own.

    Attributes:
        greeting: The greeting's audio.
        llm_http: The HTTP client for the language model (`bot.services.llm_http`): connections
            stay open from one session to the next.
    """

    greeting: Greeting | None = None
    llm_http: Any = None


NOTHING = Prepared()
