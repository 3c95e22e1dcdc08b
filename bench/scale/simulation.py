"""Callers come, are placed by load, talk and leave; machines break: a seeded simulation."""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True)
class Scenario:
    """What is simulated.

    Attributes:
        machines: How many.
        lines: Of each.
        offered: Mean number of conversations at once, if nobody were refused.
        talk_secs: Mean length of a conversation; lengths are exponential.
        breaks_every_secs: Mean time between two losses of a machine; 0: none breaks.
        repair_secs: How long a lost machine is away.
        secs: How long it is watched, after as long again to settle.
    """

    machines: int
    lines: int
    offered: float
    talk_secs: float = 180.0
    breaks_every_secs: float = 0.0
    repair_secs: float = 60.0
    secs: float = 3600.0


@dataclass
class Outcome:
    """What happened.

    Attributes:
        callers: Who came.
        refused: Who found every line busy.
        cut: Whose machine was lost in the middle.
        resumed: Of these, who found a line elsewhere at once.
        most: The most conversations at once on one machine.
        spread: The largest difference between two machines that were up, at any arrival.
    """

    callers: int = 0
    refused: int = 0
    cut: int = 0
    resumed: int = 0
    most: int = 0
    spread: int = 0

    @property
    def refused_share(self) -> float:
        """Share of the callers that were refused."""
        return self.refused / self.callers if self.callers else 0.0


@dataclass
class _World:
    scenario: Scenario
    dice: random.Random
    outcome: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        self.busy: list[dict[int, float]] = [{} for _ in range(self.scenario.machines)]
        self.is_up = [True] * self.scenario.machines
        self.events: list[tuple[float, int, str, int]] = []
        self._order = count()

    def later(self, at: float, what: str, who: int = 0) -> None:
        heapq.heappush(self.events, (at, next(self._order), what, who))

    def place(self, caller: int, ends: float) -> bool:
        """Give a caller the machine with the fewest; say whether there was one."""
        up = [one for one, is_up in enumerate(self.is_up) if is_up]
        free = [one for one in up if len(self.busy[one]) < self.scenario.lines]
        if not free:
            return False
        chosen = min(free, key=lambda one: len(self.busy[one]))
        self.busy[chosen][caller] = ends
        counts = [len(self.busy[one]) for one in up]
        self.outcome.most = max(self.outcome.most, *counts)
        self.outcome.spread = max(self.outcome.spread, max(counts) - min(counts))
        return True


def simulate(scenario: Scenario, seed: int) -> Outcome:
    """Return what happens; the same for the same seed."""
    world = _World(scenario, random.Random(seed))  # noqa: S311 - no secret
    between_secs = scenario.talk_secs / scenario.offered
    world.later(world.dice.expovariate(1 / between_secs), "call")
    if scenario.breaks_every_secs:
        world.later(world.dice.expovariate(1 / scenario.breaks_every_secs), "break")
    callers = count(1)
    while world.events:
        now, _, what, who = heapq.heappop(world.events)
        if now > 2 * scenario.secs:
            break
        counted = now > scenario.secs
        match what:
            case "call":
                world.later(now + world.dice.expovariate(1 / between_secs), "call")
                caller, ends = next(callers), now + world.dice.expovariate(1 / scenario.talk_secs)
                placed = world.place(caller, ends)
                world.outcome.callers += counted
                world.outcome.refused += counted and not placed
                world.later(ends, "end", caller)
            case "end":
                for sessions in world.busy:
                    sessions.pop(who, None)
            case "break":
                world.later(now + world.dice.expovariate(1 / scenario.breaks_every_secs), "break")
                _break(world, now, counted=counted)
            case _:
                world.is_up[who] = True
    return world.outcome


def _break(world: _World, now: float, *, counted: bool) -> None:
    """Lose a machine; whoever talked there is placed anew, for the rest of the talk."""
    up = [one for one, is_up in enumerate(world.is_up) if is_up]
    if not up:
        return
    lost = world.dice.choice(up)
    world.is_up[lost] = False
    world.later(now + world.scenario.repair_secs, "repair", lost)
    sessions, world.busy[lost] = world.busy[lost], {}
    for caller, ends in sessions.items():
        placed = world.place(caller, ends)
        world.outcome.cut += counted
        world.outcome.resumed += counted and placed
