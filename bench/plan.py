"""How the wanted numbers are spread over rounds, sessions and scripts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

# In each interrupted answer: one question, and two interruptions in a row.
CHAIN: Final = 2
_ROUNDS: Final = 2
_GREETINGS_PER_ROUND: Final = 3
_TURNS_OF_MANY: Final = 4
# The baseline of the many: enough for a p95 that is not its only slow turn.
_TURNS_OF_ONE: Final = 6


@dataclass(frozen=True)
class Plan:
    """What each deployment is asked to do.

    Attributes:
        rounds: Times that each deployment has its go with one caller.
        questions: Plain questions of that caller.
        interruptions: Interrupted answers of that caller, `CHAIN` interruptions each.
        greetings: Sessions per round that only wait for the greeting, one after the other.
        sessions: Callers at once, one block each; ours alone where `own_sessions` has it.
        own_sessions: The same, for the product alone.
        turns_of_one: Questions of the single caller that the many are compared with.
        turns_of_many: Questions of each of many callers.
    """

    rounds: int
    questions: int
    interruptions: int
    greetings: int
    sessions: tuple[int, ...]
    own_sessions: tuple[int, ...]
    turns_of_one: int = _TURNS_OF_ONE
    turns_of_many: int = _TURNS_OF_MANY

    @classmethod
    def of(
        cls, turns: int, interruptions: int, sessions: tuple[int, ...], own: tuple[int, ...]
    ) -> Plan:
        """Return the plan with at least these numbers of questions and interruptions.

        Args:
            turns: Questions to each deployment; 0 leaves the single caller out.
            interruptions: Interruptions of each deployment.
            sessions: Callers at once.
            own: The same, for the product alone.
        """
        rounds = _ROUNDS if turns else 0
        chains = math.ceil(interruptions / CHAIN / max(rounds, 1))
        # The question of an interrupted answer counts like any other.
        questions = max(0, math.ceil(turns / max(rounds, 1)) - chains)
        return cls(rounds, questions, chains, _GREETINGS_PER_ROUND, sessions, own)

    @classmethod
    def quick(cls) -> Plan:
        """Return the smallest plan with something in every row."""
        return cls(1, 2, 1, 1, (2,), (), turns_of_one=1, turns_of_many=1)
